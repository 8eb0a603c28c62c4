"""Hashing: a bounded pool beside the event loop, and the same work for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator

import argon2
import pytest
from argon2.exceptions import VerifyMismatchError

from quickkub.access.hashing import Cost, Hashing, HashingBusy, HashingWeak, cost_of

CHEAP = Cost(memory_kib=64, passes=1)


@pytest.fixture
def hashing() -> Iterator[Hashing]:
    made = Hashing(CHEAP, threads=2, waiting_max=3)
    yield made
    made.close()


async def test_a_hash_fits_its_password_and_no_other(hashing: Hashing) -> None:
    with hashing.place() as place:
        stored = await place.make("violet otters")
        assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
        assert await place.fits(stored, "violet otters")
        assert not await place.fits(stored, "violet otter")
        assert await place.make("violet otters") != stored


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$AA$AA", "$2b$12$abc"])
async def test_what_is_no_hash_fits_nothing(hashing: Hashing, stored: str) -> None:
    with hashing.place() as place:
        assert not await place.fits(stored, "violet otters")


async def test_nobody_costs_as_many_hashes_as_somebody(hashing: Hashing) -> None:
    with hashing.place() as place:
        stored = await place.make("violet otters")
        before = hashing.work_done
        assert not await place.fits(None, "violet otters")
        assert hashing.work_done - before == 1
        assert await place.fits(stored, "violet otters")
        assert hashing.work_done - before == 2


async def test_nobodys_hash_is_a_real_one_of_the_same_cost() -> None:
    hashing = Hashing(Cost(memory_kib=128, passes=2))
    assert argon2.extract_parameters(hashing._nobodys).memory_cost == 128
    assert not hashing.is_outdated(hashing._nobodys)
    # Only a well-formed hash gets as far as being compared.
    with pytest.raises(VerifyMismatchError):
        argon2.PasswordHasher().verify(hashing._nobodys, "violet otters")
    hashing.close()


async def test_so_many_may_hash_or_wait_and_the_next_is_sent_away_at_once(hashing: Hashing) -> None:
    places = [hashing.place() for _ in range(5)]
    for place in places:
        place.__enter__()
    with pytest.raises(HashingBusy) as refused:
        hashing.place().__enter__()
    assert refused.value.retry_after == 2
    assert hashing.work_done == 0
    places.pop().__exit__(None, None, None)
    with hashing.place() as free:
        assert await free.make("violet otters")


async def test_a_caller_who_goes_away_gives_the_place_back(hashing: Hashing) -> None:
    async def hashes() -> None:
        with hashing.place() as place:
            await place.make("violet otters")

    tasks = [asyncio.create_task(hashes()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.ExitStack() as stack:
        assert len([stack.enter_context(hashing.place()) for _ in range(5)]) == 5


async def test_who_waits_too_long_for_a_thread_is_told_to_come_back_and_nothing_is_hashed_for_them() -> None:
    hashing = Hashing(CHEAP, threads=1, wait_seconds_max=0.05)
    held, begun = threading.Event(), threading.Event()

    def holds_the_only_thread() -> None:
        begun.set()
        held.wait()

    hashing._pool.submit(holds_the_only_thread)
    begun.wait()
    with hashing.place() as place:
        with pytest.raises(HashingBusy):
            await place.make("violet otters")
        held.set()
        assert await place.make("violet otters")
    hashing.close()


async def test_a_hash_that_has_begun_is_waited_for_however_long_it_takes() -> None:
    hashing = Hashing(CHEAP, threads=1, wait_seconds_max=1)
    begun, go_on = threading.Event(), threading.Event()

    def takes_its_time() -> str:
        begun.set()
        go_on.wait()
        return "hashed"

    asked = asyncio.create_task(hashing._run(takes_its_time))
    await asyncio.to_thread(begun.wait)
    assert not (await asyncio.wait({asked}, timeout=1.1))[0]
    go_on.set()
    assert await asked == "hashed"
    hashing.close()


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    hashing = Hashing(Cost(memory_kib=16 * 1024, passes=2), threads=1)
    with hashing.place() as place:
        working = asyncio.create_task(place.make("violet otters"))
        turns = 0
        while not working.done():
            await asyncio.sleep(0)
            turns += 1
    hashing.close()
    assert turns > 10


async def test_hashing_threads_give_way_to_everything_else() -> None:
    hashing = Hashing(CHEAP, threads=1)
    seen = await hashing._run(
        lambda: (
            threading.current_thread().name,
            os.getpriority(os.PRIO_PROCESS, threading.get_native_id()),
            os.sched_getscheduler(0),
        )
    )
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    hashing.close()
    assert seen[0].startswith("argon2")
    # A run that is nice itself has no ten steps left: there the thread runs when nobody else wants to.
    assert seen[1:] == ((mine + 10, os.SCHED_OTHER) if mine <= 9 else (mine, os.SCHED_IDLE))


def test_a_hash_of_another_cost_is_outdated(hashing: Hashing) -> None:
    old = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert hashing.is_outdated(old)
    assert hashing.is_outdated(old.replace("m=19456", "m=64"))
    assert not hashing.is_outdated(old.replace("m=19456,t=2", "m=64,t=1"))


@pytest.mark.parametrize(("memory_mib", "passes"), [(18, 3), (64, 1), (0, 0), (-64, 3)])
def test_less_than_the_floor_is_refused(memory_mib: int, passes: int) -> None:
    with pytest.raises(HashingWeak):
        cost_of(memory_mib=memory_mib, passes=passes)


def test_the_default_is_64_mib_and_three_passes() -> None:
    assert Cost() == cost_of(memory_mib=64, passes=3)
    assert cost_of(memory_mib=19, passes=2) == Cost(19 * 1024, 2)
