"""Static PromptPay QRs with the real connector: an amount of one's own, and the account's signed notices."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import RawCallback
from quickkub.connectors.providers.promptpay.signing import HEADER, signature
from quickkub.connectors.transport import Line
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import Money
from quickkub.merchants.accounts import open_account
from quickkub.payments.service import Payments
from quickkub.promptpay import parse_payment
from quickkub.storage import Database
from tests.support.api import Client, gateway
from tests.support.shop import VAULT, MadeUpBank, Shop

PHONE = "0812345678"
SECRET = "promptpay-notices-for-tests-only-32+"


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Client]:
    """A shop that is paid into its own account, and wants no two QRs of one amount."""
    merchant = MerchantId(new_id("mer"))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Som Tam Shop')", merchant)
        _, token = await open_account(
            tx,
            VAULT,
            merchant,
            mode="test",
            provider="promptpay",
            settings={"receiver_kind": "mobile", "promptpay_id": PHONE},
            credentials={"notification_secret": SECRET},
        )
    line = Line(registry.connector)
    found = Shop(database, merchant, token, MadeUpBank())
    found.office = replace(found.office, line=line, connector=registry.connector)
    found.payments = Payments(found.office)
    async with gateway(database, found) as client:
        assert (await client.posts("/v1/settings", {"unique_satang": True})).json["unique_satang"] is True
        yield client
    await line.close()


async def hears(shop: Client, baht: str, number: str, secret: str = SECRET) -> None:
    words = {
        "type": "credit",
        "transaction_id": number,
        "amount": baht,
        "currency": "THB",
        "time": datetime.now(UTC).isoformat(),
        "receiver": PHONE,
    }
    body = json.dumps(words).encode()
    raw = RawCallback("POST", {HEADER: signature(secret, body)}, {}, body)
    await shop.shop.payments.keep_callback("promptpay", shop.shop.token, raw)
    await shop.shop.works()


async def seen(shop: Client, payment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.gets(f"/v1/payments/{payment['id']}")).json
    return found


async def test_each_qr_asks_for_an_amount_of_its_own_and_is_found_by_it(shop: Client) -> None:
    first, second = await shop.charges(), await shop.charges()
    assert (second["amount"], second["amount_to_pay"]) == (15_000, 15_001)
    assert parse_payment(second["next_action"]["qr_payload"]).amount == Money(15_001)
    await hears(shop, "150.01", "T1")
    assert (await seen(shop, first))["status"] == "requires_action"
    paid = await seen(shop, second)
    assert (paid["status"], paid["amount"], paid["captured_amount"]) == ("succeeded", 15_000, 15_001)
    await hears(shop, "150.00", "T2")
    assert (await seen(shop, first))["status"] == "succeeded"
    assert await shop.shop.counts("cases") == 0


async def test_the_hundred_and_first_of_a_price_is_told_to_come_back_later(shop: Client) -> None:
    for _ in range(100):
        await shop.charges()
    told = await shop.posts("/v1/payments", {"amount": 15_000, "currency": "THB", "method": "promptpay"})
    assert (told.status, told.code) == (503, "amounts_used_up")
    assert int(told.headers["retry-after"]) > 0


async def test_money_of_no_ones_amount_waits_for_a_person(shop: Client) -> None:
    payment = await shop.charges()
    await hears(shop, "150.55", "T1")
    assert (await seen(shop, payment))["status"] == "requires_action"
    (case,) = (await shop.gets("/v1/cases")).json["data"]
    assert case["kind"] == "orphan_payment"
