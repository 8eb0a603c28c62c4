"""Counting in this process: bounded, so that a flood of addresses costs memory only up to a line.

Beyond the line whoever has not asked for the longest time is forgotten. Keys and addresses are kept apart, so
no flood of addresses makes a key's count be forgotten.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage.base import SlidingWindowCounterSupport, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from quickkub.api.limits.bucket import standing
from quickkub.api.limits.policy import SECOND_US, Bucket, Standing, Window

REMEMBERED_MAX: Final = 50_000
"""Per policy. One costs some 250 bytes, so all policies together stay below 100 MB, usually far below."""


def now_us() -> int:
    """Monotonic microseconds."""
    return time.monotonic_ns() // 1_000


class Memory:
    """Buckets and windows of this process."""

    def __init__(self, *, remembered_max: int = REMEMBERED_MAX, clock_us: Callable[[], int] = now_us) -> None:
        self._max = remembered_max
        self._clock_us = clock_us
        self._buckets: dict[str, OrderedDict[str, int]] = {}
        self._windows = WindowMemory(remembered_max, clock_us)
        self._limiter = SlidingWindowCounterRateLimiter(self._windows)

    def take(self, wanted: Sequence[tuple[Bucket, str]]) -> list[Standing]:
        """One request from each bucket, or from none when one of them refuses."""
        now = self._clock_us()
        found = [
            standing(bucket, self._buckets.setdefault(bucket.name, OrderedDict()).get(key, 0), now)
            for bucket, key in wanted
        ]
        if all(told.allowed for told, _ in found):
            for (bucket, key), (_, full_at) in zip(wanted, found, strict=True):
                self._remember(self._buckets[bucket.name], key, full_at)
        return [told for told, _ in found]

    async def hit(self, window: Window, key: str) -> Standing:
        """One request in a window."""
        return await asked(self._limiter, window, key)

    def remembered(self) -> int:
        """How many counts are kept."""
        return len(self._windows) + sum(len(kept) for kept in self._buckets.values())

    def _remember(self, kept: OrderedDict[str, int], key: str, full_at: int) -> None:
        kept[key] = full_at
        kept.move_to_end(key)
        if len(kept) > self._max:
            kept.popitem(last=False)


async def asked(limiter: SlidingWindowCounterRateLimiter, window: Window, key: str) -> Standing:
    """One request in a window of the limits library, told in our words."""
    item = RateLimitItemPerSecond(window.quota, window.seconds, window.name)
    allowed = await limiter.hit(item, key)
    before, ttl, current, current_ttl = await limiter.storage.get_sliding_window(  # type: ignore[attr-defined]
        item.key_for(key), window.seconds
    )
    weighted = int(before * ttl / window.seconds + current)
    # The count that ends first frees a place first: the last window's fades evenly, this one's only then.
    fades_in = ttl / before if before else max(0, current_ttl - window.seconds)
    return Standing(
        window,
        allowed,
        max(0, window.quota - weighted),
        int((current_ttl if current else ttl) * SECOND_US),
        0 if allowed else max(1, int(fades_in * SECOND_US)),
    )


class WindowMemory(Storage, SlidingWindowCounterSupport):
    """The limits library's sliding window over a bounded dictionary.

    The library's own memory looks at every address it knows on each request, and keeps all of them for two
    windows: a flood of addresses would cost both time and memory.
    """

    STORAGE_SCHEME = None

    def __init__(self, remembered_max: int, clock_us: Callable[[], int] = now_us) -> None:
        super().__init__()
        self._max = remembered_max
        self._clock_us = clock_us
        self._kept: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        """By key: the number of the window, its count, and the count of the window before it."""

    def __len__(self) -> int:
        return len(self._kept)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` unless the weighted count would pass `limit`."""
        number, current, before, gone_us = self._look(key, expiry)
        room_us = expiry * SECOND_US
        if before * (room_us - gone_us) // room_us + current + amount > limit:
            return False
        self._kept[key] = (number, current + amount, before)
        self._kept.move_to_end(key)
        if len(self._kept) > self._max:
            self._kept.popitem(last=False)
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Counts and remaining seconds of the window before and of this one, as the library wants them."""
        _, current, before, gone_us = self._look(key, expiry)
        left = (expiry * SECOND_US - gone_us) / SECOND_US
        return before, left if before else 0.0, current, left + expiry if current else 0.0

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        self._kept.pop(key, None)

    def _look(self, key: str, expiry: int) -> tuple[int, int, int, int]:
        number, gone_us = divmod(self._clock_us(), expiry * SECOND_US)
        kept, current, before = self._kept.get(key, (number, 0, 0))
        match number - kept:
            case 0:
                return number, current, before, gone_us
            case 1:
                return number, 0, current, gone_us
            case _:
                return number, 0, 0, gone_us

    # What the library asks of every storage, and a sliding window never uses.

    @property
    def base_exceptions(self) -> type[Exception]:
        """A dictionary has no errors of its own."""
        return ValueError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        self._kept.clear()
        return None

    async def clear(self, key: str) -> None:
        self._kept.pop(key, None)
