"""What came of one try, as the sender tells it and the rules read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx. `text` is the first 1 KiB of what it said."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver answered something else, a redirect included. `retry_after` is in seconds."""

    status: int
    text: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class NotReached:
    """There was no answer. `reason` is for the merchant to read and names no address."""

    reason: str


Answer: TypeAlias = Delivered | Refused | NotReached
