"""The GBPrimePay simulator, spoken to by a little client that knows only GBPrimePay's documents."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import GbprimepaySimulator
from quickkub.connectors.simulation.run import served
from quickkub.promptpay import parse_payment
from tests.support.ports import free_port
from tests.support.stub import answering

PUBLIC, SECRET = "QkTestPublicKey00000000000000000", "Qk1TestSecretKey0000000000000000"
TOKEN = "QkTestCustomerKey/0123456789+abcdefghij=="
NOON = "2025-01-01T12:00:00+07:00"
BACK = "https://shop.example.com/back"
WALLET = ("amount", "referenceNo", "responseUrl", "backgroundUrl")
CARD = {
    "name": "SOMCHAI J",
    "number": "4535017710535741",
    "expirationMonth": "05",
    "expirationYear": "28",
    "securityCode": "184",
}
Json = Any


@dataclass
class Said:
    """An answer: HTTP status, headers, text, and its words when it is JSON."""

    status: int
    headers: Any
    raw: bytes
    words: Json = None

    @property
    def text(self) -> str:
        return self.raw.decode()


@dataclass
class Client:
    """A merchant's server, and its payer's browser."""

    url: str
    session: aiohttp.ClientSession
    heard_at: str
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    refuses: int = 0

    async def form(self, path: str, said: dict[str, str], **more: Any) -> Said:
        return await self._ask("POST", path, data=said, **more)

    async def json(self, path: str, said: Json, key: str = SECRET) -> Said:
        return await self._ask("POST", path, json=said, headers={"authorization": basic(key)})

    async def get(self, path: str, key: str = "") -> Said:
        headers = {"authorization": basic(key)} if key else {}
        return await self._ask("GET", path, headers=headers)

    async def _ask(self, method: str, path: str, **more: Any) -> Said:
        more = {"allow_redirects": False, **more}
        async with self.session.request(method, self.url + path, **more) as came:
            raw = await came.read()
            words = await came.json() if raw.startswith(b"{") else None
            return Said(came.status, came.headers, raw, words)

    async def sim(self, path: str, said: Json = None) -> Json:
        method = "GET" if said is None else "POST"
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            assert came.status < 300, await came.text()
            return await came.json()

    def qr(self, reference: str = "QK250101000001", amount: str = "100.00") -> dict[str, str]:
        words = {"token": TOKEN, "amount": amount, "referenceNo": reference}
        return {**words, "backgroundUrl": self.heard_at, "merchantDefined1": "pay_01"}

    def wallet(self, *more: str, secret: str = SECRET, **said: str) -> dict[str, str]:
        words = {"publicKey": PUBLIC, "amount": "100.00", "referenceNo": "QK250101000001"}
        words |= {"responseUrl": BACK, "backgroundUrl": self.heard_at, "detail": "coffee", **said}
        message = "".join(words[name] for name in (*WALLET, *more))
        checksum = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return {"checksum": checksum, **words}

    async def status(self, reference: str = "QK250101000001") -> str:
        said = await self.json("/v1/check_status_txn", {"referenceNo": reference})
        (row,) = said.words.get("txns") or [said.words["txn"]]
        return str(row["status"])

    async def item(self) -> Json:
        return (await self.sim("items"))["items"][0]

    async def hears(self, request: web.Request) -> web.Response:
        self.heard.append((request.content_type, await request.read()))
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=500)
        return web.Response(text="200 OK")


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@asynccontextmanager
async def gbprimepay(**config: Any) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        client = Client("", session, "")
        async with (
            answering(client.hears) as client.heard_at,
            served(GbprimepaySimulator(config), "127.0.0.1", free_port()) as client.url,
        ):
            await client.sim("clock", {"at": NOON})
            yield client


async def test_a_qr_is_a_bill_of_gbprimepay_s_own_and_is_settled_when_paid() -> None:
    async with gbprimepay() as gbp:
        said = (await gbp.form("/v3/qrcode/text", gbp.qr())).words
        assert said["resultCode"] == "00" and said["resultMessage"] is None
        number = said["gbpReferenceNo"]
        assert re.fullmatch(r"gbp[0-9]+", number)
        found = parse_payment(said["qrcode"])
        assert found.amount_satang == 10_000 and found.biller is not None
        assert found.biller.biller_id == "010556006812748"
        assert found.ref1 == number[3:].rjust(18, "0") and found.ref2 == "0000QK250101000001"
        assert await gbp.status() == "G"
        await gbp.sim("scan", {"qr": said["qrcode"]})
        assert await gbp.status() == "S"
        await gbp.sim("clock", {"advance_seconds": 0})
        ((kind, body),) = gbp.heard
        assert (
            kind == "application/json" and b'"fee":1.000,"vat":0.07000' in body and b'"amount":100.00' in body
        )


async def test_the_picture_comes_as_png_and_the_slip_as_pdf_by_either_encoding() -> None:
    async with gbprimepay() as gbp:
        for number, path in enumerate(
            ("/v3/qrcode", "/gbp/gateway/qrcode", "/v3/qrcredit", "/gbp/gateway/qrcredit")
        ):
            form = aiohttp.FormData({**gbp.qr(f"QK{number}"), "payType": "F"}, quote_fields=False)
            form.add_field("padding", b"x", filename="x")  # multipart
            said = await gbp.form(path, form)  # type: ignore[arg-type]
            assert said.raw.startswith(b"\x89PNG"), said.raw[:80]
        slip = await gbp.form("/gbp/gateway/barcode", gbp.qr("QK9"))
        assert slip.raw.startswith(b"%PDF-1.4") and b"010556006812748" in slip.raw


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token": TOKEN.replace("+", " ")}, "invalid token"),
        ({"token": ""}, "Incomplete information"),
        ({"referenceNo": ""}, "Incomplete information"),
        ({"detail": "x" * 251}, "Incomplete information"),
        ({"amount": "100"}, "14"),
        ({"amount": "0.00"}, "14"),
        ({"amount": "100.001"}, "14"),
        ({"referenceNo": "QK-1"}, "11"),
    ],
)
async def test_a_qr_with_a_wrong_field_is_refused(change: dict[str, str], said: str) -> None:
    async with gbprimepay() as gbp:
        came = await gbp.form("/v3/qrcode/text", {**gbp.qr(), **change})
        assert said == (came.words["resultCode"] if came.words else came.text)
        assert (await gbp.sim("items"))["items"] == []


async def test_a_reference_is_taken_once() -> None:
    async with gbprimepay() as gbp:
        await gbp.form("/v3/qrcode/text", gbp.qr())
        again = await gbp.form("/v3/qrcode/text", gbp.qr(amount="50.00"))
        assert again.words["resultCode"] == "21" and again.words["qrcode"] is None
        assert (await gbp.form("/v2/linepay", gbp.wallet())).text == "duplicate"
        unknown = await gbp.json("/v1/check_status_txn", {"referenceNo": "QK9"})
        assert unknown.words == {"txn": None, "resultCode": "11", "resultMessage": "Invalid referenceNo"}


async def test_a_long_reference_makes_a_qr_that_no_bank_app_pays() -> None:
    async with gbprimepay() as gbp:
        said = await gbp.form("/v3/qrcode/text", gbp.qr("QK2501010000010000009"))
        assert said.words["resultCode"] == "00"
        async with gbp.session.post(f"{gbp.url}/_sim/scan", json={"qr": said.words["qrcode"]}) as came:
            assert came.status == 409 and "reference 2" in await came.text()


async def test_a_qr_is_paid_once_in_time_and_whole() -> None:
    async with gbprimepay(options={"qr_seconds": 900}) as gbp:
        await gbp.form("/v3/qrcode/text", gbp.qr("QK1"))
        await gbp.form("/v3/qrcode/text", gbp.qr("QK2"))
        await gbp.sim("payments/QK1/pay", {})
        for ref, said in (("QK1", {}), ("QK2", {"amount": "99.00"})):
            async with gbp.session.post(f"{gbp.url}/_sim/payments/{ref}/pay", json=said) as came:
                assert came.status == 409
        await gbp.sim("clock", {"advance_seconds": 900})
        async with gbp.session.post(f"{gbp.url}/_sim/payments/QK2/pay", json={}) as came:
            assert came.status == 409 and "over" in await came.text()
        assert await gbp.status("QK2") == "G", "GBPrimePay does not end a QR"


async def test_a_wallet_is_paid_with_an_otp_and_the_payer_comes_back() -> None:
    async with gbprimepay() as gbp:
        page = await gbp.form("/v2/trueWallet", gbp.wallet(customerTelephone="0812345678"))
        (ptx,) = re.findall(r'<input type="hidden" name="ptx_id" value="([0-9]+)">', page.text)
        sent = await gbp.form("/v1/trueWallet/payment", {"mobile_number": "0812345678", "ptx_id": ptx})
        resent = await gbp.get(f"/true/payments/repeatauthapply?paymentTransaction={ptx}")
        hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', resent.text))
        assert hidden and sent.text != resent.text
        done = await gbp.form("/true/payments/verifytokens", {"otp_code": "123456", **hidden})
        assert done.status == 303
        back = parse_qs(urlsplit(done.headers["location"]).query)
        assert back["resultCode"] == ["00"] and back["referenceNo"] == ["QK250101000001"]
        assert await gbp.status() == "S"
        await gbp.sim("clock", {"advance_seconds": 0})
        ((kind, body),) = gbp.heard
        words = parse_qs(body.decode())
        assert kind == "application/x-www-form-urlencoded"
        assert (words["paymentType"], words["date"], words["time"]) == (["T"], ["01012025"], ["120000"])


@pytest.mark.parametrize(("code", "later"), [("000000", 0), ("123456", 60)])
async def test_a_wrong_or_late_otp_ends_the_wallet_s_payment(code: str, later: int) -> None:
    async with gbprimepay() as gbp:
        page = await gbp.form("/v2/trueWallet", gbp.wallet(customerTelephone="0812345678"))
        ptx = re.findall(r'name="ptx_id" value="([0-9]+)"', page.text)[0]
        sent = await gbp.form("/v1/trueWallet/payment", {"mobile_number": "0812345678", "ptx_id": ptx})
        hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', sent.text))
        await gbp.sim("clock", {"advance_seconds": later})
        done = await gbp.form("/true/payments/verifytokens", {"otp_code": code, **hidden})
        assert "resultCode=55" in done.headers["location"]
        assert await gbp.status() == "D"


async def test_line_pay_leads_by_redirects_to_a_page_with_two_buttons() -> None:
    async with gbprimepay() as gbp:
        first = await gbp.form("/v2/linepay", gbp.wallet())
        second = await gbp.get(first.headers["location"])
        page = second.headers["location"]
        assert (first.status, second.status) == (302, 302)
        assert "Approve" in (await gbp.get(page)).text
        done = await gbp.form(page, {"button": "cancel"})
        assert done.headers["location"].startswith(f"{BACK}?resultCode=17&")
        assert await gbp.status() == "D"
        again = await gbp.form(page, {"button": "approve"})
        assert "Not done" in again.text


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v2/trueWallet", {"customerTelephone": "0812345678"}),
        ("/v2/linepay", {}),
        ("/v1/shopeePay", {}),
        ("/v1/atome", {}),
        ("/v2/mobileBanking", {"bankCode": "004"}),
        ("/v2/installment", {"bankCode": "004", "term": "3", "amount": "3000.00"}),
    ],
)
async def test_a_form_s_checksum_is_over_the_exact_texts(path: str, more: dict[str, str]) -> None:
    signs = tuple(name for name in ("bankCode", "term") if name in more)
    async with gbprimepay() as gbp:
        proper = gbp.wallet(*signs, **more)
        wrong = [
            gbp.wallet(*signs, secret="another", **more),
            {**proper, "backgroundUrl": "https://thief.example.com/"},
            {**proper, "amount": proper["amount"].replace(".00", ".01")},
            {**proper, "checksum": proper["checksum"].upper()},
        ]
        for said in wrong:
            words = (await gbp.form(path, said)).words
            assert words == {"resultCode": "99", "resultMessage": "Invalid checksum"}
        assert (await gbp.form(path, {**proper, "publicKey": "nobody"})).text == "invalid public key"
        assert (await gbp.form(path, proper)).status in (200, 302)


async def test_bank_apps_are_opened_in_each_bank_s_own_way() -> None:
    async with gbprimepay() as gbp:
        found = {}
        for bank in ("004", "014", "025", "002", "006"):
            said = gbp.wallet("bankCode", bankCode=bank, referenceNo=f"QK{bank}")
            found[bank] = (await gbp.form("/v2/mobileBanking", said)).text
        assert 'action="scbeasy://' in found["014"]
        assert 'value="bualuangmbanking://mbanking.payment"' in found["002"]
        assert "K PLUS" in found["004"]
        unknown = await gbp.form(
            "/v2/mobileBanking", gbp.wallet("bankCode", bankCode="999", referenceNo="QK9")
        )
        assert unknown.text == "Incomplete information"


async def test_an_instalment_is_at_least_3000_baht_and_500_a_month() -> None:
    async with gbprimepay() as gbp:
        for amount, term, code in (("2999.99", "3", "14"), ("3000.00", "7", "14"), ("3000.00", "6", None)):
            said = gbp.wallet("bankCode", "term", bankCode="004", term=term, amount=amount)
            came = await gbp.form("/v2/installment", said)
            assert (came.words and came.words["resultCode"]) == code
        await gbp.sim("payments/QK250101000001/pay", {})
        await gbp.sim("clock", {"advance_seconds": 0})
        words = parse_qs(gbp.heard[0][1].decode())
        assert (words["payMonth"], words["amountPerMonth"]) == (["6"], ["500.00"])


async def test_a_card_is_charged_by_its_token_and_proves_its_holder() -> None:
    async with gbprimepay() as gbp:
        token = (await gbp.json("/v2/tokens", {"rememberCard": False, "card": CARD}, PUBLIC)).words["card"]
        assert token["number"] == "453501XXXXXX5741" and token["cardType"] == "VIS"
        charge = {
            "amount": 100.00,
            "referenceNo": "QK250101000001",
            "card": {"token": token["token"]},
            "otp": "Y",
            "responseUrl": BACK,
            "backgroundUrl": gbp.heard_at,
        }
        said = (await gbp.json("/v2/tokens/charge", charge)).words
        assert said["resultCode"] == "00" and await gbp.status() == "G", "not paid yet"
        proof = {"publicKey": PUBLIC, "gbpReferenceNo": said["gbpReferenceNo"]}
        by_form = await gbp.form("/v2/tokens/3d_secured", proof)
        query = f"?publicKey={PUBLIC}&gbpReferenceNo={said['gbpReferenceNo']}"
        by_query = await gbp.form("/v1/tokens/3d_secured" + query, {})
        assert by_form.text == by_query.text and "submit()" in by_form.text
        page = re.findall(r'action="([^"]+)"', by_form.text)[0]
        done = await gbp.form(page, {"button": "approve"})
        assert "resultCode=00" in done.headers["location"] and await gbp.status() == "S"
        assert (await gbp.json("/v2/tokens/charge", charge)).words["resultCode"] == "94"


async def test_a_refused_card_and_a_card_that_cannot_be_are_told_apart() -> None:
    async with gbprimepay() as gbp:
        await gbp.sim("registrations", {"card": CARD["number"], "resultCode": "51"})
        token = (await gbp.json("/v1/tokens", {"card": CARD}, PUBLIC)).words["card"]["token"]
        charge = {"amount": 1.5, "referenceNo": "QK1", "card": {"token": token}, "otp": "N"}
        assert (await gbp.json("/v1/tokens/charge", charge)).words["resultCode"] == "51"
        assert await gbp.status("QK1") == "D"
        for change, code in (
            ({"number": "12"}, "14"),
            ({"expirationYear": "24"}, "54"),
            ({"expirationMonth": "13"}, "30"),
        ):
            came = await gbp.json("/v2/tokens", {"card": {**CARD, **change}}, PUBLIC)
            assert came.words["resultCode"] == code
        other = {**charge, "referenceNo": "QK2", "card": {"token": "nobody-s"}}
        assert (await gbp.json("/v2/tokens/charge", other)).words["resultCode"] == "14"
        finer = {**charge, "referenceNo": "QK2", "amount": 1.555}
        assert (await gbp.json("/v2/tokens/charge", finer)).words["resultCode"] == "14"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v2/tokens", SECRET),
        ("/v2/tokens/charge", PUBLIC),
        ("/v1/check_status_txn", PUBLIC),
        ("/v1/check_status_txn", "nobody"),
    ],
)
async def test_each_key_opens_its_own_doors_only(path: str, key: str) -> None:
    async with gbprimepay() as gbp:
        assert (await gbp.json(path, {"referenceNo": "QK1", "card": CARD}, key)).status == 401


async def test_keys_can_be_asked_about() -> None:
    async with gbprimepay() as gbp:
        told = [await gbp.get("/checkPublicKey", PUBLIC), await gbp.get("/checkPrivateKey", SECRET)]
        told.append(await gbp.form("/checkCustomerKey", {"token": TOKEN}))
        assert {one.words["merchantId"] for one in told} == {"GBP0001"}
        assert (await gbp.get("/getmerchantinfo", PUBLIC)).words["currency_code"] == "764"
        assert (await gbp.get("/checkPrivateKey", PUBLIC)).status == 401
        assert (await gbp.form("/checkCustomerKey", {"token": "x"})).text == "invalid token"


async def test_a_webhook_that_is_not_taken_is_repeated_three_times_with_its_flag() -> None:
    async with gbprimepay() as gbp:
        gbp.refuses = 9
        await gbp.form("/v3/qrcode/text", gbp.qr())
        await gbp.sim("payments/QK250101000001/pay", {})
        for _ in range(6):
            await gbp.sim("clock", {"advance_seconds": 60})
        flags = [re.findall(rb'"retryFlag":"([YN])"', body)[0] for _, body in gbp.heard]
        assert flags == [b"N", b"Y", b"Y", b"Y"]


async def test_a_webhook_that_is_taken_is_not_repeated() -> None:
    async with gbprimepay() as gbp:
        gbp.refuses = 1
        await gbp.form("/v3/qrcode/text", gbp.qr())
        await gbp.sim("payments/QK250101000001/pay", {})
        for _ in range(4):
            await gbp.sim("clock", {"advance_seconds": 60})
        assert len(gbp.heard) == 2


async def test_webhooks_can_lie_come_early_or_not_at_all() -> None:
    async with gbprimepay(options={"wrong_webhook_amount": True, "settle_seconds": 30}) as gbp:
        for ref in ("QK1", "QK2"):
            await gbp.form("/v3/qrcode/text", gbp.qr(ref))
        await gbp.sim("payments/QK1/pay", {"callback": "drop"})
        await gbp.sim("payments/QK2/pay", {"callback": "duplicate"})
        await gbp.sim("clock", {"advance_seconds": 0})
        assert len(gbp.heard) == 2 and b'"amount":101.00' in gbp.heard[0][1]
        assert await gbp.status("QK2") == "G"
        await gbp.sim("clock", {"advance_seconds": 30})
        assert await gbp.status("QK2") == "S"


async def test_a_void_in_the_portal_is_seen_in_the_inquiry_and_in_the_list() -> None:
    async with gbprimepay() as gbp:
        await gbp.form("/v3/qrcode/text", gbp.qr())
        await gbp.sim("payments/QK250101000001/pay", {})
        number = (await gbp.item())["ref"]
        await gbp.sim(f"movements/{number}/reverse", {})
        assert await gbp.status() == "V"
        listed = (await gbp.get("/portal/settlement?date=2025-01-01")).text
        rows = list(csv.DictReader(io.StringIO(listed)))
        assert [(row["gbpReferenceNo"], row["amount"]) for row in rows] == [
            (number, "100.00"),
            (number, "-100.00"),
        ]
        assert len((await gbp.get("/portal/settlement?date=2025-01-02")).text.splitlines()) == 1


async def test_wechat_gives_a_link_or_a_picture() -> None:
    async with gbprimepay() as gbp:
        words = {"publicKey": PUBLIC, "amount": "100.00", "referenceNo": "QK1", "backgroundUrl": gbp.heard_at}
        message = "".join(words[name] for name in ("amount", "referenceNo", "backgroundUrl"))
        words["checksum"] = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        said = (await gbp.form("/v2/wechat/text", words)).words
        assert said["wechat"].startswith("weixin://wxpay/")
        again = await gbp.form("/v3/wechat", words)
        assert again.words["resultCode"] == "21"
