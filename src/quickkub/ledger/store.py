"""Journals into the tables and out again. There is no SQL here that changes or deletes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import CURRENCIES, THB, Currency, Money
from quickkub.ledger.chart import AccountCode
from quickkub.ledger.journal import BookedJournal, Journal, JournalId, Line
from quickkub.storage import Connection, Row


class BookedDifferently(Refusal):
    """The fact is in the books already, with other lines or in the other mode; nothing was written.

    Two stories about one fact need a person.
    """

    code, kind = "fact_booked_differently", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Booking:
    """Where a fact stands in the books. `new` is False when it had been booked before with the same lines."""

    journal_id: JournalId
    new: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """The sum of all entries of one account: debits positive, credits negative."""

    account: AccountCode
    amount: Money


_BOOK: Final = """
WITH journal AS (
    INSERT INTO journals (merchant_id, id, mode, kind, source_kind, source_id, description, lines,
                          occurred_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (merchant_id, source_kind, source_id, kind) DO NOTHING
    RETURNING merchant_id, id, mode, lines
), written AS (
    INSERT INTO entries (merchant_id, journal_id, line, of_lines, mode, account, amount, currency)
    SELECT journal.merchant_id, journal.id, entry.line, journal.lines, journal.mode,
           entry.account, entry.amount, entry.currency
      FROM journal, unnest($10::text[], $11::bigint[], $12::text[])
                    WITH ORDINALITY AS entry (account, amount, currency, line)
)
SELECT id FROM journal
"""

_JOURNAL: Final = """
SELECT journal.id, journal.mode, journal.kind, journal.source_kind, journal.source_id, journal.description,
       journal.occurred_at, journal.booked_at, entry.accounts, entry.amounts, entry.currencies
  FROM journals journal
 CROSS JOIN LATERAL (
       SELECT array_agg(account ORDER BY line) AS accounts, array_agg(amount ORDER BY line) AS amounts,
              array_agg(currency ORDER BY line) AS currencies
         FROM entries WHERE merchant_id = journal.merchant_id AND journal_id = journal.id) entry
"""


async def book(tx: Connection, merchant: MerchantId, mode: str, journal: Journal) -> Booking:
    """Write the journal and its entries in one statement. The same fact with the same lines is not news.

    A fact being booked by another transaction is waited for. Raises BookedDifferently; the database refuses
    an unbalanced journal again at commit (L1).
    """
    journal_id = JournalId(new_id("jrn"))
    written: str | None = await tx.fetchval(
        _BOOK,
        merchant,
        journal_id,
        mode,
        journal.kind,
        journal.source_kind,
        journal.source_id,
        journal.description,
        len(journal.lines),
        journal.occurred_at,
        [line.account for line in journal.lines],
        [line.amount.minor for line in journal.lines],
        [line.amount.currency.code for line in journal.lines],
    )
    if written is not None:
        return Booking(journal_id, new=True)
    return Booking(await _booked_alike(tx, merchant, mode, journal), new=False)


async def _booked_alike(tx: Connection, merchant: MerchantId, mode: str, journal: Journal) -> JournalId:
    row = await tx.fetchrow(
        _JOURNAL + "WHERE merchant_id = $1 AND source_kind = $2 AND source_id = $3 AND kind = $4",
        merchant,
        journal.source_kind,
        journal.source_id,
        journal.kind,
    )
    if row is None:
        raise LookupError(
            f"{journal.source_id} is booked and cannot be seen; is this a READ COMMITTED transaction?"
        )
    # The lines decide: a provider may tell the time of one payment to the second here, to the minute there.
    if row["mode"] != mode or _in_any_order(_lines(row)) != _in_any_order(journal.lines):
        raise BookedDifferently(
            f"{journal.source_kind} {journal.source_id} is booked as {row['id']} in {row['mode']} mode: "
            f"{_told(_lines(row))}; it cannot be booked in {mode} mode as {_told(journal.lines)}"
        )
    return JournalId(row["id"])


async def journals_about(
    reader: Connection, merchant: MerchantId, mode: str, source_kind: str, source_id: str
) -> list[BookedJournal]:
    """What was booked about one fact, oldest first: at most one journal of each kind."""
    rows = await reader.fetch(
        _JOURNAL + "WHERE merchant_id = $1 AND mode = $2 AND source_kind = $3 AND source_id = $4 ORDER BY id",
        merchant,
        mode,
        source_kind,
        source_id,
    )
    return [_journal(row) for row in rows]


async def balance(
    reader: Connection, merchant: MerchantId, mode: str, account: AccountCode, currency: Currency = THB
) -> Money:
    """The sum of an account's entries: debits positive, credits negative, zero when it has none (L4)."""
    total: int = await reader.fetchval(
        """
        SELECT coalesce(sum(amount), 0)::bigint FROM entries
         WHERE merchant_id = $1 AND mode = $2 AND account = $3 AND currency = $4
        """,
        merchant,
        mode,
        account,
        currency.code,
    )
    return Money(total, currency)


async def balances(reader: Connection, merchant: MerchantId, mode: str) -> list[Balance]:
    """All accounts that have entries, by code and currency. Per currency the amounts sum to zero (L1)."""
    rows = await reader.fetch(
        """
        SELECT account, currency, sum(amount)::bigint AS amount FROM entries
         WHERE merchant_id = $1 AND mode = $2 GROUP BY account, currency ORDER BY account, currency
        """,
        merchant,
        mode,
    )
    return [Balance(AccountCode(row["account"]), _money(row["amount"], row["currency"])) for row in rows]


async def merchants_with_books(reader: Connection) -> list[tuple[MerchantId, str]]:
    """Every merchant and mode that has a journal, without reading the journals one by one."""
    rows = await reader.fetch(
        """
        SELECT merchant.id, books.mode FROM merchants merchant, unnest(ARRAY['live', 'test']) AS books (mode)
         WHERE EXISTS (SELECT FROM entries WHERE merchant_id = merchant.id AND entries.mode = books.mode)
         ORDER BY merchant.id, books.mode
        """
    )
    return [(MerchantId(row["id"]), row["mode"]) for row in rows]


def _journal(row: Row) -> BookedJournal:
    return BookedJournal(
        JournalId(row["id"]),
        Journal(
            row["kind"],
            row["source_kind"],
            row["source_id"],
            row["description"],
            row["occurred_at"],
            _lines(row),
        ),
        row["booked_at"],
    )


def _lines(row: Row) -> tuple[Line, ...]:
    # A journal whose entries somebody removed has none; `quickkub ledger verify` finds it.
    written = zip(row["accounts"] or (), row["amounts"] or (), row["currencies"] or (), strict=True)
    return tuple(Line(AccountCode(account), _money(amount, code)) for account, amount, code in written)


def _money(minor: int, currency: str) -> Money:
    return Money(minor, CURRENCIES[currency])


def _in_any_order(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    return sorted((line.account, line.amount.currency.code, line.amount.minor) for line in lines)


def _told(lines: Sequence[Line]) -> str:
    return ", ".join(str(line) for line in lines)
