"""SQL of the health checks. Changes nothing."""

from __future__ import annotations

from quickkub.storage import Connection, DatabaseAway


async def prove_a_write(tx: Connection) -> None:
    """Write a few bytes to the write-ahead log.

    Raises DatabaseAway on a full disk, on a standby, and when the database is read-only. A logical message
    needs no table and leaves nothing to clean up; PostgreSQL lets it through in a read-only session, though.
    """
    if await tx.fetchval("SELECT current_setting('transaction_read_only')") == "on":
        raise DatabaseAway("the database takes no writes")
    await tx.execute("SELECT pg_logical_emit_message(true, 'quickkub', 'readyz')")


async def schema_revision(reader: Connection) -> str | None:
    """The migration the database is at, or None when it has none."""
    if await reader.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await reader.fetchval("SELECT max(version_num) FROM alembic_version")
    return revision


async def overdue_seconds(reader: Connection) -> int:
    """How long the most overdue work about payments has waited for a worker; 0 when none is late."""
    late: int = await reader.fetchval(
        """
        SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(due)))::integer FROM (
            SELECT min(next_check_at) AS due FROM attempts
             WHERE next_check_at IS NOT NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
            UNION ALL
            SELECT min(due_at) FROM payments
             WHERE due_at IS NOT NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
            UNION ALL
            SELECT min(due_at) FROM inbox
             WHERE due_at IS NOT NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ) waiting
        """
    )
    return late
