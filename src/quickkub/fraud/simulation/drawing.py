"""Draws in whole numbers from one seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from quickkub.fraud.subject import Hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Try:
    """One payment somebody tries to make. `attack` is empty for honest ones; `fails`: the provider refuses
    it.

    `satang` is what it is worth to whoever tries.
    """

    at: datetime
    merchant: int
    satang: int
    method: str
    hints: Hints = field(default_factory=Hints)
    email: str = ""
    phone: str = ""
    address: str = ""
    reference: str = ""
    fails: bool = False
    attack: str = ""


class Dice:
    """A seeded source of whole numbers."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- repeatable on purpose; nothing is secret

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(least, most)

    def happens(self, percent: int) -> bool:
        """True so many times in a hundred."""
        return self._random.randrange(100) < percent

    def one_of(self, things: Sequence[T]) -> T:
        """Any of them, all as likely."""
        return self._random.choice(things)

    def weighted(self, things: Mapping[T, int]) -> T:
        """Any of them, by weight."""
        return self._random.choices(list(things), list(things.values()))[0]

    def skewed(self, count: int) -> int:
        """A number below `count`; small ones come far more often, as regular customers do."""
        return self._random.randrange(self._random.randrange(1, count + 1))

    def spread(self, middle: int) -> int:
        """An amount around `middle` with a long tail: the product of three draws of 40 to 190 percent."""
        value = middle
        for _ in range(3):
            value = value * self.between(40, 190) // 100
        return max(value, 1)

    def gap(self, mean_seconds: int) -> timedelta:
        """The time until the next try of somebody who tries every `mean_seconds` on the whole."""
        return timedelta(milliseconds=self.between(mean_seconds * 200, mean_seconds * 1800))

    def name(self, prefix: str) -> str:
        """Something that nobody else is called."""
        return f"{prefix}{self._random.getrandbits(64):016x}"

    def home_address(self, first: int) -> str:
        """A fixed line's address; `first` is its first number."""
        return f"{first}.{self.between(0, 255)}.{self.between(0, 255)}.{self.between(1, 254)}"
