"""Events, written in the transaction of the change they tell of, with a delivery row each (E1, E2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from quickkub.kernel.ids import EventId, MerchantId, new_id
from quickkub.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to an object. `version` is the object's, so readers can drop stale news."""

    merchant: MerchantId
    mode: str
    type: str
    object_id: str
    version: int
    data: Mapping[str, Any]


DELIVERIES: Final = """
INSERT INTO webhook_deliveries (merchant_id, event_id, endpoint_id)
SELECT event.merchant_id, event.id, endpoint.id
  FROM event JOIN webhook_endpoints endpoint
    ON endpoint.merchant_id = event.merchant_id AND endpoint.mode = event.mode
   AND endpoint.state = 'enabled'
   AND (endpoint.events = '{}' OR event.type = ANY (endpoint.events))
"""
"""One delivery for each endpoint subscribed at this moment to what a CTE called `event` has just written. It
is part of the statements that write events, so that there is none without the other."""

_EMIT: Final = f"""
WITH event AS (
    INSERT INTO events (merchant_id, id, mode, type, object_id, object_version, data)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING merchant_id, id, mode, type
)
{DELIVERIES}"""  # noqa: S608 -- our own fragment


async def emit(tx: Connection, event: Event) -> EventId:
    """Write the event and one pending delivery per endpoint subscribed at this moment. One statement."""
    event_id = EventId(new_id("evt"))
    await tx.execute(
        _EMIT,
        event.merchant,
        event_id,
        event.mode,
        event.type,
        event.object_id,
        event.version,
        dict(event.data),
    )
    return event_id
