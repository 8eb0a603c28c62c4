"""What a simulation says, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from quickkub.fraud.simulation.run import Outcome, Told

STOPPED_BAR: Final = 8_000
"""Basis points of the attacks' value that have to be stopped (security-reliability 6)."""

HIT_BAR: Final = 50
"""Basis points of honest payments that may be hit."""

P99_BAR_US: Final = 20_000


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One seed's numbers. Amounts are satang, shares basis points."""
    return {
        "seed": outcome.seed,
        "looked": outcome.looked,
        "stopped_basis_points": outcome.stopped_basis_points,
        "stopped_in_first_15_minutes_basis_points": outcome.early_basis_points,
        "honest": {"count": outcome.honest.count, "amount": outcome.honest.satang},
        "honest_hit": {"count": outcome.hit.count, "amount": outcome.hit.satang, "by": outcome.hit_by},
        "hit_basis_points": outcome.hit_basis_points,
        "hit_value_basis_points": outcome.hit_value_basis_points,
        "alerts_per_thousand": outcome.alerts_per_thousand,
        "look_us": {f"p{part}": outcome.look_us(part) for part in (50, 95, 99)},
        "attacks": [_attack(one) for one in outcome.attacks],
    }


def _attack(told: Told) -> dict[str, Any]:
    return {
        "name": told.name,
        "tried": {"count": told.tried.count, "amount": told.tried.satang},
        "stopped": {"count": told.stopped.count, "amount": told.stopped.satang},
        "first_stop_seconds": told.first_stop_seconds,
        "amount_before_first_stop": told.satang_before,
    }


def percent(basis_points: int) -> str:
    """Two digits after the point."""
    return f"{basis_points // 100}.{basis_points % 100:02d} %"


def milliseconds(microseconds: int) -> str:
    """One digit after the point."""
    return f"{microseconds // 1000}.{microseconds % 1000 // 100} ms"


def attack_rows(outcome: Outcome) -> list[list[str]]:
    """A line for each attack: name, baht tried, baht stopped, share, time to the first stop."""
    return [
        [
            told.name,
            f"{told.tried.satang // 100:,}",
            f"{told.stopped.satang // 100:,}",
            percent(told.stopped.satang * 10_000 // max(told.tried.satang, 1)),
            "never" if told.first_stop_seconds is None else f"{told.first_stop_seconds} s",
        ]
        for told in outcome.attacks
    ]


def summary_rows(outcome: Outcome) -> list[list[str]]:
    """What counts, and the bar each number is held to."""
    return [
        [
            "attack value stopped, defence standing within 15 min",
            percent(outcome.stopped_basis_points),
            "80 % or more",
        ],
        ["attack value stopped within the first 15 min alone", percent(outcome.early_basis_points), ""],
        ["honest payments hit, by count", percent(outcome.hit_basis_points), "under 0.5 %"],
        ["honest payments hit, by value", percent(outcome.hit_value_basis_points), ""],
        ["alerts for each 1,000 payments", str(outcome.alerts_per_thousand), ""],
        ["a look by itself, p50", milliseconds(outcome.look_us(50)), ""],
        ["a look by itself, p95", milliseconds(outcome.look_us(95)), ""],
        ["a look by itself, p99", milliseconds(outcome.p99_us), "under 20 ms"],
    ]


def broken(outcomes: Sequence[Outcome]) -> list[str]:
    """The bars that were missed, in words."""
    missed = []
    for outcome in outcomes:
        if outcome.stopped_basis_points < STOPPED_BAR:
            missed.append(
                f"seed {outcome.seed}: {percent(outcome.stopped_basis_points)} of attack value stopped"
            )
        if outcome.hit_basis_points >= HIT_BAR:
            missed.append(f"seed {outcome.seed}: {percent(outcome.hit_basis_points)} of honest payments hit")
        if outcome.p99_us >= P99_BAR_US:
            missed.append(f"seed {outcome.seed}: p99 of {outcome.p99_us} us")
    return missed
