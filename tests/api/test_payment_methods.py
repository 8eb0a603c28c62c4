"""What a merchant's payers may choose from."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.merchants.accounts import open_account
from quickkub.payments.methods import seed
from tests.support.api import Client
from tests.support.shop import VAULT

METHODS = "/v1/payment_methods"


async def seeded(shop: Client) -> None:
    async with shop.shop.db.transaction() as tx:
        await seed(tx, registry.providers().values())


async def opens(shop: Client, provider: str, mode: str = "test", **settings: str) -> str:
    async with shop.shop.db.transaction() as tx:
        opened, _ = await open_account(
            tx,
            VAULT,
            shop.shop.merchant,
            mode=mode,
            provider=provider,
            settings=settings,
            credentials={"k": "test"},
        )
    return opened


async def offered(shop: Client, query: str) -> dict[str, Any]:
    told = await shop.gets(f"{METHODS}?{query}")
    assert told.status == 200, told.body
    return {method["id"]: method for method in told.json["data"]}


async def test_without_parameters_everything_this_gateway_has_a_provider_for_is_listed(shop: Client) -> None:
    async with shop.shop.db.transaction() as tx:
        await seed(tx, [shop.shop.bank.manifest])
    methods = (await shop.gets(METHODS)).json["data"]
    assert [method["id"] for method in methods] == ["promptpay", "linepay", "card"]
    assert methods[0] == {
        "id": "promptpay",
        "object": "payment_method",
        "name": {"en": "PromptPay QR", "th": "พร้อมเพย์ คิวอาร์"},
        "kind": "qr",
        "currency": "THB",
        "amount_min": 1,
        "amount_max": 1_000_000_000,
        "providers": ["madeup"],
    }


async def test_every_method_of_every_provider_goes_into_the_table(shop: Client) -> None:
    await seeded(shop)
    methods = (await shop.gets(METHODS)).json["data"]
    offers = {offer.method for manifest in registry.providers().values() for offer in manifest.methods}
    assert {method["id"] for method in methods} == offers


async def test_for_an_amount_a_merchant_sees_the_own_accounts_and_their_terms(shop: Client) -> None:
    await seeded(shop)
    scb, omise = await opens(shop, "scb"), await opens(shop, "omise")
    found = await offered(shop, "amount=15000&currency=THB")
    promptpay = found["promptpay"]
    assert [one["account"] for one in promptpay["accounts"]] == [scb, omise]
    assert promptpay["accounts"][1]["fee_basis_points"] == 165
    assert promptpay["providers"] == ["scb", "omise"]
    assert found["card"]["accounts"][0]["needs"] == ["card_token"]
    assert "linepay" not in found
    small = await offered(shop, "amount=1999")
    assert small["promptpay"]["providers"] == ["scb"]
    assert "card" not in small


async def test_accounts_of_the_other_mode_and_of_other_merchants_are_not_seen(shop: Client) -> None:
    await seeded(shop)
    await opens(shop, "scb", mode="live")
    assert await offered(shop, "currency=THB") == {}


@pytest.mark.parametrize(
    ("query", "no"),
    [
        ("amount=0", (400, "parameter_invalid", "amount")),
        ("amount=ten", (400, "parameter_invalid", "amount")),
        ("currency=baht", (400, "parameter_invalid", "currency")),
        ("currency=USD", (400, "currency_unsupported", "currency")),
        ("colour=red", (400, "parameter_unknown", "colour")),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    shop: Client, query: str, no: tuple[int, str, str]
) -> None:
    assert (await shop.gets(f"{METHODS}?{query}")).no == no
