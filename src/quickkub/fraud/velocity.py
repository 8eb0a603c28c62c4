"""What is counted about whom: kinds of keys, windows, and who is counted with whom. No I/O.

A window reaches back to the beginning of its oldest bucket, so it never covers less than its name says. The
payment that is looked at is counted in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

KEY_KINDS: Final = (
    "card",
    "bin",
    "payer_account",
    "phone",
    "email",
    "address",
    "network",
    "device",
    "reference",
    "transfer",
    "amount",
    "payer_amount",
    "merchant",
)
"""`network` is an address's block, `amount` this amount at this merchant, `payer_amount` the same from this
payer, `transfer` the bank's own number."""

SHARED: Final = frozenset({"merchant", "amount", "bin", "address", "network", "reference"})
"""What many payers have in common. Nobody waits for anybody there; a payer's payments wait for each other."""

MINUTE, HOUR, DAY = 1, 60, 1440
SPANS: Final = (MINUTE, HOUR, DAY)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time up to now, and the size of the buckets it is summed from, in minutes."""

    name: str
    length: timedelta
    span: int

    def begins(self, at: datetime) -> datetime:
        """The beginning of its oldest bucket."""
        return bucket(at - self.length, self.span)


WINDOWS: Final = (
    Window("1m", timedelta(minutes=1), MINUTE),
    Window("10m", timedelta(minutes=10), MINUTE),
    Window("1h", timedelta(hours=1), MINUTE),
    Window("24h", timedelta(hours=24), HOUR),
    Window("7d", timedelta(days=7), DAY),
    Window("30d", timedelta(days=30), DAY),
)

KEEP: Final[Mapping[int, timedelta]] = {
    MINUTE: timedelta(minutes=62),
    HOUR: timedelta(hours=26),
    DAY: timedelta(days=32),
}
"""How long buckets of each size are of use."""

MEASURES: Final = ("count", "amount", "failures")

PAIRS: Final[Mapping[str, tuple[str, ...]]] = {
    "card": ("device", "payer"),
    "bin": ("card",),
    "phone": ("card", "device"),
    "email": ("card", "device"),
    "address": ("card", "device", "payer"),
    "network": ("card",),
    "device": ("card", "payer"),
    "reference": ("payer",),
    "amount": ("payer",),
}
"""For each kind of key, whose distinct number is counted. A payer is whatever tells payers apart."""

PAYER_BY: Final = ("payer_account", "email", "phone", "card", "device")
"""What a payer is known by, the surest first."""

PARTNERS_MAX: Final = 250
"""Of the partners of one key the newest so many are counted; no rule needs to tell 250 from 2,000."""


def bucket(at: datetime, span: int) -> datetime:
    """The beginning of the bucket of `span` minutes that a moment falls into (UTC)."""
    minutes = at.hour * 60 + at.minute
    begins = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return begins + timedelta(minutes=minutes - minutes % span)


def payer_of(keys: Mapping[str, bytes]) -> bytes | None:
    """The key a payer is told apart by, or None when nothing is known of them."""
    return next((keys[kind] for kind in PAYER_BY if kind in keys), None)


def pairs_of(keys: Mapping[str, bytes]) -> list[tuple[str, bytes, str, bytes]]:
    """Everybody who is seen with whom here: (kind, key, partner's kind, partner)."""
    known = dict(keys)
    payer = payer_of(keys)
    if payer is not None:
        known["payer"] = payer
    return [
        (kind, keys[kind], partner, known[partner])
        for kind, partners in PAIRS.items()
        if kind in keys
        for partner in partners
        if partner in known
    ]


Counters = Mapping[str, Sequence[Sequence[int]]]
"""By kind of key, for each window: count, amount, failures."""
Partners = Mapping[str, Sequence[int]]
"""By `kind.partner_kind`, for each window: how many."""


def flat(counters: Counters, partners: Partners) -> dict[str, int]:
    """The same by field name: `card.10m.count`, `device.24h.cards`."""
    fields: dict[str, int] = {}
    for kind, windows in counters.items():
        for window, measured in zip(WINDOWS, windows, strict=True):
            for measure, value in zip(MEASURES, measured, strict=True):
                fields[f"{kind}.{window.name}.{measure}"] = value
    for pair, numbers in partners.items():
        kind, partner = pair.split(".")
        for window, number in zip(WINDOWS, numbers, strict=True):
            fields[f"{kind}.{window.name}.{partner}s"] = number
    return fields
