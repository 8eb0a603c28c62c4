"""Bangkok Bank's connector and simulator over HTTP, from the form in the payer's browser to the refund."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Account,
    Authorized,
    Doing,
    Done,
    Instruction,
    Order,
    Paid,
    RawCallback,
    Waiting,
)
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.bbl.manifest import MANIFEST
from quickkub.connectors.transport import Line
from quickkub.kernel.money import Money
from tests.support.bbl import NOON, Bank, listening, running_bank

NOW = datetime.fromisoformat(NOON)
ORDER = Order(
    "QK2601150001",
    Money(15_075),
    "card",
    NOW,
    NOW + timedelta(minutes=15),
    NOW,
    return_url="https://shop.example/back",
)


class Shop:
    """An account at the simulator, and what its connector concludes."""

    def __init__(self, bank: Bank, account: Account, line: Line) -> None:
        self.bank, self.account, self._line = bank, account, line
        self.connector: Any = registry.connector("bbl")

    async def asks(self, method: str, *words: Any) -> Any:
        return (
            await self._line.run(self.account, getattr(self.connector, method)(self.account, *words))
        ).outcome

    async def tells(self, doing: Doing, order: Order, satang: int, **more: Any) -> Any:
        """At the time the bank's clock says."""
        now = datetime.fromisoformat((await self.bank.control("clock", method="GET"))["now"])
        told = Instruction(doing, "QKINS1", Money(satang), now, now, Money(0), Money(0))
        return await self.asks("instruct", order, dataclasses.replace(told, **more))


@asynccontextmanager
async def a_shop() -> AsyncIterator[Shop]:
    async with running_bank() as bank:
        line = Line(registry.connector)
        yield Shop(bank, loose_account(MANIFEST, simulator_particulars(MANIFEST, bank.url)), line)
        await line.close()


async def _posted(shop: Shop, order: Order) -> None:
    waiting = await shop.asks("create", order)
    assert isinstance(waiting, Waiting) and waiting.action is not None
    assert waiting.action.value.startswith(shop.bank.url)
    page = await shop.bank.posts(waiting.action.value.removeprefix(shop.bank.url), waiting.action.fields)
    assert page.status == 200, page.text


async def test_the_bank_takes_our_form_and_we_take_its_datafeed() -> None:
    async with a_shop() as shop, listening(shop.bank) as gateway:
        await _posted(shop, ORDER)
        await shop.bank.pay(ORDER.reference)
        await shop.bank.time_passes(0)
        body = "&".join(f"{name}={value}" for name, value in gateway.heard[0].items()).replace(" ", "+")
        news = shop.connector.read_callback(shop.account, RawCallback("POST", {}, {}, body.encode()))
        paid = await shop.asks("inquire", ORDER)
    assert (news.reference, news.provider_reference) == (ORDER.reference, paid.provider_reference)
    assert isinstance(paid, Paid) and [r.amount for r in paid.receipts] == [ORDER.amount]


async def test_a_hold_is_captured_in_part_and_found_as_that_part() -> None:
    order = dataclasses.replace(ORDER, capture_later=True)
    async with a_shop() as shop:
        await _posted(shop, order)
        await shop.bank.pay(order.reference)
        held = await shop.asks("inquire", order)
        assert isinstance(held, Authorized) and held.amount == order.amount
        order = dataclasses.replace(order, provider_reference=held.provider_reference)
        done = await shop.tells(Doing.CAPTURE, order, 9_900)
        paid = await shop.asks("inquire", order)
        truth = await shop.bank.truth()
    assert isinstance(done, Done) and isinstance(paid, Paid)
    assert [(r.transaction_id, r.amount) for r in paid.receipts] == [(done.transaction_id, Money(9_900))]
    assert truth["total_satang"] == 9_900


async def test_the_same_refund_is_a_void_before_midnight_and_a_request_after_it() -> None:
    async with a_shop() as shop:
        await _posted(shop, ORDER)
        moved = await shop.bank.pay(ORDER.reference)
        more = {"captured": ORDER.amount, "transaction_id": moved["transaction_id"]}
        part = await shop.tells(Doing.REFUND, ORDER, 5_075, **more)
        assert part.failure.value == "not_allowed_now"
        whole = await shop.tells(Doing.REFUND, ORDER, 15_075, **more)
        assert isinstance(whole, Done)
        assert (await shop.bank.truth())["total_satang"] == 0


async def test_a_link_and_a_slip_are_signed_so_that_the_bank_takes_them() -> None:
    app = dataclasses.replace(ORDER, method="bualuang")
    qr = dataclasses.replace(ORDER, method="promptpay", reference="QK2601150002")
    async with a_shop() as shop:
        link = await shop.asks("create", app)
        await shop.bank.pay(app.reference)
        paid = await shop.asks(
            "inquire", dataclasses.replace(app, provider_reference=link.provider_reference)
        )
        shown = await shop.asks("create", qr)
        (moved,) = (await shop.bank.control("scan", {"qr": shown.action.value}))["movements"]
        pulled = await shop.asks("pull_payment", qr, moved["trans_ref"])
        works = await shop.asks("check")
    assert paid.receipts[0].transaction_id == link.provider_reference
    assert pulled.receipts[0].transaction_id == moved["transaction_id"]
    assert "portal gives a token" in works.told
