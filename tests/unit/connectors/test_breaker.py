"""The circuit in front of a provider."""

from __future__ import annotations

from quickkub.connectors.breaker import OPEN_SECONDS, TRICKLE_SECONDS, TROUBLES_MAX, Breaker, Ticket
from tests.support.hand_clock import HandClock


def opened() -> tuple[Breaker, HandClock]:
    clock = HandClock()
    breaker = Breaker(clock)
    for _ in range(TROUBLES_MAX):
        ticket = breaker.admit(asks_only=False)
        assert ticket is Ticket.CLOSED
        breaker.troubled(ticket)
    return breaker, clock


def test_it_opens_after_so_many_troubles_in_a_row_and_holds_charges_back() -> None:
    breaker, _ = opened()
    assert breaker.is_open
    assert breaker.admit(asks_only=False) is None


def test_one_answer_of_any_kind_starts_the_count_again() -> None:
    breaker = Breaker(HandClock())
    for _ in range(3 * TROUBLES_MAX):
        for outcome in (breaker.troubled, breaker.troubled, breaker.answered):
            outcome(Ticket.CLOSED)
    assert not breaker.is_open


def test_while_open_questions_pass_at_a_low_rate() -> None:
    breaker, clock = opened()
    assert breaker.admit(asks_only=True) is Ticket.TRICKLE
    assert breaker.admit(asks_only=True) is None
    clock.passes(TRICKLE_SECONDS)
    assert breaker.admit(asks_only=True) is Ticket.TRICKLE


def test_a_question_that_is_answered_closes_it() -> None:
    breaker, _ = opened()
    ticket = breaker.admit(asks_only=True)
    assert ticket is not None
    breaker.answered(ticket)
    assert breaker.admit(asks_only=False) is Ticket.CLOSED


def test_after_a_while_exactly_one_charge_is_let_through_as_a_probe() -> None:
    breaker, clock = opened()
    clock.passes(OPEN_SECONDS)
    assert breaker.admit(asks_only=False) is Ticket.PROBE
    assert breaker.admit(asks_only=False) is None


def test_whoever_chooses_between_providers_sends_a_charge_again_when_the_probe_is_due() -> None:
    breaker, clock = opened()
    held = [breaker.holds_charges]
    clock.passes(OPEN_SECONDS)
    held.append(breaker.holds_charges)
    assert breaker.is_open and breaker.admit(asks_only=False) is Ticket.PROBE
    held.append(breaker.holds_charges)
    assert held == [True, False, True], "one probe is enough"


def test_a_probe_that_fails_keeps_it_open_and_one_that_is_answered_closes_it() -> None:
    breaker, clock = opened()
    clock.passes(OPEN_SECONDS)
    breaker.troubled(Ticket.PROBE) if breaker.admit(asks_only=False) else None
    assert breaker.admit(asks_only=False) is None
    clock.passes(OPEN_SECONDS)
    assert breaker.admit(asks_only=False) is Ticket.PROBE
    breaker.answered(Ticket.PROBE)
    assert not breaker.is_open


def test_a_probe_without_a_verdict_makes_room_for_another() -> None:
    breaker, clock = opened()
    clock.passes(OPEN_SECONDS)
    assert breaker.admit(asks_only=False) is Ticket.PROBE
    breaker.undecided(Ticket.PROBE)
    assert breaker.admit(asks_only=False) is Ticket.PROBE


def test_questions_that_fail_meanwhile_do_not_put_the_probe_off() -> None:
    breaker, clock = opened()
    for _ in range(OPEN_SECONDS):
        clock.passes(1)
        if ticket := breaker.admit(asks_only=True):
            breaker.troubled(ticket)
    clock.passes(OPEN_SECONDS)
    assert breaker.admit(asks_only=False) is Ticket.PROBE
