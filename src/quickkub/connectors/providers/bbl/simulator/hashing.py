"""iPay's secure hash as the bank makes and checks it (bbl.md A2.1)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

BY_LENGTH: Final = {40: "sha1", 64: "sha256", 128: "sha512"}


def made(algorithm: str, parts: Sequence[str]) -> str:
    return hashlib.new(algorithm, "|".join(parts).encode(), usedforsecurity=False).hexdigest()


def algorithm_of(said: str) -> str:
    """By its length; empty for a text that is no hash."""
    return BY_LENGTH.get(len(said), "")


def is_right(said: str, parts: Sequence[str]) -> bool:
    algorithm = algorithm_of(said)
    return bool(algorithm) and hmac.compare_digest(said.lower().encode(), made(algorithm, parts).encode())
