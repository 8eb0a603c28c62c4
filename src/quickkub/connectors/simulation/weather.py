"""How confirmations travel: on time or late, once or several times, in order or not, or never (T5)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


class BadWeather(ValueError):
    """A weather report cannot be read."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares are whole percents. The same seed gives the n-th confirmation the same fate.

    `overtaken_percent` are held back for `hold_seconds`, so that later ones arrive before them;
    `replay_percent` are sent once more after `replay_seconds`; `forge_percent` are followed by a false one.
    """

    seed: int = 0
    drop_percent: int = 0
    duplicate_percent: int = 0
    copies_max: int = 4
    delay_ms_max: int = 0
    overtaken_percent: int = 0
    hold_seconds: int = 2
    replay_percent: int = 0
    replay_seconds: int = 30
    forge_percent: int = 0

    def fate(self, number: int) -> Fate:
        """What happens to the n-th confirmation of this run."""
        draw = random.Random(f"{self.seed}/{number}")  # noqa: S311 -- repeatable on purpose

        def happens(percent: int) -> bool:
            return draw.randrange(100) < percent

        dropped = happens(self.drop_percent)
        copies = draw.randint(2, max(self.copies_max, 2)) if happens(self.duplicate_percent) else 1
        held_ms = 1000 * self.hold_seconds if happens(self.overtaken_percent) else 0
        delays = [held_ms + draw.randint(0, max(self.delay_ms_max, 0)) for _ in range(copies)]
        if happens(self.replay_percent):
            delays.append(max(delays) + 1000 * self.replay_seconds)
        return Fate(() if dropped else tuple(delays), happens(self.forge_percent))


@dataclass(frozen=True, slots=True)
class Fate:
    """The milliseconds after which each copy is sent (none: lost), and whether a false one follows."""

    delays_ms: tuple[int, ...]
    forged: bool


def read_weather(said: Mapping[str, Any]) -> Weather:
    """Raises BadWeather for a name that is not known or a value that is no whole number from 0."""
    known = {field.name for field in fields(Weather)}
    for name, value in said.items():
        if name not in known or type(value) is not int or value < 0:
            raise BadWeather(f"{name} is none of {', '.join(sorted(known))}, or its value is no whole number")
    return Weather(**{**asdict(Weather()), **said})
