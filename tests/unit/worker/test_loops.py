"""A worker outlives its items."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from quickkub.kernel.errors import Refusal
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
