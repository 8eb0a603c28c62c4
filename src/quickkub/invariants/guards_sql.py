"""The database's own guards: in force, and on tables that survive a crash (D1)."""

from __future__ import annotations

from typing import Final

from quickkub.ledger.checks import Check
from quickkub.storage.database import APP_ROLE

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

ONLY_ADDED: Final = ("journals", "entries", "audit_logs", "audit_seals", "audit_anchors", "audit_dropped")
"""Tables that the gateway's role may add to and no more (L2, A2)."""

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

_OWN_ROWS: Final = (
    "((current_setting('quickkub.scope'::text, true) = 'house'::text) OR "
    "(%s = current_setting('quickkub.scope'::text, true)))"
)
"""The policy as PostgreSQL writes it out; docs/decisions/0023-row-security.md."""

# The audit log may be added to for the platform's chain by whoever works.
# A table of merchants' rows is any that has a merchant_id: one that a migration forgot is found, too.
_OWN_ROWS_ONLY: Final = """
SELECT NULL AS merchant_id, class.relname AS what,
       jsonb_build_object('enabled', class.relrowsecurity, 'forced', class.relforcerowsecurity,
                          'policies', policies.said, 'owner', class.relowner::regrole::text) AS details
  FROM pg_class class
  JOIN pg_attribute owner ON owner.attrelid = class.oid AND NOT owner.attisdropped
       AND owner.attname = CASE class.relname WHEN 'merchants' THEN 'id' ELSE 'merchant_id' END
  LEFT JOIN LATERAL (SELECT array_agg(concat_ws(' ', polcmd, polroles::text, pg_get_expr(polqual, polrelid),
                                                pg_get_expr(polwithcheck, polrelid)) ORDER BY polname) AS said
                       FROM pg_policy WHERE polrelid = class.oid) policies ON true
 WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p')
   AND (NOT class.relrowsecurity OR NOT class.relforcerowsecurity
        OR policies.said IS DISTINCT FROM
           CASE relname WHEN 'audit_logs' THEN ARRAY['a {0} (merchant_id IS NULL)'] ELSE '{}'::text[] END
           || ('* {0} ' || replace($1, '%s', owner.attname))
        OR pg_has_role($2, class.relowner, 'MEMBER'))
"""

_BOUND_ROLE: Final = """
SELECT NULL AS merchant_id, rolname AS what,
       jsonb_build_object('superuser', rolsuper, 'bypasses', rolbypassrls) AS details
  FROM pg_roles WHERE rolname = $1 AND (rolsuper OR rolbypassrls)
UNION ALL
SELECT NULL, named, jsonb_build_object('may', 'update or delete')
  FROM unnest($2::text[]) AS named
 WHERE has_table_privilege($1, named, 'UPDATE') OR has_table_privilege($1, named, 'DELETE')
    OR has_table_privilege($1, named, 'TRUNCATE')
"""

CHECKS: Final = (
    Check("D1", "money tables survive a crash", "payments", _NOTHING_UNLOGGED, (list(MONEY_TABLES),)),
    Check("P11", "the database's guards are in force", "payments", _TRIGGERS_ON, (list(MONEY_TABLES),)),
    Check(
        "A3",
        "each merchant's rows are guarded by their policy",
        "guards",
        _OWN_ROWS_ONLY,
        (_OWN_ROWS, APP_ROLE),
    ),
    Check(
        "A3",
        "sessions are bound by it and cannot rewrite the books",
        "guards",
        _BOUND_ROLE,
        (APP_ROLE, list(ONLY_ADDED)),
    ),
)
