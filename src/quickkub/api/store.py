"""SQL of the health checks, and of the list of all deliveries, which no room below needs. Changes nothing."""

from __future__ import annotations

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, DatabaseAway, Row
from quickkub.webhooks.model import Delivery


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


async def list_deliveries(
    reader: Connection,
    merchant: MerchantId,
    mode: str,
    *,
    endpoint: str | None,
    state: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Delivery]:
    """Deliveries to one or all of a merchant's endpoints, deleted ones included, the newest event first."""
    event_after, endpoint_after = after or (None, None)
    rows = await reader.fetch(
        """
        SELECT d.* FROM webhook_endpoints e
         CROSS JOIN LATERAL (
               SELECT event_id, endpoint_id, state, tries, next_try_at, last_status, last_error, last_answer,
                      last_try_at, delivered_at, created_at
                 FROM webhook_deliveries
                WHERE merchant_id = e.merchant_id AND endpoint_id = e.id AND ($4::text IS NULL OR state = $4)
                  AND ($5::text IS NULL OR (event_id, endpoint_id) < ($5, $6::text))
                ORDER BY event_id DESC LIMIT $7) d
         WHERE e.merchant_id = $1 AND e.mode = $2 AND ($3::text IS NULL OR e.id = $3)
         ORDER BY d.event_id DESC, d.endpoint_id DESC LIMIT $7
        """,
        merchant,
        mode,
        endpoint,
        state,
        event_after,
        endpoint_after,
        limit,
    )
    return [_delivery(row) for row in rows]


def _delivery(row: Row) -> Delivery:
    return Delivery(
        event=row["event_id"],
        endpoint=row["endpoint_id"],
        state=row["state"],
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        last_answer=row["last_answer"],
        last_try_at=row["last_try_at"],
        delivered_at=row["delivered_at"],
        created_at=row["created_at"],
    )
