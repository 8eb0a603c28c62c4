"""To one endpoint, the news of one object goes out in the order it happened, unless an old piece is stuck."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from quickkub.storage import Database
from quickkub.webhooks import claims, replay
from quickkub.webhooks.claims import ORDER_HOLD_SECONDS
from quickkub.webhooks.flow import Courier
from tests.support.receiver import Behaviour, HangsUp, Receiver, Says, Waits, receiving
from tests.support.webhooks import Kiosk, open_kiosk


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def lives(kiosk: Kiosk, payment: str, versions: int) -> list[str]:
    """The events of a payment, the first version first."""
    return [await kiosk.happens(about=payment, version=version + 1) for version in range(versions)]


async def test_a_later_version_waits_until_the_earlier_one_is_delivered(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    first, second, third = await lives(kiosk, "pay_1", 3)
    [other] = await lives(kiosk, "pay_2", 1)
    assert await kiosk.delivers() == 2
    assert set(receiver.ids) == {first, other}
    assert [await kiosk.delivers(), await kiosk.delivers(), await kiosk.delivers()] == [1, 1, 0]
    assert receiver.ids[2:] == [second, third]


async def test_a_later_version_waits_while_the_earlier_one_is_on_its_way(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    first, second = await lives(kiosk, "pay_1", 2)
    receiver.will(Waits(go := asyncio.Event()))
    one, two = (Courier(kiosk.db, kiosk.sender, kiosk.vault, kiosk.clock) for _ in range(2))
    assert [await one.sweep(), await two.sweep(), await one.sweep()] == [1, 0, 0]
    go.set()
    await one.drain()
    assert await two.sweep() == 1
    await two.drain()
    assert receiver.ids == [first, second]


async def test_a_later_version_does_not_overtake_one_that_is_tried_again(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    first, second = await lives(kiosk, "pay_1", 2)
    receiver.will(Says(500), Says(503), HangsUp())
    for _ in range(5):
        await kiosk.delivers()
        await kiosk.time_passes(seconds=145)
    assert receiver.ids == [first, first, first, first, second]


async def test_what_cannot_be_delivered_holds_up_later_versions_for_ten_minutes_and_no_longer(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    first, second, third = await lives(kiosk, "pay_1", 3)
    receiver.will(*[Says(400)] * 5)
    for seconds in (10, 40, 160, ORDER_HOLD_SECONDS - 211):
        await kiosk.delivers()
        await kiosk.time_passes(seconds=seconds)
    assert await kiosk.delivers() == 0
    assert receiver.ids == [first] * 4
    await kiosk.time_passes(seconds=2)
    assert [await kiosk.delivers(), await kiosk.delivers()] == [1, 0]
    await kiosk.time_passes(seconds=10)
    assert [await kiosk.delivers(), await kiosk.delivers()] == [1, 1]
    assert receiver.ids == [*[first] * 4, second, second, third]


async def test_a_dead_letter_holds_nothing_up(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    first, second = await lives(kiosk, "pay_1", 2)
    await kiosk.pool.execute("UPDATE webhook_deliveries SET tries = 12 WHERE event_id = $1", first)
    receiver.will(Says(500))
    assert [await kiosk.delivers(), await kiosk.delivers()] == [1, 1]
    assert receiver.ids == [first, second]


async def test_a_worker_that_dies_again_and_again_with_an_event_holds_its_object_for_ten_minutes(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    first, second = await lives(kiosk, "pay_1", 2)
    for _ in range(ORDER_HOLD_SECONDS // (claims.LEASE_SECONDS + 1) + 1):
        assert [one.event.id for one in await kiosk.claims()] == [first]
        await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    assert {one.event.id for one in await kiosk.claims()} == {first, second}


async def test_endpoints_do_not_wait_for_each_other(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url("/works"))
    async with receiving() as other:
        other.usual = Says(500)
        await kiosk.listens(other.url())
        events = await lives(kiosk, "pay_1", 3)
        for _ in range(3):
            await kiosk.delivers()
    assert receiver.ids == events
    assert other.ids == events[:1]


async def test_an_earlier_version_that_an_endpoint_did_not_ask_for_is_not_waited_for(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url(), events=["payment.succeeded"])
    await kiosk.happens("payment.created", about="pay_1", version=1)
    news = await kiosk.happens("payment.succeeded", about="pay_1", version=2)
    await kiosk.delivers()
    assert receiver.ids == [news]


async def test_dead_letters_sent_again_come_in_order_too(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    events = await lives(kiosk, "pay_1", 3)
    await kiosk.pool.execute(
        """
        UPDATE webhook_deliveries
           SET state = 'dead', next_try_at = NULL, trying_since = now() - interval '9 days'
        """
    )
    await replay.redeliver_dead(kiosk.db, kiosk.merchant, "test", endpoint.id)
    for _ in events:
        assert await kiosk.delivers() == 1
    assert receiver.ids == events


async def test_what_waits_for_a_later_try_is_not_stepped_over_by_every_claim(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    first, second = await lives(kiosk, "pay_1", 2)
    receiver.will(Says(500))
    await kiosk.delivers()
    async with kiosk.db.transaction() as tx:
        assert await claims.put_off_held(tx, [endpoint.id]) == 0
        assert await claims.put_off_held(tx, []) == 1
    assert (await kiosk.delivery(second, endpoint))["next_try_at"] == (await kiosk.delivery(first, endpoint))[
        "next_try_at"
    ]
    assert (await kiosk.delivery(second, endpoint))["tries"] == 0
    await kiosk.time_passes(seconds=7)
    assert [await kiosk.delivers(), await kiosk.delivers()] == [1, 1]
    assert receiver.ids == [first, first, second]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_several_workers_do_no_version_overtakes_one_that_is_tried_for_less_than_ten_minutes(
    kiosk: Kiosk, receiver: Receiver, seed: int
) -> None:
    chance = random.Random(seed)
    await kiosk.listens(receiver.url())
    payments = [f"pay_{number}" for number in range(5)]
    events = {payment: await lives(kiosk, payment, 4) for payment in payments}
    # Three failures at most, so that nothing can have failed for ten minutes.
    moods: list[Behaviour] = [*[Says(200)] * 20, Says(500), Says(503), HangsUp()]
    receiver.will(*chance.sample(moods, len(moods)))
    while await kiosk.pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'"):
        # New ones each time: their circuits would make the test long, and have tests of their own.
        couriers = [Courier(kiosk.db, kiosk.sender, kiosk.vault, kiosk.clock) for _ in range(3)]
        await asyncio.gather(*(courier.sweep(chance.randint(1, 8)) for courier in couriers))
        await asyncio.gather(*(courier.drain() for courier in couriers))
        await kiosk.time_passes(seconds=chance.choice([0, 7]))
    for versions in events.values():
        came = [receiver.ids.index(event) for event in versions]
        last = [len(receiver.ids) - 1 - receiver.ids[::-1].index(event) for event in versions]
        assert all(done < after for done, after in zip(last, came[1:], strict=False))
