"""The Krungsri simulator on a free port, and a small client that knows only the bank's documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.bay.simulator import BaySimulator
from quickkub.connectors.simulation.run import served
from tests.support.ports import free_port
from tests.support.speech.bay import sign
from tests.support.stub import answering

Headers: TypeAlias = "Mapping[str, str | None]"

KEY = "demo-krungsri-api-key"
MERCHANT = "1000000000000001"
BILLER = "012345678901200"
NOON = "2026-01-15T12:00:00+07:00"


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status, text, and the fields of one that is JSON."""

    status: int
    text: str

    @property
    def data(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.text)
        return said

    @property
    def code(self) -> str:
        return str(self.data.get("returnCode", ""))


@dataclass
class Gateway:
    """Hears callbacks; `proper` is a signed 10000, everything else is sent as it stands."""

    url: str = ""
    answer: str = "proper"
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append(json.loads(await request.read()))
        proper: dict[str, Any] = {"message": "Successful reception", "returnCode": 10000}
        if "referenceNumber" in self.heard[-1]:
            proper = {"returnCode": "10000", "message": "Success"}
        else:
            proper["sign"] = sign(proper)
        return web.Response(text=json.dumps(proper) if self.answer == "proper" else self.answer)


@dataclass
class Bank:
    """A running simulator and a client of it."""

    url: str
    session: aiohttp.ClientSession

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

    async def sends(
        self, path: str, words: Any, *, signed: bool = True, headers: Headers | None = None
    ) -> Said:
        """`sign` in the words replaces the right one; a header given as None is left out."""
        usual: dict[str, str | None] = {
            "API-Key": KEY,
            "X-Client-Transaction-ID": str(uuid.uuid4()),
            "X-Client-Transaction-DateTime": "2026-01-15T12:00:00.000+07:00",
            "content-type": "application/json",
        }
        said = {name: value for name, value in {**usual, **(headers or {})}.items() if value is not None}
        body = {"sign": sign(words), **words} if signed and isinstance(words, dict) else words
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(
            self.url + path, data=raw, headers=said, skip_auto_headers=["content-type"]
        ) as came:
            return Said(came.status, await came.text())

    async def makes_qr(self, ref: str = "INV1", amount: str = "150.75", **more: Any) -> Said:
        words = {
            "bizMchId": MERCHANT,
            "billerId": BILLER,
            "channel": "2",
            "reference1": ref,
            "reference2": "CUST0001",
            "terminalId": "0001",
            "amount": amount,
            "remark": "QK",
        }
        said = {name: value for name, value in (words | more).items() if value is not None}
        return await self.sends("/native/QRPayment/trans/precreate", said)

    async def asks(self, trx_id: str) -> Said:
        words = {"bizMchId": MERCHANT, "trxId": trx_id}
        return await self.sends("/native/QRPayment/trans/detail", words)

    async def lists(self, page: int = 1, rows: int = 30, path: str = "list", **more: str) -> Said:
        words = {"bizMchId": MERCHANT, "numberPerPage": str(rows), "pageNumber": str(page), **more}
        if path == "list":
            words = {"billerId": BILLER, **words}
        return await self.sends(f"/native/QRPayment/trans/{path}", words)

    async def verifies(self, text: str) -> Said:
        words = {"bizMchId": MERCHANT, "trxQr": text}
        return await self.sends("/native/QRPayment/trans/verify", words)

    async def makes_link(self, **more: Any) -> Said:
        words = {
            "billerId": BILLER,
            "reference1": "INV2",
            "reference2": "CUST0001",
            "amount": "99.00",
            "currencyCode": "THB",
            "callbackUrl": "https://shop.example/back",
            "expiryMinutes": "15",
        }
        said = {name: value for name, value in (words | more).items() if value is not None}
        return await self.sends("/native/deeplink/payment/generate", said, signed=False)

    async def asks_link(self, number: str) -> Said:
        return await self.sends("/native/deeplink/payment/inquiry", {"referenceNumber": number}, signed=False)


@asynccontextmanager
async def running_bank(**config: Any) -> AsyncIterator[Bank]:
    """A bank of this test's own, whose clock stands at noon of 15 January 2026 in Bangkok."""
    async with (
        served(BaySimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        bank = Bank(url, session)
        await bank.time_is(NOON)
        yield bank


@asynccontextmanager
async def listening(bank: Bank) -> AsyncIterator[Gateway]:
    """A gateway to which the bank's callbacks go."""
    gateway = Gateway()
    async with answering(gateway.handle) as url:
        gateway.url = url
        await bank.control("registrations", {"url": url})
        yield gateway
