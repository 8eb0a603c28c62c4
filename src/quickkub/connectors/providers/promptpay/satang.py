"""Telling payments apart that carry no reference: each is asked for with an amount nobody else has.

A PromptPay transfer has no reference (promptpay pack 2.2, 6.1), so some satang are added until the final
amount is unlike every other that is open, or may still be paid late, at the same account (pack 6.4). Pure
functions; keeping the holds, with a unique key on account and final amount, is the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.money import Money

ADDED_MAX: Final = 99
"""Most that is added, in satang: 100 payments of one price may wait at the same time."""

LATE: Final = timedelta(hours=24)
"""How long after its end a payment's amount stays taken: a QR that was shown can still be paid (pack 6.4)."""

EARLY: Final = timedelta(minutes=2)
"""How far a bank's clock may be behind ours."""


class NoFreeAmount(Refusal):
    """All hundred amounts for this price are taken. None is ever taken twice: use another method, or wait."""

    code, kind = "promptpay_amounts_used_up", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Hold:
    """A final amount that belongs to one payment at one account, from its beginning to its end and late.

    `reference` is the payment's (our attempt's); times are aware UTC.
    """

    reference: str
    amount: Money
    begins_at: datetime
    ends_at: datetime

    @property
    def free_from(self) -> datetime:
        """When somebody else may have the amount. Whoever pays until then still pays for this payment."""
        return self.ends_at + LATE + EARLY

    def covers(self, amount: Money, paid_at: datetime) -> bool:
        """Whether money of this amount, moved at this moment by the bank's clock, is for this payment."""
        return self.amount == amount and self.begins_at - EARLY <= paid_at < self.ends_at + LATE


def unique_amount(asked: Money, taken: Collection[Money]) -> Money:
    """The smallest of `asked` and up to 99 satang more that is not taken. Raises NoFreeAmount.

    `taken` are the final amounts of the same account inside their late window (`amounts_taken`). It is the
    final amount that has to be unlike, not what was added: 100.37 may be somebody's price.
    """
    for added in range(ADDED_MAX + 1):
        amount = Money(asked.minor + added, asked.currency)
        if amount not in taken:
            return amount
    raise NoFreeAmount(f"{asked} and up to {ADDED_MAX} satang more are waited for already")


def amounts_taken(holds: Iterable[Hold], now: datetime) -> set[Money]:
    """The amounts nobody else may have at `now`."""
    return {hold.amount for hold in holds if now < hold.free_from}


def payment_for(amount: Money, paid_at: datetime, holds: Iterable[Hold]) -> Hold | None:
    """Whose money this is, if it is exactly one payment's; a person decides about everything else."""
    found = [hold for hold in holds if hold.covers(amount, paid_at)]
    return found[0] if len(found) == 1 else None
