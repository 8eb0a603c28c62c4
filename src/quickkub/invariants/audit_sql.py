"""The audit log as far as SQL can see it (A2); the hashes are recomputed by `quickkub audit verify`."""

from __future__ import annotations

from typing import Final

from quickkub.ledger.checks import Check

UNSEALED_SECONDS_MAX: Final = "600"
"""A sealer looks every second; ten minutes mean that none does, or that an entry cannot be sealed."""

_SEALS_HANG_TOGETHER: Final = """
SELECT NULL AS merchant_id, seal.chain || ' ' || seal.position AS what,
       jsonb_build_object('entry', seal.entry_id, 'after', before.position) AS details
  FROM (SELECT chain, position, entry_id, previous_hash,
               lag(position) OVER one AS before_position, lag(hash) OVER one AS before_hash
          FROM audit_seals WINDOW one AS (PARTITION BY chain ORDER BY position)) seal
  LEFT JOIN LATERAL (SELECT position, hash FROM audit_dropped
                      WHERE audit_dropped.chain = seal.chain ORDER BY position DESC LIMIT 1) dropped ON true
 CROSS JOIN LATERAL (SELECT coalesce(seal.before_position, dropped.position, 0) AS position,
                            coalesce(seal.before_hash, dropped.hash, decode(repeat('00', 32), 'hex')) AS hash)
       before
 WHERE seal.position <> before.position + 1 OR seal.previous_hash <> before.hash
"""

_SEALED_OR_WAITING: Final = """
SELECT merchant_id, entry.id AS what, jsonb_build_object('sealed', false) AS details
  FROM audit_logs entry
  LEFT JOIN audit_seals seal ON seal.chain = entry.chain AND seal.entry_id = entry.id
  LEFT JOIN audit_unsealed waiting ON waiting.chain = entry.chain AND waiting.entry_id = entry.id
 WHERE (seal.entry_id IS NULL) = (waiting.entry_id IS NULL)
UNION ALL
SELECT NULL, seal.entry_id, jsonb_build_object('chain', seal.chain, 'gone_from', seal.position)
  FROM audit_seals seal
  LEFT JOIN audit_logs entry ON entry.chain = seal.chain AND entry.id = seal.entry_id
 WHERE entry.id IS NULL
UNION ALL
SELECT NULL, waiting.entry_id, jsonb_build_object('chain', waiting.chain, 'since', waiting.since)
  FROM audit_unsealed waiting
  LEFT JOIN audit_logs entry ON entry.chain = waiting.chain AND entry.id = waiting.entry_id
 WHERE entry.id IS NULL OR waiting.since < clock_timestamp() - make_interval(secs => $1::text::integer)
"""

_NOT_SHORTER_THAN_ANCHORED: Final = """
SELECT NULL AS merchant_id, anchor.chain || ' ' || anchor.length AS what,
       jsonb_build_object('anchored', encode(anchor.hash, 'hex'), 'is', encode(seal.hash, 'hex')) AS details
  FROM audit_anchors anchor
  LEFT JOIN audit_seals seal ON seal.chain = anchor.chain AND seal.position = anchor.length
 WHERE seal.hash IS DISTINCT FROM anchor.hash
   AND NOT EXISTS (SELECT FROM audit_dropped dropped
                    WHERE dropped.chain = anchor.chain AND dropped.position >= anchor.length)
"""

GUARDS: Final = (
    "audit_logs_only_added",
    "audit_logs_not_truncated",
    "audit_seals_only_added",
    "audit_seals_not_truncated",
    "audit_anchors_only_added",
    "audit_anchors_not_truncated",
    "audit_dropped_only_added",
    "audit_dropped_not_truncated",
    "audit_dropped_checked",
)

_GUARDS_STAND: Final = """
SELECT NULL AS merchant_id, guard.name AS what,
       jsonb_build_object('is', coalesce(trigger.tgenabled::text, 'missing')) AS details
  FROM unnest($1::text[]) AS guard (name) LEFT JOIN pg_trigger trigger ON trigger.tgname = guard.name
 WHERE trigger.tgenabled IS DISTINCT FROM 'A'
UNION ALL
SELECT NULL, $2::text, jsonb_build_object('is', coalesce(max(tgenabled::text), 'missing'))
  FROM pg_trigger WHERE tgname = $2 HAVING max(tgenabled::text) IS DISTINCT FROM 'O'
"""

CHECKS: Final = (
    Check("A2", "each seal follows the one before", "audit_seals", _SEALS_HANG_TOGETHER),
    Check("A2", "each entry is sealed, or has waited for less than ten minutes", "audit_logs",
          _SEALED_OR_WAITING, (UNSEALED_SECONDS_MAX,)),
    Check("A2", "no chain is shorter than its anchors", "audit_anchors", _NOT_SHORTER_THAN_ANCHORED),
    Check("A2", "the audit log's guards are in force", "audit_logs", _GUARDS_STAND,
          (list(GUARDS), "audit_logs_wait_for_the_seal")),
)  # fmt: skip

TABLES: Final = ("audit_logs", "audit_seals", "audit_anchors")
