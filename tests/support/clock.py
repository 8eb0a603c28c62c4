"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)
        self._monotonic_seconds = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic_seconds

    def moves(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_seconds += seconds
