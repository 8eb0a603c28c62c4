"""A clock that moves only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class HandClock:
    """Starts at the pack's example day; wall and monotonic time move together."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 15, 3, 30, tzinfo=UTC)
        self._passed_seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed_seconds

    def passes(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._passed_seconds += seconds
