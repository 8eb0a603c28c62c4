"""One pool, short transactions, and the database's troubles told as refusals."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import asyncpg
import msgspec

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.scope import NOBODY, Scope, current_scope
from quickkub.telemetry.crash_points import crash_point

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any] | asyncpg.Connection[Any]"
Row: TypeAlias = "asyncpg.Record"

APP_ROLE: Final = "quickkub_app"
"""What the gateway's sessions are: it owns no table and is bound by row-level security (A3)."""

SESSION: Final = {
    "role": APP_ROLE,
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


class DatabaseRoleMissing(Refusal):
    """The role that gateway sessions take does not exist on this server, or our login may not take it."""

    code, kind = "database_role_missing", Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            f"sessions cannot become {APP_ROLE}. As an administrator of the server run "
            f"`CREATE ROLE {APP_ROLE} NOLOGIN` (if there is none) and `GRANT {APP_ROLE} TO` the user of "
            "DATABASE_URL, then `quickkub db migrate`",
            param="DATABASE_URL",
        )


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


@dataclass(slots=True)
class Sight:
    """What a session shows: `shown` by itself (None: nobody can tell), `next` in its next transaction."""

    shown: Scope | None = NOBODY
    next: Scope = NOBODY


class Database:
    """The pool every room uses. `read` for single statements, `transaction` for what belongs together.

    Each sees the rows of the task's scope (storage/scope.py), or of `scope` where the task set none.
    """

    def __init__(self, pool: asyncpg.Pool[Any], scope: Scope = NOBODY) -> None:
        self._pool = pool
        self._scope = scope

    def with_default(self, scope: Scope) -> Database:
        """The same pool, for tasks that see `scope` unless they say otherwise."""
        return Database(self._pool, scope)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A READ COMMITTED transaction, committed at the end of the block. Raises DatabaseAway."""
        with _troubles_told():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                _sight(connection).next = self._seen()
                async with connection.transaction():
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
                await _show(connection, self._seen())
                yield connection

    async def close(self) -> None:
        """Give the connections back; waits for those in use."""
        await self._pool.close()

    def _seen(self) -> Scope:
        scope = current_scope()
        return self._scope if scope is None else scope


def _sight(connection: Connection) -> Sight:
    # The pool's proxy hands reading on to the session and keeps what is written to it for itself.
    session: Any = connection
    sight: Sight = session.sight
    return sight


async def _show(connection: Connection, scope: Scope) -> None:
    """Let the session's own statements see `scope`: one round trip, and none when they do already."""
    sight = _sight(connection)
    sight.next = scope
    if sight.shown == scope:
        return
    # Until the answer is here nobody knows whether it was done: a cancelled or broken SET is sent again.
    sight.shown = None
    await connection.execute(f"SET quickkub.scope = '{scope}'")
    sight.shown = scope


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class _Connection(asyncpg.Connection):
    """A session as the pool keeps it. All that outlives a transaction in it is `sight`, which is remembered,
    so the round trip that would put a session back between two uses is left out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sight = Sight()

    def get_reset_query(self) -> str:
        return ""

    async def execute(self, query: str, *args: Any, **settings: Any) -> str:
        """As asyncpg's; what a transaction sees goes with its BEGIN and ends with it.

        asyncpg's own transactions are kept whole, with savepoints, cancellation and errors at commit. Should
        a later asyncpg begin in other words, nothing is seen.
        """
        if query == _BEGIN:
            # SET LOCAL takes no snapshot, so an isolation level may still be chosen afterwards.
            query = f"BEGIN; SET LOCAL quickkub.scope = '{self.sight.next}'"
        status: str = await super().execute(query, *args, **settings)
        return status


_BEGIN: Final = "BEGIN;"


async def prepare(connection: asyncpg.Connection[Any]) -> None:
    """Read and write JSON columns as values, in a session that was just opened."""
    await connection.set_type_codec(
        "jsonb", encoder=_to_json, decoder=msgspec.json.decode, schema="pg_catalog"
    )


async def open_database(
    dsn: str, *, size_max: int = 20, size_min: int = 1, scope: Scope = NOBODY
) -> Database:
    """Connect a pool of `size_min` to `size_max` connections with the session settings above.

    `scope` is what tasks see that say nothing: HOUSE for commands and workers, nobody's rows otherwise.
    Raises DatabaseAway when the server cannot be reached, DatabaseRoleMissing.
    """
    with _troubles_told():
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=size_min,
                max_size=size_max,
                init=prepare,
                server_settings=SESSION,
                connection_class=_Connection,
                timeout=5,
            )
        except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as trouble:
            raise DatabaseRoleMissing() from trouble
    return Database(pool, scope)
