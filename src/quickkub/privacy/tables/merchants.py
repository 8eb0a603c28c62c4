"""Merchants, what is known of their owners, and their settings."""

from __future__ import annotations

from typing import Final

from quickkub.privacy.model import Erasure, Mask, Table, Told, Whose
from quickkub.privacy.periods import Kind

_TEXT: Final = Told(Mask.TEXT, Erasure.REPLACED, Whose.ANYBODY)


def _owner(mask: Mask, *, sealed: bool = False, kept: Kind | None = None) -> Told:
    return Told(mask, Erasure.KEPT, Whose.OWNER, sealed, kept)


TABLES: Final = (
    Table(
        "merchants",
        Kind.ACCOUNTS,
        public="name name_th display_name colour website support_email support_phone",
        internal="id state created_at under_tolerance over_tolerance orphan_rule test_clock_seconds "
        "unique_satang state_reason state_changed_at tier business_kind payouts_held_until fraud_versions "
        "return_addresses refund_step_up_over",
        personal={
            "legal_name": _owner(Mask.SHOWN),
            "address": _owner(Mask.SHOWN),
            "email": _owner(Mask.EMAIL),
            "phone": _owner(Mask.PHONE),
        },
        sensitive={"registration_number": _owner(Mask.NATIONAL_ID)},
    ),
    Table(
        "kyc_applications",
        Kind.MERCHANT_CHECKS,
        internal="merchant_id id state submitted_by submitted_at decided_by decided_at reason",
        sensitive={"data": _owner(Mask.HIDDEN, sealed=True)},
    ),
    Table(
        "kyc_documents",
        Kind.MERCHANT_CHECKS,
        internal="merchant_id id kind state media_type size_bytes uploaded_by uploaded_at decided_by "
        "decided_at reason",
        sensitive={"content": _owner(Mask.HIDDEN, sealed=True)},
        hashed="sha256",
    ),
    Table(
        "settlement_accounts",
        Kind.MERCHANT_CHECKS,
        internal="merchant_id id state bank proposed_by proposed_at active_at",
        personal={"holder": _owner(Mask.NAME), "last_four": _owner(Mask.SHOWN)},
        sensitive={"account_number": _owner(Mask.ACCOUNT, sealed=True)},
    ),
    Table(
        "merchant_risks",
        Kind.MERCHANT_CHECKS,
        internal="merchant_id id version risk_class category review_by reason created_by created_at",
        money="declared_amount",
        sensitive={"beneficial_owners": _owner(Mask.NAME, sealed=True)},
    ),
    Table(
        "merchant_limits",
        Kind.ACCOUNTS,
        internal="merchant_id method changed_at",
        money="per_payment per_day per_month",
    ),
    Table(
        "fee_plans",
        Kind.PAYMENTS,
        internal="merchant_id id method valid created_at created_by",
        money="percent fixed_satang",
    ),
    Table(
        "provider_accounts",
        Kind.ACCOUNTS,
        internal="merchant_id id mode provider settings enabled created_at",
        secret={"credentials": Told(Mask.HIDDEN, Erasure.NOTHING, Whose.NOBODY, sealed=True)},
        hashed="callback_token_hash",
    ),
    Table(
        "routing_rules",
        Kind.ACCOUNTS,
        internal="merchant_id mode version rules created_by created_at",
    ),
    Table(
        "payout_freezes",
        Kind.MERCHANT_CHECKS,
        internal="merchant_id id starts_at ends_at ordered_by created_at lifted_at lifted_by",
        personal={"legal_basis": _TEXT, "lifted_because": _TEXT},
    ),
    Table("payout_account_changes", Kind.MERCHANT_CHECKS, internal="merchant_id changed_at changed_by"),
    Table(
        "thai_payment_methods",
        Kind.ACCOUNTS,
        public="id name_en name_th kind currency providers enabled position",
        money="amount_min amount_max",
    ),
)
