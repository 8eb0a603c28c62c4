"""A merchant that is down is left alone for a while."""

from __future__ import annotations

import pytest

from quickkub.webhooks.circuit import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, OPENS_AFTER, Circuits
from tests.support.webhooks import SetClock

SHOP, OTHER = "we_shop", "we_other"


def broken(clock: SetClock, failures: int = OPENS_AFTER) -> Circuits:
    circuits = Circuits(clock)
    for _ in range(failures):
        circuits.failed(SHOP)
    return circuits


def test_a_few_failures_change_nothing() -> None:
    circuits = broken(SetClock(), OPENS_AFTER - 1)
    assert circuits.room(SHOP, 8) == 8


def test_after_five_failures_in_a_row_nothing_is_started_and_others_are_not_touched() -> None:
    circuits = broken(SetClock())
    assert (circuits.room(SHOP, 8), circuits.room(OTHER, 8)) == (0, 8)


def test_after_the_pause_one_delivery_asks_whether_it_is_back() -> None:
    clock = SetClock()
    circuits = broken(clock)
    clock.pass_seconds(FIRST_PAUSE_SECONDS)
    assert circuits.room(SHOP, 8) == 1


def test_a_success_forgives_everything() -> None:
    circuits = broken(SetClock())
    circuits.succeeded(SHOP)
    assert circuits.room(SHOP, 8) == 8
    assert circuits.troubled() == []


def test_each_failed_question_doubles_the_pause_up_to_five_minutes() -> None:
    clock = SetClock()
    circuits = broken(clock)
    pauses = []
    for _ in range(6):
        before = clock.seconds
        while circuits.room(SHOP, 8) == 0:
            clock.pass_seconds(1)
        pauses.append(clock.seconds - before)
        circuits.failed(SHOP)
    assert pauses == [30, 60, 120, 240, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_deliveries_that_were_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    clock = SetClock()
    circuits = broken(clock, OPENS_AFTER + 7)
    clock.pass_seconds(FIRST_PAUSE_SECONDS)
    assert circuits.room(SHOP, 8) == 1


@pytest.mark.parametrize("failures", [1, OPENS_AFTER])
def test_an_endpoint_nobody_has_called_for_an_hour_is_forgotten(failures: int) -> None:
    clock = SetClock()
    circuits = broken(clock, failures)
    assert circuits.troubled() == [SHOP]
    clock.pass_seconds(2 * 3600)
    assert circuits.troubled() == []
    assert circuits.room(SHOP, 8) == 8
