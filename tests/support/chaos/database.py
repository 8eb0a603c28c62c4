"""PostgreSQL of a storm: sessions are cut at random, and the server crashes on purpose and comes back."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from quickkub.storage.embedded import EmbeddedPostgres
from tests.support.chaos.plan import Faults, Storm

TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

_SESSIONS: Final = """
SELECT pid, state = 'idle' AS idle FROM pg_stat_activity
 WHERE application_name = 'quickkub' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
 ORDER BY backend_start, pid
"""


@dataclass(slots=True)
class StormDatabase:
    """A server of the run's own."""

    storm: Storm
    faults: Faults
    server: EmbeddedPostgres

    async def start(self) -> str:
        """Start it; returns the DSN."""
        return await asyncio.to_thread(self.server.start)

    async def stop(self) -> None:
        """For good."""
        await asyncio.to_thread(self.server.stop, "immediate")

    async def asks(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows, read on a connection of our own. Raises one of TROUBLE while the server is away."""
        connection = await asyncpg.connect(self.server.dsn(), timeout=5)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
            return rows
        finally:
            await connection.close(timeout=5)

    async def cut_sessions(self) -> None:
        """Terminate sessions at random, those at work rather than those at rest."""
        luck = self.storm.luck("sessions")
        while self.faults.raging:
            await asyncio.sleep(luck.uniform(0.1, 0.6))
            times = 3 if self.faults.behind("terminated sessions") else 1
            try:
                self.faults.done["terminated sessions"] += await self._cut(luck, times)
            except TROUBLE:
                continue  # it is away, by a fault of another kind

    async def _cut(self, luck: random.Random, times: int) -> int:
        connection = await asyncpg.connect(self.server.dsn(), timeout=5)
        try:
            sessions = await connection.fetch(_SESSIONS)
            at_work = [row["pid"] for row in sessions if not row["idle"]]
            pids = [row["pid"] for row in sessions]
            cut = 0
            for _ in range(min(times, len(pids))):
                pid = luck.choice(at_work if at_work and luck.random() < 0.7 else pids)
                cut += bool(await connection.fetchval("SELECT pg_terminate_backend($1)", pid))
            return cut
        finally:
            await connection.close(timeout=5)

    async def crash_and_return(self) -> None:
        """Stop in immediate mode at least twice a minute, stay away for a moment, and recover."""
        luck = self.storm.luck("PostgreSQL")
        times = self.storm.bar()["PostgreSQL stopped"]
        apart = self.storm.seconds / (times + 1)
        for number in range(times):
            # By the run's own clock: recovery is slow on a busy machine, and must not put off what comes.
            due = self.faults.began + apart * (number + luck.uniform(0.75, 1.0))
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self.faults.raging:
                return
            await asyncio.to_thread(self.server.stop, "immediate")
            await asyncio.sleep(luck.uniform(0.0, 2.0))
            await asyncio.to_thread(self.server.start)
            self.faults.done["PostgreSQL stopped"] += 1
