"""A worker outlives its items."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from quickkub.kernel.errors import Refusal
from quickkub.telemetry.metrics import REGISTRY
from quickkub.worker import loops
from quickkub.worker.loops import Loop, each, run


@dataclass(frozen=True)
class Item:
    id: str


class Bench:
    """Hands out items once, and remembers what was done."""

    def __init__(self, *ids: str) -> None:
        self.waiting = [Item(one) for one in ids]
        self.done: list[str] = []
        self.stop = asyncio.Event()

    async def claim(self, limit: int) -> list[Item]:
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        if not taken:
            self.stop.set()
        return taken

    async def work(self, item: Item) -> None:
        if item.id == "poison":
            raise ZeroDivisionError("a bug")
        if item.id == "refused":
            raise Refusal("not now")
        self.done.append(item.id)


async def test_a_poisoned_item_does_not_stop_the_others() -> None:
    bench = Bench("a", "poison", "b", "refused", "c")
    await run([Loop("bench", each(bench.claim, bench.work, "item"), 2, 0.01)], bench.stop)
    assert sorted(bench.done) == ["a", "b", "c"]


def counted(metric: str, job: str) -> float:
    return REGISTRY.get_sample_value(f"{metric}_total", {"job": job}) or 0


async def test_an_item_that_hangs_holds_its_own_place_and_nobody_elses() -> None:
    bench = Bench("hangs", "a", "b", "c", "d")
    go_on = asyncio.Event()

    async def work(item: Item) -> None:
        if item.id == "hangs":
            await go_on.wait()
        bench.done.append(item.id)
        if bench.done == ["a", "b", "c", "d"]:
            go_on.set()

    await run([Loop("bench", each(bench.claim, work, "item"), 2, 0.01)], bench.stop)
    assert bench.done == ["a", "b", "c", "d", "hangs"]


async def test_no_more_items_are_under_way_than_there_are_places() -> None:
    bench = Bench(*"abcdefgh")
    under_way: set[str] = set()
    most = 0

    async def work(item: Item) -> None:
        nonlocal most
        under_way.add(item.id)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(item.id)
        bench.done.append(item.id)

    await run([Loop("bench", each(bench.claim, work, "item"), 3, 0.01)], bench.stop)
    assert (most, sorted(bench.done)) == (3, list("abcdefgh"))


async def test_an_item_that_breaks_is_counted_and_shown_to_the_room_which_may_put_it_aside() -> None:
    bench = Bench("a", "poison", "poison", "refused", "b")
    shown: list[tuple[str, str]] = []

    async def twice_is_enough(item: Item, bug: Exception) -> bool:
        shown.append((item.id, str(bug)))
        return len(shown) == 2

    await run([Loop("bench", each(bench.claim, bench.work, "told", twice_is_enough), 2, 0.01)], bench.stop)
    assert shown == [("poison", "a bug")] * 2
    assert [counted(f"quickkub_work{what}", "told") for what in ("", "_failed", "_put_aside")] == [2, 2, 1]
    assert bench.done == ["a", "b"]


@pytest.mark.parametrize("trouble", [ZeroDivisionError("another bug"), Refusal("no database")])
async def test_a_room_that_cannot_put_an_item_aside_stops_nobody(trouble: Exception) -> None:
    bench = Bench("poison", "a")

    async def cannot(item: Item, bug: Exception) -> bool:
        raise trouble

    await run([Loop("bench", each(bench.claim, bench.work, "cannot", cannot), 1, 0.01)], bench.stop)
    assert bench.done == ["a"]
    assert counted("quickkub_work_put_aside", "cannot") == 0


@pytest.mark.parametrize("places", [1, 2])
async def test_what_does_not_finish_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    monkeypatch.setattr(loops, "GRACE_SECONDS", 0.01)
    bench = Bench("endless")
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(item: Item) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    working = asyncio.create_task(
        run([Loop("bench", each(bench.claim, endless, "item"), places, 0.01)], bench.stop)
    )
    await begun.wait()
    bench.stop.set()
    await working
    await ended.wait()
    assert bench.done == []


async def test_a_round_that_fails_is_followed_by_another() -> None:
    bench = Bench("a")
    rounds = []

    async def fails_once(limit: int) -> int:
        rounds.append(limit)
        if len(rounds) == 1:
            raise ZeroDivisionError("a bug")
        bench.stop.set()
        return 0

    await run([Loop("bench", fails_once, 5, 0.01)], bench.stop)
    assert rounds == [5, 5]


async def test_work_in_hand_finishes_when_the_worker_is_asked_to_stop() -> None:
    bench = Bench("slow")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(item: Item) -> None:
        begun.set()
        await go_on.wait()
        bench.done.append(item.id)

    working = asyncio.create_task(run([Loop("bench", each(bench.claim, slow, "item"), 1, 0.01)], bench.stop))
    await begun.wait()
    bench.stop.set()
    go_on.set()
    await working
    assert bench.done == ["slow"]
