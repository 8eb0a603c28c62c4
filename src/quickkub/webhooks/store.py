"""SQL for deliveries: claim, finish, bury, replay. Claims look across merchants; the rest asks by merchant.

Due times are compared with now(), the database's clock at the start of the claiming transaction, because an
index cannot be searched by a clock that moves; leases are written with clock_timestamp() (D5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.webhooks.event_store import read_event
from quickkub.webhooks.model import Backlog, Claimed, Delivery, Try
from quickkub.webhooks.rules import Verdict
from quickkub.webhooks.schedule import DISABLE_AFTER

LEASE_SECONDS: Final = 30
"""A try takes 10 s at most and its last statement 10 s: a live worker does not lose its lease by waiting."""

ORDER_PATIENCE_SECONDS: Final = 60
"""How long an event waits for an earlier version of its object. Not longer: one stuck try must not hold up
the news that a payment succeeded."""

BURY_MAX: Final = 500
REPLAY_MAX: Final = 1000

# Endpoints that have anything waiting, found by stepping through the index from one to the next.
_WAITING: Final = """
    WITH RECURSIVE waiting AS (
        (SELECT merchant_id, endpoint_id FROM webhook_deliveries
          WHERE next_try_at IS NOT NULL ORDER BY merchant_id, endpoint_id LIMIT 1)
        UNION ALL
        SELECT onward.merchant_id, onward.endpoint_id
          FROM waiting CROSS JOIN LATERAL (
               SELECT d.merchant_id, d.endpoint_id FROM webhook_deliveries d
                WHERE d.next_try_at IS NOT NULL
                  AND (d.merchant_id, d.endpoint_id) > (waiting.merchant_id, waiting.endpoint_id)
                ORDER BY d.merchant_id, d.endpoint_id LIMIT 1) onward
    )
"""

_FREE: Final = "d.next_try_at <= now() AND (d.lease_until IS NULL OR d.lease_until < now())"

_CLAIM: Final = f"""
    {_WAITING},
    candidates AS (
        SELECT picked.merchant_id, picked.event_id, picked.endpoint_id
          FROM waiting
          JOIN webhook_endpoints e
            ON e.merchant_id = waiting.merchant_id AND e.id = waiting.endpoint_id AND e.state = 'enabled'
          LEFT JOIN unnest($3::text[], $4::integer[]) AS rooms (endpoint_id, room)
            ON rooms.endpoint_id = waiting.endpoint_id
          CROSS JOIN LATERAL (
               SELECT d.merchant_id, d.event_id, d.endpoint_id, d.next_try_at
                 FROM webhook_deliveries d
                WHERE d.merchant_id = waiting.merchant_id AND d.endpoint_id = waiting.endpoint_id AND {_FREE}
                  AND (d.created_at < now() - make_interval(secs => {ORDER_PATIENCE_SECONDS})
                       OR NOT EXISTS (
                          SELECT 1
                            FROM events mine
                            JOIN events earlier
                              ON earlier.merchant_id = mine.merchant_id AND earlier.object_id = mine.object_id
                             AND earlier.object_version < mine.object_version
                            JOIN webhook_deliveries first
                              ON first.merchant_id = earlier.merchant_id AND first.event_id = earlier.id
                             AND first.endpoint_id = d.endpoint_id AND first.state = 'pending'
                           WHERE mine.merchant_id = d.merchant_id AND mine.id = d.event_id))
                ORDER BY d.next_try_at
                LIMIT coalesce(rooms.room, $2)) picked
         ORDER BY picked.next_try_at
         LIMIT $1
    ),
    locked AS (
        SELECT d.merchant_id, d.event_id, d.endpoint_id
          FROM webhook_deliveries d JOIN candidates USING (merchant_id, event_id, endpoint_id)
         WHERE {_FREE}
           FOR UPDATE OF d SKIP LOCKED
    ),
    claimed AS (
        UPDATE webhook_deliveries d
           SET lease_until = clock_timestamp() + make_interval(secs => {LEASE_SECONDS}),
               lease_token = d.lease_token + 1, tries = d.tries + 1, last_try_at = clock_timestamp()
          FROM locked
         WHERE d.merchant_id = locked.merchant_id AND d.event_id = locked.event_id
           AND d.endpoint_id = locked.endpoint_id
        RETURNING d.merchant_id, d.event_id, d.endpoint_id, d.lease_token, d.tries, d.next_try_at
    )
    SELECT claimed.merchant_id, claimed.endpoint_id, claimed.lease_token, claimed.tries,
           e.url, e.signatures, e.secret,
           CASE WHEN e.previous_secret_until > now() THEN e.previous_secret END AS previous_secret,
           event.id, event.mode, event.type, event.object_id, event.object_version, event.data,
           event.created_at
      FROM claimed
      JOIN webhook_endpoints e ON e.merchant_id = claimed.merchant_id AND e.id = claimed.endpoint_id
      JOIN events event ON event.merchant_id = claimed.merchant_id AND event.id = claimed.event_id
     ORDER BY claimed.next_try_at
"""  # noqa: S608 -- only our own pieces are put in

_BURY: Final = f"""
    {_WAITING}
    UPDATE webhook_deliveries d
       SET state = 'dead', next_try_at = NULL, lease_until = NULL,
           last_error = 'the endpoint is ' || due.endpoint_state
      FROM (SELECT d.merchant_id, d.event_id, d.endpoint_id, e.state AS endpoint_state
              FROM waiting
              JOIN webhook_endpoints e
                ON e.merchant_id = waiting.merchant_id AND e.id = waiting.endpoint_id AND e.state <> 'enabled'
              JOIN webhook_deliveries d
                ON d.merchant_id = waiting.merchant_id AND d.endpoint_id = waiting.endpoint_id AND {_FREE}
             LIMIT {BURY_MAX}
               FOR UPDATE OF d SKIP LOCKED) due
     WHERE d.merchant_id = due.merchant_id AND d.event_id = due.event_id AND d.endpoint_id = due.endpoint_id
"""  # noqa: S608

# One statement, so that a try's end, its row in the log and the endpoint's health are written together.
_LONG_FAILING: Final = "e.failing_since < clock_timestamp() - $12::interval"

_FINISH: Final = f"""
    WITH finished AS (
        UPDATE webhook_deliveries
           SET state = $5, lease_until = NULL, last_status = $7, last_error = $8, last_answer = $9,
               next_try_at = CASE WHEN $5 = 'pending' THEN clock_timestamp() + make_interval(secs => $6) END,
               delivered_at = CASE WHEN $5 = 'delivered' THEN clock_timestamp() ELSE delivered_at END
         WHERE merchant_id = $1 AND event_id = $2 AND endpoint_id = $3 AND lease_token = $4
           AND lease_until IS NOT NULL
        RETURNING last_try_at
    ),
    health AS (
        UPDATE webhook_endpoints e
           SET failing_since = CASE WHEN $5 <> 'delivered'
                                    THEN coalesce(e.failing_since, clock_timestamp()) END,
               state = CASE WHEN $11 OR $5 <> 'delivered' AND {_LONG_FAILING}
                            THEN 'disabled' ELSE e.state END,
               disabled_reason = CASE WHEN $11 THEN 'gone'
                                      WHEN $5 <> 'delivered' AND {_LONG_FAILING} THEN 'failing' END,
               updated_at = clock_timestamp()
          FROM finished
         WHERE e.merchant_id = $1 AND e.id = $3 AND e.state = 'enabled'
           AND CASE WHEN $5 = 'delivered' THEN e.failing_since IS NOT NULL
                    ELSE $11 OR e.failing_since IS NULL OR {_LONG_FAILING} END
    )
    INSERT INTO webhook_tries (merchant_id, event_id, endpoint_id, lease_token, tried_at, took_ms, status,
                               error, answer)
    SELECT $1, $2, $3, $4, finished.last_try_at, $10::integer, $7, $8, $9 FROM finished
"""  # noqa: S608


_DELIVERY_COLUMNS: Final = """
    event_id, endpoint_id, state, tries, next_try_at, last_status, last_error, last_answer, last_try_at,
    delivered_at, created_at
"""


def _read_claimed(row: Row) -> Claimed:
    return Claimed(
        merchant=MerchantId(row["merchant_id"]),
        endpoint=row["endpoint_id"],
        event=read_event(row),
        token=row["lease_token"],
        tries=row["tries"],
        url=row["url"],
        signatures=row["signatures"],
        secret=bytes(row["secret"]),
        previous_secret=None if row["previous_secret"] is None else bytes(row["previous_secret"]),
    )


def _read_delivery(row: Row) -> Delivery:
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


async def claim_due(tx: Connection, limit: int, per_endpoint: int, rooms: Mapping[str, int]) -> list[Claimed]:
    """Lease up to `limit` due deliveries, the longest due first, at most `per_endpoint` of each endpoint.

    `rooms` overrides that number for single endpoints; 0 leaves one alone. A delivery is not taken while
    another worker holds it, nor in its first 60 s while an earlier version of its object waits for the same
    endpoint.
    """
    rows = await tx.fetch(_CLAIM, limit, per_endpoint, list(rooms), list(rooms.values()))
    return [_read_claimed(row) for row in rows]


async def bury_due(tx: Connection) -> int:
    """Make what falls due at a disabled or deleted endpoint a dead letter, where it can be seen (E2)."""
    return _count(await tx.execute(_BURY))


async def finish(connection: Connection, claimed: Claimed, verdict: Verdict, took_ms: int) -> bool:
    """Write what came of a try. False: the lease was lost, and nothing was written (D6)."""
    changed = await connection.execute(
        _FINISH,
        claimed.merchant,
        claimed.event.id,
        claimed.endpoint,
        claimed.token,
        verdict.state,
        verdict.wait_seconds,
        verdict.status,
        verdict.error,
        verdict.text,
        took_ms,
        verdict.endpoint_gone,
        DISABLE_AFTER,
    )
    return _count(changed) == 1


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
           SET state = 'pending', tries = 0, next_try_at = clock_timestamp(), lease_until = NULL
         WHERE webhook_deliveries.lease_until IS NULL OR webhook_deliveries.lease_until < clock_timestamp()
        """,
        merchant,
        mode,
        event,
        endpoint,
    )
    return _count(changed)


async def revive_dead(tx: Connection, merchant: MerchantId, endpoint: str) -> int:
    """Make up to REPLAY_MAX dead letters of an endpoint due again, oldest first."""
    changed = await tx.execute(
        """
        UPDATE webhook_deliveries
           SET state = 'pending', tries = 0, next_try_at = clock_timestamp()
         WHERE (merchant_id, event_id, endpoint_id) IN (
               SELECT merchant_id, event_id, endpoint_id FROM webhook_deliveries
                WHERE merchant_id = $1 AND endpoint_id = $2 AND state = 'dead'
                ORDER BY event_id LIMIT $3 FOR UPDATE)
        """,
        merchant,
        endpoint,
        REPLAY_MAX,
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
               SELECT {_DELIVERY_COLUMNS} FROM webhook_deliveries
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
    return [_read_delivery(row) for row in rows]


async def find_delivery(
    reader: Connection, merchant: MerchantId, event: str, endpoint: str
) -> Delivery | None:
    """One delivery."""
    row = await reader.fetchrow(
        f"""
        SELECT {_DELIVERY_COLUMNS} FROM webhook_deliveries
         WHERE merchant_id = $1 AND event_id = $2 AND endpoint_id = $3
        """,  # noqa: S608
        merchant,
        event,
        endpoint,
    )
    return _read_delivery(row) if row else None


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
