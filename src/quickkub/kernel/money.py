"""Money as whole minor units, the one place where rounding happens, and division that loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quickkub.kernel.errors import Kind, Refusal

AMOUNT_MAX: Final = 10**12
"""Largest amount a single payment may carry, in minor units (security-reliability 5.9)."""


_DIGITS_MAX: Final = 18
"""Digits a decimal text may have, before and after its point together: far more than any amount needs."""


class BadAmount(Refusal):
    """A text or number is not an amount we accept."""

    code, kind = "amount_invalid", Kind.INVALID


class CurrencyMismatch(Refusal):
    """Two amounts of different currencies met in one sum."""

    code, kind = "currency_mismatch", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency: alphabetic code, numeric code, and how many decimals its minor unit has."""

    code: str
    numeric: str
    exponent: int

    def __str__(self) -> str:
        return self.code


THB: Final = Currency("THB", "764", 2)
JPY: Final = Currency("JPY", "392", 0)
USD: Final = Currency("USD", "840", 2)
KWD: Final = Currency("KWD", "414", 3)

CURRENCIES: Final = {c.code: c for c in (THB, JPY, USD, KWD)}


@dataclass(frozen=True, slots=True)
class Money:
    """A whole number of minor units (satang for THB) that knows its currency. May be negative in a ledger."""

    minor: int
    currency: Currency = THB

    def __post_init__(self) -> None:
        # bool is an int in Python; True satang is a bug, not one satang.
        if type(self.minor) is not int:
            raise BadAmount(f"money is a whole number of minor units, not {type(self.minor).__name__}")

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{decimal_text(self)} {self.currency.code}"

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by whole-number weights with the largest remainder method; the parts add up to the whole.

        Ties go to the earlier part. Raises BadAmount when the weights are empty, negative or all zero.
        """
        total = sum(weights)
        if total <= 0 or any(w < 0 for w in weights):
            raise BadAmount("weights must be whole numbers of which at least one is positive")
        sign = -1 if self.minor < 0 else 1
        whole = abs(self.minor)
        shares = [whole * w // total for w in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
        for i in by_remainder[: whole - sum(shares)]:
            shares[i] += 1
        return [Money(sign * share, self.currency) for share in shares]

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be added or compared")


def round_half_up(numerator: int, denominator: int) -> int:
    """The only rounding in QuickKub: half away from zero (invariant S4). `denominator` is positive."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


@dataclass(frozen=True, slots=True)
class Rate:
    """An exact fraction such as 2.65 % or 7/107, applied to money with the one named rounding."""

    numerator: int
    denominator: int = 1

    def __post_init__(self) -> None:
        if self.denominator <= 0:
            raise BadAmount("a rate has a positive denominator")

    @classmethod
    def percent(cls, text: str) -> Rate:
        """`Rate.percent("2.65")` is 265/10000. Plain ASCII decimals only; raises BadAmount for all else."""
        digits, decimals = _read_plain_decimal(text)
        return cls(digits, 100 * 10**decimals)

    def of(self, money: Money) -> Money:
        """This share of `money`, rounded half away from zero to one minor unit."""
        return Money(round_half_up(money.minor * self.numerator, self.denominator), money.currency)


def _read_plain_decimal(text: str) -> tuple[int, int]:
    whole, mark, fraction = text.partition(".")
    plain = _ascii_digits(whole) and (not mark or _ascii_digits(fraction))
    # int() has a limit of its own, thousands of digits away, and raises something that is no refusal there.
    if not plain or len(whole) + len(fraction) > _DIGITS_MAX:
        raise BadAmount(f"not a plain decimal of at most {_DIGITS_MAX} digits: {text[:40]!r}")
    return int(whole + fraction), len(fraction)


def _ascii_digits(text: str) -> bool:
    # str.isdigit alone accepts Thai and full-width digits; int() would then read them.
    return text.isascii() and text.isdigit()


def decimal_text(money: Money) -> str:
    """`Money(1050)` is "10.50": always the currency's full number of decimals, never an exponent."""
    exponent = money.currency.exponent
    sign = "-" if money.minor < 0 else ""
    digits = str(abs(money.minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}" if exponent else f"{sign}{digits}"


def read_decimal(text: str, currency: Currency = THB) -> Money:
    """Read "100", "100.5" or "100.00" into minor units without passing through a float.

    At most 18 ASCII digits and one point; not more decimals than the currency has; no sign, space, comma or
    exponent (security-reliability 5.9). Raises BadAmount.
    """
    digits, decimals = _read_plain_decimal(text)
    if decimals > currency.exponent:
        raise BadAmount(f"{currency.code} has {currency.exponent} decimals, {text!r} has {decimals}")
    return Money(digits * 10 ** (currency.exponent - decimals), currency)


def baht(text: str | int) -> Money:
    """`baht("145.74")` or `baht(150)`: a short way to write THB in recipes and tests."""
    return read_decimal(str(text), THB)
