"""E2 and E5: nothing is lost by workers that are killed, and a reader of the news skips nothing."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quickkub.storage import Database
from quickkub.storage.outbox import emit
from quickkub.webhooks import claims, event_store
from quickkub.webhooks.flow import Courier
from tests.support.receiver import Receiver, Says, receiving
from tests.support.webhooks import Kiosk, open_kiosk

ROOT: Final = Path(__file__).parents[2]
TYPES: Final = ("payment.created", "payment.succeeded", "refund.succeeded")
PENDING: Final = "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'"


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receivers() -> AsyncIterator[list[Receiver]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(receiving()) for _ in range(3)]


async def a_worker(dsn: str) -> asyncio.subprocess.Process:
    """A process that delivers until it is killed."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.courier_process",
        dsn,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )


@pytest.mark.parametrize("seed", range(2))
async def test_every_event_reaches_every_subscriber_although_workers_are_killed_over_and_over(
    kiosk: Kiosk, receivers: list[Receiver], database_dsn: str, seed: int
) -> None:
    chance = random.Random(seed)
    wanted: list[tuple[str, ...]] = [(), TYPES[:1], TYPES[1:]]
    for receiver, types in zip(receivers, wanted, strict=True):
        await kiosk.listens(receiver.url(), events=types)
        receiver.will(*chance.choices([Says(200), Says(503)], [5, 1], k=20))
    made = []
    for number in range(45):
        kind = chance.choice(TYPES)
        made.append((await kiosk.happens(kind, about=f"pay_{number % 15}", version=number // 15 + 1), kind))
    for _ in range(3):
        workers = [await a_worker(database_dsn) for _ in range(2)]
        await receivers[0].until(len(receivers[0].requests) + chance.randint(3, 10))
        for worker in workers:
            worker.kill()
            await worker.wait()
        await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    while await kiosk.pool.fetchval(PENDING):
        await kiosk.delivers()
        await kiosk.time_passes(minutes=5)
    for receiver, types in zip(receivers, wanted, strict=True):
        assert set(receiver.ids) == {event for event, kind in made if not types or kind in types}
    assert await kiosk.pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'dead'") == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("happens"), st.integers(0, 2)),
        st.tuples(st.just("is torn from its work"), st.integers(1, 6)),
        st.tuples(st.just("delivers"), st.integers(1, 6)),
        st.tuples(st.just("loses its lease"), st.integers(1, 2)),
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
async def test_in_whatever_order_things_happen_each_subscriber_gets_each_event_at_least_once(
    kiosk: Kiosk, steps: list[tuple[str, int]]
) -> None:
    shop = await open_kiosk(kiosk.db, kiosk.pool)
    made: list[tuple[str, str]] = []
    versions: Counter[int] = Counter()
    async with receiving() as all_of_it, receiving() as some:
        await shop.listens(all_of_it.url())
        await shop.listens(some.url(), events=TYPES[:1])
        for what, number in steps:
            match what:
                case "happens":
                    versions[number] += 1
                    kind = TYPES[number]
                    about = f"pay_{number}"
                    made.append((await shop.happens(kind, about=about, version=versions[number]), kind))
                case "is torn from its work":
                    courier = Courier(shop.db, shop.sender, shop.vault, shop.clock)
                    await courier.sweep(number)
                    for task in courier._under_way:
                        task.cancel()
                    await asyncio.gather(*courier._under_way, return_exceptions=True)
                case "delivers":
                    await shop.delivers(number)
                case _:
                    await shop.time_passes(seconds=number * claims.LEASE_SECONDS)
        while await shop.pool.fetchval(PENDING):
            await shop.delivers()
            await shop.time_passes(seconds=claims.LEASE_SECONDS + 1)
        assert set(all_of_it.ids) == {event for event, _ in made}
        assert set(some.ids) == {event for event, kind in made if kind == TYPES[0]}


WRITERS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["writes", "writes", "commits", "gives up", "looks"])),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=WRITERS)
async def test_a_reader_with_a_cursor_sees_every_event_once_however_late_it_is_committed(
    kiosk: Kiosk, steps: list[tuple[int, str]]
) -> None:
    shop = await open_kiosk(kiosk.db, kiosk.pool)
    seen = [await shop.happens("payment.created", about="pay_first")]
    open_now: dict[int, tuple[AsyncExitStack, Any, list[str]]] = {}
    committed = list(seen)
    count = 0
    for writer, what in steps:
        if what == "looks":
            seen += await _news_after(shop, seen[-1])
        elif what == "writes":
            if writer not in open_now:
                stack = AsyncExitStack()
                connection = await stack.enter_async_context(shop.pool.acquire())
                transaction = connection.transaction()
                await transaction.start()
                stack.push_async_callback(transaction.rollback)
                open_now[writer] = stack, connection, []
            count += 1
            _, connection, wrote = open_now[writer]
            wrote.append(await emit(connection, shop.event("payment.succeeded", f"pay_{count}", 1)))
        elif writer in open_now:
            stack, connection, wrote = open_now.pop(writer)
            if what == "commits":
                await connection.execute("COMMIT AND CHAIN")
                committed += wrote
            await stack.aclose()
    for stack, _, _ in open_now.values():
        await stack.aclose()
    async with asyncio.timeout(10):
        while len(seen) < len(committed):
            seen += await _news_after(shop, seen[-1])
    assert seen == sorted(committed)


async def _news_after(shop: Kiosk, cursor: str) -> list[str]:
    """A page of two, so that a page's end is a cursor, too. Here one clock makes ids and reads the time."""
    async with shop.db.read() as reader:
        before = await event_store.horizon(reader, timedelta())
        found = await event_store.following(
            reader, shop.merchant, "test", kind=None, after=cursor, before=before, limit=2
        )
    return [event.id for event in found]
