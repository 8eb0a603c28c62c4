"""A loop that claims, works and sleeps, and never lets one bad item stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from quickkub.kernel.errors import Refusal
from quickkub.telemetry import get_logger

log = get_logger("worker")

GRACE_SECONDS: Final = 25
"""How long work in hand may take to finish when the process is asked to stop (security-reliability 9)."""

TROUBLE_SECONDS: Final = 1


class Round(Protocol):
    """One round of a loop: how many items there were."""

    async def __call__(self, limit: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Loop:
    """`round` does up to `limit` items; when there were none the loop sleeps `idle_seconds`."""

    name: str
    round: Round
    limit: int
    idle_seconds: float  # not money: seconds to sleep


def each(
    claim: Callable[[int], Awaitable[Sequence[Any]]], work: Callable[[Any], Awaitable[None]], name: str
) -> Round:
    """A round that claims items and works on them side by side."""

    async def do(limit: int) -> int:
        items = await claim(limit)
        await asyncio.gather(*(_guarded(work, item, name) for item in items))
        return len(items)

    return do


async def _guarded(work: Callable[[Any], Awaitable[None]], item: Any, name: str) -> None:
    try:
        await work(item)
    except Refusal as refusal:
        log.warning("put off", job=name, code=refusal.code)
    except Exception:
        log.exception("failed; its lease runs out and it is tried again", job=name, reference=item.id)


async def run(loops: Sequence[Loop], stop: asyncio.Event) -> None:
    """Run all loops until `stop`, then let the rounds under way finish."""
    tasks = [asyncio.create_task(_turn(loop, stop), name=loop.name) for loop in loops]
    await stop.wait()
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _turn(loop: Loop, stop: asyncio.Event) -> None:
    while not stop.is_set():
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
