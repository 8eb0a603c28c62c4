"""A provider's connector against its own simulator, as it starts: the same steps for every provider."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from quickkub.connectors import registry
from quickkub.connectors.contract import Account, MethodOffer, Order, Payer
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.kernel.money import Money
from tests.support.ports import free_port
from tests.support.vectors import vectors_of

PAYER: Final = Payer(
    name="Somchai Jaidee",
    email="somchai@example.com",
    phone="0812345678",
    code="123456789012345678",
    ip="192.0.2.7",
)
AMOUNT: Final = 50_000


@dataclass
class Asked:
    """One method of one provider, and the world behind it."""

    provider: str
    offer: MethodOffer
    account: Account
    url: str
    session: aiohttp.ClientSession

    def order(self, reference: str = "QKSIM00001") -> Order:
        now = datetime.now(UTC).replace(microsecond=0)
        return Order(
            reference=reference,
            amount=Money(min(max(self.offer.amount_min, AMOUNT), self.offer.amount_max)),
            method=self.offer.method,
            asked_at=now,
            expires_at=now + timedelta(minutes=15),
            now=now,
            description="An order of the tests",
            return_url="https://shop.example.com/back",
            payer=PAYER,
        )

    async def create(self, order: Order) -> Any:
        return await self._run("create", order)

    async def inquire(self, order: Order, after: Any) -> Any:
        """`after` is what creation said, with the provider's reference if it named one."""
        known = getattr(after, "provider_reference", None)
        return await self._run("inquire", dataclasses.replace(order, provider_reference=known))

    async def _run(self, what: str, order: Order) -> Any:
        # A line of its own each time: no breaker remembers, no token is left over.
        line = Line(registry.connector)
        connector = registry.connector(self.provider)
        try:
            return (await line.run(self.account, getattr(connector, what)(self.account, order))).outcome
        finally:
            await line.close()

    async def pays(self) -> None:
        """The payer pays what was made last, if it is not paid already."""
        newest = (await self.control("GET", "items"))["items"][0]
        if not newest["paid"]:
            await self.control("POST", f"payments/{newest['ref']}/pay", {})

    async def truth(self) -> dict[str, Any]:
        return await self.control("GET", "truth")

    async def will(self, kind: str, times: int = 1) -> None:
        """The next so many requests go wrong in this way."""
        await self.control("POST", "faults", {"faults": [{"kind": kind, "operation": "*", "times": times}]})

    async def faults_done(self) -> int:
        return len((await self.truth())["faults_done"])

    async def control(self, method: str, path: str, said: Any = None) -> dict[str, Any]:
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer: dict[str, Any] = await came.json()
            assert came.status < 300, answer
            return answer


@asynccontextmanager
async def asking(provider: str, method: str) -> AsyncIterator[Asked]:
    manifest = registry.providers()[provider]
    offer = manifest.offer(method)
    assert offer is not None
    # Without a rate limit, where there is one: what the provider's vectors are played with says so.
    config = next((vector.simulator_config for vector in vectors_of(provider)), {})
    simulator = registry.simulator(provider)(config)
    async with served(simulator, "127.0.0.1", free_port()) as url, aiohttp.ClientSession() as session:
        switch = {offer.flag: "true"} if offer.flag else {}
        account = loose_account(manifest, {**simulator_particulars(manifest, url), **switch})
        yield Asked(provider, offer, account, url, session)


def offers() -> list[tuple[str, str]]:
    """Every method that needs nothing made in the payer's browser by the provider's own script."""
    return [
        (name, offer.method)
        for name, manifest in registry.providers().items()
        for offer in manifest.methods
        if "card_token" not in offer.needs
    ]


def one_of_each() -> list[tuple[str, str]]:
    """Of each provider, one method for each way in which the payer goes on."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, method in offers():
        offer = registry.providers()[name].offer(method)
        assert offer is not None
        found.setdefault((name, offer.actions), method)
    return [(name, method) for (name, _), method in found.items()]
