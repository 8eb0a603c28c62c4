"""When to try again, and when to stop: pure arithmetic, the chance given from outside.

13 tries: at once, then after 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, then every 12 h as long as the
try falls within 72 h of the first. Then the delivery is a dead letter. Source: security-reliability 3.7.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_FIRST: Final = (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600)
_THEN: Final = 12 * 3600
_END: Final = 72 * 3600

DELAYS: Final[tuple[int, ...]] = _FIRST + (_THEN,) * ((_END - sum(_FIRST)) // _THEN)
"""Seconds to wait after the first, second, … failed try."""

JITTER: Final = 0.2
"""A wait is spread over 20 % to either side, so that deliveries that failed together come back apart."""

RETRY_AFTER_MAX: Final = 12 * 3600
"""A receiver may ask for at most this many seconds of peace (Retry-After)."""

DISABLE_AFTER: Final = timedelta(days=5)
"""An endpoint that has failed for this long without one success is disabled."""

_DIGITS_MAX: Final = 9


def seconds_until_next(tries: int, chance: float, retry_after: int | None = None) -> float | None:
    """Seconds to wait after failed try number `tries` (1 for the first); None: no more tries.

    `chance` is in [0, 1). `retry_after` only lengthens the wait: nobody can ask to be called more often.
    """
    if tries > len(DELAYS):
        return None
    delay = DELAYS[max(tries, 1) - 1] * (1 + JITTER * (2 * chance - 1))
    return max(delay, min(retry_after or 0, RETRY_AFTER_MAX))


def read_retry_after(value: str | None, now: datetime) -> int | None:
    """Seconds from a Retry-After header (RFC 9110 10.2.3: seconds or an HTTP date); None if it is neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= _DIGITS_MAX else RETRY_AFTER_MAX
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0, int((date - now).total_seconds()))
