"""How long records are kept: the law is a floor, and no setting goes under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.privacy.periods import (
    DAYS_MAX,
    PERIODS,
    Kind,
    Period,
    RetentionTooShort,
    read_periods,
    variable,
)

ENDING = [period for period in PERIODS if period.days is not None]
SETTABLE = [period for period in ENDING if not period.fixed]


def test_the_defaults_are_those_of_the_specification() -> None:
    days = read_periods({})
    assert {kind: days[kind] for kind in days} == {
        Kind.PAYMENTS: 3650,
        Kind.MERCHANT_CHECKS: 3650,
        Kind.AUDIT: 7 * 365,
        Kind.ACCESS_LOGS: 365,
        Kind.PROVIDER_BODIES: 180,
        Kind.WEBHOOK_BODIES: 90,
        Kind.FRAUD_INPUTS: 396,
        Kind.IDEMPOTENCY: 30,
    }


@pytest.mark.parametrize("period", SETTABLE, ids=lambda period: period.kind.value)
def test_a_setting_at_the_laws_minimum_is_taken_and_a_day_less_is_refused(period: Period) -> None:
    name = variable(period.kind)
    assert read_periods({name: str(period.days_min)})[period.kind] == period.days_min
    with pytest.raises(RetentionTooShort) as refused:
        read_periods({name: str(period.days_min - 1)})
    assert refused.value.param == name


@pytest.mark.parametrize("period", [p for p in PERIODS if p not in SETTABLE], ids=lambda p: p.kind.value)
def test_what_another_job_keeps_to_or_what_stays_cannot_be_set(period: Period) -> None:
    with pytest.raises(RetentionTooShort, match="cannot be set"):
        read_periods({variable(period.kind): "4000"})


@given(st.text(max_size=8))
def test_whatever_a_setting_says_it_is_a_number_within_the_law_or_refused(text: str) -> None:
    name = variable(Kind.PROVIDER_BODIES)
    try:
        days = read_periods({name: text})[Kind.PROVIDER_BODIES]
    except RetentionTooShort:
        return
    assert 90 <= days <= DAYS_MAX
