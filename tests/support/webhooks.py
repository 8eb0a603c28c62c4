"""A merchant with webhook endpoints on this machine, and a world in which time passes when a test says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from quickkub.kernel.clock import Clock, SystemClock
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.outbox import Event, emit
from quickkub.storage.vault import Vault
from quickkub.webhooks import claims, endpoints
from quickkub.webhooks.flow import deliver_due
from quickkub.webhooks.guard import Guard, SystemResolver
from quickkub.webhooks.model import Claimed, Endpoint
from quickkub.webhooks.sender import HttpSender
from tests.support.rows import insert

KEY = bytes(range(32))


@dataclass
class SetClock:
    """Shows what a test sets."""

    wall: datetime = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def pass_seconds(self, seconds: float) -> None:
        """Move both clocks on."""
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


class LyingResolver:
    """Gives one answer after another for every name, the last one for ever; remembers what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = deque(answers)
        self.asked: list[str] = []

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]


class Kiosk:
    """A merchant in test mode whose endpoints may be on this machine."""

    def __init__(self, database: Database, pool: asyncpg.Pool[Any], merchant: MerchantId) -> None:
        self.db = database
        self.pool = pool
        self.merchant = merchant
        self.mode = "test"
        self.vault = Vault({1: KEY})
        self.resolver = SystemResolver()
        self.guard = Guard(self.resolver, loopback_in_test_mode=True)
        self.clock: Clock = SystemClock()
        self.sender = HttpSender(self.guard, self.clock, total_seconds=5)

    async def listens(self, url: str, **about: Any) -> tuple[Endpoint, Secret]:
        """An endpoint at this address."""
        return await endpoints.create(
            self.db, self.vault, self.guard, self.merchant, self.mode, url=url, **about
        )

    async def happens(self, kind: str = "payment.succeeded", *, about: str = "", version: int = 1) -> str:
        """A payment changed; the event is written as payments write it."""
        payment = about or new_id("pay")
        async with self.db.transaction() as tx:
            return await emit(tx, self.event(kind, payment, version))

    def event(self, kind: str, payment: str, version: int) -> Event:
        """What `happens` writes."""
        shown = {
            "id": payment,
            "object": "payment",
            "amount": 15_000,
            "currency": "THB",
            "status": kind.removeprefix("payment."),
            "description": "กาแฟเย็น ☕",
            "version": version,
        }
        return Event(self.merchant, self.mode, kind, payment, version, {"object": shown})

    async def delivers(self, limit: int = 64) -> int:
        """One round of the worker."""
        return await deliver_due(self.db, self.sender, self.vault, self.clock, limit)

    async def time_passes(self, **interval: float) -> None:
        """Nothing is waited for: whatever was written down to happen later comes nearer."""
        passed = timedelta(**interval)
        await self.pool.execute(
            """
            UPDATE webhook_deliveries
               SET next_try_at = next_try_at - $1::interval, lease_until = lease_until - $1::interval,
                   trying_since = trying_since - $1::interval, created_at = created_at - $1::interval
            """,
            passed,
        )
        await self.pool.execute(
            """
            UPDATE webhook_endpoints
               SET failing_since = failing_since - $1::interval,
                   previous_secret_until = previous_secret_until - $1::interval
            """,
            passed,
        )

    async def delivery(self, event: str, endpoint: Endpoint) -> asyncpg.Record:
        """The delivery's row."""
        row: asyncpg.Record | None = await self.pool.fetchrow(
            "SELECT * FROM webhook_deliveries WHERE event_id = $1 AND endpoint_id = $2", event, endpoint.id
        )
        assert row is not None
        return row

    async def claims(self, limit: int = 64, per_endpoint: int = 64) -> list[Claimed]:
        """What a worker claims now, and holds."""
        async with self.db.transaction() as tx:
            return await claims.claim_due(tx, limit, per_endpoint, {})

    async def finds(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is now."""
        return await endpoints.get(self.db, self.merchant, self.mode, endpoint.id)


async def open_kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    """A new merchant."""
    merchant = MerchantId(new_id("mer"))
    await insert(pool, "merchants", id=merchant, name="ร้านกาแฟคลองสาน")  # type: ignore[arg-type]
    return Kiosk(database, pool, merchant)
