"""Amount text of tag 54 and integer satang, in both directions, without a float (promptpay pack 1.4)."""

from __future__ import annotations

import re
from typing import Final

from quickkub.kernel.money import THB, Money
from quickkub.promptpay.errors import (
    AmountEmpty,
    AmountNegative,
    AmountNotFinite,
    AmountTooLong,
    AmountZero,
    CurrencyNotThb,
    refusal,
)

AMOUNT_TEXT_MAX: Final = 13
SATANG_MAX: Final = 999_999_999_999
"""9,999,999,999.99 baht: the most that 13 characters hold with two decimals."""

PLAIN: Final = re.compile(r"([0-9]+)(?:\.([0-9]*))?")
_NEGATIVE: Final = re.compile(r"-[0-9]+(?:\.[0-9]*)?")
_NOT_FINITE: Final = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_SATANG_DECIMALS: Final = 2
_USUAL: Final = re.compile(r"([0-9]{1,10})\.([0-9]{2})")


def amount_faults(text: str, *, decimals: int | None = _SATANG_DECIMALS) -> list[str]:
    """Error codes for a tag 54 value, first the one that is checked first; empty when the text is legal.

    `98.73`, `98` and `98.` are legal; so are leading zeros. `.50` is not: the mark separates decimals from
    an integer part. `decimals` None leaves the number of decimals open, for currencies other than THB.
    """
    if not text:
        return ["amount_empty"]
    faults = ["amount_too_long"] if len(text) > AMOUNT_TEXT_MAX else []
    plain = PLAIN.fullmatch(text)
    if plain is None:
        faults.append("amount_negative" if _NEGATIVE.fullmatch(text) else "amount_bad_character")
        return faults
    if decimals is not None and len(plain[2] or "") > decimals:
        faults.append("amount_too_many_decimals")
    if not text.strip("0."):
        faults.append("amount_zero")
    return faults


def satang_of(text: str) -> int:
    """Satang of a text without `amount_faults`. A whole-baht text may exceed SATANG_MAX; see the caller."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(_SATANG_DECIMALS, "0"))


def usual_satang(text: str) -> int:
    """Satang of an amount written as QuickKub writes it; 0 for zero and for any other form, legal or not."""
    usual = _USUAL.fullmatch(text)
    return int(usual[1] + usual[2]) if usual else 0


def read_baht(text: str) -> Money:
    """Amount typed by a person or a script, in baht, for `build`.

    Raises AmountEmpty, AmountNotFinite, AmountNegative, AmountTooLong, AmountTooManyDecimals, AmountZero,
    AmountBadCharacter. Never rounds.
    """
    satang = usual_satang(text)
    if satang:
        return Money(satang)
    if not text:
        raise AmountEmpty(param="amount")
    if _NOT_FINITE.fullmatch(text):
        raise AmountNotFinite(param="amount")
    faults = amount_faults(text)
    if faults:
        raise refusal(faults[0], where="54", errors=tuple(faults))
    money = Money(satang_of(text))
    if money.minor > SATANG_MAX:
        raise AmountTooLong(param="amount")
    return money


def baht_text(money: Money) -> str:
    """`Money(10000)` is `100.00`: always two decimals, as QuickKub emits tag 54.

    Raises CurrencyNotThb, AmountZero, AmountNegative, AmountTooLong.
    """
    satang = money.minor
    if money.currency is not THB and money.currency != THB:
        raise CurrencyNotThb(param="amount")
    if not 0 < satang <= SATANG_MAX:
        if satang == 0:
            raise AmountZero(param="amount")
        raise AmountNegative(param="amount") if satang < 0 else AmountTooLong(param="amount")
    digits = str(satang).zfill(_SATANG_DECIMALS + 1)
    return f"{digits[:-2]}.{digits[-2:]}"
