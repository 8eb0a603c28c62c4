"""The house's own: the audit log, fraud, privacy, work by the clock."""

from __future__ import annotations

from typing import Final

from quickkub.privacy.model import Erasure, Mask, Table, Told, Whose
from quickkub.privacy.periods import Kind

_TEXT: Final = Told(Mask.TEXT, Erasure.REPLACED, Whose.ANYBODY)
_KEYED: Final = Told(Mask.HIDDEN, Erasure.HASHED)
_MEMBER_TEXT: Final = Told(Mask.TEXT, Erasure.KEPT, Whose.MEMBER)

TABLES: Final = (
    Table(
        "audit_logs",
        Kind.AUDIT,
        internal="id merchant_id mode actor_kind actor_id role action resource_type resource_id outcome "
        "details request_id created_at chain",
        personal={
            "ip_address": Told(Mask.ADDRESS, Erasure.KEPT, Whose.MEMBER),
            "user_agent": _MEMBER_TEXT,
        },
    ),
    Table("audit_unsealed", Kind.RUNNING, internal="chain entry_id since number"),
    Table(
        "audit_seals", Kind.AUDIT, internal="chain position entry_id sealed_at", hashed="previous_hash hash"
    ),
    Table("audit_anchors", Kind.AUDIT, internal="chain length anchored_at", hashed="hash"),
    Table("audit_dropped", Kind.AUDIT, internal="chain position dropped_at", hashed="hash"),
    Table(
        "page_watches",
        Kind.AUDIT,
        internal="id address outcome pages answers different differences unreached seen_at",
    ),
    Table(
        "restore_drills",
        Kind.AUDIT,
        internal="id outcome how backup_at restored_to rpo_seconds rto_seconds invariants broken ended_at",
        personal={"by_whom": _MEMBER_TEXT, "note": _MEMBER_TEXT},
    ),
    Table(
        "fraud_rule_sets", Kind.FRAUD_INPUTS, internal="merchant_id mode version rules created_by created_at"
    ),
    Table(
        "fraud_list_entries",
        Kind.FRAUD_INPUTS,
        internal="merchant_id id mode list kind expires_at created_by created_at removed_at removed_by",
        personal={"value_hash": _KEYED, "shown": _TEXT, "reason": _TEXT},
    ),
    Table(
        "fraud_legal_entries",
        Kind.FRAUD_INPUTS,
        internal="id kind expires_at created_by created_at removed_at removed_by",
        personal={
            "value_hash": _KEYED,
            # The law names them here, not we.
            "shown": Told(Mask.TEXT, Erasure.KEPT),
            "reason": Told(Mask.TEXT, Erasure.KEPT),
        },
    ),
    Table(
        "fraud_velocity",
        Kind.RUNNING,
        internal="merchant_id mode kind span bucket shard count failures",
        money="amount",
        personal={"key": _KEYED},
    ),
    Table(
        "fraud_partners",
        Kind.RUNNING,
        internal="merchant_id mode kind partner_kind seen_at",
        personal={"key": _KEYED, "partner": _KEYED},
    ),
    Table(
        "fraud_decisions",
        Kind.FRAUD_INPUTS,
        internal="merchant_id id mode payment_id stage rules_version results score action decided_by "
        "shadow_action latency_us decided_at",
        personal={"inputs": _KEYED},
    ),
    Table(
        "fraud_reviews",
        Kind.FRAUD_INPUTS,
        internal="merchant_id id mode payment_id decision_id state reasons opened_at expires_at on_expiry "
        "decided_by decided_at",
        personal={"note": _TEXT},
    ),
    Table(
        "legal_holds",
        Kind.PRIVACY,
        internal="merchant_id id covers payment_id placed_by placed_at lifted_at lifted_by",
        personal={"token": _KEYED, "reason": _TEXT, "lifted_because": _TEXT},
    ),
    Table(
        "person_tokens",
        Kind.PAYMENTS,
        internal="merchant_id object_id kind",
        personal={"token": Told(Mask.HIDDEN, Erasure.DELETED)},
    ),
    Table(
        "erasures",
        Kind.PRIVACY,
        internal="merchant_id id request_id pseudonym counts erased_by erased_at",
        personal={"email_token": _KEYED, "phone_token": _KEYED, "name_token": _KEYED},
    ),
    Table("erased_objects", Kind.PRIVACY, internal="merchant_id object_id erasure_id erased_at"),
    Table(
        "privacy_requests",
        Kind.PRIVACY,
        internal="merchant_id id kind state filed_by asked_at due_at done_at done_by result",
        personal={"person": Told(Mask.HIDDEN, Erasure.EMPTIED, sealed=True), "reason": _TEXT},
    ),
    Table(
        "breaches",
        Kind.PRIVACY,
        internal="id title known_at due_at high_risk people reported_at closed_at opened_by "
        "not_reported_because",
    ),
    Table("breach_notes", Kind.PRIVACY, internal="breach_id id note written_by written_at"),
    Table(
        "retention_runs",
        Kind.PRIVACY,
        internal="id kind days dry_run cutoff counts started_at finished_at",
    ),
    Table("recovery_gate", Kind.RUNNING, internal="one timeline recovering_since asked_from opened_at"),
    Table("scheduled_work", Kind.RUNNING, internal="name asked_at tries started_at finished_at"),
    Table(
        "pgqueuer",
        Kind.RUNNING,
        internal="id priority queue_manager_id created updated heartbeat execute_after status entrypoint "
        "dedupe_key payload headers attempts slot",
    ),
    Table(
        "pgqueuer_log",
        Kind.RUNNING,
        internal="id created job_id status priority entrypoint traceback aggregated",
    ),
    Table(
        "pgqueuer_schedules",
        Kind.RUNNING,
        internal="id expression entrypoint heartbeat created updated next_run last_run status",
    ),
    Table("pgqueuer_statistics", Kind.RUNNING, internal="id created count priority status entrypoint"),
    Table("alembic_version", Kind.RUNNING, internal="version_num"),
)
