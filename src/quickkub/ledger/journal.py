"""A journal that does not balance cannot be built."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.money import THB, Money, decimal_text
from quickkub.ledger.chart import AccountCode, UnknownAccount, heading_of

JournalId = NewType("JournalId", str)

LINES_MIN: Final = 2
LINES_MAX: Final = 32_767
"""What the column `journals.lines` holds."""

_BIGINT: Final = 2**63
_WORD: Final = re.compile(r"[a-z][a-z_]{0,39}")


class Unbookable(Refusal):
    """Lines that are no journal: unbalanced, too few, of zero, or on an account the chart does not have.

    `problems` names each reason; `out_by` is the difference per currency in minor units, positive when the
    debits are larger.
    """

    code, kind = "journal_unbookable", Kind.UNPROCESSABLE

    def __init__(self, problems: tuple[str, ...], out_by: Mapping[str, int]) -> None:
        super().__init__("not a journal: " + "; ".join(problems))
        self.problems = problems
        self.out_by = dict(out_by)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: an account and a signed amount, debits positive and credits negative."""

    account: AccountCode
    amount: Money

    def __str__(self) -> str:
        side = "Cr" if self.amount.minor < 0 else "Dr"
        unsigned = Money(abs(self.amount.minor), self.amount.currency)
        return f"{side} {self.account} {decimal_text(unsigned)} {unsigned.currency}"


def debit(account: AccountCode, money: Money) -> Line:
    """Money onto the left side. A negative debit is a credit."""
    return Line(account, money)


def credit(account: AccountCode, money: Money) -> Line:
    """Money onto the right side. A negative credit is a debit."""
    return Line(account, -money)


def without_zeros(*lines: Line) -> tuple[Line, ...]:
    """The lines that say something: a recipe names the fee even where the fee is nothing."""
    return tuple(line for line in lines if line.amount)


@dataclass(frozen=True, slots=True)
class Journal:
    """One business fact in the books.

    `source_kind` and `source_id` say which fact (`receipt`, `rcp_…`), `kind` what was booked about it; the
    three together are booked once (L3). `occurred_at` is aware and says when it happened, not when it was
    written. Raises Unbookable with every reason there is.
    """

    kind: str
    source_kind: str
    source_id: str
    description: str
    occurred_at: datetime
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        out_by = differences(self.lines)
        problems = (*_about_the_fact(self), *_about_the_lines(self.lines), *_about_the_balance(out_by))
        if problems:
            raise Unbookable(problems, out_by)


def differences(lines: tuple[Line, ...]) -> dict[str, int]:
    """Debits minus credits per currency code, in minor units, where that is not zero."""
    totals: Counter[str] = Counter()
    for line in lines:
        totals[line.amount.currency.code] += line.amount.minor
    return {currency: total for currency, total in sorted(totals.items()) if total}


def _about_the_fact(journal: Journal) -> list[str]:
    problems = []
    if not _WORD.fullmatch(journal.kind) or not _WORD.fullmatch(journal.source_kind):
        problems.append("the kind and the kind of its source are words in lower case")
    if not journal.source_id or not journal.description:
        problems.append("a source and a description are needed")
    if journal.occurred_at.utcoffset() is None:
        problems.append("the time it happened has no time zone")
    return problems


def _about_the_lines(lines: tuple[Line, ...]) -> list[str]:
    problems = []
    if not LINES_MIN <= len(lines) <= LINES_MAX:
        problems.append(f"a journal has {LINES_MIN} to {LINES_MAX} lines, this has {len(lines)}")
    for number, line in enumerate(lines, start=1):
        if not -_BIGINT < line.amount.minor < _BIGINT or not line.amount:
            problems.append(f"line {number} on {line.account} has an amount of {line.amount.minor}")
        try:
            heading_of(line.account)
        except UnknownAccount as unknown:
            problems.append(f"line {number}: {unknown.detail}")
    return problems


def _about_the_balance(out_by: Mapping[str, int]) -> list[str]:
    return [
        f"{'debits' if total > 0 else 'credits'} exceed "
        f"{'credits' if total > 0 else 'debits'} by {abs(total)} {_minor_unit(currency)}"
        for currency, total in out_by.items()
    ]


def _minor_unit(currency: str) -> str:
    return "satang" if currency == THB.code else f"minor units of {currency}"


@dataclass(frozen=True, slots=True)
class BookedJournal:
    """A journal as it stands in the books. `booked_at` is when it was written, by the database's clock."""

    id: JournalId
    journal: Journal
    booked_at: datetime
