"""SQL for whoever runs the gateway: events, deliveries and endpoints of all merchants.

Everything is asked merchant by merchant over the same indexes as elsewhere, so that it stays quick. The API
never comes here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection
from quickkub.webhooks.event import StoredEvent
from quickkub.webhooks.event_store import read_event
from quickkub.webhooks.model import Delivery
from quickkub.webhooks.store import DELIVERY_COLUMNS, read_delivery


class Owner(NamedTuple):
    """Whose something is."""

    merchant: MerchantId
    mode: str


_EVENT_COLUMNS: Final = "id, mode, type, object_id, object_version, data, created_at"


async def owner_of_event(reader: Connection, event: str) -> Owner | None:
    """Whose event this is."""
    row = await reader.fetchrow(
        """
        SELECT found.merchant_id, found.mode
          FROM merchants m
          JOIN events found ON found.merchant_id = m.id AND found.id = $1
        """,
        event,
    )
    return Owner(MerchantId(row["merchant_id"]), row["mode"]) if row else None


async def owner_of_endpoint(reader: Connection, endpoint: str) -> Owner | None:
    """Whose endpoint this is, deleted ones included."""
    row = await reader.fetchrow("SELECT merchant_id, mode FROM webhook_endpoints WHERE id = $1", endpoint)
    return Owner(MerchantId(row["merchant_id"]), row["mode"]) if row else None


async def newest_events(
    reader: Connection, *, merchant: str | None, kind: str | None, about: str | None, limit: int
) -> list[tuple[MerchantId, StoredEvent]]:
    """The newest events, of one merchant, type and object or of all, each with its merchant."""
    rows = await reader.fetch(
        f"""
        SELECT m.id AS merchant_id, event.*
          FROM merchants m
         CROSS JOIN (VALUES ('live'), ('test')) modes (wanted)
         CROSS JOIN LATERAL (
               SELECT {_EVENT_COLUMNS} FROM events
                WHERE merchant_id = m.id AND mode = wanted
                  AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR object_id = $3)
                ORDER BY id DESC LIMIT $4) event
         WHERE $1::text IS NULL OR m.id = $1
         ORDER BY event.id DESC LIMIT $4
        """,  # noqa: S608 -- only our own column list is put in
        merchant,
        kind,
        about,
        limit,
    )
    return [(MerchantId(row["merchant_id"]), read_event(row)) for row in rows]


async def newest_deliveries(
    reader: Connection, *, merchant: str | None, endpoint: str | None, state: str | None, limit: int
) -> list[tuple[MerchantId, Delivery]]:
    """Deliveries of the newest events, to one endpoint or to all, each with its merchant."""
    rows = await reader.fetch(
        f"""
        SELECT e.merchant_id, d.*
          FROM webhook_endpoints e
         CROSS JOIN LATERAL (
               SELECT {DELIVERY_COLUMNS} FROM webhook_deliveries
                WHERE merchant_id = e.merchant_id AND endpoint_id = e.id AND ($3::text IS NULL OR state = $3)
                ORDER BY event_id DESC LIMIT $4) d
         WHERE ($1::text IS NULL OR e.merchant_id = $1) AND ($2::text IS NULL OR e.id = $2)
         ORDER BY d.event_id DESC, d.endpoint_id DESC LIMIT $4
        """,  # noqa: S608
        merchant,
        endpoint,
        state,
        limit,
    )
    return [(MerchantId(row["merchant_id"]), read_delivery(row)) for row in rows]
