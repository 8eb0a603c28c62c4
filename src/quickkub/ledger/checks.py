"""What must be true of the books at any moment, each said in SQL that returns only what breaks it.

A check answers with rows of (merchant_id, what, details). The tables of payments are read here and nowhere
else in this room: the books are worth nothing when they agree only with themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.ledger.chart import CHART, MERCHANT_UNAPPLIED
from quickkub.ledger.recipes import MONEY_RECEIVED, REVERSAL


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true. `reads` names the table whose rows it goes through."""

    invariant: str
    says: str
    reads: str
    sql: str
    args: tuple[str | list[str], ...] = ()


_JOURNALS_BALANCE: Final = """
SELECT journal.merchant_id, journal.id AS what,
       jsonb_build_object('lines', journal.lines, 'written', coalesce(entry.written, 0),
                          'out_by', coalesce(entry.out_by, '{}')) AS details
  FROM journals journal
  LEFT JOIN (SELECT merchant_id, journal_id, sum(written)::bigint AS written,
                    jsonb_object_agg(currency, total) FILTER (WHERE total <> 0) AS out_by
               FROM (SELECT merchant_id, journal_id, currency, count(*) AS written, sum(amount) AS total
                       FROM entries GROUP BY merchant_id, journal_id, currency) per_currency
              GROUP BY merchant_id, journal_id) entry
    ON entry.merchant_id = journal.merchant_id AND entry.journal_id = journal.id
 WHERE coalesce(entry.written, 0) <> journal.lines OR journal.lines < 2 OR entry.out_by IS NOT NULL
"""

_ENTRIES_HAVE_JOURNALS: Final = """
SELECT entry.merchant_id, entry.journal_id AS what,
       jsonb_build_object('line', entry.line, 'account', entry.account, 'amount', entry.amount,
                          'currency', entry.currency) AS details
  FROM entries entry
  LEFT JOIN journals journal ON journal.merchant_id = entry.merchant_id AND journal.id = entry.journal_id
 WHERE journal.id IS NULL
"""

_MODES_OF_ENTRIES: Final = """
SELECT entry.merchant_id, entry.journal_id AS what,
       jsonb_build_object('line', entry.line, 'entry', entry.mode, 'journal', journal.mode) AS details
  FROM entries entry
  JOIN journals journal ON journal.merchant_id = entry.merchant_id AND journal.id = entry.journal_id
 WHERE journal.mode <> entry.mode
"""

_MODES_OF_RECEIPTS: Final = """
SELECT receipt.merchant_id, receipt.id AS what,
       jsonb_build_object('receipt', receipt.mode, 'payment', payment.mode, 'attempt', attempt.mode,
                          'account', account.mode) AS details
  FROM receipts receipt
  LEFT JOIN payments payment ON payment.merchant_id = receipt.merchant_id AND payment.id = receipt.payment_id
  LEFT JOIN attempts attempt ON attempt.merchant_id = receipt.merchant_id AND attempt.id = receipt.attempt_id
  LEFT JOIN provider_accounts account
    ON account.merchant_id = receipt.merchant_id AND account.id = receipt.account_id
 WHERE (account.mode = receipt.mode) IS NOT TRUE
    OR (receipt.payment_id IS NOT NULL
        AND (payment.mode = receipt.mode AND attempt.mode = receipt.mode) IS NOT TRUE)
"""

_FACTS_BOOKED_ONCE: Final = """
SELECT merchant_id, source_id AS what,
       jsonb_build_object('source', source_kind, 'kind', kind,
                          'journals', jsonb_agg(id ORDER BY id)) AS details
  FROM journals GROUP BY merchant_id, source_kind, source_id, kind HAVING count(*) > 1
"""

_RECEIPTS_BOOKED_ONCE: Final = """
SELECT receipt.merchant_id, receipt.id AS what,
       jsonb_build_object('journals', coalesce(booked.journals, '[]'), 'amount', receipt.amount,
                          'currency', receipt.currency) AS details
  FROM receipts receipt
  LEFT JOIN (SELECT merchant_id, source_id, count(*) AS times, jsonb_agg(id ORDER BY id) AS journals
               FROM journals WHERE source_kind = 'receipt' GROUP BY merchant_id, source_id) booked
    ON booked.merchant_id = receipt.merchant_id AND booked.source_id = receipt.id
 WHERE booked.times IS DISTINCT FROM 1
"""

_BOOKINGS_HAVE_RECEIPTS: Final = """
SELECT journal.merchant_id, journal.id AS what, jsonb_build_object('receipt', journal.source_id) AS details
  FROM journals journal
  LEFT JOIN receipts receipt ON receipt.merchant_id = journal.merchant_id AND receipt.id = journal.source_id
 WHERE journal.source_kind = 'receipt' AND receipt.id IS NULL
"""

# The whole receipt stands on its own account at the provider and nowhere else at a provider; it is in
# "unapplied" to the last satang as far as it is unapplied.
_RECEIPTS_BOOKED_IN_FULL: Final = """
SELECT merchant_id, receipt_id AS what,
       jsonb_build_object('journal', journal_id, 'kind', kind, 'receipt_mode', receipt_mode,
                          'journal_mode', journal_mode, 'amount', receipt_amount, 'applied', applied_amount,
                          'receivable', receivable, 'elsewhere', elsewhere, 'unapplied', unapplied) AS details
  FROM (SELECT receipt.merchant_id, receipt.id AS receipt_id, journal.id AS journal_id, journal.kind,
               receipt.mode AS receipt_mode, journal.mode AS journal_mode, receipt.amount AS receipt_amount,
               receipt.applied_amount,
               coalesce(sum(entry.amount) FILTER (WHERE entry.account = own
                                                    AND entry.currency = receipt.currency), 0) AS receivable,
               count(*) FILTER (WHERE entry.account LIKE 'provider:%' AND entry.account <> own
                                   OR entry.currency <> receipt.currency) AS elsewhere,
               coalesce(-sum(entry.amount) FILTER (WHERE entry.account = $1), 0) AS unapplied
          FROM receipts receipt
         CROSS JOIN concat_ws(':', 'provider', receipt.provider, receipt.account_id, 'receivable') own
          JOIN journals journal ON journal.merchant_id = receipt.merchant_id
                               AND journal.source_kind = 'receipt' AND journal.source_id = receipt.id
          LEFT JOIN entries entry ON entry.merchant_id = journal.merchant_id AND entry.journal_id = journal.id
         GROUP BY receipt.merchant_id, receipt.id, journal.merchant_id, journal.id) booked
 WHERE journal_mode <> receipt_mode OR kind <> $2 OR receivable <> receipt_amount OR elsewhere > 0
    OR unapplied <> receipt_amount - applied_amount
"""

_PAYMENTS_AGREE: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('state', payment.state, 'amount', payment.amount, 'currency', payment.currency,
                          'captured', payment.captured_amount, 'receipts', coalesce(receipt.n, 0),
                          'received', coalesce(receipt.total, 0),
                          'received_in', receipt.currencies) AS details
  FROM payments payment
  LEFT JOIN (SELECT merchant_id, payment_id, count(*) AS n, sum(applied_amount) AS total,
                    string_agg(DISTINCT currency, ' ') AS currencies
               FROM receipts WHERE applied GROUP BY merchant_id, payment_id) receipt
    ON receipt.merchant_id = payment.merchant_id AND receipt.payment_id = payment.id
 WHERE payment.captured_amount <> coalesce(receipt.total, 0)
    OR (payment.state = 'succeeded') <> (receipt.n IS NOT NULL)
    OR receipt.n IS NOT NULL AND (receipt.currencies <> payment.currency
                                  OR NOT payment.capture_later
                                     AND receipt.total <> payment.amount - payment.short_amount
                                  OR receipt.total > payment.authorized_amount)
"""

_RECEIPTS_HAVE_PAYMENTS: Final = """
SELECT receipt.merchant_id, receipt.id AS what,
       jsonb_build_object('payment', receipt.payment_id, 'attempt', receipt.attempt_id,
                          'attempt_of', attempt.payment_id) AS details
  FROM receipts receipt
  LEFT JOIN payments payment ON payment.merchant_id = receipt.merchant_id AND payment.id = receipt.payment_id
  LEFT JOIN attempts attempt ON attempt.merchant_id = receipt.merchant_id AND attempt.id = receipt.attempt_id
 WHERE receipt.payment_id IS NOT NULL
   AND (payment.id IS NULL OR attempt.payment_id IS DISTINCT FROM receipt.payment_id
    OR (attempt.provider, attempt.account_id) IS DISTINCT FROM (receipt.provider, receipt.account_id))
"""

_CORRECTIONS_HAVE_ORIGINALS: Final = """
SELECT journal.merchant_id, journal.id AS what,
       jsonb_build_object('kind', journal.kind, 'mode', journal.mode, 'corrects', journal.source_id,
                          'corrected_mode', original.mode) AS details
  FROM journals journal
  LEFT JOIN journals original
    ON original.merchant_id = journal.merchant_id AND original.id = journal.source_id
 WHERE journal.source_kind = 'journal'
   AND (original.id IS NULL OR original.mode <> journal.mode
        OR journal.kind = $1 AND EXISTS (
               SELECT FROM entries
                WHERE merchant_id = journal.merchant_id AND journal_id IN (journal.id, original.id)
                GROUP BY account, currency HAVING sum(amount) <> 0))
"""

# MATERIALIZED, or the planner compares every entry instead of every account: 15 s instead of under 1 s for
# 800,000 entries.
_ACCOUNTS_IN_CHART: Final = """
WITH used AS MATERIALIZED (
    SELECT merchant_id, mode, account, count(*) AS n FROM entries GROUP BY merchant_id, mode, account
)
SELECT merchant_id, account AS what, jsonb_build_object('mode', mode, 'entries', n) AS details
  FROM used WHERE account !~ $1
"""

# A guard that is switched off leaves no trace in what it lets through, so the guards are looked at too.
GUARDS: Final = (
    ("journals", "journals_balance"),
    ("journals", "journals_append_only"),
    ("journals", "journals_not_truncated"),
    ("entries", "entries_append_only"),
    ("entries", "entries_not_truncated"),
    ("receipts", "receipts_append_only"),
    ("journals", "PRIMARY KEY (merchant_id, id)"),
    ("journals", "UNIQUE (merchant_id, source_kind, source_id, kind)"),
    ("journals", "CHECK ((lines >= 2))"),
    ("entries", "PRIMARY KEY (merchant_id, journal_id, line)"),
    ("entries", "CHECK ((amount <> 0))"),
    ("entries", "CHECK (((line >= 1) AND (line <= of_lines)))"),
    (
        "entries",
        "FOREIGN KEY (merchant_id, journal_id, mode, of_lines) "
        "REFERENCES journals(merchant_id, id, mode, lines)",
    ),
    ("receipts", "UNIQUE (merchant_id, provider, account_id, transaction_id)"),
)
"""Table and trigger, or table and constraint as PostgreSQL tells it."""

_GUARDS_STAND: Final = """
SELECT NULL AS merchant_id, guard.name AS what,
       jsonb_build_object('table', guard.relation, 'is', coalesce(found.state, 'missing')) AS details
  FROM unnest($1::text[], $2::text[]) AS guard (relation, name)
  LEFT JOIN LATERAL (
       SELECT CASE WHEN tgenabled IN ('O', 'A') THEN 'on' ELSE 'off' END AS state
         FROM pg_trigger WHERE tgrelid = guard.relation::regclass AND tgname = guard.name
        UNION ALL
       SELECT CASE WHEN NOT convalidated THEN 'not validated'
                   WHEN EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = pg_constraint.oid
                                                         AND tgenabled NOT IN ('O', 'A')) THEN 'off'
                   ELSE 'on' END
         FROM pg_constraint
        WHERE conrelid = guard.relation::regclass AND pg_get_constraintdef(oid) = guard.name) found ON true
 WHERE found.state IS DISTINCT FROM 'on'
"""

_ANY_ACCOUNT: Final = "|".join(heading.regex for heading in CHART)

CHECKS: Final = (
    Check("L1", "every journal has its lines, at least two, and sums to zero", "journals", _JOURNALS_BALANCE),
    Check("L1", "every entry belongs to a journal", "entries", _ENTRIES_HAVE_JOURNALS),
    Check("L1", "every account is in the chart", "entries", _ACCOUNTS_IN_CHART, (_ANY_ACCOUNT,)),
    Check("L2", "a correction names what it corrects; a reversal is its opposite", "journals",
          _CORRECTIONS_HAVE_ORIGINALS, (REVERSAL,)),
    Check("L2", "the guards of the books are in force", "guards", _GUARDS_STAND,
          ([table for table, _ in GUARDS], [name for _, name in GUARDS])),
    Check("L3", "a fact is booked at most once", "journals", _FACTS_BOOKED_ONCE),
    Check("L6", "entries are in their journal's mode", "entries", _MODES_OF_ENTRIES),
    Check("L6", "receipts are in the mode of payment, attempt and account", "receipts", _MODES_OF_RECEIPTS),
    Check("P7", "every receipt is booked by exactly one journal", "receipts", _RECEIPTS_BOOKED_ONCE),
    Check("P7", "every booked receipt exists", "journals", _BOOKINGS_HAVE_RECEIPTS),
    Check("P7", "receipts are booked in full, in their mode and on their account", "receipts",
          _RECEIPTS_BOOKED_IN_FULL, (MERCHANT_UNAPPLIED, MONEY_RECEIVED)),
    Check("P7", "payments have captured what their applied receipts say", "payments", _PAYMENTS_AGREE),
    Check("P12", "receipts belong to the payment, provider and account of their attempt", "receipts",
          _RECEIPTS_HAVE_PAYMENTS),
)  # fmt: skip

TABLES: Final = ("journals", "entries", "receipts", "payments")
"""The tables whose rows are counted; a check reads one of them, or the guards."""
