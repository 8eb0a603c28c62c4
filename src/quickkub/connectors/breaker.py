"""The circuit in front of one provider address: stop knocking on a door that does not open (reliability 3.9).

It opens after several calls in a row that could not be sent or ran out of time. While it is open, requests
that could move money are refused before a byte leaves; questions still pass at a low rate, because money may
have moved and somebody waits to hear. After a while one request is let through as a probe and decides.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from quickkub.kernel.clock import Clock

TROUBLES_MAX: Final = 5
"""Calls in a row without an answer that open the circuit."""

OPEN_SECONDS: Final = 10
TRICKLE_SECONDS: Final = 2


class Ticket(Enum):
    """Why a request was let through."""

    CLOSED = "closed"
    PROBE = "probe"
    TRICKLE = "trickle"


class Breaker:
    """One circuit. Every ticket given out comes back by `answered`, `troubled` or `undecided`."""

    def __init__(
        self,
        clock: Clock,
        *,
        troubles_max: int = TROUBLES_MAX,
        open_seconds: int = OPEN_SECONDS,
        trickle_seconds: int = TRICKLE_SECONDS,
    ) -> None:
        self._clock = clock
        self._troubles_max, self._open_seconds, self._trickle_seconds = (
            troubles_max,
            open_seconds,
            trickle_seconds,
        )
        self._troubles = 0
        self._opened_since: float | None = None
        self._trickled_since: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are being held back."""
        return self._opened_since is not None

    @property
    def holds_charges(self) -> bool:
        """Whether a charge that came now would be held back. False when it would go out as the probe: whoever
        chooses between providers has to let one through, or the circuit would never close."""
        if self._opened_since is None:
            return False
        return self._probing or self._clock.monotonic() - self._opened_since < self._open_seconds

    def admit(self, *, asks_only: bool) -> Ticket | None:
        """A ticket, or None when this request has to stay here."""
        if self._opened_since is None:
            return Ticket.CLOSED
        now_seconds = self._clock.monotonic()
        if not self._probing and now_seconds - self._opened_since >= self._open_seconds:
            self._probing = True
            return Ticket.PROBE
        if asks_only and self._trickle_is_due(now_seconds):
            self._trickled_since = now_seconds
            return Ticket.TRICKLE
        return None

    def answered(self, ticket: Ticket) -> None:
        """Somebody is there, whatever they said: an answer of any status closes the circuit."""
        self._troubles, self._opened_since, self._trickled_since, self._probing = 0, None, None, False

    def troubled(self, ticket: Ticket) -> None:
        """It could not be sent, or ran out of time."""
        self._troubles += 1
        if ticket is Ticket.PROBE:
            self._probing = False
            self._opened_since = self._clock.monotonic()
        elif self._opened_since is None and self._troubles >= self._troubles_max:
            self._opened_since = self._clock.monotonic()

    def undecided(self, ticket: Ticket) -> None:
        """It ended without telling whether the provider is well, such as a reset or a cancelled probe."""
        if ticket is Ticket.PROBE:
            self._probing = False

    def _trickle_is_due(self, now_seconds: float) -> bool:
        since = self._trickled_since
        return since is None or now_seconds - since >= self._trickle_seconds
