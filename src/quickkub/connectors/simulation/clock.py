"""A clock that can be moved, and work that falls due by it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Job: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


class SimClock:
    """Wall time that runs from wherever it was set, or stands still."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """Aware UTC."""
        return self._frozen_at or datetime.now(UTC) + self._ahead

    @property
    def stands_still(self) -> bool:
        return self._frozen_at is not None

    def set(self, moment: datetime, *, freeze: bool) -> None:
        """Put the clock to a moment; it goes on from there unless it is to stand still."""
        moment = moment.astimezone(UTC)
        self._ahead = moment - datetime.now(UTC)
        self._frozen_at = moment if freeze else None

    def advance(self, span: timedelta) -> None:
        """Move the clock; standing still or running, it stays so."""
        self._ahead += span
        if self._frozen_at is not None:
            self._frozen_at += span

    def follow_real_time(self) -> None:
        """Back to the machine's own time."""
        self._ahead, self._frozen_at = timedelta(), None


class Schedule:
    """Jobs by the simulated time at which they are due; each runs as a task of its own."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, Job]] = []
        self._number = itertools.count()
        self._changed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def after(self, span: timedelta, job: Job) -> None:
        """Run `job` once the simulated clock has moved on by `span`."""
        heapq.heappush(self._due, (self._clock.now() + span, next(self._number), job))
        self._changed.set()

    def waiting(self) -> int:
        """How many jobs are not yet due."""
        return len(self._due)

    def clock_moved(self) -> None:
        """Look again what is due."""
        self._changed.set()

    async def settle(self) -> None:
        """Run what is due now, and what that makes due, until nothing is."""
        self._start_due()
        while self._running:
            await asyncio.wait(set(self._running))
            self._start_due()

    async def run(self) -> None:
        """Start jobs as they fall due, for as long as the simulator runs."""
        while True:
            self._changed.clear()
            self._start_due()
            try:
                async with asyncio.timeout(self._pause_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Drop what is not due and stop what is running."""
        self._due.clear()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _pause_seconds(self) -> float | None:
        if not self._due or self._clock.stands_still:
            return None
        return max((self._due[0][0] - self._clock.now()).total_seconds(), 0)

    def _start_due(self) -> None:
        while self._due and self._due[0][0] <= self._clock.now():
            _, _, job = heapq.heappop(self._due)
            task = asyncio.create_task(job())
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("scheduled work of the simulator failed", exc_info=task.exception())
