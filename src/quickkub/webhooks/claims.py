"""SQL for the worker, across merchants: claim what is due, put off what must wait its turn, write ends, bury.

Due times are compared with now(), the database's clock at the start of the claiming transaction, because an
index cannot be searched by a clock that moves; leases are written with clock_timestamp() (D5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.webhooks.event_store import read_event
from quickkub.webhooks.model import Claimed
from quickkub.webhooks.rules import Verdict
from quickkub.webhooks.schedule import DISABLE_AFTER

LEASE_SECONDS: Final = 30
"""A try takes 10 s at most and its last statement 10 s: a live worker does not lose its lease by waiting."""

ORDER_HOLD_SECONDS: Final = 600
"""How long a delivery that fails may hold up later versions of its object at its endpoint (decision 0007)."""

PUT_OFF_MAX: Final = 64
"""How many due deliveries of each endpoint are looked at for being put off, at a time."""

BURY_MAX: Final = 500

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

# Deliveries of earlier versions of d's object to d's endpoint that d has to wait for: not ended, and not
# tried in vain for so long that the news may pass them. Versions of an object commit one after another, so
# whoever sees d sees them, too; one under way is still pending. Three index look-ups per earlier version.
_HOLDS: Final = f"""
      FROM events mine
      JOIN events earlier
        ON earlier.merchant_id = mine.merchant_id AND earlier.object_id = mine.object_id
       AND earlier.object_version < mine.object_version
      JOIN webhook_deliveries first
        ON first.merchant_id = earlier.merchant_id AND first.event_id = earlier.id
       AND first.endpoint_id = d.endpoint_id AND first.state = 'pending'
       AND (first.trying_since IS NULL
            OR first.trying_since > now() - make_interval(secs => {ORDER_HOLD_SECONDS}))
     WHERE mine.merchant_id = d.merchant_id AND mine.id = d.event_id
"""

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
                  AND NOT EXISTS (SELECT {_HOLDS})
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
               lease_token = d.lease_token + 1, tries = d.tries + 1, last_try_at = clock_timestamp(),
               trying_since = coalesce(d.trying_since, clock_timestamp())
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

# What waits for a delivery that is itself due later leaves the front of the line until then; otherwise every
# claim would step over all of it. Nobody has to wake it: when that one is delivered at its time, this is due.
_PUT_OFF: Final = f"""
    {_WAITING},
    held AS (
        SELECT d.merchant_id, d.event_id, d.endpoint_id, hold.until
          FROM waiting
          JOIN webhook_endpoints e
            ON e.merchant_id = waiting.merchant_id AND e.id = waiting.endpoint_id AND e.state = 'enabled'
          CROSS JOIN LATERAL (
               SELECT d.merchant_id, d.event_id, d.endpoint_id FROM webhook_deliveries d
                WHERE d.merchant_id = waiting.merchant_id AND d.endpoint_id = waiting.endpoint_id AND {_FREE}
                ORDER BY d.next_try_at
                LIMIT {PUT_OFF_MAX}) d
          CROSS JOIN LATERAL (
               SELECT max(least(first.next_try_at,
                                first.trying_since + make_interval(secs => {ORDER_HOLD_SECONDS}))) AS until
                {_HOLDS} AND first.next_try_at > now()) hold
         WHERE waiting.endpoint_id <> ALL ($1::text[]) AND hold.until IS NOT NULL
    ),
    locked AS (
        SELECT held.* FROM webhook_deliveries d JOIN held USING (merchant_id, event_id, endpoint_id)
         WHERE {_FREE}
           FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_deliveries d
       SET next_try_at = locked.until
      FROM locked
     WHERE d.merchant_id = locked.merchant_id AND d.event_id = locked.event_id
       AND d.endpoint_id = locked.endpoint_id
"""  # noqa: S608

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


async def claim_due(tx: Connection, limit: int, per_endpoint: int, rooms: Mapping[str, int]) -> list[Claimed]:
    """Lease up to `limit` due deliveries, the longest due first, at most `per_endpoint` of each endpoint.

    `rooms` overrides that number for single endpoints; 0 leaves one alone. A delivery is not taken while
    another worker holds it, nor while an earlier version of its object is pending at the same endpoint,
    unless that one has been tried in vain for ORDER_HOLD_SECONDS.
    """
    rows = await tx.fetch(_CLAIM, limit, per_endpoint, list(rooms), list(rooms.values()))
    return [_read_claimed(row) for row in rows]


async def put_off_held(tx: Connection, leave_alone: Sequence[str]) -> int:
    """Make what waits for an earlier version due when that one is, or when its hold ends; returns how many.

    `leave_alone` are endpoints nothing is claimed for, and so nothing stepped over.
    """
    return _count(await tx.execute(_PUT_OFF, list(leave_alone)))


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


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[1])
