"""A table that has grown is analysed, even by a server that forgot in a crash that it had to."""

from __future__ import annotations

import asyncio

from quickkub.storage import Database
from quickkub.storage.statistics import refresh_statistics
from tests.support.postgres import AS_OWNER


async def refreshed(database: Database) -> list[str]:
    async with database.statement() as connection:
        return await refresh_statistics(connection)


async def grows(database: Database, rows: int) -> None:
    """A table gets rows, and no autovacuum comes: this server crashes before it would."""
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE refused_callbacks SET (autovacuum_enabled = off)")
        await tx.execute(
            "INSERT INTO refused_callbacks (id, provider, reason, digest, body)"
            " SELECT 'cbk_' || md5(random()::text), 'scb', 'forged', '', convert_to(repeat('x', 500), 'utf8')"
            " FROM generate_series(1, $1::int)",
            rows,
        )


async def rows_believed(database: Database) -> int:
    async with database.read() as reader:
        believed: int = await reader.fetchval(
            "SELECT reltuples::int FROM pg_class WHERE oid = 'refused_callbacks'::regclass"
        )
        return believed


async def test_the_planner_learns_of_a_table_that_has_doubled_and_not_of_each_row(database: Database) -> None:
    await refreshed(database)
    await grows(database, 500)
    assert await rows_believed(database) < 100
    assert "refused_callbacks" in await refreshed(database)
    assert await rows_believed(database) == 500
    await grows(database, 50)
    assert await refreshed(database) == [] and await rows_believed(database) == 500
    await grows(database, 600)
    assert await refreshed(database) == ["refused_callbacks"] and await rows_believed(database) == 1_150


async def test_two_workers_do_not_wait_for_each_other(database: Database) -> None:
    await grows(database, 500)
    found = await asyncio.gather(*(refreshed(database) for _ in range(4)))
    assert sum("refused_callbacks" in names for names in found) == 1
