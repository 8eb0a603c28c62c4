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


_REFERENCE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference(prefix: str = "QK") -> str:
    """A provider reference of 20 characters `A-Z0-9`, the strictest set any Thai bank takes (promptpay 2.3).

    48 bits of milliseconds and 42 random bits in Crockford base32 after the prefix: unique without asking
    the database, and sortable by the time the money was asked for.
    """
    value = time.time_ns() // 1_000_000 << 42 | int.from_bytes(os.urandom(6), "big") >> 6
    digits = []
    for _ in range(18):
        value, index = divmod(value, 32)
        digits.append(_REFERENCE_ALPHABET[index])
    return prefix + "".join(reversed(digits))
