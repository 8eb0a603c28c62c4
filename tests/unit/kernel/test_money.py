"""Money: whole minor units, one rounding, division that loses nothing (L5, S4)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.money import (
    CURRENCIES,
    JPY,
    KWD,
    THB,
    USD,
    BadAmount,
    Currency,
    CurrencyMismatch,
    Money,
    Rate,
    baht,
    decimal_text,
    read_decimal,
    round_half_up,
)

minors = st.integers(-(10**15), 10**15)
amounts = st.builds(Money, minors)
currencies = st.sampled_from(list(CURRENCIES.values()))

NOT_PLAIN = [
    "", " ", "1 ", " 1", "1\n", "+1", "-1", "1,000", "1_000", "1e3", "1E3", "0x10", "NaN", "Infinity",
    "\N{THAI DIGIT ONE}00", "\N{FULLWIDTH DIGIT ONE}", "\N{SUPERSCRIPT TWO}", "\N{MINUS SIGN}1",
    ".", ".5", "5.", "1.2.3", "1.\N{THAI DIGIT FIVE}", "--", "1 000",
]  # fmt: skip


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, Decimal(1), Fraction(1)], ids=repr)
def test_only_a_whole_number_is_an_amount(minor: object) -> None:
    with pytest.raises(BadAmount):
        Money(minor)  # type: ignore[arg-type]


@given(minors, minors)
def test_adding_and_taking_away_are_exact(one: int, other: int) -> None:
    assert Money(one) + Money(other) - Money(other) == Money(one)
    assert -Money(-one) == Money(one)
    assert (Money(one) < Money(other)) == (one < other)
    assert (Money(one) >= Money(other)) == (one >= other)
    assert bool(Money(one)) == (one != 0)


def test_baht_and_dollars_are_never_added_or_compared() -> None:
    for meet in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(CurrencyMismatch):
            meet(Money(1, THB), Money(1, USD))
    assert Money(1, THB) != Money(1, USD)


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any))
def test_the_parts_of_a_division_add_up_and_none_is_a_satang_off_its_share(
    whole: Money, weights: list[int]
) -> None:
    parts = whole.split(weights)
    assert sum(parts, start=Money(0)) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Fraction(whole.minor * weight, sum(weights))) < 1


@given(amounts, st.integers(1, 50))
def test_equal_shares_differ_by_one_satang_at_most_and_the_earlier_get_it(whole: Money, parts: int) -> None:
    shares = [abs(part.minor) for part in whole.split([1] * parts)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@given(amounts, st.lists(st.integers(0, 9), min_size=1).filter(any))
def test_a_part_without_weight_gets_nothing(whole: Money, weights: list[int]) -> None:
    given_nothing = [part for part, weight in zip(whole.split(weights), weights, strict=True) if weight == 0]
    assert not any(given_nothing)


@given(amounts, st.lists(st.integers(1, 9), min_size=1))
def test_dividing_a_debt_mirrors_dividing_money(whole: Money, weights: list[int]) -> None:
    assert (-whole).split(weights) == [-part for part in whole.split(weights)]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1], [2, -1]], ids=str)
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(BadAmount):
        Money(100).split(weights)


def test_a_thousand_and_one_satang_in_three() -> None:
    assert [part.minor for part in Money(1_001).split([1, 1, 1])] == [334, 334, 333]


@given(minors, st.integers(1, 10**9))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    rounded = round_half_up(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (1, 2, 1),
        (-1, 2, -1),
        (3, 2, 2),
        (-3, 2, -2),
        (5, 10, 1),
        (-5, 10, -1),
        (1, 3, 0),
        (-1, 3, 0),
        (0, 7, 0),
    ],
)
def test_half_a_satang_goes_away_from_zero_on_both_sides(
    numerator: int, denominator: int, rounded: int
) -> None:
    assert round_half_up(numerator, denominator) == rounded


@given(minors, st.integers(0, 99_999))
def test_a_percentage_is_what_decimal_arithmetic_says(minor: int, hundredths: int) -> None:
    text = f"{hundredths // 100}.{hundredths % 100:02d}"
    exact = (Decimal(minor) * Decimal(text) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    assert Rate.percent(text).of(Money(minor)) == Money(int(exact))


@pytest.mark.parametrize(
    ("satang", "vat"),
    [(1, 0), (7, 0), (8, 1), (50, 4), (100, 7), (150, 11), (9_900, 693), (123_456_789, 8_641_975)],
)
def test_seven_percent_vat_as_the_tax_pack_works_it_out(satang: int, vat: int) -> None:
    assert Rate.percent("7").of(Money(satang)) == Money(vat)


@pytest.mark.parametrize(("gross", "vat"), [(7, 0), (8, 1), (100, 7), (99_900, 6_536), (123_456, 8_077)])
def test_vat_inside_a_price_is_seven_hundred_and_sevenths(gross: int, vat: int) -> None:
    assert Rate(7, 107).of(Money(gross)) == Money(vat)


def test_a_fee_of_2_65_percent_on_150_baht_is_3_98() -> None:
    assert Rate.percent("2.65").of(baht(150)) == baht("3.98")


@pytest.mark.parametrize("text", NOT_PLAIN, ids=repr)
def test_a_rate_is_read_from_plain_digits_only(text: str) -> None:
    with pytest.raises(BadAmount):
        Rate.percent(text)


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_rate_needs_something_to_divide_by(denominator: int) -> None:
    with pytest.raises(BadAmount):
        Rate(1, denominator)


def test_a_rate_made_of_a_float_cannot_touch_money() -> None:
    with pytest.raises(BadAmount):
        Rate(0.07).of(baht(100))  # type: ignore[arg-type]


@given(st.integers(0, 10**15), currencies)
def test_an_amount_written_out_reads_back(minor: int, currency: Currency) -> None:
    money = Money(minor, currency)
    assert read_decimal(decimal_text(money), currency) == money


@given(st.text(max_size=20))
def test_a_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        money = read_decimal(text)
    except BadAmount:
        return
    assert text.isascii()
    assert Decimal(text) * 100 == money.minor


@pytest.mark.parametrize("text", NOT_PLAIN, ids=repr)
def test_a_text_that_is_not_plain_digits_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        read_decimal(text)


@pytest.mark.parametrize("text", ["9" * 5_000, "0." + "0" * 5_000, "1" * 40], ids=len)
def test_a_text_of_endless_digits_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        read_decimal(text)
    with pytest.raises(BadAmount):
        Rate.percent(text)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("100", THB, 10_000),
        ("100.5", THB, 10_050),
        ("007.05", THB, 705),
        ("1000", JPY, 1000),
        ("1.234", KWD, 1234),
    ],
)
def test_decimals_follow_the_currency(text: str, currency: Currency, minor: int) -> None:
    assert read_decimal(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(("text", "currency"), [("1.001", THB), ("1.0", JPY), ("1.2345", KWD)])
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: Currency) -> None:
    with pytest.raises(BadAmount):
        read_decimal(text, currency)


def test_amounts_are_shown_with_all_their_decimals() -> None:
    shown = [str(money) for money in (Money(5), Money(-1050), Money(1000, JPY), Money(-1, KWD), baht(150))]
    assert shown == ["0.05 THB", "-10.50 THB", "1000 JPY", "-0.001 KWD", "150.00 THB"]
