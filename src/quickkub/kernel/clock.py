"""Time as a value that is passed in: wall time for people, monotonic time for durations (invariant D5)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

BANGKOK: Final = timezone(timedelta(hours=7), "Asia/Bangkok")
"""Thailand has had no daylight saving since 1920, so a fixed offset is exact."""


class Clock(Protocol):
    """Where a room gets the time from, so that tests can move it."""

    def now(self) -> datetime:
        """Aware UTC wall time, for timestamps shown to people."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations and deadlines within one process."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """`2026-01-15T03:33:12Z`: UTC, whole seconds, as the API and webhooks show time.

    Raises ValueError for a moment without a time zone: the machine's own zone would be taken for it.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat()[:19] + "Z"
