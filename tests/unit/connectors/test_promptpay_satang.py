"""Amounts that tell payments apart: never one twice, never too late, never more than 99 satang."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.providers.promptpay.satang import (
    ADDED_MAX,
    EARLY,
    LATE,
    Hold,
    NoFreeAmount,
    amounts_taken,
    payment_for,
    unique_amount,
)
from quickkub.kernel.money import USD, Money

NOON: Final = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
QUARTER: Final = timedelta(minutes=15)


def hold(reference: str, satang: int, begins_at: datetime = NOON) -> Hold:
    return Hold(reference, Money(satang), begins_at, begins_at + QUARTER)


@given(st.integers(1, 10**9), st.sets(st.integers(-5, ADDED_MAX + 5)))
def test_the_amount_is_the_smallest_free_one_or_none_is_given(asked: int, offsets: set[int]) -> None:
    taken = {Money(asked + offset) for offset in offsets}
    free = [added for added in range(ADDED_MAX + 1) if added not in offsets]
    if free:
        assert unique_amount(Money(asked), taken) == Money(asked + free[0])
    else:
        with pytest.raises(NoFreeAmount):
            unique_amount(Money(asked), taken)


def test_a_hundred_payments_of_one_price_fit_and_the_next_is_refused_by_its_name() -> None:
    taken: set[Money] = set()
    for _ in range(ADDED_MAX + 1):
        taken.add(unique_amount(Money(10_000), taken))
    assert {money.minor for money in taken} == set(range(10_000, 10_100))
    with pytest.raises(NoFreeAmount) as refused:
        unique_amount(Money(10_000), taken)
    assert refused.value.code == "promptpay_amounts_used_up"
    assert unique_amount(Money(10_100), taken) == Money(10_100)


def test_another_price_and_a_made_up_amount_are_the_same_amount() -> None:
    assert unique_amount(Money(10_037), {Money(10_037)}) == Money(10_038)


def test_another_currency_takes_nothing() -> None:
    assert unique_amount(Money(100), {Money(100, USD)}) == Money(100)


def test_an_amount_is_free_again_after_the_late_window_and_not_before() -> None:
    kept = hold("A", 10_000)
    over = NOON + QUARTER + LATE + EARLY
    assert amounts_taken([kept], over - timedelta(microseconds=1)) == {Money(10_000)}
    assert amounts_taken([kept], over) == set()


def test_money_of_one_amount_inside_the_window_of_two_payments_is_nobody_s() -> None:
    both = [hold("A", 10_000), hold("B", 10_000, NOON + timedelta(hours=1))]
    assert payment_for(Money(10_000), NOON + timedelta(hours=2), both) is None
    assert payment_for(Money(10_000), NOON + timedelta(minutes=1), both) == both[0]
    assert payment_for(Money(10_001), NOON + timedelta(minutes=1), both) is None


@dataclass
class Shop:
    """An account whose payments are all asked for with amounts of their own."""

    holds: list[Hold] = field(default_factory=list)

    def asks(self, price: int, now: datetime) -> Hold | None:
        try:
            amount = unique_amount(Money(price), amounts_taken(self.holds, now))
        except NoFreeAmount:
            return None
        self.holds.append(Hold(f"QK{len(self.holds)}", amount, now, now + QUARTER))
        return self.holds[-1]


WAITS: Final = st.integers(0, 3 * 86_400)
PRICES: Final = st.sampled_from([100, 150, 199, 200])


@given(st.lists(st.tuples(PRICES, WAITS, st.integers(0, 2 * 86_400)), min_size=1, max_size=150))
def test_whoever_pays_exactly_and_in_time_pays_for_their_own_order(days: list[tuple[int, int, int]]) -> None:
    """However many customers come, at whatever times, and however late they pay inside the window."""
    shop, now, paid = Shop(), NOON, []
    for price, wait, later in days:
        now += timedelta(seconds=wait // 100)
        made = shop.asks(price, now)
        if made is not None:
            assert price <= made.amount.minor <= price + ADDED_MAX
            paid.append((made, now + timedelta(seconds=later)))
    for made, at in paid:
        found = payment_for(made.amount, at, shop.holds)
        assert found == (made if at < made.ends_at + LATE else found)
        assert found is None or found.covers(made.amount, at)


@given(st.lists(st.tuples(PRICES, WAITS), min_size=2, max_size=150))
def test_no_two_payments_that_can_still_be_paid_have_one_amount(days: list[tuple[int, int]]) -> None:
    shop, now = Shop(), NOON
    for price, wait in days:
        now += timedelta(seconds=wait // 50)
        shop.asks(price, now)
        alive = [one.amount for one in shop.holds if now < one.free_from]
        assert len(alive) == len(set(alive))
