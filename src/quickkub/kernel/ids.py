"""Identifiers: UUIDv7 with a prefix that says what it names (`pay_`, `att_`, `evt_` ...)."""

from __future__ import annotations

import os
import re
import time
from typing import Final, NewType

MerchantId = NewType("MerchantId", str)
PaymentId = NewType("PaymentId", str)
AttemptId = NewType("AttemptId", str)
EventId = NewType("EventId", str)

_SHAPE: Final = re.compile(r"[a-z]{2,5}_[0-9a-f]{32}")


def uuid7_hex() -> str:
    """32 hex characters of a UUIDv7 (RFC 9562 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"


def new_id(prefix: str) -> str:
    """A fresh id such as `pay_0192f5e1…`; ids of one process sort roughly by time of making."""
    return f"{prefix}_{uuid7_hex()}"


def has_shape(text: str, prefix: str) -> bool:
    """Whether `text` could be an id with this prefix. Says nothing about whether it exists."""
    return text.startswith(prefix + "_") and _SHAPE.fullmatch(text) is not None


_REFERENCE_TIME_BITS: Final = 42
_REFERENCE_RANDOM_BITS_MIN: Final = 8
_REFERENCE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference(prefix: str = "QK", *, letters: int = 20) -> str:
    """A provider reference of 12 to 20 characters `A-Z0-9`, the strictest set any Thai bank takes (promptpay
    2.3).

    42 bits of milliseconds (until the year 2109) and random bits in Crockford base32 after the prefix: 48
    random
    bits in 20 letters, 23 in 15. Sortable by the time the money was asked for; the database refuses a repeat.
    """
    digits_wanted = letters - len(prefix)
    random_bits = digits_wanted * 5 - _REFERENCE_TIME_BITS
    if random_bits < _REFERENCE_RANDOM_BITS_MIN:
        raise ValueError(f"{letters} letters are too few for a reference")
    milliseconds = time.time_ns() // 1_000_000 & (1 << _REFERENCE_TIME_BITS) - 1
    value = milliseconds << random_bits | int.from_bytes(os.urandom(8), "big") & (1 << random_bits) - 1
    digits = []
    for _ in range(digits_wanted):
        value, index = divmod(value, 32)
        digits.append(_REFERENCE_ALPHABET[index])
    return prefix + "".join(reversed(digits))
