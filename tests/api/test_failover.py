"""A provider that is not there, beside one that is: real connectors, real sockets, the circuit in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.connectors.breaker import TROUBLES_MAX
from quickkub.connectors.transport import Line
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.accounts import open_account
from quickkub.payments.service import Payments
from quickkub.storage import Database
from tests.support.api import Client, gateway
from tests.support.ports import free_port
from tests.support.scb import BILLER, KEY, PREFIX, SECRET, Scb
from tests.support.shop import VAULT, MadeUpBank, Shop, next_millisecond


@pytest.fixture
async def shop(database: Database, scb_simulator: Scb) -> AsyncIterator[Client]:
    """A shop whose first account is at an address where nobody listens, and whose second is at SCB."""
    merchant = MerchantId(new_id("mer"))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Som Tam Shop')", merchant)
    token = ""
    for url in (f"http://127.0.0.1:{free_port()}", scb_simulator.base_url):
        next_millisecond()
        async with database.transaction() as tx:
            _, token = await open_account(
                tx,
                VAULT,
                merchant,
                mode="test",
                provider="scb",
                settings={"base_url": url, "biller_id": BILLER, "ref3_prefix": PREFIX},
                credentials={"application_key": KEY, "application_secret": SECRET},
            )
    line = Line(registry.connector)
    found = Shop(database, merchant, token, MadeUpBank())
    found.office = replace(
        found.office, line=line, connector=registry.connector, circuit_open=line.circuit_open
    )
    found.payments = Payments(found.office)
    async with gateway(database, found) as client:
        yield client
    await line.close()


async def attempts(shop: Client, payment: dict[str, Any]) -> list[str]:
    seen = (await shop.gets(f"/v1/payments/{payment['id']}?expand[]=attempts")).json
    return [attempt["status"] for attempt in seen["attempts"]]


async def test_a_sale_is_made_while_a_provider_is_down_and_soon_nobody_knocks_there(
    shop: Client, scb_simulator: Scb
) -> None:
    for _ in range(TROUBLES_MAX):
        payment = await shop.charges()
        assert payment["status"] == "requires_action"
        assert await attempts(shop, payment) == ["failed", "requires_action"]
    payment = await shop.charges()
    assert await attempts(shop, payment) == ["requires_action"], (
        "the circuit is open, so it goes there at once"
    )
    dead, alive = (await shop.gets("/v1/providers/health")).json["data"]
    assert (dead["status"], dead["circuit"]) == ("degraded", "open")
    assert dead["last_error"]["code"] == "provider_unavailable"
    assert (alive["status"], alive["circuit"]) == ("healthy", "closed")


async def test_an_answer_that_is_lost_is_not_asked_for_elsewhere(shop: Client, scb_simulator: Scb) -> None:
    await scb_simulator.will("drop_answer", operation="qr_create")
    payment = await shop.charges()
    assert payment["status"] == "processing"
    assert await attempts(shop, payment) == ["failed", "unknown"]
