"""Counting in a Valkey (or Redis) that all processes of the gateway share: REDIS_URL.

Its own clock counts, so processes on machines that disagree about the time agree about limits. When it does
not answer, LimiterAway is raised at once for a second, and then it is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.exceptions import ValkeyError

from quickkub.api.limits.memory import asked
from quickkub.api.limits.policy import Bucket, Standing, Window

ANSWER_SECONDS: Final = 0.25
"""Limits are worth less than the requests they count: who waits longer for Valkey goes on without it."""

AWAY_SECONDS: Final = 1
CONNECTIONS_MAX: Final = 50
PREFIX: Final = "quickkub:limits"

_TAKE: Final = """
-- KEYS: buckets. ARGV: now in microseconds, or 0 for the server's clock; then each bucket's drip and burst.
-- Answers, for each bucket: allowed, remaining, full in, retry in. It mirrors api/limits/bucket.py.
local now = tonumber(ARGV[1])
if now == 0 then
    local clock = redis.call('TIME')
    now = clock[1] * 1000000 + clock[2]
end
local told, moved, all = {}, {}, true
for i, key in ipairs(KEYS) do
    local drip, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local room = drip * burst
    local before = math.max(tonumber(redis.call('GET', key) or 0), now)
    local missing = before + drip - now
    if missing > room then
        all = false
        told[i] = {0, math.floor(math.max(0, room - (before - now)) / drip), before - now, missing - room}
    else
        told[i] = {1, math.floor((room - missing) / drip), missing, 0}
        moved[i] = now + missing
    end
end
if all then
    for i, key in ipairs(KEYS) do
        local kept_ms = math.ceil((moved[i] - now) / 1000) + 1000
        redis.call('SET', key, string.format('%.0f', moved[i]), 'PX', kept_ms)
    end
end
return told
"""

_T = TypeVar("_T")


class LimiterAway(Exception):
    """Valkey does not answer. Not a refusal: whoever asked decides what that means."""


class Shared:
    """Buckets and windows in Valkey."""

    def __init__(
        self, url: str, *, away_seconds: int = AWAY_SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`url`: redis://, rediss://, valkey://, valkeys:// or unix://, with credentials where needed."""
        scheme, _, rest = url.partition("://")
        spoken = f"{scheme.replace('redis', 'valkey')}://{rest}"
        self._pool = BlockingConnectionPool.from_url(
            spoken,
            max_connections=CONNECTIONS_MAX,
            timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        self._valkey = Valkey(connection_pool=self._pool)
        self._script = self._valkey.register_script(_TAKE)
        self._limiter = SlidingWindowCounterRateLimiter(
            RedisStorage(f"async+valkey://{rest}", key_prefix=PREFIX, connection_pool=cast("Any", self._pool))
        )
        self._away_seconds = away_seconds
        self._monotonic = monotonic
        self._away_until: float | None = None

    async def take(self, wanted: Sequence[tuple[Bucket, str]], now_us: int = 0) -> list[Standing]:
        """One request from each bucket, or from none when one refuses. Raises LimiterAway.

        `now_us` other than 0 is for tests: the moment to reckon with instead of Valkey's own.
        """
        keys = [f"{PREFIX}:{bucket.name}:{key}" for bucket, key in wanted]
        args = [now_us, *(number for bucket, _ in wanted for number in (bucket.drip_us, bucket.burst))]
        told = await self._ask(lambda: self._script(keys=keys, args=args))
        return [
            Standing(bucket, bool(allowed), left, full, retry)
            for (bucket, _), (allowed, left, full, retry) in zip(wanted, told, strict=True)
        ]

    async def hit(self, window: Window, key: str) -> Standing:
        """One request in a window. Raises LimiterAway."""
        return await self._ask(lambda: asked(self._limiter, window, key))

    async def close(self) -> None:
        """Close all connections."""
        await self._valkey.aclose()
        await self._pool.disconnect()

    async def _ask(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        if self._away_until is not None and self._monotonic() < self._away_until:
            raise LimiterAway()
        try:
            answer = await ask()
        except (ValkeyError, OSError, TimeoutError) as error:
            self._away_until = self._monotonic() + self._away_seconds
            raise LimiterAway(str(error)) from error
        self._away_until = None
        return answer
