"""Counting together in Valkey, and what holds when it is away."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quickkub.api.limits.desk import Limits, LoginUnavailable
from quickkub.api.limits.memory import Memory
from quickkub.api.limits.policy import SECOND_US, Bucket, Rules, Window
from quickkub.api.limits.shared import LimiterAway, Shared
from quickkub.telemetry import configure_logging
from quickkub.telemetry.limit_metrics import UNCOUNTED
from tests.support.valkey import Valkey, running_valkey

BUCKET = Bucket("live", 1, 3)
WINDOW = Window("login", 3, 900)


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with running_valkey() as running:
        yield running


@pytest.fixture
async def shared(valkey: Valkey) -> AsyncIterator[Shared]:
    opened = Shared(valkey.url, away_seconds=0)
    yield opened
    await opened.close()


@settings(suppress_health_check=list(HealthCheck), max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 60)), min_size=1, max_size=2),
    st.lists(st.one_of(st.integers(0, 20_000), st.integers(0, 3 * SECOND_US)), max_size=40),
)
async def test_valkeys_script_reckons_as_this_process_does(
    shared: Shared, sizes: list[tuple[int, int]], pauses: list[int]
) -> None:
    now, name = 10**15, uuid.uuid4()
    wanted = [(Bucket(f"b{n}", *size), str(name)) for n, size in enumerate(sizes)]
    memory = Memory(clock_us=lambda: now)
    for pause in pauses:
        now += pause
        assert await shared.take(wanted, now) == memory.take(wanted)


async def test_two_processes_take_from_one_bucket_and_one_window(valkey: Valkey) -> None:
    one, other = Shared(valkey.url), Shared(valkey.url)
    taken = [(await desk.take([(BUCKET, "key_both")]))[0].allowed for desk in (one, other, one, other)]
    tried = [(await desk.hit(WINDOW, "203.0.113.1")).allowed for desk in (one, other, one, other)]
    assert taken == tried == [True, True, True, False]
    for desk in (one, other):
        await desk.close()


async def test_a_hundred_at_once_never_get_more_than_the_burst(shared: Shared) -> None:
    told = await asyncio.gather(*(shared.take([(Bucket("live", 1, 20), "key_rush")]) for _ in range(100)))
    assert sum(one.allowed for (one,) in told) == 20


async def test_what_is_counted_is_forgotten_when_it_no_longer_matters(valkey: Valkey, shared: Shared) -> None:
    await shared.take([(Bucket("live", 1, 3), "key_forgotten")])
    await shared.hit(WINDOW, "203.0.113.77")
    assert valkey.server is not None
    with valkey.server.client() as client:
        found = [
            client.pttl(key)
            for key in client.keys("quickkub:limits*")
            if b"forgotten" in key or b".77" in key
        ]
    assert len(found) == 2
    assert all(0 < left_ms <= 2 * 900_000 for left_ms in found)


async def test_keys_go_on_and_logins_stop_while_valkey_is_away_and_it_comes_back_by_itself() -> None:
    stream = io.BytesIO()
    configure_logging(stream, level="INFO")
    with running_valkey() as valkey:
        shared = Shared(valkey.url, away_seconds=0)
        desk = Limits(Rules(), shared)
        assert (await desk.hit_or_close(WINDOW, "203.0.113.9")).allowed
        before = UNCOUNTED.labels("live", "counted alone")._value.get()
        valkey.kill()
        alone = [(await desk.take([(BUCKET, "key_1")]))[0].allowed for _ in range(4)]
        assert alone == [True, True, True, False]
        assert (await desk.hit(Window("anonymous", 3, 900), "203.0.113.9")).allowed
        with pytest.raises(LoginUnavailable) as no:
            await desk.hit_or_close(WINDOW, "203.0.113.9")
        assert (no.value.kind.value, no.value.retry_after) == (503, 1)
        valkey.start()
        async with asyncio.timeout(10):
            while not await can_log_in(desk):
                await asyncio.sleep(0)
        assert (await desk.take([(BUCKET, "key_1")]))[0].allowed
        await desk.close()
    assert UNCOUNTED.labels("live", "counted alone")._value.get() - before == 4
    said = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert said == ["the shared limiter is away", "the shared limiter is back"]


async def can_log_in(desk: Limits) -> bool:
    try:
        return (await desk.hit_or_close(WINDOW, "203.0.113.9")).allowed
    except LoginUnavailable:
        return False


async def test_a_dead_valkey_is_asked_once_a_second_and_not_for_every_request() -> None:
    now = 100.0
    with running_valkey() as valkey:
        shared = Shared(valkey.url, away_seconds=1, monotonic=lambda: now)
        valkey.kill()
        with pytest.raises(LimiterAway):
            await shared.take([(BUCKET, "key_1")])
        valkey.start()
        with pytest.raises(LimiterAway):
            await shared.take([(BUCKET, "key_1")])
        now += 1.1
        assert (await shared.take([(BUCKET, "key_1")]))[0].allowed
        await shared.close()
