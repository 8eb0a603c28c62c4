"""Fee arithmetic: exact shares, one rounding."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.money import THB, Money, round_half_up
from quickkub.merchants.fees import FeePlan, FeePlanInvalid, read_percent

_shares = st.decimals(min_value=0, max_value=100, places=6, allow_nan=False)


@given(_shares, st.integers(0, 1_000_000), st.integers(0, 10**12))
def test_a_fee_is_the_exact_share_rounded_once_and_the_fixed_part(
    share: Decimal, fixed: int, amount: int
) -> None:
    plan = FeePlan("fee_1", "", read_percent(f"{share:f}"), fixed, datetime.now(UTC), None)
    exact = Fraction(share) * amount / 100
    assert plan.fee_of(Money(amount, THB)).minor == fixed + round_half_up(exact.numerator, exact.denominator)


@given(_shares)
def test_a_share_keeps_its_value_and_loses_its_idle_zeros(share: Decimal) -> None:
    text = read_percent(f"{share:f}")
    assert Decimal(text) == share
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize("text", ["", "-1", "100.01", "2,65", "1e1", "NaN", "0.1234567", "๒", " 1", "1 "])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(FeePlanInvalid):
        read_percent(text)
