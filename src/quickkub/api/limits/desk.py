"""The desk that counts: in Valkey where there is one, in this process where there is none or it is away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from quickkub.api.limits.memory import Memory
from quickkub.api.limits.policy import Bucket, Rules, Standing, Window, retry_after
from quickkub.api.limits.shared import AWAY_SECONDS, LimiterAway, Shared
from quickkub.kernel.errors import Kind, Refusal
from quickkub.telemetry import get_logger
from quickkub.telemetry.limit_metrics import refused, uncounted

AT_ONCE_AFTER_SECONDS: Final = 1
_log = get_logger("limits")


class RateLimited(Refusal):
    """More was asked than the limit allows. `Retry-After` says when, `RateLimit` what is left."""

    code, kind = "rate_limited", Kind.TOO_MANY


class TooManyAtOnce(Refusal):
    """More requests of one key are under way at the same time than its limit allows."""

    code, kind = "too_many_at_once", Kind.TOO_MANY


class LoginUnavailable(Refusal):
    """Attempts to log in cannot be counted at the moment, and uncounted ones are not taken."""

    code, kind = "login_unavailable", Kind.UNAVAILABLE


class Limits:
    """All limits of this process."""

    def __init__(self, rules: Rules, shared: Shared | None = None, memory: Memory | None = None) -> None:
        """Without `shared`, each process counts for itself."""
        self.rules = rules
        self._shared = shared
        self._memory = memory or Memory()
        self._under_way: defaultdict[str, int] = defaultdict(int)
        self._is_away = False

    async def take(self, wanted: Sequence[tuple[Bucket, str]]) -> list[Standing]:
        """One request from each bucket, or from none. Never fails: without Valkey this process counts alone.

        A key is then allowed its rate at each process, which is more than its limit and not without end.
        """
        if self._shared is not None:
            try:
                standings = await self._shared.take(wanted)
            except LimiterAway as away:
                self._went_away(away, wanted[0][0].name, "counted alone")
            else:
                self._is_there()
                return standings
        return self._memory.take(wanted)

    async def hit(self, window: Window, key: str) -> Standing:
        """One request in a window. Never fails, as `take`."""
        try:
            return await self._hit(window, key, "counted alone")
        except LimiterAway:
            return await self._memory.hit(window, key)

    async def hit_or_close(self, window: Window, key: str) -> Standing:
        """One attempt to log in. Raises LoginUnavailable when it cannot be counted with all the others.

        Guessing passwords at as many processes as there are, each counting alone, would be the way around.
        """
        try:
            return await self._hit(window, key, "refused")
        except LimiterAway:
            raise LoginUnavailable("come back in a moment", retry_after=AWAY_SECONDS) from None

    def enter(self, caller: str, at_once_max: int) -> None:
        """One more request of this caller is under way; call `leave` when it is not. Raises TooManyAtOnce.

        It protects the database's connections, which this process has for itself, so it is counted here.
        """
        if self._under_way[caller] >= at_once_max:
            refused("at_once")
            raise TooManyAtOnce(
                f"{at_once_max} requests of this key are under way; let some of them end",
                retry_after=AT_ONCE_AFTER_SECONDS,
            )
        self._under_way[caller] += 1

    def leave(self, caller: str) -> None:
        """A request of this caller has ended."""
        self._under_way[caller] -= 1
        if self._under_way[caller] <= 0:
            del self._under_way[caller]

    async def close(self) -> None:
        """Close the connections to Valkey."""
        if self._shared is not None:
            await self._shared.close()

    async def _hit(self, window: Window, key: str, otherwise: str) -> Standing:
        if self._shared is None:
            return await self._memory.hit(window, key)
        try:
            standing = await self._shared.hit(window, key)
        except LimiterAway as away:
            self._went_away(away, window.name, otherwise)
            raise
        self._is_there()
        return standing

    def _went_away(self, away: LimiterAway, policy: str, then: str) -> None:
        uncounted(policy, then)
        if not self._is_away:
            self._is_away = True
            _log.warning("the shared limiter is away", reason=str(away.__cause__ or away))

    def _is_there(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("the shared limiter is back")


def refuse_if_over(standings: Sequence[Standing]) -> None:
    """Raises RateLimited when one of them says no."""
    for standing in standings:
        if not standing.allowed:
            refused(standing.policy.name)
            raise RateLimited(_told(standing), retry_after=retry_after(standings))


def _told(standing: Standing) -> str:
    policy = standing.policy
    if isinstance(policy, Window):
        return f"{policy.quota} requests in {policy.seconds} seconds are taken from here ({policy.name})"
    return f"{policy.per_second} requests a second are taken, {policy.burst} at once ({policy.name})"
