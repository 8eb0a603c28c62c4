"""One circuit per endpoint, in this process's memory: a merchant that is down does not get all the workers.

Nothing is lost by it: a delivery that is not started stays due. After some failures in a row an endpoint is
left alone for a while, then one delivery at a time tries whether it is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.kernel.clock import Clock

OPENS_AFTER: Final = 5
FIRST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 300.0
_FORGET_SECONDS: Final = 3600.0


@dataclass(slots=True)
class _Trouble:
    failures: int
    pause_seconds: float
    closed_until: float  # monotonic; before it nothing is started
    last_at: float  # monotonic: when it was last heard of


class Circuits:
    """How many deliveries to an endpoint may be under way, from how the last ones went."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def room(self, endpoint: str, usual: int) -> int:
        """`usual` while all is well, 0 while it is left alone, 1 when it may be asked whether it is back."""
        trouble = self._troubles.get(endpoint)
        if trouble is None or trouble.failures < OPENS_AFTER:
            return usual
        return 0 if self._clock.monotonic() < trouble.closed_until else 1

    def open_count(self) -> int:
        """How many endpoints are not delivered to as usual."""
        return sum(trouble.failures >= OPENS_AFTER for trouble in self._troubles.values())

    def succeeded(self, endpoint: str) -> None:
        """It is back: everything is forgiven."""
        self._troubles.pop(endpoint, None)

    def failed(self, endpoint: str) -> None:
        """One more in a row. From the fifth on each opens the circuit, for twice as long as before."""
        now = self._clock.monotonic()
        trouble = self._troubles.setdefault(endpoint, _Trouble(0, FIRST_PAUSE_SECONDS / 2, 0.0, now))
        trouble.failures += 1
        trouble.last_at = now
        if trouble.failures >= OPENS_AFTER and now >= trouble.closed_until:
            # Those that were under way when it opened fail too, but they say nothing new.
            trouble.pause_seconds = min(trouble.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            trouble.closed_until = now + trouble.pause_seconds

    def troubled(self) -> list[str]:
        """Endpoints whose last delivery failed; those not heard of for an hour are forgotten."""
        old = self._clock.monotonic() - _FORGET_SECONDS
        self._troubles = {
            endpoint: trouble
            for endpoint, trouble in self._troubles.items()
            if max(trouble.last_at, trouble.closed_until) > old
        }
        return list(self._troubles)
