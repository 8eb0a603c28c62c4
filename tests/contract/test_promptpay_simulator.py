"""The PromptPay simulator, spoken to by a little merchant that knows only its guide."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors.providers.promptpay.simulator import PromptpaySimulator
from quickkub.connectors.simulation.run import served
from quickkub.kernel.money import baht
from quickkub.promptpay import (
    BankSlip,
    BillPayment,
    CreditTransfer,
    build,
    ewallet,
    mobile,
    parse_slip,
    tax_id,
)
from tests.support.ports import free_port
from tests.support.stub import answering

KEY = "promptpay-feed-for-tests-only-32-or-more"
SECRET = "promptpay-notices-for-tests-only-32+"
NOON = "2026-01-15T12:00:00+07:00"
QR = build(CreditTransfer(mobile("0812345678"), baht("100.37")))
BILLER = "010556006812748"
Json = Any


@dataclass
class Shop:
    """A merchant: what it hears, and what it asks."""

    url: str
    session: aiohttp.ClientSession
    heard: list[Json] = field(default_factory=list)
    refuses: int = 0

    async def hears(self, request: web.Request) -> web.Response:
        body = await request.read()
        proper = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert request.headers["x-promptpay-signature"] == proper
        self.heard.append(json.loads(body))
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=503)
        return web.Response(text="thanks")

    async def feed(self, path: str, key: str = KEY, **query: str) -> tuple[int, Json]:
        headers = {"authorization": f"Bearer {key}"}
        async with self.session.get(f"{self.url}/feed{path}", params=query, headers=headers) as came:
            body = await came.read()
            if came.status == 200:
                proper = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                assert came.headers["x-promptpay-signature"] == proper
            return came.status, json.loads(body)

    async def statement(self, **more: str) -> list[Json]:
        days = {"from": "2026-01-15", "to": "2026-01-15", **more}
        status, words = await self.feed("/v1/statement", **days)
        assert status == 200, words
        return list(words["lines"])

    async def sim(self, path: str, said: Json = None, *, refused: int = 0) -> Json:
        method = "GET" if said is None else "POST"
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            assert came.status == refused or came.status < 300, await came.text()
            return await came.json()

    async def pays(self, qr: str = QR, **more: Any) -> Json:
        return (await self.sim("scan", {"qr": qr, **more}))["movements"][0]

    async def settles(self, seconds: int = 0) -> None:
        await self.sim("clock", {"advance_seconds": seconds})


@asynccontextmanager
async def promptpay(**config: Any) -> AsyncIterator[Shop]:
    async with aiohttp.ClientSession() as session:
        shop = Shop("", session)
        async with (
            answering(shop.hears) as hook,
            served(
                PromptpaySimulator({**config, "callback_url": hook}), "127.0.0.1", free_port()
            ) as shop.url,
        ):
            await shop.sim("clock", {"at": NOON})
            yield shop


async def test_a_scanned_qr_moves_money_and_the_shop_is_told_signed() -> None:
    async with promptpay() as shop:
        moved = await shop.pays()
        await shop.settles()
        (told,) = shop.heard
        assert told == {
            "type": "credit",
            "transaction_id": moved["transaction_id"],
            "amount": "100.37",
            "currency": "THB",
            "time": NOON,
            "receiver": "0812345678",
            "sending_bank": "004",
            "sender_name": "นาย สมชาย จ.",
        }
        assert await shop.statement() == [told]


async def test_the_slip_holds_bank_and_reference_and_nothing_else() -> None:
    async with promptpay(options={"sending_bank": "014"}) as shop:
        moved = await shop.pays(by="025")
        assert parse_slip(moved["slip"]) == BankSlip("025", moved["transaction_id"])
        path = f"{shop.url}/feed/slips/{moved['transaction_id']}"
        async with shop.session.get(path) as page, shop.session.get(path + "?as=png") as image:
            assert moved["slip"] in await page.text()
            assert (await image.read()).startswith(b"\x89PNG")
        async with shop.session.get(f"{shop.url}/feed/slips/0") as nothing:
            assert nothing.status == 404


async def test_one_qr_can_be_paid_twice_and_with_another_amount() -> None:
    async with promptpay() as shop:
        first, second = await shop.pays(), await shop.pays(amount="100.00")
        assert first["transaction_id"] != second["transaction_id"] and first["item"] == second["item"]
        assert [line["amount"] for line in await shop.statement()] == ["100.37", "100.00"]
        (item,) = (await shop.sim("items"))["items"]
        assert item["paid"] == ["100.37", "100.00"]


async def test_an_app_may_lock_the_amount() -> None:
    async with promptpay(options={"locks_amount": True}) as shop:
        said = await shop.sim("scan", {"qr": QR, "amount": "100.00"}, refused=409)
        assert "changed" in said["error"]
        assert (await shop.sim("truth"))["count"] == 0


@pytest.mark.parametrize(
    ("qr", "why"),
    [
        (QR.replace("100.37", "900.37"), "bad_crc"),
        (build(CreditTransfer(mobile("0899999999"), baht(1))), "nobody"),
        (build(BillPayment(BILLER, "QK1", amount=baht(1))), "nobody"),
        ("hello", "refuses"),
    ],
)
async def test_an_app_refuses_what_leads_nowhere(qr: str, why: str) -> None:
    async with promptpay() as shop:
        assert why in (await shop.sim("scan", {"qr": qr}, refused=409))["error"]


async def test_every_kind_of_receiver_can_be_paid() -> None:
    kinds = [
        ({"receiver_kind": "tax_id", "promptpay_id": "0105560068127"}, tax_id("0105560068127")),
        ({"receiver_kind": "ewallet", "promptpay_id": "004999000288505"}, ewallet("004999000288505")),
    ]
    async with promptpay(apps=[said for said, _ in kinds]) as shop:
        for said, proxy in kinds:
            moved = await shop.pays(build(CreditTransfer(proxy, baht(5))))
            await shop.settles()
            assert shop.heard[-1]["receiver"] == said["promptpay_id"]
            assert shop.heard[-1]["transaction_id"] == moved["transaction_id"]


async def test_a_biller_s_notice_names_the_reference() -> None:
    async with promptpay(apps=[{"receiver_kind": "biller", "promptpay_id": BILLER}]) as shop:
        await shop.pays(build(BillPayment(BILLER, "QK2601150001", amount=baht(5))))
        await shop.sim("payments/QK2601150001/pay", {})
        await shop.settles()
        assert [told["reference"] for told in shop.heard] == ["QK2601150001"] * 2


async def test_a_payer_who_leaves_the_app_pays_nothing_until_they_scan_again() -> None:
    async with promptpay() as shop:
        ref = (await shop.sim("scan", {"qr": QR, "after_seconds": 60}))["ref"]
        await shop.sim(f"payments/{ref}/end", {"state": "cancelled"})
        assert "scan" in (await shop.sim(f"payments/{ref}/pay", {}, refused=409))["error"]
        await shop.settles(60)
        assert await shop.statement() == []
        await shop.pays()
        assert len(await shop.statement()) == 1


async def test_money_taken_back_stands_in_the_statement_beside_what_came() -> None:
    async with promptpay() as shop:
        moved = await shop.pays()
        await shop.sim(f"movements/{moved['transaction_id']}/reverse", {})
        credit, debit = await shop.statement()
        assert (credit["type"], debit["type"], debit["reverses"]) == (
            "credit",
            "debit",
            moved["transaction_id"],
        )
        again = await shop.sim(f"movements/{moved['transaction_id']}/reverse", {}, refused=400)
        assert "before" in again["error"]


async def test_a_notice_that_is_not_taken_comes_again_until_patience_ends() -> None:
    async with promptpay(options={"notice_tries": 3, "notice_apart_seconds": 10}) as shop:
        shop.refuses = 9
        await shop.pays()
        for _ in range(5):
            await shop.settles(10)
        assert len(shop.heard) == 3 and len({told["transaction_id"] for told in shop.heard}) == 1
        (letter,) = (await shop.sim("confirmations"))["confirmations"]
        assert letter["state"] == "given_up"


async def test_an_account_whose_bank_tells_nobody_still_has_a_statement_that_lags() -> None:
    async with promptpay(options={"sends_notices": False, "lag_seconds": 300}) as shop:
        await shop.pays()
        await shop.settles()
        assert shop.heard == [] and await shop.statement() == []
        await shop.settles(300)
        assert len(await shop.statement()) == 1


async def test_the_statement_is_of_bangkok_s_days_and_comes_in_pages() -> None:
    async with promptpay(options={"page_lines": 2}) as shop:
        await shop.sim("clock", {"at": "2026-01-15T23:59:59+07:00"})
        ids = [(await shop.pays())["transaction_id"] for _ in range(3)]
        await shop.settles(1)
        await shop.pays()
        days = {"from": "2026-01-15", "to": "2026-01-15"}
        _, first = await shop.feed("/v1/statement", **days)
        _, second = await shop.feed("/v1/statement", **days, after=first["next"])
        assert [line["transaction_id"] for line in first["lines"] + second["lines"]] == ids
        assert (first["next"], second["next"]) == (ids[1], "")
        _, other = await shop.feed("/v1/statement", **{"from": "2026-01-16", "to": "2026-01-16"})
        assert len(other["lines"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"from": "2026-01-15"}, 400),
        ({"from": "2026-01-16", "to": "2026-01-15"}, 400),
        ({"from": "today", "to": "2026-01-15"}, 400),
        ({"from": "2026-01-15", "to": "2026-01-15", "after": "0"}, 400),
    ],
)
async def test_a_question_that_is_no_question_is_refused(query: dict[str, str], status: int) -> None:
    async with promptpay() as shop:
        assert (await shop.feed("/v1/statement", **query))[0] == status


async def test_nobody_reads_the_statement_without_the_key_of_its_account() -> None:
    other = {"receiver_kind": "mobile", "promptpay_id": "0899999999", "feed_key": "another-" + KEY}
    async with promptpay() as shop:
        await shop.sim("apps", other)
        await shop.pays()
        days = {"from": "2026-01-15", "to": "2026-01-15"}
        assert (await shop.feed("/v1/statement", "nobody", **days))[0] == 401
        assert (await shop.feed("/v1/statement", "another-" + KEY, **days))[1]["lines"] == []
        assert (await shop.feed("/v1/account"))[1]["receiver"] == "0812345678"


async def test_notices_can_be_forged_by_the_weather_and_their_signature_tells() -> None:
    async with promptpay(weather={"forge_percent": 100}) as shop:
        await shop.pays()
        await shop.settles()
        states = [letter["state"] for letter in (await shop.sim("confirmations"))["confirmations"]]
        assert sorted(states) == ["accepted", "forged"] and len(shop.heard) == 1
