"""People who sign in, and the keys and programs that act for a merchant."""

from __future__ import annotations

from typing import Final

from quickkub.privacy.model import Erasure, Mask, Table, Told, Whose
from quickkub.privacy.periods import Kind


def _member(mask: Mask, *, sealed: bool = False) -> Told:
    return Told(mask, Erasure.KEPT, Whose.MEMBER, sealed)


TABLES: Final = (
    Table(
        "users",
        Kind.ACCOUNTS,
        internal="id password_changed_at email_verified_at locale state operator_role created_at",
        personal={
            "email": _member(Mask.EMAIL),
            "email_normal": _member(Mask.EMAIL),
            "name": _member(Mask.NAME),
        },
        secret={"password_hash": _member(Mask.HIDDEN)},
    ),
    Table(
        "second_factors",
        Kind.ACCOUNTS,
        internal="user_id pending_at confirmed_at last_counter",
        secret={
            "secret": _member(Mask.HIDDEN, sealed=True),
            "pending": _member(Mask.HIDDEN, sealed=True),
        },
    ),
    Table("recovery_codes", Kind.ACCOUNTS, internal="user_id used_at", hashed="hash"),
    Table(
        "sessions",
        Kind.ACCESS_LOGS,
        internal="id user_id second_factor created_at last_seen_at stepped_up_at ends_at ended_at",
        personal={"ip_address": _member(Mask.ADDRESS), "user_agent": _member(Mask.SHOWN)},
        hashed="token_hash",
    ),
    Table("login_challenges", Kind.RUNNING, internal="user_id tries ends_at", hashed="token_hash"),
    Table(
        "failed_logins",
        Kind.RUNNING,
        internal="failures locked_until last_at",
        personal={
            "account": Told(Mask.HIDDEN, Erasure.KEPT, Whose.ANYBODY),
            "network": Told(Mask.ADDRESS, Erasure.KEPT, Whose.ANYBODY),
        },
    ),
    Table("mailed_tokens", Kind.RUNNING, internal="user_id purpose ends_at", hashed="token_hash"),
    Table(
        "mail_outbox",
        Kind.RUNNING,
        internal="id kind created_at next_try_at tries lease_token sent_at",
        personal={
            "recipient": _member(Mask.HIDDEN),
            "facts": _member(Mask.HIDDEN, sealed=True),
        },
    ),
    Table("members", Kind.ACCOUNTS, internal="merchant_id user_id role state joined_at changed_at"),
    Table(
        "invitations",
        Kind.ACCOUNTS,
        internal="merchant_id id role state invited_by created_at expires_at accepted_by",
        personal={"email": _member(Mask.EMAIL)},
        hashed="token_hash",
    ),
    Table(
        "approvals",
        Kind.PAYMENTS,
        internal="merchant_id id act payload state asked_by asked_at expires_at decided_by decided_at",
        personal={"reason": Told(Mask.TEXT, Erasure.REPLACED, Whose.ANYBODY)},
    ),
    Table(
        "api_keys",
        Kind.ACCOUNTS,
        internal="merchant_id id mode kind last_four created_at expires_at revoked_at name scopes networks "
        "rate_per_second rate_burst created_by last_used_at rolled_to",
        hashed="hash",
    ),
    Table(
        "signing_keys",
        Kind.ACCOUNTS,
        public="kid algorithm public_key",
        internal="state published_at current_since old_since",
        secret={"private_key": Told(Mask.HIDDEN, Erasure.NOTHING, Whose.NOBODY, sealed=True)},
    ),
    Table(
        "oauth_clients",
        Kind.ACCOUNTS,
        internal="merchant_id id mode name auth_method jwks grant_types redirect_uris scopes created_by "
        "created_at revoked_at",
        hashed="secret_hash",
    ),
    Table(
        "oauth_grants",
        Kind.ACCOUNTS,
        internal="merchant_id id mode client_id user_id session_id scopes created_at ends_at revoked_at "
        "revoked_because",
    ),
    Table(
        "refresh_tokens",
        Kind.ACCOUNTS,
        internal="merchant_id grant_id issued_at expires_at spent_at",
        hashed="hash",
    ),
    Table(
        "oauth_authorizations",
        Kind.RUNNING,
        internal="merchant_id client_id mode user_id session_id redirect_uri scopes created_at "
        "ends_at answered_at code_ends_at used_at grant_id",
        hashed="ticket_hash code_hash code_challenge state",
    ),
    Table("oauth_assertions", Kind.RUNNING, internal="merchant_id client_id ends_at", hashed="jti_hash"),
)
