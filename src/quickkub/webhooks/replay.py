"""Sending again what was sent before or given up: the same event, the same id, a new round of tries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Database
from quickkub.webhooks import endpoint_store, event_store, store
from quickkub.webhooks.model import Delivery, Try
from quickkub.webhooks.rules import EndpointDisabled, EndpointNotFound, EventNotFound


async def replay_event(
    db: Database, merchant: MerchantId, mode: str, event: str, endpoint: str | None = None
) -> int:
    """Deliver an event again. Returns to how many endpoints it will go.

    To `endpoint`, even if it had not subscribed when the event was made; or to every enabled one that wants
    its type. Raises EventNotFound, EndpointNotFound, EndpointDisabled.
    """
    async with db.transaction() as tx:
        if await event_store.find_event(tx, merchant, mode, event) is None:
            raise EventNotFound
        if endpoint is not None:
            await _refuse_unless_enabled(tx, merchant, mode, endpoint)
        deliveries = await store.replay_event(tx, merchant, mode, event, endpoint)
        act = Act(
            "event.replayed",
            "event",
            event,
            merchant=merchant,
            mode=mode,
            after={"endpoint": endpoint, "deliveries": deliveries},
        )
        await record(tx, act)
        return deliveries


async def redeliver_dead(
    db: Database, merchant: MerchantId, mode: str, endpoint: str, since: datetime | None = None
) -> int:
    """Deliver an endpoint's dead letters again, or those of events since then. Returns how many there were.

    Raises EndpointNotFound, EndpointDisabled.
    """
    first_event = "" if since is None else event_store.first_id_at(since)
    revived = 0
    while True:
        # In pieces, so that no transaction holds a great many rows.
        async with db.transaction() as tx:
            await _refuse_unless_enabled(tx, merchant, mode, endpoint)
            piece = await store.revive_dead(tx, merchant, endpoint, first_event)
            act = Act(
                "webhook_endpoint.redelivered_dead",
                "webhook_endpoint",
                endpoint,
                merchant=merchant,
                mode=mode,
                after={"deliveries": piece},
            )
            await record(tx, act)
        revived += piece
        if piece < store.REPLAY_MAX:
            return revived


async def deliveries_of(
    db: Database,
    merchant: MerchantId,
    mode: str,
    endpoint: str,
    *,
    state: str | None = None,
    starting_after: str | None = None,
    limit: int = 10,
) -> list[Delivery]:
    """How deliveries to an endpoint stand, the newest event first. Raises EndpointNotFound."""
    async with db.read() as reader:
        if await endpoint_store.find(reader, merchant, mode, endpoint) is None:
            raise EndpointNotFound
        return await store.list_deliveries(
            reader,
            merchant,
            mode,
            endpoint=endpoint,
            state=state,
            after=(starting_after, endpoint) if starting_after else None,
            limit=limit,
        )


async def _refuse_unless_enabled(tx: Connection, merchant: MerchantId, mode: str, endpoint: str) -> None:
    found = await endpoint_store.find(tx, merchant, mode, endpoint)
    if found is None:
        raise EndpointNotFound
    if found.state != "enabled":
        raise EndpointDisabled


def delivery_view(delivery: Delivery, tries: Sequence[Try] = ()) -> dict[str, Any]:
    """A delivery as merchants see it: status of the last answer and the first 1 KiB of what it said."""
    return {
        "object": "webhook_delivery",
        "event": delivery.event,
        "endpoint": delivery.endpoint,
        "status": delivery.state,
        "tries": delivery.tries,
        "next_try_at": rfc3339(delivery.next_try_at) if delivery.next_try_at else None,
        "last_try_at": rfc3339(delivery.last_try_at) if delivery.last_try_at else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "last_answer": delivery.last_answer,
        "delivered_at": rfc3339(delivery.delivered_at) if delivery.delivered_at else None,
        "created_at": rfc3339(delivery.created_at),
        "log": [_try_view(one) for one in tries],
    }


def _try_view(one: Try) -> dict[str, Any]:
    return {
        "tried_at": rfc3339(one.tried_at),
        "took_ms": one.took_ms,
        "status": one.status,
        "error": one.error,
        "answer": one.answer,
    }
