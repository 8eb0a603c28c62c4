"""An event is written with its change or not at all, and goes to who is subscribed then (E1, E2)."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from quickkub.kernel.ids import EventId, MerchantId, has_shape, new_id
from quickkub.storage import Connection, Database
from quickkub.storage.outbox import Event, emit
from tests.support.rows import Shop, add_shop, insert

DATA = {
    "object": {"id": "pay_1", "amount": 15_000, "description": "กาแฟ ☕", "metadata": {}, "paid_at": None}
}


@pytest.fixture
async def shop(database: Database) -> Shop:
    async with database.transaction() as tx:
        return await add_shop(tx)


def succeeded(
    merchant: MerchantId, version: int = 2, mode: str = "test", type_: str = "payment.succeeded"
) -> Event:
    return Event(merchant, mode, type_, "pay_1", version, DATA)


async def add_endpoint(tx: Connection, merchant: MerchantId, **values: Any) -> str:
    endpoint = new_id("we")
    defaults: dict[str, Any] = {"mode": "test", "url": "https://shop.example/hook", "secret": b"sealed"}
    if values.get("state") == "disabled":
        values["disabled_reason"] = "failing"
    await insert(tx, "webhook_endpoints", merchant_id=merchant, id=endpoint, **(defaults | values))
    return endpoint


async def emits(database: Database, event: Event) -> EventId:
    async with database.transaction() as tx:
        return await emit(tx, event)


async def deliveries(database: Database) -> list[tuple[str, str]]:
    async with database.read() as reader:
        rows = await reader.fetch("SELECT event_id, endpoint_id FROM webhook_deliveries ORDER BY created_at")
    return [(row["event_id"], row["endpoint_id"]) for row in rows]


async def test_an_event_reads_back_as_it_was_told(database: Database, shop: Shop) -> None:
    event_id = await emits(database, succeeded(shop.merchant))
    async with database.read() as reader:
        row = await reader.fetchrow("SELECT * FROM events")
    assert row is not None
    assert has_shape(event_id, "evt")
    assert (row["id"], row["mode"], row["type"]) == (event_id, "test", "payment.succeeded")
    assert (row["object_id"], row["object_version"], row["data"]) == ("pay_1", 2, DATA)


async def test_without_endpoints_an_event_is_kept_and_nobody_is_called(
    database: Database, shop: Shop
) -> None:
    await emits(database, succeeded(shop.merchant))
    assert await deliveries(database) == []


async def test_only_endpoints_that_asked_for_it_are_called(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        neighbour = await add_shop(tx)
        wants_all = await add_endpoint(tx, shop.merchant)
        wants_this = await add_endpoint(tx, shop.merchant, events=["payment.failed", "payment.succeeded"])
        await add_endpoint(tx, shop.merchant, events=["payment.failed"])
        await add_endpoint(tx, shop.merchant, events=["payment"])
        await add_endpoint(tx, shop.merchant, mode="live")
        await add_endpoint(tx, shop.merchant, state="disabled")
        await add_endpoint(tx, shop.merchant, state="deleted")
        await add_endpoint(tx, neighbour.merchant)
    event_id = await emits(database, succeeded(shop.merchant))
    assert set(await deliveries(database)) == {(event_id, wants_all), (event_id, wants_this)}


async def test_a_delivery_is_due_at_once_and_has_not_been_tried(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await add_endpoint(tx, shop.merchant)
    await emits(database, succeeded(shop.merchant))
    async with database.read() as reader:
        row = await reader.fetchrow("SELECT *, next_try_at <= now() AS due FROM webhook_deliveries")
    assert row is not None
    assert (row["state"], row["tries"], row["due"], row["lease_until"]) == ("pending", 0, True, None)


async def test_who_subscribes_later_does_not_get_what_happened_before(database: Database, shop: Shop) -> None:
    await emits(database, succeeded(shop.merchant))
    async with database.transaction() as tx:
        endpoint = await add_endpoint(tx, shop.merchant)
    later = await emits(database, succeeded(shop.merchant, version=3))
    assert await deliveries(database) == [(later, endpoint)]


async def test_who_subscribes_in_the_same_transaction_is_called(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        endpoint = await add_endpoint(tx, shop.merchant)
        event_id = await emit(tx, succeeded(shop.merchant))
    assert await deliveries(database) == [(event_id, endpoint)]


async def test_a_change_that_is_rolled_back_tells_nobody(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await add_endpoint(tx, shop.merchant)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await emit(tx, succeeded(shop.merchant))
            raise ZeroDivisionError
    async with database.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM events") == 0
    assert await deliveries(database) == []


async def test_one_version_of_an_object_is_announced_once_and_takes_its_change_with_it(
    database: Database, shop: Shop
) -> None:
    await emits(database, succeeded(shop.merchant))
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as tx:
            await tx.execute("UPDATE merchants SET name = 'changed'")
            await emit(tx, succeeded(shop.merchant, type_="payment.failed"))
    async with database.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM merchants WHERE name = 'changed'") == 0
