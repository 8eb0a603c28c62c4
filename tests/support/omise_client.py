"""A client of Omise that knows only its public documents, a simulator for it to talk to, and an account."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from quickkub.connectors.contract import Account
from quickkub.connectors.providers.omise.simulator import OmiseSimulator
from quickkub.connectors.simulation.run import served
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret
from tests.support.ports import free_port

SECRET_KEY = "skey_test_quickkub"
PUBLIC_KEY = "pkey_test_quickkub"
WEBHOOK_SECRET = "cXVpY2trdWItd2ViaG9vay1zZWNyZXQtMzJieXRlcyE="
PREVIOUS_SECRET = "cXVpY2trdWItT0xELXdlYmhvb2stc2VjcmV0LTMyYiE="
NOON = "2026-01-15T12:00:00+07:00"
BACK = "https://shop.example.com/back"


def basic(key: str) -> str:
    """The key as the user, and no password."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status and words."""

    status: int
    words: Any

    @property
    def no(self) -> tuple[int, str]:
        """How a refusal is told apart."""
        assert self.words["object"] == "error", self.words
        return self.status, self.words["code"]

    def __getitem__(self, name: str) -> Any:
        assert self.status == 200, self.words
        return self.words[name]


class Client:
    """Speaks JSON with the secret key unless told otherwise."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def sends(
        self, method: str, path: str, body: Any = None, *, key: str | None = SECRET_KEY, **headers: str
    ) -> Said:
        """A body of bytes goes as it is; underscores in header names stand for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["authorization"] = basic(key)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("content-type", "application/json")
        async with self.session.request(
            method, self.url + path, data=data, headers=given, allow_redirects=False
        ) as came:
            return Said(came.status, await came.json(content_type=None))

    async def gets(self, path: str, **more: Any) -> Said:
        return await self.sends("GET", path, **more)

    async def posts(self, path: str, body: Any = None, **more: Any) -> Said:
        return await self.sends("POST", path, body, **more)

    async def charges(self, source: Any = None, amount: int = 10_000, **more: Any) -> Said:
        """PromptPay unless told otherwise."""
        usual = {"amount": amount, "currency": "THB", "return_uri": BACK, "metadata": {"qk_payment": "QK1"}}
        what = {} if "card" in more else {"source": source or {"type": "promptpay"}}
        return await self.posts("/charges", {**usual, **what, **more})

    async def tokenises(self, number: str = "4242424242424242", **more: Any) -> Said:
        card = {"name": "Somchai", "number": number, "expiration_month": 12, "expiration_year": 2030, **more}
        return await self.posts("/tokens", {"card": card}, key=PUBLIC_KEY)

    async def charges_card(self, number: str = "4242424242424242", **more: Any) -> Said:
        token = await self.tokenises(number)
        return await self.charges(card=token["id"], **more)

    async def control(self, method: str, path: str, said: Any = None) -> Any:
        """A call of the control API; an error of it fails the test."""
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer = await came.json()
            assert came.status < 400, answer
            return answer

    async def time_is(self, at: str) -> None:
        await self.control("POST", "clock", {"at": at})

    async def time_passes(self, seconds: int) -> None:
        await self.control("POST", "clock", {"advance_seconds": seconds})


def account(mode: str = "test", key: str = SECRET_KEY, **settings: str) -> Account:
    """A merchant's account with the keys of the published vectors."""
    return Account(
        merchant=MerchantId("mer_" + "0" * 32),
        id="acc_" + "0" * 32,
        mode=mode,
        provider="omise",
        settings={"base_url": "https://api.omise.co", **settings},
        credentials={"secret_key": Secret(key), "webhook_secret": Secret(WEBHOOK_SECRET)},
        callback_url="https://pay.example.com/callbacks/omise/token",
    )


def unsigned() -> Account:
    """One that was given no webhook secret."""
    at = account()
    return replace(at, credentials={"secret_key": at.credentials["secret_key"]})


@asynccontextmanager
async def running_omise(**config: Any) -> AsyncIterator[Client]:
    """A simulator of this test's own, at noon of 15 January 2026 in Bangkok."""
    async with (
        served(OmiseSimulator(config), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        client = Client(url, session)
        await client.time_is(NOON)
        yield client
