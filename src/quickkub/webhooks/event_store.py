"""SQL for reading events. They are written by storage.outbox and never changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.webhooks.event import StoredEvent

CLOCK_SKEW: Final = timedelta(seconds=2)
"""How far the clock that made an id may be off the database's; an offset of 1 s raises an alarm."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_event(row: Row) -> StoredEvent:
    """A row of `events`: id, mode, type, object_id, object_version, data, created_at."""
    return StoredEvent(
        id=row["id"],
        mode=row["mode"],
        type=row["type"],
        object_id=row["object_id"],
        version=row["object_version"],
        data=row["data"],
        created_at=row["created_at"],
    )


def first_id_at(moment: datetime) -> str:
    """An id that no event made before `moment` reaches: ids begin with the time of making in milliseconds."""
    return f"evt_{max(0, (moment - _EPOCH) // timedelta(milliseconds=1)):012x}"


async def find_event(reader: Connection, merchant: MerchantId, mode: str, event: str) -> StoredEvent | None:
    """One event of a merchant."""
    row = await reader.fetchrow(
        """
        SELECT id, mode, type, object_id, object_version, data, created_at FROM events
         WHERE merchant_id = $1 AND mode = $2 AND id = $3
        """,
        merchant,
        mode,
        event,
    )
    return read_event(row) if row else None


async def newest(
    reader: Connection, merchant: MerchantId, mode: str, *, kind: str | None, before: str | None, limit: int
) -> list[StoredEvent]:
    """Events from the newest back, or from the event `before` back; `kind` is a type, or None for all."""
    rows = await reader.fetch(
        """
        SELECT id, mode, type, object_id, object_version, data, created_at FROM events
         WHERE merchant_id = $1 AND mode = $2
           AND ($3::text IS NULL OR type = $3) AND ($4::text IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5
        """,
        merchant,
        mode,
        kind,
        before,
        limit,
    )
    return [read_event(row) for row in rows]


async def horizon(reader: Connection, skew: timedelta = CLOCK_SKEW) -> str:
    """An id such that every event that will ever have a smaller one is committed already (E5).

    An id holds the time it was made, which is inside the transaction that writes it. So this is the start of
    the oldest open transaction, written as an id. It is asked in a statement of its own, before the events
    are read: what commits in between is then read, too.
    """
    found: str = await reader.fetchval(
        """
        SELECT 'evt_' || lpad(to_hex((extract(epoch FROM oldest - $1::interval) * 1000)::bigint), 12, '0')
          FROM (SELECT coalesce(oldest_open_transaction(), clock_timestamp()) AS oldest) open_transactions
        """,
        skew,
    )
    return found


async def following(
    reader: Connection,
    merchant: MerchantId,
    mode: str,
    *,
    kind: str | None,
    after: str,
    before: str,
    limit: int,
) -> list[StoredEvent]:
    """Events after the event `after` and before the horizon `before`, oldest first."""
    rows = await reader.fetch(
        """
        SELECT id, mode, type, object_id, object_version, data, created_at FROM events
         WHERE merchant_id = $1 AND mode = $2
           AND ($3::text IS NULL OR type = $3) AND id > $4 AND id < $5
         ORDER BY id LIMIT $6
        """,
        merchant,
        mode,
        kind,
        after,
        before,
        limit,
    )
    return [read_event(row) for row in rows]
