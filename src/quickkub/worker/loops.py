"""A loop that claims, works and sleeps, and never lets one bad item stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from quickkub.kernel.errors import Refusal
from quickkub.storage.scope import for_merchant, house
from quickkub.telemetry import get_logger
from quickkub.telemetry.work import WORK, WORK_FAILED, WORK_PUT_ASIDE

log = get_logger("worker")

GRACE_SECONDS: Final = 25
"""How long work in hand may take to finish when the process is asked to stop (security-reliability 9)."""

TROUBLE_SECONDS: Final = 1

OnPoison: TypeAlias = "Callable[[Any, Exception], Awaitable[bool]]"
"""Asked when an item broke on an error of ours. The room decides by its own count of claims whether that was
once too often; then it puts the item aside with a case and says True. Otherwise the item is tried again."""


class Round(Protocol):
    """One round of a loop: how many items there were. `limit` of them means that there may be more."""

    async def __call__(self, limit: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Loop:
    """`round` does up to `limit` items; when there were fewer the loop sleeps `idle_seconds`."""

    name: str
    round: Round
    limit: int
    idle_seconds: float  # not money: seconds to sleep


class Each:
    """A round that claims items and works on them side by side, up to `limit` at once.

    It does not wait for what it started: an item that hangs holds its own place and nobody else's. What is
    claimed may be anybody's; the work on an item sees the rows of its merchant alone (A3).
    """

    def __init__(
        self,
        claim: Callable[[int], Awaitable[Sequence[Any]]],
        work: Callable[[Any], Awaitable[None]],
        name: str,
        on_poison: OnPoison | None = None,
    ) -> None:
        self._claim = claim
        self._work = work
        self._name = name
        self._on_poison = on_poison
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, limit: int) -> int:
        """Wait until there is a place, claim for the free ones, and start."""
        if len(self._under_way) >= limit:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        free = limit - len(self._under_way)
        items = await self._claim(free) if free > 0 else ()
        for item in items:
            task = asyncio.create_task(self._guarded(item))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return limit if len(items) >= free else len(items)

    async def ended(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._under_way)

    def give_up(self) -> None:
        """Cancel what is under way; another worker has it when the lease runs out."""
        for task in self._under_way:
            task.cancel()

    async def _guarded(self, item: Any) -> None:
        try:
            with _scope_for(item):
                await self._work(item)
            WORK.labels(self._name).inc()
        except Refusal as refusal:
            log.warning("put off", job=self._name, code=refusal.code)
        except Exception as bug:
            WORK_FAILED.labels(self._name).inc()
            log.exception(
                "failed; its lease runs out and it is tried again", job=self._name, reference=item.id
            )
            if self._on_poison is not None:
                await self._put_aside(item, bug, self._on_poison)

    async def _put_aside(self, item: Any, bug: Exception, on_poison: OnPoison) -> None:
        try:
            with _scope_for(item):
                put_aside = await on_poison(item, bug)
            if put_aside:
                WORK_PUT_ASIDE.labels(self._name).inc()
                log.error("put aside for a person", job=self._name, reference=item.id)
        except Refusal as refusal:
            log.warning("could not be put aside", job=self._name, reference=item.id, code=refusal.code)
        except Exception:
            log.exception("could not be put aside", job=self._name, reference=item.id)


def _scope_for(item: Any) -> AbstractContextManager[None]:
    """The rows of the item's merchant; a letter, for one, is nobody's and is the house's own work."""
    merchant = getattr(item, "merchant", None)
    return house() if merchant is None else for_merchant(merchant)


each = Each
"""`each(claim, work, name)` reads as a sentence where loops are listed."""


async def run(loops: Sequence[Loop], stop: asyncio.Event) -> None:
    """Run all loops until `stop`, then let what is under way finish, for GRACE_SECONDS at most."""
    tasks = [asyncio.create_task(_turn(loop, stop), name=loop.name) for loop in loops]
    await stop.wait()
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _turn(loop: Loop, stop: asyncio.Event) -> None:
    try:
        while not stop.is_set():
            await _once(loop, stop)
        if isinstance(loop.round, Each):
            await loop.round.ended()
    finally:
        if isinstance(loop.round, Each):
            loop.round.give_up()


async def _once(loop: Loop, stop: asyncio.Event) -> None:
    try:
        done = await loop.round(loop.limit)
        pause = 0 if done == loop.limit else loop.idle_seconds
    except Refusal as refusal:
        log.warning("waits", job=loop.name, code=refusal.code, reason=refusal.detail)
        pause = TROUBLE_SECONDS
    except Exception:
        log.exception("round failed", job=loop.name)
        pause = TROUBLE_SECONDS
    if pause:
        await _sleep(stop, pause)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
