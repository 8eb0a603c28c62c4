"""Named places at which a fault test has this very process killed, to see that nothing is lost there.

They are compiled in, so that what is tested is what runs, and do nothing unless the test's variable is set.
It names a switch (a file: while it is there, the points are live), a seed, and how often in a thousand each
point kills: `/tmp/run/switch;41/api-1/3;before_call=5,in_transaction=2`.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "QUICKKUB_TEST_CRASH_POINTS"
NAMES: Final = ("before_call", "after_call", "in_transaction", "after_commit", "before_ack", "in_delivery")
"""The six of security-reliability 4, T3."""

LAST_WORDS: Final = "crash point"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which points kill how often, by draws of one seed."""

    switch: Path
    draw: random.Random
    per_mille: dict[str, int]

    def kills_at(self, name: str) -> bool:
        """Draw once. Every point draws, so that a process of one seed meets the same end at the same step."""
        hit = self.draw.randrange(1000) < self.per_mille.get(name, 0)
        return hit and self.switch.exists()


def read_plan(text: str) -> Plan:
    """Raises ValueError for another form or an unknown point: a test that breaks nothing proves nothing."""
    switch, seed, points = text.split(";")
    per_mille = {name: int(often) for name, often in (point.split("=") for point in points.split(","))}
    if unknown := set(per_mille) - set(NAMES):
        raise ValueError(f"there is no crash point {min(unknown)}")
    return Plan(Path(switch), random.Random(seed), per_mille)  # noqa: S311 -- repeatable on purpose


_plan: Final = read_plan(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def crash_point(name: str) -> None:
    """End this process as `kill -9` does, if a fault test drew that. Otherwise nothing happens."""
    if _plan is not None and _plan.kills_at(name):
        # Past every buffer: there is no later in which one would be flushed.
        os.write(2, f"{LAST_WORDS} {name}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
