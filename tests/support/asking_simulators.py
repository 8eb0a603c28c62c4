"""A provider's connector against its own simulator, as it starts: the same steps for every provider."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackNews,
    Can,
    Doing,
    Forged,
    Instruction,
    MethodOffer,
    Order,
    Payer,
    RawCallback,
    Receipt,
    Unreadable,
)
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money
from tests.support.ports import free_port
from tests.support.stub import answering
from tests.support.vectors import vectors_of

PAYER: Final = Payer(
    name="Somchai Jaidee",
    email="somchai@example.com",
    phone="0812345678",
    code="123456789012345678",
    ip="192.0.2.7",
)
AMOUNT: Final = 50_000
NOON: Final = datetime.now(BANGKOK).replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)
"""Today's noon in Bangkok, at which the simulators' clocks stand still: some banks close at night."""


LOST: Final = (
    "drop_answer",
    "reset",
    "half_body",
    "broken_json",
    "empty_body",
    "huge_body",
    "error_500",
    "error_503",
)
"""Nobody can tell from such an answer what happened."""

ALL_REQUESTS: Final = 20


@dataclass
class Asked:
    """One method of one provider, and the world behind it."""

    provider: str
    offer: MethodOffer
    account: Account
    url: str
    session: aiohttp.ClientSession
    now: datetime = NOON
    # What the provider called back, as the connector read it, and what it refused.
    news: list[CallbackNews] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def lives_by_callbacks(self) -> bool:
        """Whether the provider's own word settles a payment, so that an inquiry need not find it."""
        return registry.connector(self.provider).trusts_callbacks(self.account)

    async def hears(self, request: web.Request) -> web.Response:
        """Our end of the callbacks: verified, read and answered by the connector."""
        connector = registry.connector(self.provider)
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = RawCallback(request.method, headers, dict(request.query), await request.read())
        try:
            news = connector.read_callback(self.account, raw)
        except (Forged, Unreadable) as refusal:
            self.refused.append(str(refusal))
            return web.Response(status=400)
        self.news.append(news)
        answer = connector.answer_callback(self.account, news)
        headers = {"content-type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def called_back(self) -> list[Receipt]:
        """The movements the provider has told of by itself until now, each once."""
        await self.control("POST", "clock", {"advance_seconds": 0})
        told = {news.receipt.transaction_id: news.receipt for news in self.news if news.receipt}
        return list(told.values())

    def order(self, reference: str = "QKSIM00001", **more: Any) -> Order:
        usual = Order(
            reference=reference,
            amount=Money(min(max(self.offer.amount_min, AMOUNT), self.offer.amount_max)),
            method=self.offer.method,
            asked_at=NOON,
            expires_at=NOON + timedelta(minutes=15),
            now=NOON,
            description="An order of the tests",
            return_url="https://shop.example.com/back",
            payer=PAYER,
        )
        return dataclasses.replace(usual, **more)

    async def create(self, order: Order) -> Any:
        return await self._run("create", order)

    async def inquire(self, order: Order, after: Any) -> Any:
        """`after` is what creation said, with the provider's reference if it named one."""
        return await self._run("inquire", known_as(order, after))

    async def instruct(self, order: Order, instruction: Instruction) -> Any:
        return await self._run("instruct", order, instruction)

    async def inquire_instruction(self, order: Order, instruction: Instruction, after: Any) -> Any:
        known = getattr(after, "provider_reference", None)
        return await self._run(
            "inquire_instruction", order, dataclasses.replace(instruction, provider_reference=known)
        )

    async def _run(self, what: str, *words: Any) -> Any:
        # A line of its own each time: no breaker remembers, no token is left over.
        line = Line(registry.connector)
        connector = registry.connector(self.provider)
        try:
            return (await line.run(self.account, getattr(connector, what)(self.account, *words))).outcome
        finally:
            await line.close()

    async def pays(self, made: Any) -> None:
        """The payer goes where creation says, and pays what was made last if it is not paid already."""
        await self.goes_on(made)
        items = (await self.control("GET", "items"))["items"]
        if not items:  # a QR the bank hears of only when it is scanned
            await self.control("POST", "scan", {"qr": made.action.value})
        elif not items[0]["paid"]:
            await self.control("POST", f"payments/{items[0]['ref']}/pay", {})

    async def goes_on(self, made: Any) -> None:
        """What the payer's browser does by itself: it opens an address, or posts a form to it."""
        match getattr(made, "action", None):
            case Action(kind=ActionKind.REDIRECT, value=address):
                asked = self.session.get(address)
            case Action(kind=ActionKind.FORM_POST, value=address, fields=fields):
                asked = self.session.post(address, data=dict(fields))
            case _:
                return
        async with asked as came:
            assert came.status < 300, await came.text()

    async def day_passes(self) -> None:
        self.now += timedelta(days=1)
        await self.control("POST", "clock", {"at": self.now.isoformat()})

    async def truth(self) -> dict[str, Any]:
        return await self.control("GET", "truth")

    async def will(self, kind: str, times: int = 1) -> None:
        """The next so many requests go wrong in this way."""
        await self.control("POST", "faults", {"faults": [{"kind": kind, "operation": "*", "times": times}]})

    async def faults_done(self) -> int:
        return sum((await self.truth())["faults_done"].values())

    async def control(self, method: str, path: str, said: Any = None) -> dict[str, Any]:
        async with self.session.request(method, f"{self.url}/_sim/{path}", json=said) as came:
            answer: dict[str, Any] = await came.json()
            assert came.status < 300, answer
            return answer


def known_as(order: Order, after: Any) -> Order:
    """The order with the provider's reference, if the outcome names one."""
    known = getattr(after, "provider_reference", None) or order.provider_reference
    return dataclasses.replace(order, provider_reference=known)


def told_to(doing: Doing, order: Order, reference: str, **more: Any) -> Instruction:
    """Do this with the whole order, now; nothing was captured or given back yet."""
    nothing = Money(0)
    usual = Instruction(doing, reference, order.amount, NOON, NOON, nothing, nothing)
    return dataclasses.replace(usual, **more)


@asynccontextmanager
async def asking(provider: str, method: str) -> AsyncIterator[Asked]:
    manifest = registry.providers()[provider]
    offer = manifest.offer(method)
    assert offer is not None
    # Without a rate limit, where there is one: what the provider's vectors are played with says so.
    config = next((vector.simulator_config for vector in vectors_of(provider)), {})
    switch = {offer.flag: "true"} if offer.flag else {}
    async with aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        asked = Asked(provider, offer, loose_account(manifest, manifest.simulator_account), "", session)
        gateway = await stack.enter_async_context(answering(asked.hears))
        simulator = registry.simulator(provider)({**config, "callback_url": gateway})
        asked.url = await stack.enter_async_context(served(simulator, "127.0.0.1", free_port()))
        account = loose_account(manifest, {**simulator_particulars(manifest, asked.url), **switch})
        asked.account = dataclasses.replace(account, callback_url=gateway)
        await asked.control("POST", "clock", {"at": NOON.isoformat()})
        yield asked


def offers(*can: Can) -> list[tuple[str, str]]:
    """Every method with which this can be done and that needs nothing made by the provider's own script."""
    return [
        (name, offer.method)
        for name, manifest in registry.providers().items()
        for offer in manifest.methods
        if "card_token" not in offer.needs and offer.can.issuperset(can)
    ]


def one_of_each(*can: Can) -> list[tuple[str, str]]:
    """Of each provider, one method for each way in which the payer goes on."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    for name, method in offers(*can):
        offer = registry.providers()[name].offer(method)
        assert offer is not None
        found.setdefault((name, offer.actions), method)
    return [(name, method) for (name, _), method in found.items()]


async def spoilt(asked: Asked, kind: str, asking_it: Coroutine[Any, Any, Any]) -> Any:
    """The outcome with every request gone wrong; None when nothing was asked, so that nothing could."""
    before = await asked.faults_done()
    await asked.will(kind, ALL_REQUESTS)
    outcome = await asking_it
    await asked.control("DELETE", "faults")
    return outcome if await asked.faults_done() > before else None
