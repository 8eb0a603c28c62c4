"""The secure hash of Merchant iPay (bbl.md A2.1): a plain hash over fields and a shared secret."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

LENGTHS: Final = {"sha1": 40, "sha256": 64, "sha512": 128}
_HEX: Final = re.compile(r"[0-9a-f]+")
_ENTRIES_MAX: Final = 5


def digest(algorithm: str, *parts: str) -> str:
    """The parts joined by `|`, hashed as UTF-8, in lower-case hex. Raises ValueError for another one."""
    if algorithm not in LENGTHS:
        raise ValueError(f"{algorithm} is no secure hash")
    return hashlib.new(algorithm, "|".join(parts).encode(), usedforsecurity=False).hexdigest()


def matches(said: str, allowed: Sequence[str], *parts: str) -> bool:
    """Whether any entry of a comma-separated list is the hash of these parts.

    The bank sends two while a secret is changed. Every entry is compared, in constant time; the algorithm is
    told by the length, and only the allowed ones count.
    """
    entries = said.lower().split(",")
    if len(entries) > _ENTRIES_MAX:
        return False
    found = False
    for entry in (entry.strip() for entry in entries):
        for algorithm in allowed:
            fits = len(entry) == LENGTHS.get(algorithm) and _HEX.fullmatch(entry) is not None
            if fits and hmac.compare_digest(entry, digest(algorithm, *parts)):
                found = True
    return found
