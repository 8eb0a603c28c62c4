"""Keeping the planner informed about tables that grow.

PostgreSQL does it by itself as long as it does not crash: a crash throws the counters away that tell it when
to. Without statistics a claim of due work reads the whole table, and a backlog grows because it has grown.
"""

from __future__ import annotations

from quickkub.storage.database import Connection


async def refresh_statistics(connection: Connection) -> list[str]:
    """Analyse the tables that are twice as large as at their last analysis. Returns their names."""
    grown: list[str] = await connection.fetchval("SELECT refresh_statistics()")
    return grown
