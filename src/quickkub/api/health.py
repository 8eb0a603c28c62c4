"""Is it alive, may it take traffic, how is it: /livez, /readyz, /health (security-reliability 9).

/livez says that the process answers and asks nobody, so that a database outage does not get every process
killed. /readyz proves a database write, the key ring and the schema. /health tells people, in the shape of
the brief's health script. None of them says anything about merchants or holds a secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Response, get

from quickkub.api import store
from quickkub.api.lists import answer
from quickkub.api.request import GatewayRequest
from quickkub.api.services import Services
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Refusal
from quickkub.payments.recovery import standing
from quickkub.storage.scope import house
from quickkub.storage.vault import Place

CHECK_SECONDS: Final = 3
"""A check that takes longer has failed: a probe that hangs is no answer."""

REMEMBERED_SECONDS: Final = 1
"""Asking in a loop makes one write a second, not one each time."""

LATE_SECONDS: Final = 60
"""Due work that has waited this long says that no worker is running, or too few."""

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks found. A reason is None when the check passed."""

    database: str | None
    latency_ms: int
    key_ring: str | None
    migrations: str | None
    recovery: str | None
    overdue_seconds: int | None

    @property
    def ready(self) -> bool:
        """Whether requests may be sent here."""
        found = (self.database, self.key_ring, self.migrations, self.recovery)
        return all(reason is None for reason in found)


class Health:
    """Runs the checks, one round at a time, and remembers a round for REMEMBERED_SECONDS."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._began_monotonic = services.clock.monotonic()
        self._turn = asyncio.Lock()
        self._remembered: tuple[float, Findings] | None = None

    @property
    def uptime_seconds(self) -> int:
        """Seconds since this process was put together."""
        return int(self._services.clock.monotonic() - self._began_monotonic)

    async def findings(self) -> Findings:
        """The latest round of checks. Never raises for what it checks."""
        async with self._turn:
            now = self._services.clock.monotonic()
            if self._remembered is None or self._remembered[0] <= now:
                with house():
                    self._remembered = (now + REMEMBERED_SECONDS, await self._look())
            return self._remembered[1]

    async def _look(self) -> Findings:
        began = time.perf_counter()
        database = await _reason(self._write)
        latency_ms = int((time.perf_counter() - began) * 1000)
        migrations: str | None = "not checked"
        recovery: str | None = "not checked"
        late = None
        if database is None:
            migrations = await _reason(self._schema)
            recovery = await _reason(self._gate)
            late = await self._overdue()
        return Findings(database, latency_ms, self._key_ring(), migrations, recovery, late)

    async def _write(self) -> str | None:
        async with self._services.db.transaction() as tx:
            await store.prove_a_write(tx)
        return None

    async def _schema(self) -> str | None:
        """Behind the code is not ready. Ahead is: new migrations run before the new code does."""
        expected = self._services.settings.schema_revision
        async with self._services.db.read() as reader:
            found = await store.schema_revision(reader)
        return None if found is not None and found >= expected else f"at {found}, the code needs {expected}"

    async def _gate(self) -> str | None:
        """After a restore, providers are asked first what was forgotten (D7)."""
        async with self._services.db.read() as reader:
            found = await standing(reader)
        return None if found.is_open else f"recovering, {found.unasked} to be asked about"

    async def _overdue(self) -> int | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._services.db.read() as reader:
                return await store.overdue_seconds(reader)
        except (Refusal, TimeoutError):
            return None

    def _key_ring(self) -> str | None:
        place = Place("health", "probe", "none", "none")
        try:
            opened = self._services.vault.open(self._services.vault.seal(b"probe", place), place)
        except Refusal as refusal:
            return refusal.code
        return None if opened == b"probe" else "does not open what it sealed"


async def _reason(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Refusal as refusal:
        return refusal.code
    except TimeoutError:
        return "timeout"


@get("/livez", include_in_schema=False)
async def livez() -> Response[bytes]:
    """The process answers."""
    return answer({"status": "alive"})


@get("/readyz", include_in_schema=False)
async def readyz(request: GatewayRequest) -> Response[bytes]:
    """200 when requests may be sent here, else 503 with what is missing."""
    found = await _health(request).findings()
    checks = {
        "database_write": found.database or "ok",
        "key_ring": found.key_ring or "ok",
        "migrations": found.migrations or "ok",
        "recovery_gate": found.recovery or "ok",
    }
    return answer(
        {"status": "ready" if found.ready else "not_ready", "checks": checks},
        status=200 if found.ready else 503,
    )


@get("/health", include_in_schema=False)
async def health(request: GatewayRequest) -> Response[bytes]:
    """How it is, in the shape of the brief's health script; 503 when unhealthy."""
    services = request.services
    found = await _health(request).findings()
    parts: dict[str, Any] = {
        "database": {
            "status": HEALTHY if found.database is None else UNHEALTHY,
            "latency_ms": found.latency_ms,
        },
        "worker": _worker(found),
        "providers": dict(services.provider_health()),
    }
    status = _overall(found, parts)
    shown = {
        "status": status,
        "timestamp": rfc3339(services.clock.now()),
        "version": services.settings.version,
        "uptime": _health(request).uptime_seconds,
        "services": parts,
    }
    return answer(shown, status=503 if status == UNHEALTHY else 200)


def _worker(found: Findings) -> dict[str, Any]:
    late = found.overdue_seconds
    if late is None:
        return {"status": "unknown", "overdue_seconds": None}
    return {"status": DEGRADED if late > LATE_SECONDS else HEALTHY, "overdue_seconds": late}


def _overall(found: Findings, parts: Mapping[str, Any]) -> str:
    if not found.ready:
        return UNHEALTHY
    well = parts["worker"]["status"] == HEALTHY and all(
        said == HEALTHY for said in parts["providers"].values()
    )
    return HEALTHY if well else DEGRADED


def _health(request: GatewayRequest) -> Health:
    checked: Health = request.app.state.health
    return checked


ROUTES: Final = (livez, readyz, health)
