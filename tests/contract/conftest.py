"""A simulated bank at a fixed moment, a client of it, and a gateway it can call back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.support.scb import Scb, running_scb
from tests.support.scb_client import Client
from tests.support.stub import answering

NOON = "2026-01-15T12:00:00+07:00"


@pytest.fixture
async def scb() -> AsyncIterator[Scb]:
    """The bank's clock stands at noon of 15 January 2026 in Bangkok."""
    async with running_scb() as bank:
        await bank.time_is(NOON)
        yield bank


@pytest.fixture
async def client(scb: Scb) -> AsyncIterator[Client]:
    """A client with a token."""
    async with aiohttp.ClientSession() as session:
        found = Client(scb, session)
        await found.logs_in()
        yield found


@dataclass
class Gateway:
    """Hears confirmations and answers as `answers` says; `proper` is what the bank wants to hear."""

    url: str = ""
    heard: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    answer: str = "proper"

    async def handle(self, request: web.Request) -> web.Response:
        said = json.loads(await request.read())
        self.heard.append(said)
        proper = {"resCode": "00", "resDesc": "success", "transactionId": said["transactionId"]}
        body = json.dumps(proper) if self.answer == "proper" else self.answer
        return web.Response(status=self.status, text=body, content_type="application/json")


@pytest.fixture
async def gateway(scb: Scb) -> AsyncIterator[Gateway]:
    """A gateway registered for the demo biller's prefix SCB."""
    found = Gateway()
    async with answering(found.handle) as url:
        found.url = url
        await scb.confirms_to(url)
        yield found
