"""A client of KBank's three products that knows only the public documents, for tests of the simulator."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import KbankSimulator
from quickkub.connectors.simulation.run import served
from tests.support.ports import free_port

BASIC = "Basic ZGVtby1jb25zdW1lci1pZDpkZW1vLWNvbnN1bWVyLXNlY3JldA=="
PARTNER = "PTR1051673"
SECRET = "d4bded59200547bc85903574a293831b"
MERCHANT = "KB102057149704"
KGP_KEY = "skey_test_demoSECRET0001"
FORM = {"grant_type": "client_credentials"}
NOON = "2026-01-15T12:00:00+07:00"


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status and words."""

    status: int
    words: dict[str, Any]

    @property
    def code(self) -> str | None:
        """`errorCode` and the short code at the end of the text, such as `qr_paid EMQRP`; None on success."""
        if self.words.get("statusCode") != "10":
            return None
        return f"{self.words['errorCode']} {self.words['errorDesc'].rpartition('(')[2].rstrip(')')}"

    def __getitem__(self, name: str) -> Any:
        return self.words[name]


@dataclass
class Client:
    """Sends what it is told to. `numbers` gives every request an id of its own."""

    url: str
    session: aiohttp.ClientSession
    token: str = ""
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def sends(self, method: str, path: str, body: Any = None, **headers: str | None) -> Said:
        """A header given as None is left out; underscores stand for hyphens."""
        usual: dict[str, str | None] = {
            "content-type": "application/json" if body is not None else None,
            "authorization": f"Bearer {self.token}" if self.token else None,
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | given).items() if value is not None}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, skip_auto_headers=["content-type"]
        ) as came:
            return Said(came.status, await came.json(content_type=None))

    async def control(self, method: str, path: str, said: Any = None) -> dict[str, Any]:
        """A call of the control API; an error of it fails the test."""
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer: dict[str, Any] = await came.json()
            assert came.status < 400, answer
            return answer

    async def time_is(self, at: str) -> None:
        await self.control("POST", "clock", {"at": at})

    async def time_passes(self, seconds: int) -> None:
        await self.control("POST", "clock", {"advance_seconds": seconds})

    async def pays(self, ref: str, **more: Any) -> dict[str, Any]:
        movement: dict[str, Any] = (await self.control("POST", f"payments/{ref}/pay", more))["movements"][0]
        return movement

    async def logs_in(self, **headers: str | None) -> Said:
        said = {"authorization": BASIC, "content_type": "application/x-www-form-urlencoded", **headers}
        answer = await self.sends("POST", "/v2/oauth/token", b"grant_type=client_credentials", **said)
        self.token = answer.words.get("access_token", self.token)
        return answer

    # --- the QR API ---

    def common(self, **more: Any) -> dict[str, Any]:
        usual = {
            "partnerTxnUid": f"REQ{next(self.numbers):012d}",
            "partnerId": PARTNER,
            "partnerSecret": SECRET,
            "requestDt": NOON,
            "merchantId": MERCHANT,
        }
        return {name: value for name, value in (usual | more).items() if value != "-"}

    async def asks(self, what: str, **more: Any) -> Said:
        """A call of `/v1/qrpayment/…` with the common fields; a field given as "-" is left out."""
        return await self.sends("POST", f"/v1/qrpayment/{what}", self.common(**more))

    async def makes_qr(self, uid: str = "ORDER1", amount: Any = 100.50, **more: Any) -> Said:
        usual = {
            "partnerTxnUid": uid,
            "qrType": "3",
            "txnAmount": amount,
            "txnCurrencyCode": "THB",
            "reference1": "INV001",
        }
        return await self.asks("request", **(usual | more))

    async def inquires(self, uid: str = "ORDER1", **more: Any) -> Said:
        return await self.asks("v4/inquiry", origPartnerTxnUid=uid, **more)

    async def cancels(self, uid: str = "ORDER1", **more: Any) -> Said:
        return await self.asks("cancel", origPartnerTxnUid=uid, **more)

    async def voids(self, uid: str = "ORDER1", **more: Any) -> Said:
        return await self.asks("void", origPartnerTxnUid=uid, **more)

    # --- KGP ---

    async def kgp(self, method: str, path: str, body: Any = None, key: str | None = KGP_KEY) -> Said:
        return await self.sends(method, path, body, x_api_key=key, authorization=None)

    async def charges(self, reference: str = "CHARGE1", token: str = "tokn_test_0001", **more: Any) -> Said:
        usual = {
            "amount": 200.50,
            "currency": "THB",
            "description": "INV001",
            "source_type": "card",
            "mode": "token",
            "token": token,
            "reference_order": reference,
        }
        return await self.kgp("POST", "/card/v2/charge", usual | more)


@asynccontextmanager
async def running_kbank(**config: Any) -> AsyncIterator[Client]:
    """A simulator of this test's own, its clock at noon of 15 January 2026, and a client logged in."""
    async with (
        served(KbankSimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        client = Client(url, session)
        await client.time_is(NOON)
        await client.logs_in()
        yield client


@dataclass
class Shop:
    """Hears callbacks and answers as `answers` says."""

    answers: str = '{"statusCode": "00", "errorCode": null, "errorDesc": null}'
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append(json.loads(await request.read()))
        return web.Response(status=self.status, text=self.answers, content_type="application/json")
