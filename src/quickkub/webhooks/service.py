"""The room's counter: what the API and the dashboard ask about endpoints, deliveries and events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database
from quickkub.storage.vault import Vault
from quickkub.webhooks import endpoints, event_store, replay, store
from quickkub.webhooks.endpoints import ROTATION_OVERLAP, Changes, endpoint_view
from quickkub.webhooks.event import event_view
from quickkub.webhooks.guard import Guard
from quickkub.webhooks.model import Backlog, Page, Signatures
from quickkub.webhooks.replay import delivery_view
from quickkub.webhooks.rules import EndpointNotFound, EventNotFound


class Webhooks:
    """Everything that can be asked for over the API, for one database, one vault and one guard."""

    def __init__(self, db: Database, vault: Vault, guard: Guard) -> None:
        self._db = db
        self._vault = vault
        self._guard = guard

    async def create_endpoint(
        self,
        merchant: MerchantId,
        mode: str,
        *,
        url: str,
        description: str | None = None,
        events: Sequence[str] | None = None,
        signatures: Signatures = "both",
    ) -> dict[str, Any]:
        """Make an endpoint; the answer holds its secret, once. See `endpoints.create`."""
        made, secret = await endpoints.create(
            self._db,
            self._vault,
            self._guard,
            merchant,
            mode,
            url=url,
            description=description or "",
            events=events or (),
            signatures=signatures,
        )
        return endpoint_view(made, secret)

    async def endpoint(self, merchant: MerchantId, mode: str, endpoint: str) -> dict[str, Any]:
        """One endpoint. Raises EndpointNotFound."""
        return endpoint_view(await endpoints.get(self._db, merchant, mode, endpoint))

    async def endpoints(self, merchant: MerchantId, mode: str) -> list[dict[str, Any]]:
        """All endpoints of this mode, newest first; 16 at most, so there are no pages."""
        return [endpoint_view(one) for one in await endpoints.list_all(self._db, merchant, mode)]

    async def change_endpoint(
        self, merchant: MerchantId, mode: str, endpoint: str, changes: Changes
    ) -> dict[str, Any]:
        """Change an endpoint. See `endpoints.update`."""
        return endpoint_view(await endpoints.update(self._db, self._guard, merchant, mode, endpoint, changes))

    async def delete_endpoint(self, merchant: MerchantId, mode: str, endpoint: str) -> None:
        """Delete an endpoint. Raises EndpointNotFound."""
        await endpoints.delete(self._db, merchant, mode, endpoint)

    async def rotate_secret(
        self, merchant: MerchantId, mode: str, endpoint: str, *, overlap: timedelta = ROTATION_OVERLAP
    ) -> dict[str, Any]:
        """Give an endpoint a new secret; the answer holds it, once. See `endpoints.rotate_secret`."""
        changed, secret = await endpoints.rotate_secret(
            self._db, self._vault, merchant, mode, endpoint, overlap=overlap
        )
        return endpoint_view(changed, secret)

    async def deliveries(
        self,
        merchant: MerchantId,
        mode: str,
        endpoint: str,
        *,
        limit: int,
        state: str | None = None,
        starting_after: str | None = None,
    ) -> Page:
        """How deliveries to an endpoint stand, newest event first; the cursor is an event id.

        Raises EndpointNotFound.
        """
        found = await replay.deliveries_of(
            self._db, merchant, mode, endpoint, state=state, starting_after=starting_after, limit=limit + 1
        )
        return Page(tuple(delivery_view(one) for one in found[:limit]), len(found) > limit)

    async def delivery(self, merchant: MerchantId, mode: str, event: str, endpoint: str) -> dict[str, Any]:
        """One delivery with every try that was made. Raises EventNotFound, EndpointNotFound."""
        async with self._db.read() as reader:
            if await event_store.find_event(reader, merchant, mode, event) is None:
                raise EventNotFound
            found = await store.find_delivery(reader, merchant, event, endpoint)
            if found is None:
                raise EndpointNotFound
            return delivery_view(found, await store.list_tries(reader, merchant, event, endpoint))

    async def replay_event(
        self, merchant: MerchantId, mode: str, event: str, endpoint: str | None = None
    ) -> int:
        """Deliver an event again. See `replay.replay_event`."""
        return await replay.replay_event(self._db, merchant, mode, event, endpoint)

    async def redeliver_dead(
        self, merchant: MerchantId, mode: str, endpoint: str, since: datetime | None = None
    ) -> int:
        """Deliver an endpoint's dead letters again. See `replay.redeliver_dead`."""
        return await replay.redeliver_dead(self._db, merchant, mode, endpoint, since)

    async def event(self, merchant: MerchantId, mode: str, event: str) -> dict[str, Any]:
        """One event. Raises EventNotFound."""
        async with self._db.read() as reader:
            found = await event_store.find_event(reader, merchant, mode, event)
        if found is None:
            raise EventNotFound
        return event_view(found)

    async def events(
        self,
        merchant: MerchantId,
        mode: str,
        *,
        limit: int,
        kind: str | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> Page:
        """One page of events, newest first. Whoever follows the news pages with `ending_before`: it shows an
        event only once none with an earlier id can still appear (E5).
        """
        async with self._db.read() as reader:
            if ending_before is not None:
                horizon = await event_store.horizon(reader)
                found = await event_store.following(
                    reader, merchant, mode, kind=kind, after=ending_before, before=horizon, limit=limit + 1
                )
                shown = found[:limit][::-1]
            else:
                found = await event_store.newest(
                    reader, merchant, mode, kind=kind, before=starting_after, limit=limit + 1
                )
                shown = found[:limit]
        return Page(tuple(event_view(one) for one in shown), len(found) > limit)

    async def backlog(self) -> Backlog:
        """Over all merchants, for metrics and alarms."""
        async with self._db.read() as reader:
            return await store.backlog(reader)
