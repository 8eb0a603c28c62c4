"""The bars of security-reliability 6 on a small seed; bench/fraud.py plays more seeds and measures time."""

from __future__ import annotations

from quickkub.fraud.simulation.attacks import ATTACKS
from quickkub.fraud.simulation.drawing import Dice
from quickkub.fraud.simulation.report import HIT_BAR, STOPPED_BAR
from quickkub.fraud.simulation.run import BEGINS, simulate
from quickkub.fraud.simulation.traffic import honest
from quickkub.storage import Database


async def test_eight_attacks_are_stopped_and_honest_payers_are_let_be(database: Database) -> None:
    outcome = await simulate(database, 7, days=3, share_percent=20)
    assert len(outcome.attacks) == len(ATTACKS) == 8
    assert all(one.tried.count for one in outcome.attacks)
    assert outcome.stopped_basis_points >= STOPPED_BAR, outcome.attacks
    assert outcome.hit_basis_points < HIT_BAR, outcome.hit_by


def test_a_seed_always_draws_the_same_payments() -> None:
    first, again = (honest(Dice("x"), BEGINS, 1, 20) for _ in range(2))
    assert first == again
    assert honest(Dice("y"), BEGINS, 1, 20) != first
