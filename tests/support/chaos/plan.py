"""What a storm is to do, what it did, and the bar below which it proves nothing (security-reliability 4)."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

HEAL_SECONDS: Final = 60
"""How long after the last fault the books may take to be right again."""

POINTS: Final = {
    "before_call": 8,
    "after_call": 8,
    "in_transaction": 2,
    "after_commit": 2,
    "before_ack": 8,
    "in_delivery": 5,
}
"""How often in a thousand each crash point kills."""

BAR: Final = {
    "kills": 25,
    "success then timeout": 15,
    "success then 500": 10,
    "terminated sessions": 100,
    "PostgreSQL stopped": 2,
    "success then closed socket": 5,
    "delay beyond deadline": 2,
    "wrong amount": 4,
    "broken JSON": 4,
    "refusal then success": 4,
    "notification never sent": 1,
    "notification repeated": 20,
    "notification forged": 1,
    "notification replayed late": 1,
}
"""The least a storm of a minute injects of each kind; the first four are the specification's."""


@dataclass(frozen=True, slots=True)
class Storm:
    """One run. The same seed gives the same schedule of faults."""

    seed: int
    seconds: int = 60
    clients: int = 12
    apis: int = 2
    workers: int = 2

    def luck(self, about: str) -> random.Random:
        """A source of chance of its own for each part, so that one part's draws do not move another's."""
        return random.Random(f"{self.seed}/{about}")

    def bar(self) -> dict[str, int]:
        """What must be injected; a longer run has to do more."""
        return {kind: least * max(self.seconds, 60) // 60 for kind, least in BAR.items()}


@dataclass(slots=True)
class Faults:
    """What was done so far, and whether more may be done."""

    storm: Storm
    began: float = 0.0
    stopped: float | None = None
    done: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """The first fault may come now."""
        self.began = time.monotonic()

    def stop(self) -> None:
        """No more faults from here."""
        self.stopped = time.monotonic()

    @property
    def raging(self) -> bool:
        """Whether faults are injected now."""
        return self.began > 0 and self.stopped is None

    @property
    def left_seconds(self) -> float:
        """Until faults stop."""
        return max(0.0, self.began + self.storm.seconds - time.monotonic())

    def behind(self, kind: str) -> bool:
        """Whether too little of this kind was done to meet the bar at six tenths of the time."""
        if not self.raging:
            return False
        passed = (time.monotonic() - self.began) / (0.6 * self.storm.seconds)
        return self.done[kind] < self.storm.bar()[kind] * min(passed, 1.0)

    def short(self) -> dict[str, str]:
        """What was injected too seldom: such a run is not a pass."""
        return {
            kind: f"{self.done[kind]} of {least}"
            for kind, least in self.storm.bar().items()
            if self.done[kind] < least
        }
