"""One pool, short transactions, and the database's troubles told as refusals."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

import asyncpg
import msgspec

from quickkub.kernel.errors import Kind, Refusal
from quickkub.telemetry.crash_points import crash_point

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any] | asyncpg.Connection[Any]"
Row: TypeAlias = "asyncpg.Record"

SESSION: Final = {
    # security-reliability 3.5
    "application_name": "quickkub",
    "statement_timeout": "10000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "15000",
    "tcp_user_timeout": "10000",
    "timezone": "UTC",
    "jit": "off",
}


class DatabaseAway(Refusal):
    """The database cannot be reached or cannot write; nothing was promised to anyone."""

    code, kind = "database_unavailable", Kind.UNAVAILABLE

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after=2)


ACQUIRE_SECONDS: Final = 5
"""How long a request waits for a free connection before it is told to come back later."""

_AWAY: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    # A deadlock's victim was rolled back whole; the same request can be sent again.
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
    # What asyncpg says when a session that was cut is used before its end has been noticed.
    asyncpg.InternalClientError,
)

_open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


def in_transaction() -> bool:
    """Whether this task has a transaction open; the provider line refuses to call out while it is (D4)."""
    return _open_transactions.get() > 0


@contextlib.contextmanager
def _troubles_told() -> Any:
    try:
        yield
    except _AWAY as trouble:
        if isinstance(trouble, asyncpg.InterfaceError) and isinstance(trouble, ValueError):
            # A value that does not fit its column is our bug, not the database's absence.
            raise
        raise DatabaseAway(f"the database is not available: {type(trouble).__name__}") from trouble


class Database:
    """The pool every room uses. `read` for single statements, `transaction` for what belongs together."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A READ COMMITTED transaction, committed at the end of the block. Raises DatabaseAway."""
        with _troubles_told():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
                depth = _open_transactions.set(_open_transactions.get() + 1)
                try:
                    yield connection
                    crash_point("in_transaction")
                finally:
                    _open_transactions.reset(depth)
            crash_point("after_commit")

    @contextlib.asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        """A connection for one statement that writes and commits by itself. Raises DatabaseAway."""
        async with self.read() as connection:
            yield connection
        crash_point("after_commit")

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection whose statements commit by themselves. Raises DatabaseAway."""
        with _troubles_told():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                yield connection

    async def close(self) -> None:
        """Give the connections back; waits for those in use."""
        await self._pool.close()


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class _Connection(asyncpg.Connection):
    """A session as the pool keeps it. We change nothing about a session that outlives a transaction, so the
    round trip that would put it back between two uses is left out."""

    def get_reset_query(self) -> str:
        return ""


async def _prepare(connection: asyncpg.Connection[Any]) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=_to_json, decoder=msgspec.json.decode, schema="pg_catalog"
    )


async def open_database(dsn: str, *, size_max: int = 20, size_min: int = 1) -> Database:
    """Connect a pool of `size_min` to `size_max` connections with the session settings above.

    Raises DatabaseAway when the server cannot be reached.
    """
    with _troubles_told():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=size_min,
            max_size=size_max,
            init=_prepare,
            server_settings=SESSION,
            connection_class=_Connection,
            timeout=5,
        )
    return Database(pool)
