"""Several workers, slow receivers, lost leases, crashes and a database that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import pytest

from quickkub.storage import Database
from quickkub.telemetry.metrics import REGISTRY
from quickkub.webhooks import claims
from quickkub.webhooks.answers import Answer
from quickkub.webhooks.flow import Courier
from quickkub.webhooks.model import Claimed
from quickkub.webhooks.rules import Verdict
from tests.support.receiver import Behaviour, HangsUp, Receiver, Says, Waits, receiving
from tests.support.webhooks import Kiosk, open_kiosk

DONE = Verdict("delivered", status=200, text="ok")


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


def courier_of(kiosk: Kiosk, **about: Any) -> Courier:
    return Courier(kiosk.db, kiosk.sender, kiosk.vault, kiosk.clock, **about)


async def finish(kiosk: Kiosk, claimed: Claimed, verdict: Verdict = DONE) -> bool:
    async with kiosk.db.read() as connection:
        return await claims.finish(connection, claimed, verdict, took_ms=1)


async def test_a_claimed_delivery_is_not_given_to_a_second_worker(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    await kiosk.happens()
    assert [len(await kiosk.claims()), len(await kiosk.claims())] == [1, 0]


async def test_a_worker_that_died_loses_its_delivery_to_another(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    await kiosk.claims()
    await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    assert await kiosk.delivers() == 1
    assert receiver.ids == [event]


async def test_a_worker_that_lost_its_lease_cannot_finish(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    [slow] = await kiosk.claims()
    await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    [fast] = await kiosk.claims()
    failed = Verdict("dead", status=500, text="no")
    assert await finish(kiosk, slow, failed) is False
    assert await finish(kiosk, fast) is True
    assert await finish(kiosk, slow, failed) is False
    row = await kiosk.delivery(event, endpoint)
    assert (row["state"], row["last_status"]) == ("delivered", 200)


async def test_a_delivery_is_finished_once(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    await kiosk.happens()
    [claimed] = await kiosk.claims()
    assert [await finish(kiosk, claimed), await finish(kiosk, claimed)] == [True, False]
    assert await kiosk.pool.fetchval("SELECT count(*) FROM webhook_tries") == 1


async def test_two_workers_never_deliver_the_same_try_at_once(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    events = [await kiosk.happens() for _ in range(40)]
    workers = [courier_of(kiosk, per_endpoint=5) for _ in range(4)]
    while sum(await asyncio.gather(*(worker.sweep() for worker in workers))):
        await asyncio.gather(*(worker.drain() for worker in workers))
    assert sorted(receiver.ids) == sorted(events)
    assert await kiosk.pool.fetchval("SELECT max(lease_token) FROM webhook_deliveries") == 1


async def test_claims_racing_on_the_same_rows_share_them_without_overlap(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    for path in ("/a", "/b", "/c"):
        await kiosk.listens(receiver.url(path))
    for _ in range(20):
        await kiosk.happens()
    claims = await asyncio.gather(*(kiosk.claims(limit=12, per_endpoint=6) for _ in range(8)))
    keys = [(one.event.id, one.endpoint) for claim in claims for one in claim]
    assert len(keys) == len(set(keys))
    assert keys


async def test_a_slow_receiver_keeps_its_own_places_and_nobody_elses(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url("/quick"), events=["payment.succeeded"])
    go = asyncio.Event()
    async with receiving() as slow:
        slow.usual = Waits(go)
        await kiosk.listens(slow.url(), events=["payment.failed"])
        for _ in range(10):
            await kiosk.happens("payment.failed")
        courier = courier_of(kiosk, at_once=8, per_endpoint=3)
        assert await courier.sweep() == 3
        await slow.until(3)
        event = await kiosk.happens("payment.succeeded")
        assert await courier.sweep() == 1
        await receiver.until(1)
        assert receiver.ids == [event]
        assert len(slow.requests) == 3
        go.set()
        await courier.drain()


async def test_a_merchant_that_is_down_is_left_alone_and_asked_again_later(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    clock = kiosk.clock = _Moved(kiosk.clock)
    await kiosk.listens(receiver.url())
    receiver.usual = Says(500)
    for _ in range(12):
        await kiosk.happens()
    courier = courier_of(kiosk, per_endpoint=5)
    for _ in range(3):
        await courier.sweep()
        await courier.drain()
    assert len(receiver.requests) == 5
    clock.seconds += 31
    receiver.usual = Says(200)
    started = []
    for _ in range(3):
        started.append(await courier.sweep())
        await courier.drain()
    assert started == [1, 5, 1]


async def test_tries_are_counted_by_what_became_of_them_and_circuits_are_told(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    def counted() -> list[float]:
        tries = [
            REGISTRY.get_sample_value("quickkub_webhook_tries_total", {"outcome": outcome}) or 0
            for outcome in ("delivered", "pending", "dead")
        ]
        return [*tries, REGISTRY.get_sample_value("quickkub_webhook_circuits_open") or 0]

    await kiosk.listens(receiver.url())
    for _ in range(6):
        await kiosk.happens()
    receiver.will(Says(200), *[Says(500)] * 5)
    before = counted()
    courier = courier_of(kiosk, per_endpoint=1)
    for _ in range(7):
        await courier.sweep()
        await courier.drain()
    receiver.will(Says(410))
    await kiosk.time_passes(seconds=10)
    await kiosk.delivers(limit=1)
    assert [after - then for after, then in zip(counted()[:3], before[:3], strict=True)] == [1, 5, 1]
    await courier.sweep()
    assert counted()[3] == 1


async def test_a_courier_delivers_until_it_is_told_to_stop(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    stop = asyncio.Event()
    running = asyncio.create_task(courier_of(kiosk).run(stop))
    events = [await kiosk.happens() for _ in range(3)]
    await receiver.until(3)
    stop.set()
    await running
    assert sorted(receiver.ids) == sorted(events)
    assert await kiosk.pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'") == 0


async def test_a_stopping_courier_ends_what_is_under_way(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    go, stop = asyncio.Event(), asyncio.Event()
    receiver.will(Waits(go))
    event = await kiosk.happens()
    running = asyncio.create_task(courier_of(kiosk).run(stop))
    await receiver.until(1)
    stop.set()
    go.set()
    await running
    assert (await kiosk.delivery(event, endpoint))["state"] == "delivered"


async def test_an_end_that_could_not_be_written_means_the_same_webhook_once_more(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    courier = courier_of(kiosk)
    receiver.will(Waits(go := asyncio.Event()))
    await courier.sweep()
    await receiver.until(1)
    async with _locked(kiosk, "SELECT FROM webhook_deliveries FOR UPDATE"):
        go.set()
        await _terminate_who_waits(kiosk)
        await courier.drain()
    assert (await kiosk.delivery(event, endpoint))["state"] == "pending"
    await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    assert await kiosk.delivers() == 1
    assert receiver.ids == [event, event]


async def test_a_courier_outlives_a_database_that_goes_away(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    stop = asyncio.Event()
    async with _locked(kiosk, "LOCK TABLE webhook_deliveries"):
        running = asyncio.create_task(courier_of(kiosk).run(stop))
        await _terminate_who_waits(kiosk)
    await receiver.until(1)
    stop.set()
    await running
    assert receiver.ids == [event]


async def test_an_error_of_ours_with_one_webhook_stops_no_other(kiosk: Kiosk, receiver: Receiver) -> None:
    odd, _ = await kiosk.listens(receiver.url("/odd"))
    await kiosk.listens(receiver.url("/usual"))
    event = await kiosk.happens()
    real = kiosk.sender

    class Stumbles:
        async def post(self, url: str, mode: str, headers: Mapping[str, str], body: bytes) -> Answer:
            if url.endswith("/odd"):
                raise ZeroDivisionError
            return await real.post(url, mode, headers, body)

    courier = Courier(kiosk.db, Stumbles(), kiosk.vault, kiosk.clock)
    assert await courier.sweep() == 2
    await courier.drain()
    assert [request.path for request in receiver.requests] == ["/usual"]
    row = await kiosk.delivery(event, odd)
    assert (row["state"], row["last_error"]) == ("pending", "an error on our side; it is written in our log")


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_wrong_every_event_arrives_at_least_once(
    kiosk: Kiosk, receiver: Receiver, seed: int
) -> None:
    chance = random.Random(seed)
    clock = kiosk.clock = _Moved(kiosk.clock)
    await kiosk.listens(receiver.url())
    events = [await kiosk.happens(about=f"pay_{n % 10}", version=n // 10 + 1) for n in range(40)]
    couriers = [courier_of(kiosk, chance=chance.random) for _ in range(2)]
    moods: list[Behaviour] = [Says(200), Says(500), Says(301), HangsUp()]
    receiver.will(*chance.choices(moods, [5, 2, 1, 2], k=80))
    while await kiosk.pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'"):
        if chance.random() < 0.3:
            await kiosk.claims(limit=chance.randint(1, 5))  # by a worker that dies with them
        await asyncio.gather(*(courier.sweep() for courier in couriers))
        await asyncio.gather(*(courier.drain() for courier in couriers))
        await kiosk.time_passes(hours=chance.choice([0, 1, 3]))
        clock.seconds += 301
    assert set(receiver.ids) == set(events)
    assert await kiosk.pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'dead'") == 0


@contextlib.asynccontextmanager
async def _locked(kiosk: Kiosk, how: str) -> AsyncIterator[None]:
    """Something else holds these locks."""
    async with kiosk.pool.acquire() as connection, connection.transaction():
        await connection.execute(how)
        yield


async def _terminate_who_waits(kiosk: Kiosk) -> None:
    """Cut the first connection that waits for a lock, as an administrator or a fail-over would."""
    async with asyncio.timeout(10):
        while not await kiosk.pool.fetchval(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        ):
            await asyncio.sleep(0)


class _Moved:
    """The machine's clock with a monotonic side that a test can move."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.seconds = 0.0

    def now(self) -> Any:
        return self._clock.now()

    def monotonic(self) -> float:
        return float(self._clock.monotonic()) + self.seconds
