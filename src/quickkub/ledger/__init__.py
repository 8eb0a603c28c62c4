"""The books: which money is owed by whom to whom, per merchant and mode.

A business fact becomes one journal whose entries sum to zero; every recipe is on one page, `recipes.py`, for
an accountant to read. This room never decides that money moved (payments does), never changes or deletes what
it wrote, never rounds, and keeps no balance beside the entries that make it.
"""

from quickkub.ledger.chart import AccountCode, UnknownAccount
from quickkub.ledger.journal import BookedJournal, Journal, JournalId, Line, Unbookable, credit, debit
from quickkub.ledger.store import Balance, BookedDifferently, Booking, book
from quickkub.ledger.verify import Report, Violation, verify

__all__ = [
    "AccountCode",
    "Balance",
    "BookedDifferently",
    "BookedJournal",
    "Booking",
    "Journal",
    "JournalId",
    "Line",
    "Report",
    "Unbookable",
    "UnknownAccount",
    "Violation",
    "book",
    "credit",
    "debit",
    "verify",
]
