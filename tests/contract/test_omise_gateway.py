"""A merchant paid through Omise: payments, holds, refunds and disputes, with real books and a real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import Payer, RawCallback
from quickkub.connectors.particulars import simulator_particulars, sort
from quickkub.connectors.providers.omise.manifest import MANIFEST
from quickkub.connectors.providers.omise.simulator import OmiseSimulator
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import baht
from quickkub.merchants.accounts import open_account
from quickkub.storage import Database
from tests.support.omise_client import Client
from tests.support.ports import free_port
from tests.support.shop import VAULT, MadeUpBank, Shop
from tests.support.stub import answering


@dataclass
class Counter:
    """The shop, and Omise to be paid at."""

    shop: Shop
    omise: Client

    async def settles(self) -> None:
        """Omise says what it has to say, and the worker does what follows."""
        await self.omise.control("POST", "clock", {"advance_seconds": 0})
        await self.shop.works()

    async def sells(self, **more: Any) -> dict[str, Any]:
        payer = Payer(card_token=(await self.omise.tokenises())["id"])
        return await self.shop.charges(baht("100.00"), method="card", payer=payer, **more)


@pytest.fixture
async def counter(database: Database) -> AsyncIterator[Counter]:
    line = Line(registry.connector)
    shops: list[Shop] = []

    async def gateway(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = RawCallback("POST", headers, {}, await request.read())
        answer = await shops[0].payments.keep_callback("omise", shops[0].token, raw)
        return web.Response(status=answer.status, body=answer.body)

    async with (
        answering(gateway) as callback_url,
        served(OmiseSimulator({"callback_url": callback_url}), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        shops.append(await _open_shop(database, line, url))
        yield Counter(shops[0], Client(url, session))
    await line.close()


async def _open_shop(database: Database, line: Line, url: str) -> Shop:
    merchant = MerchantId(new_id("mer"))
    particulars = simulator_particulars(MANIFEST, url) | {"webhook_per_charge": "false"}
    settings, credentials = sort(MANIFEST, particulars)
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Som Tam Shop')", merchant)
        _, token = await open_account(
            tx, VAULT, merchant, mode="test", provider="omise", settings=settings, credentials=credentials
        )
    shop = Shop(database, merchant, token, MadeUpBank())
    office = replace(shop.office, line=line, connector=registry.connector, public_url="https://shop.test")
    shop.office = office
    shop.payments, shop.refunds, shop.disputes = (
        type(shop.payments)(office),
        type(shop.refunds)(office),
        type(shop.disputes)(office),
    )
    return shop


async def test_a_qr_is_shown_paid_and_heard_of(counter: Counter) -> None:
    asked = await counter.shop.charges(baht("100.00"))
    assert asked["status"] == "requires_action"
    assert asked["next_action"]["type"] == "display_image", asked["next_action"]
    await counter.settles()
    await counter.omise.control("POST", f"payments/{await _ref(counter)}/pay", {})
    await counter.settles()
    assert (await counter.shop.sees(asked["id"]))["status"] == "succeeded"
    assert await counter.shop.counts("cases") == 0


async def test_a_qr_whose_answer_was_lost_is_shown_after_all(counter: Counter) -> None:
    fault = {"kind": "drop_answer", "operation": "charge_create"}
    await counter.omise.control("POST", "faults", {"faults": [fault]})
    asked = await counter.shop.charges(baht("100.00"))
    assert asked["status"] == "processing"
    await _later(counter)
    found = await counter.shop.sees(asked["id"])
    assert found["status"] == "requires_action" and found["next_action"]["type"] == "display_image"
    assert (await counter.omise.gets("/charges"))["total"] == 1


async def test_a_payment_that_is_called_off_is_called_off_at_omise_too(counter: Counter) -> None:
    asked = await counter.shop.charges(baht("100.00"), method="linepay")
    await counter.shop.cancels(asked["id"])
    await counter.settles()
    (charge,) = (await counter.omise.gets("/charges"))["data"]
    assert charge["status"] == "expired"
    assert (await counter.shop.sees(asked["id"]))["status"] == "cancelled"


async def test_a_hold_is_captured_in_part_and_given_back_in_part(counter: Counter) -> None:
    held = await counter.sells(capture_later=True)
    assert held["status"] == "authorized"
    taken = await counter.shop.captures(held["id"], baht("60.00"))
    assert (taken["status"], taken["captured_amount"]) == ("succeeded", 6_000)
    await counter.settles()
    back = await counter.shop.refunds_of(held["id"], baht("10.00"))
    await counter.settles()
    assert back["status"] in ("succeeded", "processing"), back
    assert (await counter.shop.sees(held["id"]))["refunded_amount"] == 1_000
    (charge,) = (await counter.omise.gets("/charges"))["data"]
    assert (charge["captured_amount"], charge["refunded_amount"]) == (6_000, 1_000)
    assert await counter.shop.counts("cases") == 0


async def test_a_hold_is_let_go(counter: Counter) -> None:
    held = await counter.sells(capture_later=True)
    await counter.shop.voids(held["id"])
    await counter.settles()
    assert (await counter.shop.sees(held["id"]))["status"] == "cancelled"
    (charge,) = (await counter.omise.gets("/charges"))["data"]
    assert charge["status"] == "reversed"


async def test_a_refund_whose_answer_was_lost_is_made_once(counter: Counter) -> None:
    sold = await counter.sells()
    assert sold["status"] == "succeeded"
    fault = {"kind": "reset", "operation": "refund_create"}
    await counter.omise.control("POST", "faults", {"faults": [fault]})
    await counter.shop.refunds_of(sold["id"])
    await _later(counter)
    assert (await counter.shop.sees(sold["id"]))["refunded_amount"] == 10_000
    assert (await counter.omise.gets("/refunds"))["total"] == 1


async def test_a_dispute_is_heard_of(counter: Counter) -> None:
    sold = await counter.sells()
    await counter.settles()
    (charge,) = (await counter.omise.gets("/charges"))["data"]
    await counter.omise.control("POST", f"movements/{charge['id']}/reverse", {})
    await counter.settles()
    assert (await counter.shop.sees(sold["id"]))["disputed_amount"] == 10_000


async def _ref(counter: Counter) -> str:
    (row,) = await counter.shop.rows(
        "SELECT reference FROM attempts WHERE merchant_id = $1", counter.shop.merchant
    )
    return str(row["reference"])


async def _later(counter: Counter) -> None:
    """Long enough that everything that waits to be asked about is due."""
    await counter.shop.time_passes(timedelta(minutes=2))
    await counter.settles()
