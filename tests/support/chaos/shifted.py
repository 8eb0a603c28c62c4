"""The gateway with a wrong clock: `python -m tests.support.chaos.shifted <seconds> serve api` (T7).

The class `datetime` and `time.time` are exchanged before anything of ours is imported; durations, which are
monotonic, and the database's clock stay right. That is how a machine with a wrong clock looks from inside.
"""

from __future__ import annotations

import datetime as moments
import sys
import time
from typing import Any

_REAL = moments.datetime


def shift(seconds: int) -> None:
    """Every wall clock of this process goes so much ahead of the true time."""
    ahead = moments.timedelta(seconds=seconds)
    true_time = time.time

    class _Kind(type):
        def __instancecheck__(cls, thing: object) -> bool:
            return isinstance(thing, _REAL)

    class Shifted(_REAL, metaclass=_Kind):
        """A `datetime` whose now is another's."""

        @classmethod
        def now(cls, tz: moments.tzinfo | None = None) -> Any:
            return _REAL.now(tz) + ahead

    moments.datetime = Shifted  # type: ignore[misc]
    time.time = lambda: true_time() + seconds


if __name__ == "__main__":
    shift(int(sys.argv.pop(1)))
    from quickkub.main import run

    run()
