"""SQL for reading deliveries and for sending them again; everything is asked by merchant."""

from __future__ import annotations

from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.webhooks.model import Backlog, Delivery, Try

REPLAY_MAX: Final = 1000

DELIVERY_COLUMNS: Final = """
    event_id, endpoint_id, state, tries, next_try_at, last_status, last_error, last_answer, last_try_at,
    delivered_at, created_at
"""


def read_delivery(row: Row) -> Delivery:
    """A row with DELIVERY_COLUMNS."""
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


async def replay_event(
    tx: Connection, merchant: MerchantId, mode: str, event: str, endpoint: str | None
) -> int:
    """Make one event due again: at one endpoint whether or not it subscribed, or at all that want it.

    A delivery that a worker holds at this moment is left to it.
    """
    changed = await tx.execute(
        """
        INSERT INTO webhook_deliveries (merchant_id, event_id, endpoint_id)
        SELECT event.merchant_id, event.id, e.id
          FROM events event
          JOIN webhook_endpoints e
            ON e.merchant_id = event.merchant_id AND e.mode = event.mode AND e.state = 'enabled'
         WHERE event.merchant_id = $1 AND event.mode = $2 AND event.id = $3
           AND CASE WHEN $4::text IS NOT NULL THEN e.id = $4
                    ELSE e.events = '{}' OR event.type = ANY (e.events) END
        ON CONFLICT (merchant_id, event_id, endpoint_id) DO UPDATE
           SET state = 'pending', tries = 0, trying_since = NULL, next_try_at = clock_timestamp(),
               lease_until = NULL
         WHERE webhook_deliveries.lease_until IS NULL OR webhook_deliveries.lease_until < clock_timestamp()
        """,
        merchant,
        mode,
        event,
        endpoint,
    )
    return _count(changed)


async def revive_dead(tx: Connection, merchant: MerchantId, endpoint: str, first_event: str) -> int:
    """Make up to REPLAY_MAX dead letters of an endpoint due again, oldest first, from `first_event` on."""
    changed = await tx.execute(
        """
        UPDATE webhook_deliveries
           SET state = 'pending', tries = 0, trying_since = NULL, next_try_at = clock_timestamp()
         WHERE (merchant_id, event_id, endpoint_id) IN (
               SELECT merchant_id, event_id, endpoint_id FROM webhook_deliveries
                WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'dead' AND event_id >= $4
                ORDER BY event_id LIMIT $3 FOR UPDATE)
        """,
        merchant,
        endpoint,
        REPLAY_MAX,
        first_event,
    )
    return _count(changed)


async def list_deliveries(
    reader: Connection,
    merchant: MerchantId,
    mode: str,
    *,
    endpoint: str | None = None,
    state: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 10,
) -> list[Delivery]:
    """Deliveries to one or all of a merchant's endpoints, deleted ones included, the newest event first.

    `after` is the event and endpoint of the last one seen.
    """
    event_after, endpoint_after = after or (None, None)
    rows = await reader.fetch(
        f"""
        SELECT d.* FROM webhook_endpoints e
         CROSS JOIN LATERAL (
               SELECT {DELIVERY_COLUMNS} FROM webhook_deliveries
                WHERE merchant_id = e.merchant_id AND endpoint_id = e.id AND ($4::text IS NULL OR state = $4)
                  AND ($5::text IS NULL OR (event_id, endpoint_id) < ($5, $6::text))
                ORDER BY event_id DESC LIMIT $7) d
         WHERE e.merchant_id = $1 AND e.mode = $2 AND ($3::text IS NULL OR e.id = $3)
         ORDER BY d.event_id DESC, d.endpoint_id DESC LIMIT $7
        """,  # noqa: S608
        merchant,
        mode,
        endpoint,
        state,
        event_after,
        endpoint_after,
        limit,
    )
    return [read_delivery(row) for row in rows]


async def find_delivery(
    reader: Connection, merchant: MerchantId, event: str, endpoint: str
) -> Delivery | None:
    """One delivery."""
    row = await reader.fetchrow(
        f"""
        SELECT {DELIVERY_COLUMNS} FROM webhook_deliveries
         WHERE merchant_id = $1 AND event_id = $2 AND endpoint_id = $3
        """,  # noqa: S608
        merchant,
        event,
        endpoint,
    )
    return read_delivery(row) if row else None


async def list_tries(reader: Connection, merchant: MerchantId, event: str, endpoint: str) -> list[Try]:
    """Every finished try of a delivery, the first one first, replays included."""
    rows = await reader.fetch(
        """
        SELECT tried_at, took_ms, status, error, answer FROM webhook_tries
         WHERE merchant_id = $1 AND event_id = $2 AND endpoint_id = $3 ORDER BY lease_token
        """,
        merchant,
        event,
        endpoint,
    )
    return [Try(row["tried_at"], row["took_ms"], row["status"], row["error"], row["answer"]) for row in rows]


async def backlog(reader: Connection) -> Backlog:
    """Over all merchants, for metrics and alarms."""
    row = await reader.fetchrow(
        """
        SELECT (SELECT count(*) FROM webhook_deliveries WHERE next_try_at IS NOT NULL) AS pending,
               (SELECT greatest(0, extract(epoch FROM now() - min(next_try_at)))::integer
                  FROM webhook_deliveries WHERE next_try_at IS NOT NULL) AS overdue_seconds,
               (SELECT count(*) FROM webhook_deliveries WHERE state = 'dead') AS dead
        """
    )
    assert row is not None
    return Backlog(row["pending"], row["overdue_seconds"] or 0, row["dead"])


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[1])
