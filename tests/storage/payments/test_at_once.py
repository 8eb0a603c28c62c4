"""A provider's first answer is taken in by one statement, which writes what the long way would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any

import pytest

from quickkub.connectors.contract import Account, Action, ActionKind, Paid, Unknown, Waiting
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import baht
from quickkub.payments import ask, settle
from quickkub.payments.service import Payments
from quickkub.storage import Database
from tests.support.shop import QR, QuietLine, Shop, ToldByBank, open_shop, receipt

PRICE = baht(150)
TABLES = ("payments", "attempts", "evidence", "events", "webhook_deliveries", "idempotency_keys", "cases")
OF_ITS_OWN = {
    "merchant_id", "account_id", "id", "payment_id", "attempt_id", "evidence_id", "object_id", "resource_id",
    "fingerprint", "answer", "reference", "checkout_token", "transcript", "data", "why", "busy_until",
}  # fmt: skip


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def written(shop: Shop, table: str) -> Counter[str]:
    """The rows of a shop, without what is each payment's own: ids, times, and what is made of them."""
    rows = await shop.rows(f"SELECT * FROM {table} WHERE merchant_id = $1", shop.merchant)
    return Counter(repr(sorted(_plain(row).items())) for row in rows)


def _plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OF_ITS_OWN and not name.endswith("_at")}


async def never(*_: Any, **__: Any) -> None:
    """Nothing is taken at once."""


async def test_it_writes_what_the_long_way_writes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = await open_shop(database), await open_shop(database)
    action = Action(ActionKind.DISPLAY_QR, QR)
    for one in (quick, slow):
        one.bank.to_create.append(Waiting(action, provider_reference="P-1"))
    at_once = await quick.charges(PRICE, "key-1")
    monkeypatch.setattr(ask, "take_at_once", never)
    the_long_way = await slow.charges(PRICE, "key-1")
    own = ("id", "checkout_url", "created_at", "updated_at", "expires_at")
    assert {**at_once, **dict.fromkeys(own)} == {**the_long_way, **dict.fromkeys(own)}
    for table in TABLES:
        assert await written(quick, table) == await written(slow, table), table


async def test_what_is_answered_is_what_the_payment_says_afterwards(shop: Shop) -> None:
    answered = await shop.asks(PRICE, "key-1")
    again = await shop.asks(PRICE, "key-1")
    payment = await shop.charges(PRICE, "key-1")
    assert again.replayed and again.body == answered.body
    seen = await shop.sees(payment["id"])
    assert {**seen, "attempts": None} == {**payment, "attempts": None}
    (event,) = await shop.rows("SELECT data FROM events WHERE type = 'payment.requires_action'")
    assert event["data"]["object"] == payment
    (row,) = await shop.rows(
        "SELECT created_at <= updated_at AND updated_at <= now() AS in_time FROM payments"
    )
    assert row["in_time"], "the time of the database, not one of our own"


class Meanwhile(QuietLine):
    """Something happens to the payment while the provider is being asked."""

    def __init__(self, happens: Callable[[], Awaitable[Any]]) -> None:
        self._happens = happens

    async def run(self, account: Account, exchange: Generator[Any, Any, Any]) -> ToldByBank[Any]:
        heard: ToldByBank[Any] = await super().run(account, exchange)
        await self._happens()
        return heard


async def test_money_that_came_before_the_answer_is_not_undone_by_it(shop: Shop) -> None:
    async def pays() -> None:
        (attempt,) = await shop.rows("SELECT id FROM attempts")
        paid = ToldByBank(Paid((receipt(PRICE),)))
        await settle.apply(shop.office, shop.merchant, attempt["id"], paid, "inquiry")

    shop.payments = Payments(replace(shop.office, line=Meanwhile(pays)))
    payment = await shop.charges(PRICE)
    assert (payment["status"], payment["captured_amount"], payment["next_action"]) == (
        "succeeded",
        15_000,
        None,
    )
    types = [row["type"] for row in await shop.rows("SELECT type FROM events ORDER BY object_version")]
    assert types == ["payment.created", "payment.succeeded"]
    assert (await check_invariants(shop.db)).violations == []


async def test_a_payment_that_became_unknown_meanwhile_is_shown_to_its_payer_after_all(shop: Shop) -> None:
    """The worker took the request for dead and asked: nobody could tell. Then the answer came."""

    async def asks() -> None:
        async with shop.db.transaction() as tx:
            await tx.execute("UPDATE attempts SET next_check_at = now()")
        for attempt in await shop.payments.claim_attempts(10):
            await shop.payments.check_attempt(attempt)

    shop.bank.to_inquire.append(Unknown("no answer"))
    shop.payments = Payments(replace(shop.office, line=Meanwhile(asks)))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "requires_action"
