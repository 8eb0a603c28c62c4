"""The form a payer's browser posts to a provider names the payer: it stands nowhere in clear, and is shown as
it was to whom it concerns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from quickkub.checkout.store import find_checkout
from quickkub.connectors.contract import Action, ActionKind, Waiting
from quickkub.kernel.money import baht
from quickkub.payments import ask
from quickkub.payments.forms import answered_place, form_place
from quickkub.storage import Database
from quickkub.storage.vault import CannotOpen
from tests.support.shop import Shop, open_shop

PRICE: Final = baht(150)
FIELDS: Final = {
    "customerName": "Kanarie เมล็ด \"<b>'&",
    "customerEmail": "kanarie@example.com",
    "publicKey": "test-key",
}
FORM: Final = Waiting(Action(ActionKind.FORM_POST, "https://forms.example/v1", fields=FIELDS), "P-1")
STEP: Final = {"type": "form_post", "url": "https://forms.example/v1", "fields": FIELDS}


@pytest.fixture
async def shop(database: Database) -> Shop:
    shop = await open_shop(database)
    shop.bank.to_create.append(FORM)
    return shop


async def never(*_: Any, **__: Any) -> None:
    """Nothing is taken at once."""


async def in_clear(shop: Shop) -> list[str]:
    """Every column of the merchant's rows that names the payer, sealed or not."""
    tables = await shop.rows(
        "SELECT table_name AS name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND column_name = 'merchant_id'"
    )
    found = []
    for table in {row["name"] for row in tables}:
        for row in await shop.rows(f"SELECT * FROM {table} WHERE merchant_id = $1", shop.merchant):
            for name, value in row.items():
                text = value.decode("latin-1") if isinstance(value, bytes) else repr(value)
                if "kanarie" in text.lower() or "test-key" in text:
                    found.append(f"{table}.{name}")
    return found


@pytest.mark.parametrize("way", ["at once", "the long way"])
async def test_the_form_is_answered_seen_and_given_again_as_it_was_and_stands_nowhere_in_clear(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "the long way":
        monkeypatch.setattr(ask, "take_at_once", never)
    answered = await shop.asks(PRICE, "key-1")
    payment = json.loads(answered.body)
    assert payment["next_action"] == STEP
    again = await shop.asks(PRICE, "key-1")
    assert again.replayed and again.body == answered.body
    assert (await shop.sees(payment["id"]))["next_action"] == STEP
    async with shop.db.read() as reader:
        page = await find_checkout(reader, shop.vault, payment["checkout_url"].rsplit("/", 1)[-1])
    assert page is not None and page.step is not None and page.step.fields == FIELDS
    assert await in_clear(shop) == []


async def test_a_repeat_after_a_crash_gets_the_form_and_so_does_the_repeat_of_that(shop: Shop) -> None:
    await shop.charges(PRICE, "key-1")
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET status = NULL, answer = NULL, form_fields = NULL")
        await tx.execute("UPDATE idempotency_keys SET busy_until = now()")
    first = await shop.asks(PRICE, "key-1")
    second = await shop.asks(PRICE, "key-1")
    assert json.loads(first.body)["next_action"] == STEP and first.body == second.body
    assert await in_clear(shop) == []


async def test_the_form_of_one_payment_does_not_open_at_another_or_in_the_other_mode(shop: Shop) -> None:
    await shop.charges(PRICE, "key-1")
    (attempt,) = await shop.rows("SELECT * FROM attempts")
    (kept,) = await shop.rows("SELECT * FROM idempotency_keys")
    own = form_place(shop.merchant, attempt["id"], "test")
    assert json.loads(shop.vault.open(attempt["form_fields"], own)) == FIELDS
    answered = answered_place(replace(shop.once("payments.create", "key-1", ""), operation=kept["operation"]))
    assert json.loads(shop.vault.open(kept["form_fields"], answered)) == FIELDS
    for place in (
        replace(own, row="att_" + "0" * 32),
        replace(own, mode="live"),
        replace(own, merchant="mer_" + "0" * 32),
        answered,
    ):
        with pytest.raises(CannotOpen):
            shop.vault.open(attempt["form_fields"], place)
