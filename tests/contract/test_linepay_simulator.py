"""The LINE Pay simulator, spoken to by a little client that knows only LINE Pay's reference."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from quickkub.connectors.providers.linepay.simulator import LinepaySimulator
from quickkub.connectors.simulation.run import served
from tests.support.ports import free_port
from tests.support.stub import answering

CHANNEL, SECRET = "1656000001", "a917ab6a2367b536f8e5a6e2977e06f4"
Json = Any


@dataclass
class Client:
    """A merchant's server in LINE Pay's own words."""

    url: str
    session: aiohttp.ClientSession
    secret: str = SECRET
    channel: str = CHANNEL

    async def post(self, path: str, words: Json = None, **more: Any) -> Json:
        return await self.ask("POST", path, b"{}" if words is None else json.dumps(words).encode(), **more)

    async def get(self, path: str, query: str = "", **more: Any) -> Json:
        return await self.ask("GET", path, query.encode(), **more)

    async def ask(self, method: str, path: str, said: bytes, *, signed: bytes | None = None) -> Json:
        """`signed` is what the signature is of, when it is not what is sent."""
        nonce = str(uuid.uuid4())
        key = self.secret.encode()
        message = key + path.encode() + (said if signed is None else signed) + nonce.encode()
        signature = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-LINE-ChannelId": self.channel,
            "X-LINE-Authorization-Nonce": nonce,
            "X-LINE-Authorization": signature,
        }
        query = f"?{said.decode()}" if method == "GET" and said else ""
        url = URL(self.url + path + query, encoded=True)
        body = said if method == "POST" else None
        async with self.session.request(method, url, data=body, headers=headers) as came:
            assert came.status == 200, await came.text()
            answer: Json = json.loads(await came.read())
            return answer

    async def sim(self, path: str, said: Json = None) -> Json:
        method = "GET" if said is None else "POST"
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            assert came.status < 300, await came.text()
            return await came.json()

    async def asked_for(self, order_id: str = "QK-0001", **more: Any) -> int:
        """Make a request; the transaction's id."""
        said = await self.post("/v3/payments/request", a_request(order_id, **more))
        assert said["returnCode"] == "0000", said
        return int(said["info"]["transactionId"])

    async def paid(self, order_id: str = "QK-0001", **more: Any) -> int:
        transaction = await self.asked_for(order_id, **more)
        await self.sim(f"payments/{order_id}/pay", {})
        confirmed = await self.post(f"/v3/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"})
        assert confirmed["returnCode"] == "0000", confirmed
        return transaction


def a_request(order_id: str = "QK-0001", **more: Any) -> Json:
    product = {"name": "กาแฟเย็น", "quantity": 2, "price": 50}
    return {
        "amount": 100,
        "currency": "THB",
        "orderId": order_id,
        "packages": [{"id": "pkg-1", "amount": 100, "name": "ร้านควิกคับ", "products": [product]}],
        "redirectUrls": {
            "confirmUrl": "https://pay.example.com/line/confirm",
            "cancelUrl": "https://pay.example.com/line/cancel?from=line",
        },
        **more,
    }


@asynccontextmanager
async def line_pay(**config: Any) -> AsyncIterator[Client]:
    async with (
        served(LinepaySimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Client(url, session)


async def test_money_moves_when_the_merchant_confirms_and_not_when_the_payer_approves() -> None:
    async with line_pay() as client:
        transaction = await client.asked_for()
        assert len(str(transaction)) == 19
        check = f"/v3/payments/requests/{transaction}/check"
        assert (await client.get(check))["returnCode"] == "0000"
        await client.sim(f"payments/{transaction}/pay", {})
        assert (await client.get(check))["returnCode"] == "0110"
        assert (await client.sim("truth"))["count"] == 0
        said = await client.post(f"/v3/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"})
        assert said["info"]["orderId"] == "QK-0001" and said["info"]["transactionId"] == transaction
        assert sum(part["amount"] for part in said["info"]["payInfo"]) == 100
        assert (await client.get(check))["returnCode"] == "0123"
        assert (await client.sim("truth"))["total_satang"] == 10_000


async def test_the_payer_s_page_leads_back_to_the_shop_with_both_ids() -> None:
    async with line_pay() as client:
        said = await client.post("/v3/payments/request", a_request())
        page, transaction = said["info"]["paymentUrl"]["web"], said["info"]["transactionId"]
        assert said["info"]["paymentUrl"]["app"].startswith("line://pay/payment/")
        assert len(said["info"]["paymentAccessToken"]) == 12
        async with client.session.get(page) as shown:
            text = await shown.text()
        assert "กาแฟเย็น" in text and "100.00 THB" in text
        async with client.session.post(page, data={"button": "approve"}, allow_redirects=False) as back:
            words = f"?transactionId={transaction}&orderId=QK-0001"
            assert back.headers["location"] == f"https://pay.example.com/line/confirm{words}"
        second = await client.post("/v3/payments/request", a_request("QK-0002"))
        page = second["info"]["paymentUrl"]["web"]
        async with client.session.post(page, data={"button": "cancel"}, allow_redirects=False) as back:
            assert "/line/cancel?from=line&transactionId=" in back.headers["location"]
        cancelled = second["info"]["transactionId"]
        assert (await client.get(f"/v3/payments/requests/{cancelled}/check"))["returnCode"] == "0121"


async def test_what_is_signed_is_the_very_body_or_query_that_is_sent() -> None:
    async with line_pay() as client:
        spaced = json.dumps(a_request(), indent=1).encode()
        assert (await client.ask("POST", "/v3/payments/request", spaced))["returnCode"] == "0000"
        compact = json.dumps(a_request("QK-0002"), separators=(",", ":")).encode()
        other = await client.ask("POST", "/v3/payments/request", compact, signed=spaced)
        assert other["returnCode"] == "1106"
        for query in ("transactionId=1%2C2", "transactionId=1&transactionId=2"):
            assert (await client.get("/v3/payments", query))["returnCode"] == "1150"
        decoded = await client.ask("GET", "/v3/payments", b"transactionId=1%2C2", signed=b"transactionId=1,2")
        assert decoded["returnCode"] == "1106"


async def test_a_void_may_be_sent_with_an_empty_object_or_with_nothing() -> None:
    async with line_pay() as client:
        for order_id, body in (("QK-0001", b"{}"), ("QK-0002", b"")):
            hold = {"payment": {"capture": False}}
            transaction = await client.paid(order_id, options=hold)
            path = f"/v3/payments/authorizations/{transaction}/void"
            assert (await client.ask("POST", path, body))["returnCode"] == "0000"
            assert (await client.ask("POST", path, body))["returnCode"] == "1165"


async def test_a_wrong_secret_channel_or_address_is_refused_with_200() -> None:
    async with line_pay() as client:
        client.secret = "0" * 32
        assert (await client.post("/v3/payments/request", a_request()))["returnCode"] == "1106"
        client.secret, client.channel = SECRET, "1"
        assert (await client.post("/v3/payments/request", a_request()))["returnCode"] == "1104"
        client.channel = CHANNEL
        await client.sim("options", {"allowed_ips": "192.0.2.1"})
        refused = await client.post("/v3/payments/request", a_request())
        assert refused["returnCode"] == "1106" and "127.0.0.1" in refused["returnMessage"]


async def test_an_order_id_is_used_once() -> None:
    async with line_pay() as client:
        await client.asked_for()
        again = await client.post("/v3/payments/request", a_request())
        assert again == {"returnCode": "1172", "returnMessage": "Existing same orderId."}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "JPY"}, "1178"),
        ({"amount": 101}, "1124"),
        ({"amount": 0}, "1183"),
        ({"amount": "100"}, "2101"),
        ({"orderId": "x" * 101}, "2101"),
        ({"packages": []}, "2101"),
        ({"redirectUrls": {"cancelUrl": "https://pay.example.com"}}, "2101"),
        ({"redirectUrls": {**a_request()["redirectUrls"], "confirmUrlType": "FAX"}}, "2101"),
        ({"options": {"display": {"locale": "tlh"}}}, "2101"),
        ({"options": {"shipping": {"feeAmount": 10}}}, "1124"),
    ],
)
async def test_a_request_that_is_not_in_order_is_refused(change: Json, code: str) -> None:
    async with line_pay() as client:
        assert (await client.post("/v3/payments/request", {**a_request(), **change}))["returnCode"] == code


async def test_broken_json_and_a_third_decimal_are_refused() -> None:
    async with line_pay() as client:
        assert (await client.ask("POST", "/v3/payments/request", b'{"amount":'))["returnCode"] == "2102"
        text = json.dumps({**a_request()}).replace("100", "100.005").encode()
        assert (await client.ask("POST", "/v3/payments/request", text))["returnCode"] == "1124"


async def test_a_confirmation_is_refused_for_each_reason() -> None:
    async with line_pay() as client:
        transaction = await client.asked_for()
        path, words = f"/v3/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"}
        assert (await client.post(path, words))["returnCode"] == "1169"
        await client.sim(f"payments/{transaction}/pay", {})
        assert (await client.post(path, {**words, "amount": 90}))["returnCode"] == "1153"
        assert (await client.post(path, words))["returnCode"] == "0000"
        assert (await client.post(path, words))["returnCode"] == "1152"
        assert (await client.sim("truth"))["count"] == 1
        late = await client.asked_for("QK-0002")
        await client.sim(f"payments/{late}/pay", {})
        await client.sim("clock", {"advance_seconds": 1200})
        assert (await client.post(f"/v3/payments/{late}/confirm", words))["returnCode"] == "1180"
        assert (await client.post("/v3/payments/1/confirm", words))["returnCode"] == "1150"


async def test_refunds_add_up_to_what_was_paid_and_no_further() -> None:
    async with line_pay() as client:
        transaction = await client.paid()
        path = f"/v3/payments/{transaction}/refund"
        first = await client.post(path, {"refundAmount": 40})
        assert len(str(first["info"]["refundTransactionId"])) == 19
        assert (await client.post(path, {"refundAmount": 61}))["returnCode"] == "1164"
        assert (await client.post(path, {"refundAmount": 0}))["returnCode"] == "1183"
        assert (await client.post(path))["returnCode"] == "0000", "what is left, when nothing is said"
        assert (await client.post(path, {"refundAmount": 1}))["returnCode"] == "1165"
        (row,) = (await client.get("/v3/payments", "orderId=QK-0001&fields=ALL"))["info"]
        assert [one["refundAmount"] for one in row["refundList"]] == [-40, -60]
        refund = row["refundList"][0]["refundTransactionId"]
        (own,) = (await client.get("/v3/payments", f"transactionId={refund}"))["info"]
        assert own["originalTransactionId"] == transaction and own["transactionType"] == "PARTIAL_REFUND"
        assert (await client.sim("truth"))["total_satang"] == 0


async def test_a_hold_is_captured_once_and_at_most_in_full() -> None:
    async with line_pay() as client:
        transaction = await client.paid(options={"payment": {"capture": False}})
        (row,) = (await client.get("/v3/payments", f"transactionId={transaction}"))["info"]
        assert row["payStatus"] == "AUTHORIZATION" and row["authorizationExpireDate"].endswith("Z")
        assert "refundList" not in row
        path = f"/v3/payments/authorizations/{transaction}/capture"
        assert (await client.post(path, {"amount": 101, "currency": "THB"}))["returnCode"] == "1184"
        assert (await client.post(f"/v3/payments/{transaction}/refund"))["returnCode"] == "1155"
        assert (await client.post(path, {"amount": 80, "currency": "THB"}))["returnCode"] == "0000"
        assert (await client.post(path, {"amount": 20, "currency": "THB"}))["returnCode"] == "1155"
        assert (await client.sim("truth"))["total_satang"] == 8_000


async def test_a_request_that_is_not_finished_is_not_in_the_details() -> None:
    async with line_pay() as client:
        await client.asked_for()
        assert (await client.get("/v3/payments", "orderId=QK-0001"))["returnCode"] == "1150"
        assert (await client.get("/v3/payments"))["returnCode"] == "2101"
        many = "&".join(f"transactionId={number}" for number in range(101))
        assert (await client.get("/v3/payments", many))["returnCode"] == "1177"


async def test_version_4_adds_the_payment_provider() -> None:
    async with line_pay() as client:
        transaction = await client.asked_for()
        await client.sim(f"payments/{transaction}/pay", {})
        said = await client.post(f"/v4/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"})
        assert said["info"]["paymentProvider"] == "TSP"


async def test_a_saved_payer_is_charged_until_the_key_expires() -> None:
    async with line_pay() as client:
        transaction = await client.asked_for(options={"payment": {"payType": "PREAPPROVED"}})
        await client.sim(f"payments/{transaction}/pay", {})
        said = await client.post(f"/v3/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"})
        key = said["info"]["regKey"]
        assert key.startswith("RK") and len(key) == 15
        base = f"/v3/payments/preapprovedPay/{key}"
        charge = {"productName": "สมาชิก", "amount": 59.5, "currency": "THB", "orderId": "QK-0002"}
        assert (await client.post(f"{base}/payment", charge))["info"]["orderId"] == "QK-0002"
        assert (await client.post(f"{base}/payment", charge))["returnCode"] == "1172"
        assert (await client.get(f"{base}/check", "creditCardAuth=false"))["returnCode"] == "0000"
        assert (await client.post(f"{base}/expire"))["returnCode"] == "0000"
        assert (await client.get(f"{base}/check"))["returnCode"] == "1193"
        unknown = await client.get("/v3/payments/preapprovedPay/RK0000000000000/check")
        assert unknown["returnCode"] == "1190"


async def test_a_scanned_code_is_charged_checked_and_refunded_by_order_id() -> None:
    async with line_pay() as client:
        words = {
            "amount": 100,
            "currency": "THB",
            "orderId": "QK-0001",
            "productName": "กาแฟ",
            "oneTimeKey": "123456789012",
        }
        said = await client.post("/v4/payments/oneTimeKeys/pay", words)
        assert said["returnCode"] == "0000" and said["info"]["transactionDate"].endswith("Z")
        assert (await client.post("/v4/payments/oneTimeKeys/pay", words))["returnCode"] == "1172"
        assert (await client.get("/v4/payments/orders/QK-0001/check"))["info"]["status"] == "COMPLETE"
        assert (await client.post("/v4/payments/orders/QK-0001/refund"))["returnCode"] == "0000"
        held = {**words, "orderId": "QK-0002", "capture": False}
        assert (await client.post("/v4/payments/oneTimeKeys/pay", held))["returnCode"] == "0000"
        assert len((await client.get("/v4/payments/authorizations"))["info"]) == 1
        capture = {"amount": 100, "currency": "THB"}
        assert (await client.post("/v4/payments/orders/QK-0002/capture", capture))["returnCode"] == "0000"
        assert (await client.post("/v4/payments/orders/QK-0002/void"))["returnCode"] == "1155"


async def test_the_shop_s_server_is_called_once_whatever_it_answers() -> None:
    heard: list[dict[str, str]] = []

    async def shop(request: web.Request) -> web.Response:
        assert request.method == "GET"
        heard.append(dict(request.query))
        return web.Response(status=500)

    async with line_pay() as client, answering(shop) as url:
        urls = {"confirmUrl": f"{url}/hook?shop=1", "cancelUrl": url, "confirmUrlType": "SERVER"}
        transaction = await client.asked_for(redirectUrls=urls)
        await client.sim(f"payments/{transaction}/pay", {})
        await client.sim("clock", {"advance_seconds": 3600})
        (letter,) = (await client.sim("confirmations"))["confirmations"]
    assert heard == [{"shop": "1", "transactionId": str(transaction), "orderId": "QK-0001"}]
    assert letter["state"] == "given_up"


async def test_a_code_that_waits_is_said_after_or_before_the_work_is_done() -> None:
    async with line_pay() as client:
        transaction = await client.asked_for()
        await client.sim(f"payments/{transaction}/pay", {})
        await client.sim("options", {"codes": {"confirm": ["before:1198", "1199"]}})
        path, words = f"/v3/payments/{transaction}/confirm", {"amount": 100, "currency": "THB"}
        assert (await client.post(path, words))["returnCode"] == "1198"
        assert (await client.sim("truth"))["count"] == 0
        assert (await client.post(path, words))["returnCode"] == "1199"
        assert (await client.sim("truth"))["count"] == 1


async def test_every_second_payer_pays_a_part_by_discount() -> None:
    async with line_pay() as client:
        await client.paid("QK-0001")
        await client.paid("QK-0002")
        (row,) = (await client.get("/v3/payments", "orderId=QK-0002"))["info"]
        assert row["payInfo"] == [{"method": "BALANCE", "amount": 90}, {"method": "DISCOUNT", "amount": 10}]
