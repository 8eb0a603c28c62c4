"""Whether a transfer that a bank vouches for is the one that was asked about. No I/O.

The rules are those of the promptpay pack, section 6.3: only the bank's record counts; amount equal to the
satang; receiver by the digits that are not masked; not paid before the order was made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.connectors.contract import Account, Slip
from quickkub.connectors.switches import setting
from quickkub.kernel.money import Money
from quickkub.payments.model import Attempt, Payment

RECEIVER_SETTINGS: Final = (
    "biller_id",
    "merchant_id",
    "shop_id",
    "promptpay_id",
    "proxy_id",
    "proxy",
    "mobile",
    "phone",
    "national_id",
    "tax_id",
    "ewallet_id",
    "account_number",
    "bank_account",
)
"""Settings by which a bank may name who received the money."""

VISIBLE_DIGITS_MIN: Final = 4
"""Fewer digits than this in common prove nothing; banks leave four in sight."""

PHONE_DIGITS: Final = 10

EARLY: Final = timedelta(minutes=10)
"""How far a bank's clock may be behind ours."""

LATE: Final = timedelta(hours=48)
"""How long after its time was up a transfer is still taken for a payment."""

AGE: Final = timedelta(days=30)
"""The oldest slip any bank still finds (pack 6.3)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the transfer should be: any of our ids (`receivers`, digits only), any of our references."""

    amounts: tuple[Money, ...]
    receivers: tuple[str, ...]
    references: tuple[str, ...]
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Checks:
    """True: it is so. False: it is not. None: there was nothing to compare with."""

    amount: bool | None
    receiver: bool | None
    reference: bool | None
    time: bool | None

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of what is not so."""
        named = (
            ("amount_differs", self.amount),
            ("receiver_differs", self.receiver),
            ("reference_differs", self.reference),
            ("time_differs", self.time),
        )
        return tuple(name for name, is_so in named if is_so is False)


def expected(
    payment: Payment | None,
    attempts: Sequence[Attempt],
    amount: Money | None,
    accounts: Sequence[Account],
    reader: str,
    now: datetime,
) -> Expected:
    """For a payment: what its attempts asked for, at their accounts, in its time. Else what the caller says.

    Only a transfer to the account that looks it up (`reader`) carries our references.
    """
    receivers = tuple(
        digits
        for account in accounts
        for name in RECEIVER_SETTINGS
        if (digits := _digits(setting(account, name)))
    )
    told = (amount,) if amount is not None else ()
    if payment is None:
        return Expected(told, receivers, (), now - AGE, now + EARLY)
    return Expected(
        (*told, attempts[-1].amount),
        receivers,
        tuple(attempt.reference for attempt in attempts if attempt.account == reader),
        payment.created_at - EARLY,
        payment.expires_at + LATE,
    )


def check(slip: Slip, wanted: Expected) -> Checks:
    """Compare the bank's record with what was expected; every amount that was named must be it."""
    return Checks(
        amount=all(slip.amount == amount for amount in wanted.amounts) if wanted.amounts else None,
        receiver=same_receiver(slip.receiver_id, wanted.receivers),
        reference=_same_reference(slip.references, wanted.references),
        time=wanted.not_before <= slip.paid_at <= wanted.not_after,
    )


def _same_reference(shown: Sequence[str], own: Sequence[str]) -> bool | None:
    if not shown or not own:
        return None
    return not set(own).isdisjoint(reference.upper() for reference in shown)


def same_receiver(shown: str, own: Sequence[str]) -> bool | None:
    """Whether a masked id can be one of ours; None when too little is shown to tell, or we know no such id.

    Only ids of one length are laid over each other: an account number says nothing about a biller id. Banks
    write phone numbers with 0, 66 or 0066 before them.
    """
    marks = re.sub(r"[^0-9xX*]", "", shown)
    if sum(mark.isdigit() for mark in marks) < VISIBLE_DIGITS_MIN:
        return None
    alike = [digits for one in own for digits in _spellings(one) if len(digits) == len(marks)]
    if not alike:
        return None
    return any(
        all(mark == digit for mark, digit in zip(marks, digits, strict=True) if mark.isdigit())
        for digits in alike
    )


def _spellings(digits: str) -> tuple[str, ...]:
    if len(digits) == PHONE_DIGITS and digits.startswith("0"):
        return (digits, digits[1:], "66" + digits[1:], "0066" + digits[1:])
    return (digits,)


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)
