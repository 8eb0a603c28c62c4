"""A storm in words, for a person and for a table."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.chaos.plan import HEAL_SECONDS
from tests.support.chaos.storm import Weathered

SHOWN = 300
"""Letters of what was last seen wrong."""


def baht(satang: int) -> str:
    """Satang as baht, for reading."""
    return f"{satang // 100:,}.{satang % 100:02d}"


def counts(found: Mapping[str, int]) -> str:
    """Most first."""
    return ", ".join(f"{name} {n}" for name, n in sorted(found.items(), key=lambda one: (-one[1], one[0])))


def told(result: Weathered) -> str:
    """What was injected, what moved, what was booked, and how long it took to be right again."""
    healed = max(result.healed_seconds.values(), default=0.0)
    lines = [
        f"storm seed={result.storm.seed} {result.storm.seconds} s, {result.storm.clients} clients, "
        f"{result.storm.apis} API processes, {result.storm.workers} workers",
        f"  faults    {counts(result.faults.done)}",
        f"  killed at {counts(result.points)}; ends {counts(result.ends)}",
        f"  answers   {counts(result.statuses)}",
        f"  payments  {result.payments}; money moved {baht(result.moved)}, booked {baht(result.booked)}; "
        f"unknown left {result.unknown}",
        f"  healed    {'after' if not result.failings else 'NOT within'} "
        f"{healed if not result.failings else HEAL_SECONDS:.1f} s",
    ]
    lines += [
        f"    {seconds:5.1f} s {name}; last: {result.last_seen[name][:SHOWN]}"
        for name, seconds in sorted(result.healed_seconds.items(), key=lambda one: -one[1])
    ]
    lines += [f"  error     {times} x {what}" for what, times in result.errors.items()]
    lines += [f"  NOT PASSED {name}: {what}" for name, what in result.wrong.items()]
    return "\n".join(lines)
