"""The database's own guards: in force, and on tables that survive a crash (D1)."""

from __future__ import annotations

from typing import Final

from quickkub.ledger.checks import Check

MONEY_TABLES: Final = (
    "merchants",
    "payments",
    "attempts",
    "instructions",
    "evidence",
    "receipts",
    "unapplied",
    "refunds",
    "disputes",
    "journals",
    "entries",
    "events",
    "webhook_deliveries",
    "inbox",
    "cases",
    "idempotency_keys",
)

_NOTHING_UNLOGGED: Final = """
SELECT NULL AS merchant_id, money.name AS what, jsonb_build_object('persistence', class.relpersistence) AS
details
  FROM unnest($1::text[]) AS money (name)
  LEFT JOIN pg_class class ON class.oid = to_regclass(money.name)
 WHERE class.relpersistence IS DISTINCT FROM 'p'
UNION ALL
SELECT NULL, 'synchronous_commit', jsonb_build_object('is', current_setting('synchronous_commit'))
 WHERE current_setting('synchronous_commit') = 'off'
UNION ALL
SELECT NULL, 'fsync', jsonb_build_object('is', current_setting('fsync')) WHERE current_setting('fsync') =
'off'
"""

_TRIGGERS_ON: Final = """
SELECT NULL AS merchant_id, trigger.tgname AS what,
       jsonb_build_object('table', trigger.tgrelid::regclass::text, 'is', trigger.tgenabled) AS details
  FROM pg_trigger trigger JOIN unnest($1::text[]) AS money (name) ON trigger.tgrelid = to_regclass(money.name)
 WHERE trigger.tgenabled NOT IN ('O', 'A')
UNION ALL
SELECT NULL, conname, jsonb_build_object('table', conrelid::regclass::text, 'is', 'not validated')
  FROM pg_constraint JOIN unnest($1::text[]) AS money (name) ON conrelid = to_regclass(money.name)
 WHERE NOT convalidated
"""

CHECKS: Final = (
    Check("D1", "money tables survive a crash", "payments", _NOTHING_UNLOGGED, (list(MONEY_TABLES),)),
    Check("P11", "the database's guards are in force", "payments", _TRIGGERS_ON, (list(MONEY_TABLES),)),
)
