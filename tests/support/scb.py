"""The SCB simulator on a free port, for every test that needs a bank: contract, journeys, storms, browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from quickkub.connectors.contract import Account
from quickkub.connectors.providers.scb.simulator import ScbSimulator
from quickkub.connectors.simulation.run import served
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret
from tests.support.ports import free_port

KEY = "l7demo0000000000000000000000000000"
SECRET = "demo-secret"
BILLER = "123456789012345"
PREFIX = "SCB"


class Scb:
    """A running simulator, reached over HTTP as any program would reach it.

    `url` is its page and control API, `base_url` the bank's API in the sandbox's form.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.base_url = f"{url}/partners/sandbox"
        self._session = session

    async def pay(self, ref: str, amount: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """The payer pays; `more` as the control API has it: `times`, `callback`, `after_seconds` ..."""
        said = {**({"amount": amount} if amount else {}), **more}
        answer = await self.control("POST", f"payments/{ref}/pay", said)
        movements: list[dict[str, Any]] = answer["movements"]
        return movements

    async def truth(self) -> dict[str, Any]:
        """All money that moved: `movements`, `count`, `total_satang`."""
        return await self.control("GET", "truth")

    async def confirmations(self) -> list[dict[str, Any]]:
        answer = await self.control("GET", "confirmations")
        found: list[dict[str, Any]] = answer["confirmations"]
        return found

    async def confirms_to(self, url: str, biller: str = BILLER, prefix: str = PREFIX) -> None:
        """Register where confirmations go."""
        await self.control("POST", "registrations", {"biller_id": biller, "ref3_prefix": prefix, "url": url})

    async def will(self, kind: str, **more: Any) -> None:
        """The next request goes wrong: `will("drop_answer", operation="qr_create")`."""
        await self.control("POST", "faults", {"faults": [{"kind": kind, **more}]})

    async def time_is(self, at: str, *, freeze: bool = True) -> None:
        await self.control("POST", "clock", {"at": at, "freeze": freeze})

    async def time_passes(self, seconds: int) -> None:
        """Move the bank's clock; whatever falls due by that has happened afterwards."""
        await self.control("POST", "clock", {"advance_seconds": seconds})

    async def control(self, method: str, path: str, said: Any = None) -> dict[str, Any]:
        """A call of the control API; an error of it fails the test."""
        async with self._session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer: dict[str, Any] = await came.json()
            assert came.status < 400, answer
            return answer


@asynccontextmanager
async def running_scb(**config: Any) -> AsyncIterator[Scb]:
    """A simulator of this test's own. No rate limit unless the configuration says so."""
    options = {"rate_limit_per_second": 0, **config.pop("options", {})}
    simulator = ScbSimulator({"options": options, **config})
    async with (
        served(simulator, "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Scb(url, session)


@pytest.fixture
async def scb_simulator() -> AsyncIterator[Scb]:
    """A fresh SCB with the demo application, biller 123456789012345 and prefix SCB."""
    async with running_scb() as scb:
        yield scb


def scb_account(base_url: str, **settings: str) -> Account:
    """A merchant's test account at this address."""
    return Account(
        merchant=MerchantId("mer_" + "0" * 32),
        id="acc_" + "0" * 32,
        mode="test",
        provider="scb",
        settings={"base_url": base_url, "biller_id": BILLER, "ref3_prefix": PREFIX, **settings},
        credentials={"application_key": Secret(KEY), "application_secret": Secret(SECRET)},
    )
