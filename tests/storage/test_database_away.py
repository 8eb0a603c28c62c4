"""A database that goes away in the middle is told as one refusal, whatever the driver calls it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from quickkub.storage import Database, DatabaseAway
from tests.support.postgres import AS_OWNER


async def test_a_session_that_is_cut_in_a_transaction_is_the_database_away(database: Database) -> None:
    with pytest.raises(DatabaseAway):
        async with database.transaction() as tx:
            await tx.execute(AS_OWNER)
            await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.read() as reader:
        assert await reader.fetchval("SELECT 1") == 1, "the next one gets a fresh session"


async def test_a_session_used_before_its_end_was_noticed_is_the_database_away(database: Database) -> None:
    # The storms meet this a dozen times a minute; the words are the driver's, and it calls them internal.
    cut = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    with pytest.raises(DatabaseAway, match="InternalClientError"):
        async with database.transaction():
            raise cut


async def test_whoever_loses_a_deadlock_may_come_again(database: Database) -> None:
    """Two who want two things in opposite order: PostgreSQL lets one go on and rolls the other back."""
    meet = asyncio.Barrier(2)

    async def takes(first: int, second: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", first)
            await meet.wait()
            await tx.execute("SELECT pg_advisory_xact_lock($1)", second)

    told = await asyncio.gather(takes(1, 2), takes(2, 1), return_exceptions=True)
    (lost,) = [one for one in told if one is not None]
    assert isinstance(lost, DatabaseAway) and "DeadlockDetectedError" in str(lost)
