"""All invariants at one moment, and those that no query can see, with the tests that hold them."""

from __future__ import annotations

from typing import Final

from quickkub.invariants import audit_sql, guards_sql, money_sql, words_sql
from quickkub.ledger import checks as ledger_checks
from quickkub.ledger.verify import Report, inspect
from quickkub.storage import Database

CHECKS: Final = (
    *ledger_checks.CHECKS,
    *money_sql.CHECKS,
    *words_sql.CHECKS,
    *guards_sql.CHECKS,
    *audit_sql.CHECKS,
)

TABLES: Final = (
    *ledger_checks.TABLES,
    "attempts",
    "instructions",
    "refunds",
    "unapplied",
    "evidence",
    "events",
    "webhook_deliveries",
    "inbox",
    "idempotency_keys",
    *audit_sql.TABLES,
)

HELD_BY_TESTS: Final = {
    "A1": "every privileged act is written down with it: tests/api/test_every_privileged_act_is_audited.py",
    "L5": "amounts are integers: `tools/check_money.py`, tests/architecture/test_no_float_near_money.py",
    "E5": "no reader skips a late commit: tests/storage/test_webhook_delivery_replay.py",
    "D2": "a lost commit is resolved by reading the key: tests/storms (T6)",
    "D3": "no money decision reads a replica: there is one pool, storage/database.py",
    "D4": "no network call in a transaction: `tools/check_transactions.py`, connectors/transport.py refuses",
    "D5": "leases by the database's clock, durations monotonic: tests/storms (T7)",
    "D7": "after a restore provider truth comes first: tests/storms (T9)",
}
"""Invariants about what happens, not about what is stored."""


async def check_invariants(database: Database) -> Report:
    """Run every check on one snapshot. Raises NoBooks, DatabaseAway."""
    return await inspect(database, CHECKS, TABLES)
