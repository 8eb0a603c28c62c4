"""Routing decisions: rules, inputs and a seed in, an order of accounts out, the same every time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.payments.routes.decide import applies, decide, is_degraded
from quickkub.payments.routes.model import (
    NO_RULES,
    WEEKDAYS,
    Candidate,
    Decision,
    Hours,
    Inputs,
    Rule,
    Rules,
    Strategy,
    Use,
    When,
)
from quickkub.payments.routes.why import after_failure, explain, inputs_of, replay

WEDNESDAY_NOON = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
"""12:00 in Bangkok."""


def account(number: int, **more: Any) -> Candidate:
    return Candidate(f"acc_{number}", f"bank_{number % 3}", **more)


def asking(*candidates: Candidate, amount: int = 15_000, **more: Any) -> Inputs:
    fields: dict[str, Any] = {"method": "promptpay", "capture_later": False, "at": WEDNESDAY_NOON} | more
    return Inputs(amount=amount, currency="THB", candidates=candidates, **fields)


def order(rule: Rule, inputs: Inputs, seed: str = "pay_1", **more: Any) -> list[int]:
    return [int(one[4:]) for one in decide(Rules(1, (rule,), **more), inputs, seed).order]


ABC = (account(1), account(2), account(3))
OF_ALL = tuple(Use(f"acc_{n}") for n in (1, 2, 3))

times = st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
candidates = st.lists(
    st.builds(
        account,
        st.integers(1, 12),
        excluded=st.sampled_from([None, None, None, "method_not_offered"]),
        cost_basis_points=st.none() | st.integers(0, 500),
        circuit_open=st.booleans(),
        good=st.integers(0, 50),
        bad=st.integers(0, 50),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda candidate: candidate.account,
)
inputs = st.builds(
    Inputs,
    amount=st.integers(1, 1_000_000),
    currency=st.just("THB"),
    method=st.sampled_from(["promptpay", "card"]),
    capture_later=st.booleans(),
    at=times,
    candidates=candidates.map(tuple),
    one_provider=st.booleans(),
    first_only=st.sampled_from([(), ("bank_1",), ("bank_0", "bank_2")]),
)
whens = st.builds(
    When,
    amount_min=st.none() | st.integers(1, 1_000_000),
    amount_max=st.none() | st.integers(1, 1_000_000),
    methods=st.sampled_from([(), ("promptpay",), ("card", "promptpay")]),
    hours=st.none() | st.builds(Hours, st.integers(0, 23), st.integers(0, 24)),
    weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=7, unique=True).map(tuple),
)
uses = st.builds(
    Use,
    st.integers(1, 12).map("acc_{}".format),
    weight=st.integers(1, 100),
    cost_basis_points=st.none() | st.integers(0, 500),
    cost_fixed=st.integers(0, 2_000),
)
a_rule = st.builds(
    Rule,
    whens,
    st.sampled_from(Strategy),
    st.lists(uses, max_size=5, unique_by=lambda use: use.account).map(tuple),
    st.booleans(),
    st.text(max_size=5),
)
some_rules = st.builds(
    Rules,
    st.integers(1, 99),
    st.lists(a_rule, max_size=4).map(tuple),
    st.integers(1, 60),
    st.integers(0, 30),
)


# --- the same answer, for ever ----------------------------------------------------------------------------


@given(some_rules, inputs, st.text(min_size=1, max_size=36))
def test_a_stored_explanation_decides_the_same_again(rules: Rules, asked: Inputs, seed: str) -> None:
    decision = decide(rules, asked, seed)
    if not decision.order:
        return
    why = json.loads(json.dumps(explain(rules, asked, seed, decision)))
    stored = msgspec.convert(json.loads(msgspec.json.encode(rules)), Rules)
    assert stored == rules and inputs_of(why) == asked
    assert replay(why, stored) == why["chosen"] == decision.order[0]
    tried = []
    for account_id in decision.order[1:]:
        tried.append(why["chosen"])
        later = after_failure(why, tried, "att_1", "provider_unavailable")
        assert later is not None
        assert replay(later, stored) == later["chosen"] == account_id
        why = later


@given(some_rules, inputs, st.text(max_size=36))
def test_only_accounts_that_can_take_the_payment_are_in_the_order_and_each_once(
    rules: Rules, asked: Inputs, seed: str
) -> None:
    decision = decide(rules, asked, seed)
    able = {one.account for one in asked.candidates if one.excluded is None}
    assert set(decision.order) <= able and len(set(decision.order)) == len(decision.order)
    assert bool(decision.order) == bool(able), "whoever can be paid is paid"


@given(some_rules, inputs)
def test_every_candidate_is_in_the_order_or_told_why_not(rules: Rules, asked: Inputs) -> None:
    decision = decide(rules, asked, "pay_1")
    if decision.order:
        for told in explain(rules, asked, "pay_1", decision)["candidates"]:
            assert (told["account"] in decision.order) == (told["excluded"] is None)


def test_a_decision_is_not_played_again_with_rules_of_another_version() -> None:
    why = explain(NO_RULES, asking(*ABC), "pay_1", Decision(None, ("acc_1",)))
    with pytest.raises(ValueError, match="decided by version 0, not 3"):
        replay(why, Rules(3))


# --- conditions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (When(), True),
        (When(amount_min=15_000, amount_max=15_000), True),
        (When(amount_min=15_001), False),
        (When(amount_max=14_999), False),
        (When(methods=("card", "promptpay")), True),
        (When(methods=("card",)), False),
        (When(weekdays=("wed",)), True),
        (When(weekdays=("tue", "thu")), False),
        (When(hours=Hours(12, 13)), True),
        (When(hours=Hours(11, 12)), False),
        (When(hours=Hours(22, 13)), True),
        (When(hours=Hours(22, 6)), False),
        (When(hours=Hours(0, 24)), True),
    ],
)
def test_all_conditions_of_a_rule_must_hold(when: When, holds: bool) -> None:
    assert applies(when, asking(*ABC)) is holds


def test_a_weekday_begins_at_midnight_in_bangkok() -> None:
    late_tuesday_in_london = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
    assert applies(When(weekdays=("wed",)), asking(*ABC, at=late_tuesday_in_london))
    assert not applies(
        When(weekdays=("wed",)), asking(*ABC, at=late_tuesday_in_london - timedelta(seconds=1))
    )


@given(st.integers(0, 23), st.integers(0, 23), times)
def test_an_hour_is_in_a_span_or_in_the_rest_of_the_day(start: int, end: int, at: datetime) -> None:
    if start != end:
        one, other = When(hours=Hours(start, end)), When(hours=Hours(end, start))
        asked = asking(*ABC, at=at)
        assert applies(one, asked) is not applies(other, asked)


# --- strategies -------------------------------------------------------------------------------------------


def test_priority_takes_accounts_as_they_are_listed() -> None:
    assert order(Rule(use=(Use("acc_3"), Use("acc_1"))), asking(*ABC)) == [3, 1]


def test_weights_say_how_often_an_account_comes_first() -> None:
    rule = Rule(strategy=Strategy.WEIGHTED, use=(Use("acc_1", 70), Use("acc_2", 20), Use("acc_3", 10)))
    firsts = Counter(order(rule, asking(*ABC), f"pay_{n}")[0] for n in range(2_000))
    assert 1_300 < firsts[1] < 1_500 and 330 < firsts[2] < 470 and 140 < firsts[3] < 260


def test_the_cheapest_account_depends_on_the_amount() -> None:
    flat = Use("acc_1", cost_basis_points=0, cost_fixed=500)
    share = Use("acc_2", cost_basis_points=80)
    rule = Rule(strategy=Strategy.LEAST_COST, use=(share, flat, Use("acc_3")))
    assert order(rule, asking(*ABC, amount=10_000)) == [2, 1, 3], "0.80 against 5.00 baht"
    assert order(rule, asking(*ABC, amount=1_000_000)) == [1, 2, 3], "80.00 against 5.00 baht"


def test_list_prices_count_where_the_merchant_names_none_and_unknown_prices_come_last() -> None:
    known = (account(1), account(2, cost_basis_points=265), account(3, cost_basis_points=160))
    assert order(Rule(strategy=Strategy.LEAST_COST), asking(*known)) == [3, 2, 1]


def test_the_account_that_succeeds_most_often_comes_first() -> None:
    seen = (account(1, good=90, bad=10), account(2, good=30, bad=1), account(3, good=5, bad=5))
    assert order(Rule(strategy=Strategy.SUCCESS_RATE), asking(*seen), samples_min=10) == [2, 1, 3]


def test_an_account_nobody_knows_is_tried_before_one_that_fails_now_and_then() -> None:
    seen = (account(1, good=99, bad=1), account(2, good=0, bad=3))
    assert order(Rule(strategy=Strategy.SUCCESS_RATE), asking(*seen), samples_min=4) == [2, 1]
    assert order(Rule(strategy=Strategy.SUCCESS_RATE), asking(*seen), samples_min=3) == [1, 2]


# --- health -----------------------------------------------------------------------------------------------


def test_a_degraded_account_comes_last_unless_the_rule_wants_it_all_the_same() -> None:
    seen = (account(1, circuit_open=True), account(2, good=4, bad=16), account(3))
    assert order(Rule(use=OF_ALL), asking(*seen)) == [3, 1, 2]
    assert order(Rule(use=OF_ALL, even_if_degraded=True), asking(*seen)) == [1, 2, 3]


def test_an_account_is_degraded_when_it_fails_more_often_than_not_over_enough_outcomes() -> None:
    assert is_degraded(account(1, good=9, bad=11), 20)
    assert not is_degraded(account(1, good=10, bad=10), 20)
    assert not is_degraded(account(1, good=0, bad=19), 20)


# --- which rule -------------------------------------------------------------------------------------------


def test_the_first_rule_that_applies_and_has_an_able_account_decides() -> None:
    gone = Rule(use=(Use("acc_9"),))
    other = Rule(When(methods=("card",)), use=(Use("acc_2"),))
    third = Rule(use=(Use("acc_3"),))
    assert decide(Rules(1, (gone, other, third)), asking(*ABC), "pay_1") == Decision(3, ("acc_3",))
    assert decide(Rules(1, (gone, other)), asking(*ABC), "pay_1").rule is None


def test_a_provider_that_may_only_be_first_is_never_asked_after_another() -> None:
    seen = (account(1), account(2), account(4))
    assert decide(NO_RULES, asking(*seen, first_only=("bank_1",)), "pay_1").order == ("acc_1", "acc_2")
    later = decide(NO_RULES, asking(seen[1], seen[0], first_only=("bank_1",)), "pay_1")
    assert later.order == ("acc_2",)


def test_what_is_worth_something_at_one_provider_only_stays_there() -> None:
    same = (account(1), account(2), account(4))
    assert decide(NO_RULES, asking(*same, one_provider=True), "pay_1").order == ("acc_1", "acc_4")
