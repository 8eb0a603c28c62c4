"""SQL of scheduled work, and the connections that PgQueuer works on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg

from quickkub.storage import Connection
from quickkub.storage.database import SESSION

Pool: TypeAlias = "asyncpg.Pool[Any]"

AWAY: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What comes out of a statement when the database went away in the middle."""

NOT_TWICE_SECONDS: Final = 30
"""Nothing is due twice within this time: schedules are to the minute, and clocks differ by less."""

LOG_DAYS: Final = 30

_CONNECTIONS: Final = 4  # one listens


@asynccontextmanager
async def open_pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool of PgQueuer's own: it reads JSON columns as text, and the house's pool would hand it objects.

    Its name is its own, too, so that readers of events do not wait for its transactions (E5). Connections
    are cut at the end, not given back: one of them may be stuck in a listener.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=_CONNECTIONS,
        server_settings=SESSION | {"application_name": "quickkub-schedules"},
        timeout=5,
    )
    try:
        yield pool
    finally:
        pool.terminate()


async def is_due(tx: Connection, name: str) -> bool:
    """Whether a schedule is really due; only one asker in NOT_TWICE_SECONDS hears yes."""
    found = await tx.fetchval(
        """
        INSERT INTO scheduled_work AS work (name) VALUES ($1)
        ON CONFLICT (name) DO UPDATE SET asked_at = now()
         WHERE work.asked_at < now() - make_interval(secs => $2)
        RETURNING name
        """,
        name,
        NOT_TWICE_SECONDS,
    )
    return found is not None


async def begin_anew(tx: Connection, name: str) -> None:
    """Forget how often the last time was tried."""
    await tx.execute("UPDATE scheduled_work SET tries = 0 WHERE name = $1", name)


async def start(pool: Pool, name: str) -> int:
    """Count one more start; returns how many there were for this time, this one included."""
    tries: int = await pool.fetchval(
        """
        INSERT INTO scheduled_work AS work (name, tries, started_at) VALUES ($1, 1, clock_timestamp())
        ON CONFLICT (name) DO UPDATE SET tries = work.tries + 1, started_at = clock_timestamp()
        RETURNING tries
        """,
        name,
    )
    return tries


async def finish(pool: Pool, name: str) -> None:
    """It came to its end."""
    await pool.execute("UPDATE scheduled_work SET finished_at = clock_timestamp() WHERE name = $1", name)


async def take_back(pool: Pool, name: str) -> None:
    """It was started and stopped for no fault of its own."""
    await pool.execute("UPDATE scheduled_work SET tries = greatest(0, tries - 1) WHERE name = $1", name)


async def forget_log(tx: Connection) -> None:
    """Delete what PgQueuer wrote down about jobs that ended more than LOG_DAYS ago."""
    await tx.execute("DELETE FROM pgqueuer_log WHERE created < now() - make_interval(days => $1)", LOG_DAYS)
