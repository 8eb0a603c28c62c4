"""What is allowed, and how much of it is left: plain values (security-reliability 5.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

SECOND_US: Final = 1_000_000
"""Durations are whole microseconds, so that Valkey's script and this process reckon alike."""

RATE_MAX: Final = SECOND_US


@dataclass(frozen=True, slots=True)
class Window:
    """At most `quota` requests in any `seconds` seconds."""

    name: str
    quota: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """`per_second` requests a second, and up to `burst` at once after a pause."""

    name: str
    per_second: int
    burst: int

    def __post_init__(self) -> None:
        assert 1 <= self.per_second <= RATE_MAX, "a rate is 1 to a million a second"
        assert self.burst >= 1, "a bucket that holds nothing lets nobody through"

    @property
    def drip_us(self) -> int:
        """How long one request takes to grow back; rounded down, so never stricter than `per_second`."""
        return SECOND_US // self.per_second

    @property
    def quota(self) -> int:
        """As the headers name it: what a full bucket holds."""
        return self.burst

    @property
    def seconds(self) -> int:
        """As the headers name it: how long an empty bucket takes to be full, in whole seconds."""
        return max(1, -(-self.burst * self.drip_us // SECOND_US))


Policy = Window | Bucket


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands under one policy after asking."""

    policy: Policy
    allowed: bool
    remaining: int
    # Until all of it is there again, and until one more request is allowed; both in microseconds.
    full_in_us: int
    retry_in_us: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """All limits of a gateway."""

    anonymous: Window = field(default_factory=lambda: Window("anonymous", 100, 900))
    login: Window = field(default_factory=lambda: Window("login", 20, 900))
    live: Bucket = field(default_factory=lambda: Bucket("live", 50, 100))
    test: Bucket = field(default_factory=lambda: Bucket("test", 10, 25))
    # By the token in a callback's address, which stands for one account of one merchant.
    callbacks: Bucket = field(default_factory=lambda: Bucket("callbacks", 100, 1_000))
    # By address, for all accounts together: what is refused is kept, so a stranger must not fill the disk.
    senders: Bucket = field(default_factory=lambda: Bucket("senders", 100, 2_000))
    # By address: a mobile network puts many payers behind one.
    payers: Bucket = field(default_factory=lambda: Bucket("payers", 200, 2_000))
    # By address, for browsers that show a session's cookie.
    people: Bucket = field(default_factory=lambda: Bucket("people", 20, 200))

    @classmethod
    def of(cls, *, window_ms: int, max_requests: int, test_rate: int | None = None) -> Rules:
        """The rules as an operator set them (RATE_LIMIT_WINDOW_MS, RATE_LIMIT_MAX_REQUESTS).

        `test_rate` (QUICKKUB_TEST_RATE) is what test keys may ask a second, where somebody measures or plays
        a whole day in a minute. Live keys are never moved by it.
        """
        seconds = max(1, -(-window_ms // 1_000))
        plain = cls()
        return cls(
            anonymous=Window("anonymous", max_requests, seconds),
            login=Window("login", max(1, max_requests // LOGIN_SHARE), seconds),
            test=plain.test if test_rate is None else Bucket("test", test_rate, 2 * test_rate),
            payers=plain.payers if test_rate is None else _at_least(plain.payers, test_rate),
            callbacks=plain.callbacks if test_rate is None else _at_least(plain.callbacks, test_rate),
            senders=plain.senders if test_rate is None else _at_least(plain.senders, test_rate),
        )

    def of_key(self, mode: str, per_second: int | None, burst: int | None) -> Bucket:
        """What a key may ask: its own limits where it has them."""
        usual = self.live if mode == "live" else self.test
        if per_second is None and burst is None:
            return usual
        per_second = per_second or usual.per_second
        return Bucket(usual.name, per_second, burst or 2 * per_second)

    def of_operation(self, operation: str, key: Bucket) -> Bucket | None:
        """What is asked of the database at length has a bucket of its own beside the key's."""
        if "export" in operation.lower():
            return Bucket("export", 1, min(5, key.burst))
        if operation.startswith(("list", "search")):
            return Bucket("search", max(1, key.per_second // SEARCH_SHARE), max(1, key.burst // SEARCH_SHARE))
        return None


LOGIN_SHARE: Final = 5
"""Of the requests an address may make without a key, one in five may be an attempt to log in."""

SEARCH_SHARE: Final = 2
"""Of what a key may ask, half may be lists."""


def _at_least(bucket: Bucket, per_second: int) -> Bucket:
    return Bucket(bucket.name, max(bucket.per_second, per_second), max(bucket.burst, 2 * per_second))


def headers_of(standings: Sequence[Standing], now_seconds: int) -> list[tuple[bytes, bytes]]:
    """The limits of an answer, in both spellings.

    `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers, with each policy
    that was asked. The older X-RateLimit names tell of the one with the least left, and reset at a Unix time.
    """
    if not standings:
        return []
    least = min(standings, key=lambda one: (one.allowed, one.remaining))
    policies = ", ".join(
        f'"{one.policy.name}";q={one.policy.quota};w={one.policy.seconds}' for one in standings
    )
    left = ", ".join(
        f'"{one.policy.name}";r={one.remaining};t={whole_seconds(one.full_in_us)}' for one in standings
    )
    told = [
        ("ratelimit-policy", policies),
        ("ratelimit", left),
        ("x-ratelimit-limit", str(least.policy.quota)),
        ("x-ratelimit-remaining", str(least.remaining)),
        ("x-ratelimit-reset", str(now_seconds + whole_seconds(least.full_in_us))),
    ]
    return [(name.encode(), value.encode()) for name, value in told]


def retry_after(standings: Iterable[Standing]) -> int:
    """Seconds after which asking again may be allowed: at least one, or clients would hammer."""
    return max([1, *(whole_seconds(one.retry_in_us) for one in standings if not one.allowed)])


def whole_seconds(microseconds: int) -> int:
    """Rounded up: a second too early is refused again."""
    return -(-microseconds // SECOND_US)
