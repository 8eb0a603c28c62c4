"""The TrueMoney simulator, spoken to by a little client that knows only what public clients say of it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature

from quickkub.connectors.providers.truemoney.simulator import TruemoneySimulator
from quickkub.connectors.providers.truemoney.test_keys import (
    MERCHANT_PRIVATE_KEY,
    TRUEMONEY_PRIVATE_KEY,
    TRUEMONEY_PUBLIC_KEY,
)
from quickkub.connectors.simulation.run import served
from tests.support.ports import free_port
from tests.support.speech.truemoney import check, seal
from tests.support.stub import answering

KEY, MERCHANT = "0123456789abcdef0123456789abcdef", "110000000012345678901"
DAY = "transaction_date=2025-01-01T12%3A00%3A00%2B07%3A00"
Json = Any


@dataclass
class Client:
    """A partner's server."""

    url: str
    session: aiohttp.ClientSession
    api_key: str = KEY
    private_key: str = MERCHANT_PRIVATE_KEY
    timestamp: str = "1735689600"

    async def post(self, path: str, words: Json, **more: Any) -> tuple[int, Json]:
        return await self.ask("POST", path, json.dumps(words, ensure_ascii=False).encode(), **more)

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, signed: bytes | None = None, **headers: str
    ) -> tuple[int, Json]:
        """`signed` is what the signature is of, when it is not what is sent. Answers have to be signed."""
        said = {
            "Content-Type": "application/json",
            "X-API-Key": self.api_key,
            "Timestamp": self.timestamp,
            "Content-Signature": seal(self.private_key, self.timestamp, body if signed is None else signed),
            **headers,
        }
        async with self.session.request(method, self.url + path, data=body or None, headers=said) as came:
            raw = await came.read()
            check(TRUEMONEY_PUBLIC_KEY, {k.lower(): v for k, v in came.headers.items()}, raw)
            return came.status, json.loads(raw)

    async def plain(self, method: str, path: str, words: Json = None, **headers: str) -> tuple[int, Json]:
        """A linking call, which is not signed."""
        async with self.session.request(method, self.url + path, json=words, headers=headers) as came:
            return came.status, await came.json()

    async def sim(self, path: str, said: Json = None) -> Json:
        method = "GET" if said is None else "POST"
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            assert came.status < 300, await came.text()
            return await came.json()

    async def paid(self, reference: str = "QK1") -> str:
        status, said = await self.post("/payments", a_payment(reference))
        assert status == 200, said
        return str(said["data"]["payment_id"])


def a_payment(reference: str = "QK1", **more: Any) -> Json:
    return {
        "isv_payment_ref": reference,
        "merchant_id": MERCHANT,
        "currency": "THB",
        "request_amount": "10000",
        "payment_method": "BALANCE",
        "payment_code": "170012345678901234",
        "description": "QuickKub order 1",
        **more,
    }


def an_order(reference: str = "QK1", **more: Any) -> Json:
    return {
        "isv_payment_ref": reference,
        "merchant_id": MERCHANT,
        "currency": "THB",
        "request_amount": "10000",
        "description": "QuickKub order 1",
        "return_url": "https://pay.example.com/back",
        **more,
    }


@asynccontextmanager
async def true_money(**config: Any) -> AsyncIterator[Client]:
    async with (
        served(TruemoneySimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Client(url, session)


def code_of(answer: tuple[int, Json]) -> tuple[int, str]:
    return answer[0], answer[1]["status"]["code"]


async def test_a_code_is_charged_once_and_found_by_id_and_by_reference() -> None:
    async with true_money() as client:
        payment = await client.paid()
        assert len(payment) == 15
        assert code_of(await client.post("/payments", a_payment())) == (400, "duplicate_isv_payment_ref")
        _, by_id = await client.ask("GET", f"/payments/{payment}")
        _, by_reference = await client.ask("GET", f"/payments?isv_payment_ref=QK1&{DAY}")
        assert by_id["data"] == by_reference["data"]
        assert by_id["data"]["status"] == "succeeded" and by_id["data"]["amount"] == 10000
        assert (await client.sim("truth"))["total_satang"] == 10_000


async def test_the_time_stamp_is_only_a_text_unless_the_clock_is_looked_at() -> None:
    async with true_money() as client:
        client.timestamp = "QK250101000001"
        await client.paid("QK1")
        await client.sim("options", {"check_clock": True})
        assert code_of(await client.post("/payments", a_payment("QK2"))) == (401, "invalid_timestamp")
        await client.sim("clock", {"at": "2025-01-01T07:00:00+07:00"})
        client.timestamp = "1735689600123"
        await client.paid("QK3")


async def test_a_wrong_key_or_signature_is_refused() -> None:
    async with true_money() as client:
        indented = json.dumps(a_payment(), indent=2).encode()
        assert (await client.ask("POST", "/payments", indented))[0] == 200
        other = await client.ask("POST", "/payments", indented, signed=json.dumps(a_payment()).encode())
        assert code_of(other) == (401, "invalid_signature")
        client.private_key = TRUEMONEY_PRIVATE_KEY
        assert code_of(await client.post("/payments", a_payment("QK2"))) == (401, "invalid_signature")
        client.private_key, client.api_key = MERCHANT_PRIVATE_KEY, "0" * 32
        assert code_of(await client.post("/payments", a_payment("QK2"))) == (401, "invalid_api_key")
        assert (await client.sim("truth"))["count"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"request_amount": "100.00"}, "invalid_parameter"),
        ({"request_amount": 10000}, "invalid_parameter"),
        ({"request_amount": "99"}, "amount_exceeds_limit"),
        ({"request_amount": "10000001"}, "amount_exceeds_limit"),
        ({"currency": "USD"}, "invalid_parameter"),
        ({"merchant_id": "1"}, "invalid_merchant"),
        ({"payment_method": "CARD"}, "invalid_parameter"),
        ({"description": "x" * 21}, "invalid_parameter"),
        ({"isv_payment_ref": "QK 1"}, "invalid_parameter"),
        ({"isv_payment_ref": "Q" * 33}, "invalid_parameter"),
        ({"payment_code": "ABC"}, "invalid_payment_code"),
        ({"metadata": "shop"}, "invalid_parameter"),
    ],
)
async def test_a_payment_that_is_not_in_order_is_refused(change: Json, code: str) -> None:
    async with true_money() as client:
        assert code_of(await client.post("/payments", a_payment(**change))) == (400, code)


async def test_refunds_add_up_to_what_was_paid_under_references_of_their_own() -> None:
    async with true_money() as client:
        payment = await client.paid()
        path = f"/payments/{payment}/refunds"
        _, first = await client.post(path, {"isv_refund_ref": "R1", "request_amount": "4000"})
        assert first["data"]["type"] == "refund"
        again = await client.post(path, {"isv_refund_ref": "R1", "request_amount": "4000"})
        assert code_of(again) == (400, "duplicate_isv_refund_ref")
        more = await client.post(path, {"isv_refund_ref": "R2", "request_amount": "6001"})
        assert code_of(more) == (400, "refund_exceeds")
        assert (await client.post(path, {"isv_refund_ref": "R3", "request_amount": "6000"}))[0] == 200
        _, shown = await client.ask("GET", f"/payments/{payment}")
        assert shown["data"]["refunded"] == 10000
        assert [one["isv_refund_ref"] for one in shown["data"]["refunds"]] == ["R1", "R3"]
        assert (await client.sim("truth"))["total_satang"] == 0
        missing = await client.post("/payments/1/refunds", {"isv_refund_ref": "R4", "request_amount": "1"})
        assert code_of(missing) == (400, "payment_not_found")


async def test_a_wallet_is_linked_by_a_password_and_gives_codes_that_work_once() -> None:
    async with true_money() as client:
        apply = {
            "client_id": "quickkub",
            "client_secret": "demo-secret",
            "tmn_account": "0812345678",
            "mobile_number": "0812345678",
        }
        _, begun = await client.plain("POST", "/oauth2/auth-apply", apply)
        link = {
            "otp_ref": begun["data"]["otp_ref"],
            "otp_code": "222222",
            "client_id": "quickkub",
            "tmn_account": "0812345678",
            "agreement_id": "online_merchant",
            "grant_type": "password",
            "auth_code": begun["data"]["auth_code"],
        }
        assert code_of(await client.plain("POST", "/oauth2/tokens", link)) == (400, "invalid_otp")
        status, linked = await client.plain("POST", "/oauth2/tokens", {**link, "otp_code": "111111"})
        assert status == 200 and linked["data"]["expires_in"] == 3600
        bearer = {"Authorization": f"Bearer {linked['data']['access_token']}"}
        _, given = await client.plain("GET", "/payment/codes?type=online-merchant", **bearer)
        code = given["data"]["payment_code"]
        assert (await client.post("/payments", a_payment("QK1", payment_code=code)))[0] == 200
        second = await client.post("/payments", a_payment("QK2", payment_code=code))
        assert code_of(second) == (400, "invalid_payment_code")
        _, given = await client.plain("GET", "/payment/codes?type=online-merchant", **bearer)
        await client.sim("clock", {"advance_seconds": 300})
        late = a_payment("QK3", payment_code=given["data"]["payment_code"])
        assert code_of(await client.post("/payments", late)) == (400, "payment_code_expired")


async def test_three_wrong_passwords_are_enough() -> None:
    async with true_money() as client:
        apply = {"client_id": "quickkub", "client_secret": "demo-secret", "tmn_account": "0812345678"}
        _, begun = await client.plain("POST", "/oauth2/auth-apply", {**apply, "mobile_number": "0812345678"})
        link = {"otp_ref": begun["data"]["otp_ref"], "auth_code": begun["data"]["auth_code"]}
        link |= {"client_id": "quickkub", "tmn_account": "0812345678", "grant_type": "password"}
        link |= {"agreement_id": "online_merchant", "otp_code": "0"}
        for _ in range(3):
            assert code_of(await client.plain("POST", "/oauth2/tokens", link)) == (400, "invalid_otp")
        right = {**link, "otp_code": "111111"}
        assert code_of(await client.plain("POST", "/oauth2/tokens", right)) == (400, "otp_expired")


async def test_an_order_is_paid_on_its_page_and_lapses_otherwise() -> None:
    async with true_money() as client:
        _, made = await client.post("/orders", an_order())
        page = made["data"]["payment_url"]
        not_yet = await client.ask("GET", f"/payments?isv_payment_ref=QK1&{DAY}")
        assert code_of(not_yet) == (400, "payment_not_found")
        async with client.session.get(page) as shown:
            assert "100.00 THB" in await shown.text()
        async with client.session.post(page, data={"button": "approve"}, allow_redirects=False) as back:
            assert back.headers["location"] == "https://pay.example.com/back"
        _, found = await client.ask("GET", f"/payments?isv_payment_ref=QK1&{DAY}")
        assert found["data"]["status"] == "succeeded"
        await client.post("/orders", an_order("QK2", expires_in=60))
        await client.sim("clock", {"advance_seconds": 60})
        async with client.session.post(f"{client.url}/_sim/payments/QK2/pay", json={}) as late:
            assert late.status == 409


async def test_a_notification_is_signed_and_repeated_after_1_5_and_15_minutes() -> None:
    heard: list[bytes] = []

    async def shop(request: web.Request) -> web.Response:
        heard.append(await request.read())
        check(TRUEMONEY_PUBLIC_KEY, {k.lower(): v for k, v in request.headers.items()}, heard[-1])
        return web.Response(status=500)

    async with true_money() as client, answering(shop) as url:
        await client.post("/orders", an_order(notify_url=url))
        await client.sim("payments/QK1/pay", {})
        for seconds, tries in ((0, 1), (59, 1), (1, 2), (299, 2), (1, 3), (899, 3), (1, 4), (3600, 4)):
            await client.sim("clock", {"advance_seconds": seconds, "freeze": True})
            assert len(heard) == tries, seconds
        (letter,) = (await client.sim("confirmations"))["confirmations"]
    assert letter["state"] == "given_up"
    words = json.loads(heard[0])
    assert set(words) == {"notify_id", "payment_id", "isv_payment_ref", "status"}
    assert len(set(heard)) == 1, "a repeat has the same id"


@pytest.mark.parametrize(("status", "left"), [(200, 10_000), (400, 0), (404, 0), (401, 10_000)])
async def test_an_answer_of_400_or_404_gives_the_payer_everything_back(status: int, left: int) -> None:
    async def shop(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with true_money() as client, answering(shop) as url:
        await client.sim("clock", {"at": "2025-01-01T12:00:00+07:00"})
        await client.post("/orders", an_order(notify_url=url))
        await client.sim("payments/QK1/pay", {})
        await client.sim("clock", {"advance_seconds": 0})
        assert (await client.sim("truth"))["total_satang"] == left


async def test_the_weather_forges_notifications_whose_signature_does_not_fit() -> None:
    heard: list[bool] = []

    async def shop(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            check(TRUEMONEY_PUBLIC_KEY, {k.lower(): v for k, v in request.headers.items()}, body)
        except InvalidSignature:
            heard.append(False)
            return web.Response(status=401)
        heard.append(True)
        return web.Response()

    async with true_money() as client, answering(shop) as url:
        await client.sim("weather", {"forge_percent": 100})
        await client.sim("registrations", {"merchant_id": MERCHANT, "url": url})
        await client.post("/orders", an_order())
        await client.sim("payments/QK1/pay", {})
        await client.sim("clock", {"advance_seconds": 0})
    assert sorted(heard) == [False, True]


async def test_a_charge_may_wait_for_the_payer_and_a_code_may_be_asked_for() -> None:
    async with true_money() as client:
        await client.sim("options", {"pending": True, "codes": {"pay": ["before:insufficient_fund"]}})
        assert code_of(await client.post("/payments", a_payment())) == (400, "insufficient_fund")
        payment = await client.paid()
        _, shown = await client.ask("GET", f"/payments/{payment}")
        assert shown["data"]["status"] == "processing" and (await client.sim("truth"))["count"] == 0
        await client.sim("payments/QK1/pay", {})
        _, shown = await client.ask("GET", f"/payments/{payment}")
        assert shown["data"]["status"] == "succeeded"


def test_the_keys_are_two_pairs() -> None:
    assert base64.b64decode(MERCHANT_PRIVATE_KEY) != base64.b64decode(TRUEMONEY_PRIVATE_KEY)
