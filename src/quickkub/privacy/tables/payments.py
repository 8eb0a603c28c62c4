"""Payments, refunds, disputes, and what providers said of them."""

from __future__ import annotations

from typing import Final

from quickkub.privacy.model import Erasure, Mask, Table, Told, Whose
from quickkub.privacy.periods import Kind

_SEALED: Final = Told(Mask.HIDDEN, Erasure.EMPTIED, sealed=True)
_BODY: Final = Told(Mask.HIDDEN, Erasure.EMPTIED, sealed=True, kept=Kind.PROVIDER_BODIES)
_TEXT: Final = Told(Mask.TEXT, Erasure.REPLACED, Whose.ANYBODY)
_BODY_TEXT: Final = Told(Mask.TEXT, Erasure.REPLACED, Whose.ANYBODY, kept=Kind.PROVIDER_BODIES)

TABLES: Final = (
    Table(
        "payments",
        Kind.PAYMENTS,
        internal="merchant_id id mode state method failure_code version expires_at due_at lease_until "
        "lease_token created_at updated_at paid_at capture_later hold_open hold_until screening",
        money="amount currency captured_amount refunded_amount authorized_amount capturing_amount "
        "refunding_amount disputed_amount short_amount added_amount",
        personal={
            "payer": _SEALED,
            "reference": _TEXT,
            "description": _TEXT,
            "metadata": _TEXT,
            "return_url": _TEXT,
        },
        secret={"checkout_token": Told(Mask.HIDDEN, Erasure.NOTHING, Whose.NOBODY)},
    ),
    Table(
        "attempts",
        Kind.PAYMENTS,
        internal="merchant_id id payment_id mode provider account_id state reference provider_reference "
        "failure_code provider_code why evidence_id next_check_at checks lease_until lease_token created_at "
        "updated_at last_check_at unanswered doubted",
        money="amount currency",
        personal={
            "next_action": Told(Mask.SHOWN, Erasure.EMPTIED),
            "form_fields": Told(Mask.SHOWN, Erasure.EMPTIED, sealed=True, kept=Kind.PROVIDER_BODIES),
        },
    ),
    Table(
        "evidence",
        Kind.PAYMENTS,
        internal="merchant_id id payment_id attempt_id provider kind outcome received_at instruction_id mode",
        personal={"transcript": _BODY},
    ),
    Table(
        "receipts",
        Kind.PAYMENTS,
        internal="merchant_id id mode provider account_id payment_id attempt_id transaction_id applied "
        "evidence_id paid_at created_at instruction_id reference",
        money="amount currency applied_amount",
    ),
    Table(
        "instructions",
        Kind.PAYMENTS,
        internal="merchant_id id mode payment_id attempt_id provider account_id doing state reference "
        "provider_reference transaction_id refund_id is_last failure_code provider_code evidence_id told_at "
        "next_check_at last_check_at checks lease_until lease_token created_at updated_at finished_at",
        money="amount currency",
        personal={"reason": _TEXT},
    ),
    Table(
        "unapplied",
        Kind.PAYMENTS,
        internal="merchant_id receipt_id mode due_at lease_until lease_token created_at",
        money="amount currency refunding refunded accepted",
    ),
    Table(
        "refunds",
        Kind.PAYMENTS,
        internal="merchant_id id mode payment_id unapplied_receipt_id reason way state transfer_reference "
        "failure_code version created_at updated_at finished_at",
        money="amount currency",
        personal={"note": _TEXT, "metadata": _TEXT},
        sensitive={"destination": Told(Mask.ACCOUNT, Erasure.EMPTIED, sealed=True)},
    ),
    Table(
        "disputes",
        Kind.PAYMENTS,
        internal="merchant_id id mode payment_id attempt_id provider account_id provider_dispute_id reason "
        "state respond_by submitted_at evidence_id next_check_at checks lease_until lease_token version "
        "created_at updated_at closed_at",
        money="amount currency",
        personal={"evidence": _BODY},
    ),
    Table(
        "cases",
        Kind.PAYMENTS,
        internal="merchant_id id mode kind fact payment_id state opened_at closed_at resolved_by receipt_id "
        "version",
        personal={"details": _TEXT, "resolution": _TEXT},
    ),
    Table(
        "slips",
        Kind.PAYMENTS,
        internal="merchant_id mode sending_bank trans_ref payment_id account_id evidence_id used_at",
        personal={"answer": _BODY},
    ),
    Table(
        "amount_claims",
        Kind.RUNNING,
        internal="merchant_id mode account_id payment_id begins_at free_from",
        money="amount currency",
    ),
    Table(
        "inbox",
        Kind.PROVIDER_BODIES,
        internal="merchant_id id provider account_id event_key reference state times_seen due_at tries "
        "lease_until lease_token received_at method about provider_reference",
        personal={"body": _BODY, "headers": _BODY_TEXT, "query": _BODY_TEXT},
    ),
    Table(
        "refused_callbacks",
        Kind.IDEMPOTENCY,
        internal="id merchant_id provider reason received_at",
        personal={
            "body": Told(Mask.HIDDEN, Erasure.EMPTIED, Whose.ANYBODY, sealed=True),
            "remote_ip": Told(Mask.ADDRESS, Erasure.KEPT, Whose.ANYBODY),
        },
        hashed="digest",
    ),
    Table(
        "journals",
        Kind.BOOKS,
        internal="merchant_id id mode kind source_kind source_id description lines occurred_at booked_at",
    ),
    Table(
        "entries",
        Kind.BOOKS,
        internal="merchant_id journal_id line of_lines mode account",
        money="amount currency",
    ),
    Table(
        "idempotency_keys",
        Kind.IDEMPOTENCY,
        internal="merchant_id mode operation key resource_id busy_until status created_at",
        personal={
            "answer": Told(Mask.HIDDEN, Erasure.REPLACED),
            "form_fields": Told(Mask.HIDDEN, Erasure.EMPTIED, sealed=True),
        },
        hashed="fingerprint",
    ),
    Table(
        "events",
        Kind.WEBHOOK_BODIES,
        internal="merchant_id id mode type object_id object_version created_at",
        personal={"data": _TEXT},
    ),
    Table(
        "webhook_endpoints",
        Kind.ACCOUNTS,
        internal="merchant_id id mode url description events state disabled_reason created_at "
        "previous_secret_until signatures failing_since updated_at",
        secret={
            "secret": Told(Mask.HIDDEN, Erasure.NOTHING, Whose.NOBODY, sealed=True),
            "previous_secret": Told(Mask.HIDDEN, Erasure.NOTHING, Whose.NOBODY, sealed=True),
        },
    ),
    Table(
        "webhook_deliveries",
        Kind.WEBHOOK_BODIES,
        internal="merchant_id event_id endpoint_id state tries next_try_at lease_until lease_token "
        "last_status last_error last_try_at delivered_at created_at trying_since",
        personal={"last_answer": Told(Mask.TEXT, Erasure.EMPTIED, Whose.ANYBODY)},
    ),
    Table(
        "webhook_tries",
        Kind.WEBHOOK_BODIES,
        internal="merchant_id event_id endpoint_id lease_token tried_at took_ms status error",
        personal={"answer": Told(Mask.TEXT, Erasure.EMPTIED, Whose.ANYBODY)},
    ),
)
