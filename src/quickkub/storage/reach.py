"""Whether a database that was named to us is there, lets us in, and is one we can work with."""

from __future__ import annotations

from typing import Final

import asyncpg

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.database import DatabaseAway

OLDEST_SERVER: Final = 15


class DatabaseTooOld(Refusal):
    """The server is older than the versions we are tested with."""

    code, kind = "database_too_old", Kind.UNAVAILABLE


class DatabaseRefusesUs(Refusal):
    """The server is there and does not let us in: the user, the password or the database is wrong."""

    code, kind = "database_refuses", Kind.UNAVAILABLE


async def reach(dsn: str) -> None:
    """Connect once. Raises DatabaseAway when nobody answers, DatabaseRefusesUs, DatabaseTooOld."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.CannotConnectNowError) as trouble:
        raise DatabaseAway(f"the database does not answer: {trouble}") from trouble
    except (asyncpg.PostgresError, asyncpg.ClientConfigurationError) as trouble:
        raise DatabaseRefusesUs(f"the database cannot be used: {trouble}", param="DATABASE_URL") from trouble
    try:
        major = connection.get_server_version().major
    finally:
        await connection.close()
    if major < OLDEST_SERVER:
        raise DatabaseTooOld(f"the database is PostgreSQL {major}; QuickKub needs {OLDEST_SERVER} or newer")
