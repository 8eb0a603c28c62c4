"""E5, the one story: an event that is begun first and committed last is still read (see also the property
test over all orders in test_webhook_delivery_kill)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from quickkub.storage import Database
from quickkub.storage.outbox import emit
from quickkub.webhooks import event_store
from tests.support.webhooks import Kiosk, open_kiosk


async def news_after(shop: Kiosk, cursor: str) -> list[str]:
    async with shop.db.read() as reader:
        before = await event_store.horizon(reader, timedelta())
        found = await event_store.following(
            reader, shop.merchant, "test", kind=None, after=cursor, before=before, limit=100
        )
    return [event.id for event in found]


async def test_what_was_begun_earlier_and_committed_later_is_not_skipped_by_a_reader(
    database: Database, pool: asyncpg.Pool[Any]
) -> None:
    shop = await open_kiosk(database, pool)
    cursor = await shop.happens(about="pay_first")
    async with pool.acquire() as connection, connection.transaction():
        slow = await emit(connection, shop.event("payment.succeeded", "pay_slow", 1))
        quick = await shop.happens(about="pay_quick")
        assert slow < quick
        assert await news_after(shop, cursor) == [], "the quick one waits until nothing before it can come"
    last = await shop.happens(about="pay_last")
    assert (await news_after(shop, cursor))[:2] == [slow, quick]
    assert last > quick
