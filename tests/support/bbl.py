"""The Bangkok Bank simulator on a free port, and a small client that knows only the bank's manual."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.bbl.simulator import BblSimulator
from quickkub.connectors.simulation.run import served
from tests.support.ports import free_port
from tests.support.speech import loads
from tests.support.speech.bbl import claims_in, sign
from tests.support.stub import answering

SECRET = "demoSecureHashSecret01"
BILLER = "099400012345678"
BACK = "https://shop.example/back"
NOON = "2026-01-15T12:00:00+07:00"
QR = (
    "00020101021230690016A00000067701011201150994000123456780214INV202601150010308CUST0001"
    "53037645406150.755802TH6304794D"
)


def hashed(*parts: str, algorithm: str = "sha512") -> str:
    return hashlib.new(algorithm, "|".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status, headers, text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> dict[str, Any]:
        if self.text.startswith("{"):
            said: dict[str, Any] = json.loads(self.text)
            return said
        return dict(parse_qsl(self.text, keep_blank_values=True))

    @property
    def records(self) -> list[dict[str, str]]:
        return [{f.tag: f.text or "" for f in record} for record in ElementTree.fromstring(self.text)]

    @property
    def code(self) -> str:
        """responseCode, once the bank's signature over the answer was seen to be good."""
        claims = claims_in(self.headers["Signature"])
        own = {name: value for name, value in claims.items() if name not in ("exp", "iat", "jti")}
        assert own == loads(self.text), "the bank signed other words"
        said = self.words
        return str(said["responseCode"])


@dataclass
class Gateway:
    """Hears the bank's calls and answers `answer`; `proper` is what each kind wants to hear."""

    url: str = ""
    answer: str = "proper"
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        raw = (await request.read()).decode()
        is_feed = request.content_type == "application/x-www-form-urlencoded"
        said = dict(parse_qsl(raw, keep_blank_values=True)) if is_feed else json.loads(raw)
        if not is_feed:
            assert claims_in(request.headers["Signature"])["iat"]
        self.heard.append(said)
        proper = "OK" if is_feed else '{"responseCode": "000"}'
        return web.Response(text=proper if self.answer == "proper" else self.answer)


@dataclass
class Bank:
    """A running simulator and a client of it."""

    url: str
    session: aiohttp.ClientSession
    token: str = ""

    # --- the hand inside ---

    async def control(self, path: str, said: Any = None, *, method: str = "POST") -> dict[str, Any]:
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer: dict[str, Any] = await came.json()
            assert came.status < 400, answer
            return answer

    async def pay(self, ref: str, **more: Any) -> dict[str, Any]:
        moved: dict[str, Any] = (await self.control(f"payments/{ref}/pay", more))["movements"][0]
        return moved

    async def time_is(self, at: str) -> None:
        await self.control("clock", {"at": at})

    async def time_passes(self, seconds: int) -> None:
        await self.control("clock", {"advance_seconds": seconds})

    async def truth(self) -> dict[str, Any]:
        return await self.control("truth", method="GET")

    # --- iPay ---

    async def posts(self, path: str, words: Mapping[str, str], **more: Any) -> Said:
        async with self.session.post(
            self.url + path, data=words, allow_redirects=False, headers=more.get("headers")
        ) as came:
            return Said(came.status, came.headers, await came.text())

    def form(self, ref: str = "ORD-1", amount: str = "150.75", pay_type: str = "N", **more: Any) -> Any:
        """A field given as None is left out; the hash is right unless it is given."""
        words = {
            "merchantId": "1234",
            "amount": amount,
            "orderRef": ref,
            "currCode": "764",
            "lang": "T",
            "payType": pay_type,
            "payMethod": "CC",
            "mpsMode": "NIL",
            "successUrl": BACK + "/ok",
            "failUrl": BACK + "/fail",
            "cancelUrl": BACK + "/cancel",
            "remark": "INV001",
            "secureHash": hashed("1234", ref, "764", amount, pay_type, SECRET),
            **more,
        }
        return {name: value for name, value in words.items() if value is not None}

    async def orders(self, ref: str = "ORD-1", amount: str = "150.75", **more: Any) -> Said:
        return await self.posts("/b2c/eng/payment/payForm.jsp", self.form(ref, amount, **more))

    async def uses_card(self, page: Said, number: str, button: str = "pay") -> Said:
        session = re.search(r'name="session" value="([0-9a-f]+)"', page.text)
        assert session is not None, page.text
        words = {"session": session[1], "cardNo": number, "button": button}
        return await self.posts("/b2c/eng/payment/payForm2.jsp", words)

    async def asks(self, action: str = "Query", **more: str) -> Said:
        words = {"merchantId": "1234", "loginId": "apiuser", "password": "secret", "actionType": action}
        return await self.posts("/b2c/eng/merchant/api/orderApi.jsp", words | more)

    # --- the portal ---

    async def logs_in(self, client: str = "demo-client:demo-client-secret", **more: str) -> Said:
        basic = base64.b64encode(client.encode()).decode()
        words = {"grant_type": "client_credentials"} | more
        said = await self.posts("/oauth/accesstoken", words, headers={"authorization": f"Basic {basic}"})
        self.token = said.words.get("access_token", "")
        return said

    async def sends(self, path: str, words: Mapping[str, Any], **more: Any) -> Said:
        """`signature` or `signed` (other words) replace what is signed; `token` the token."""
        now = (await self.control("clock", method="GET"))["now"]
        issued = int(datetime.fromisoformat(now).timestamp()) + more.get("later", 0)
        signature = more.get("signature", sign(more.get("signed", words), issued))
        headers = {
            "authorization": f"Bearer {more.get('token', self.token)}",
            "content-type": "application/json",
            "Signature": signature,
        }
        async with self.session.post(self.url + path, data=json.dumps(words), headers=headers) as came:
            return Said(came.status, came.headers, await came.text())

    async def makes_link(self, ref: str = "A1", amount: str = "99.00", **more: Any) -> Said:
        words = {
            "serviceCode": "QK01",
            "billerId": BILLER,
            "reference1": ref,
            "totalAmount": amount,
            "currencyCode": "THB",
        }
        return await self.sends("/v1/billpayment/apptoapp/payment", words | more)

    async def asks_link(self, ref: str = "A1", **more: Any) -> Said:
        words = {"serviceCode": "QK01", "billerId": BILLER, "reference1": ref}
        return await self.sends("/v1/billpayment/apptoapp/inquiry", words | more)

    async def pulls(self, trans_ref: str, amount: Any = 150.75, **more: Any) -> Said:
        words = {
            "billerId": BILLER,
            "transRef": trans_ref,
            "destBank": "002",
            "reference1": "INV20260115001",
            "amount": amount,
        }
        return await self.sends("/biller/v1/pull-payment", words | more)


@asynccontextmanager
async def running_bank(**config: Any) -> AsyncIterator[Bank]:
    """A bank of this test's own, whose clock stands at noon of 15 January 2026 in Bangkok."""
    async with (
        served(BblSimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        bank = Bank(url, session)
        await bank.time_is(NOON)
        yield bank


@asynccontextmanager
async def listening(bank: Bank) -> AsyncIterator[Gateway]:
    """A gateway to which the bank sends everything."""
    gateway = Gateway()
    async with answering(gateway.handle) as url:
        gateway.url = url
        await bank.control("registrations", {"url": url})
        yield gateway
