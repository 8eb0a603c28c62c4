"""A merchant with twelve tills: each asks with a key, and again with the same key, until it is answered."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from tests.support.chaos.plan import Faults, Storm

TOLD_TO_WAIT: Final = frozenset({409, 429, 500, 502, 503, 504})
TRIES_SECONDS: Final = 35
PATIENCE_SECONDS: Final = 2
WAITING_MAX: Final = 5


@dataclass(slots=True)
class Intent:
    """One thing to be paid, however often it is asked for."""

    key: str
    body: bytes
    amount: int
    answers: set[bytes] = field(default_factory=set)
    payments: set[str] = field(default_factory=set)
    tries: int = 0
    refused: str = ""


@dataclass(slots=True)
class Merchant:
    """Its intents, what it was told, and how it was answered."""

    storm: Storm
    faults: Faults
    url: str
    api_key: str
    intents: list[Intent] = field(default_factory=list)
    told_succeeded: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)

    def session(self) -> aiohttp.ClientSession:
        """What its tills ask with."""
        return aiohttp.ClientSession(
            self.url,
            timeout=aiohttp.ClientTimeout(total=TRIES_SECONDS, connect=5),
            headers={"authorization": f"Bearer {self.api_key}"},
        )

    async def asks_once(
        self, session: aiohttp.ClientSession, key: str, amount: int
    ) -> tuple[int, dict[str, Any]]:
        """One try, and how it was answered; status 0 when it was not."""
        words = {"amount": amount, "currency": "THB", "method": "promptpay", "reference": key}
        headers = {"idempotency-key": key, "content-type": "application/json"}
        status, body = await self._says(session, "POST", "/v1/payments", headers, json.dumps(words).encode())
        return status, json.loads(body) if body else {}

    async def sells(self) -> None:
        """All tills until the storm ends, and until each has the answer it waits for."""
        async with self.session() as session:
            await asyncio.gather(*(self._till(session, n) for n in range(self.storm.clients)))

    async def _till(self, session: aiohttp.ClientSession, number: int) -> None:
        luck = self.storm.luck(f"till {number}")
        waiting: set[asyncio.Task[None]] = set()
        sold = 0
        try:
            while self.faults.raging:
                sold += 1
                intent = self._intent(f"{self.storm.seed}-{number}-{sold}", luck)
                waiting.add(asyncio.create_task(self._serves(session, intent)))
                # Whoever waits for an answer serves the next customer meanwhile, but not a whole queue.
                patience = PATIENCE_SECONDS if len(waiting) < WAITING_MAX else None
                ended, waiting = await asyncio.wait(
                    waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    task.result()
                await asyncio.sleep(luck.uniform(0, 0.2))
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def _serves(self, session: aiohttp.ClientSession, intent: Intent) -> None:
        luck = self.storm.luck(f"sale {intent.key}")
        await self._asks(session, intent, luck)
        draw = luck.randrange(100)
        if draw < 15:
            await self._asks(session, intent, luck)
        elif draw < 20 and intent.payments:
            await self._cancels(session, intent, luck)
        elif draw < 40 and intent.payments:
            await self._looks(session)

    def _intent(self, key: str, luck: random.Random) -> Intent:
        amount = luck.randint(100, 500_00)
        words = {"amount": amount, "currency": "THB", "method": "promptpay", "reference": key}
        intent = Intent(key, json.dumps(words).encode(), amount)
        self.intents.append(intent)
        return intent

    async def _asks(self, session: aiohttp.ClientSession, intent: Intent, luck: random.Random) -> None:
        """Until there is an answer; the merchant never makes a new key out of impatience."""
        headers = {"idempotency-key": intent.key, "content-type": "application/json"}
        while True:
            intent.tries += 1
            status, body = await self._says(session, "POST", "/v1/payments", headers, intent.body)
            if status == 201:
                intent.answers.add(body)
                intent.payments.add(json.loads(body)["id"])
                return
            if status and status not in TOLD_TO_WAIT:
                intent.refused = f"{status} {body[:300]!r}"
                return
            await asyncio.sleep(luck.uniform(0.2, 1.0))

    async def _cancels(self, session: aiohttp.ClientSession, intent: Intent, luck: random.Random) -> None:
        path = f"/v1/payments/{min(intent.payments)}/cancel"
        for _ in range(20):
            status, _ = await self._says(session, "POST", path, {"idempotency-key": f"{intent.key}-off"})
            if status in (200, 409):
                return
            await asyncio.sleep(luck.uniform(0.2, 1.0))

    async def _looks(self, session: aiohttp.ClientSession) -> None:
        """A success that was shown is a success from then on."""
        status, body = await self._says(session, "GET", "/v1/payments?limit=50")
        if status == 200:
            shown = json.loads(body)["data"]
            self.told_succeeded |= {one["id"] for one in shown if one["status"] == "succeeded"}

    async def _says(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        """Status 0: there was no answer."""
        try:
            async with session.request(method, path, headers=headers, data=body) as came:
                said = await came.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as trouble:
            self.statuses[type(trouble).__name__] += 1
            return 0, b""
        self.statuses[str(came.status)] += 1
        return came.status, said
