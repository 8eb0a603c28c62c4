"""The words of keys, members, invitations and approvals. See schema.py for what they share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import ForwardQuery, Mode, Time, exactly
from quickkub.merchants.key_making import OVERLAP_SECONDS, OVERLAP_SECONDS_MAX

KeyKind = Literal["secret", "restricted", "publishable"]
Scope = Annotated[str, Meta(max_length=40, pattern=exactly("^[a-z_]+:[a-z]+$"), examples=["payments:read"])]


class CreateApiKey(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new key of this mode. It can never do more than whoever makes it."""

    kind: KeyKind = "restricted"
    name: Annotated[str, Meta(max_length=100)] = ""
    scopes: Annotated[list[Scope], Meta(max_length=100)] = []
    networks: Annotated[
        list[Annotated[str, Meta(max_length=43, examples=["192.0.2.0/24"])]],
        Meta(max_length=50, description="From where it may be used (CIDR); none named: from anywhere."),
    ] = []
    expires_at: Time | None = None


class RollApiKey(Struct, kw_only=True, forbid_unknown_fields=True):
    """Have a key taken over by a new one."""

    overlap_seconds: Annotated[
        int, Meta(ge=0, le=OVERLAP_SECONDS_MAX, description="How long the old key works on.")
    ] = OVERLAP_SECONDS


class ApiKey(Struct, kw_only=True):
    """A key, without the key."""

    id: str
    object: Literal["api_key"]
    mode: Mode
    kind: KeyKind
    prefix: str
    last_four: str
    name: str
    scopes: list[str]
    networks: list[str]
    created_at: Time
    created_by: str | None
    expires_at: Time | None
    revoked_at: Annotated[Time | None, Meta(description="May lie ahead: a rolled key works until then.")]
    last_used_at: Annotated[Time | None, Meta(description="Within a minute or so.")]
    rolled_to: str | None


class NewApiKey(ApiKey, kw_only=True):
    """A key just made: `key` is shown in this answer only."""

    key: str


class KeysQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """Which keys."""


MerchantRole = Literal["owner", "admin", "developer", "finance", "support", "viewer", "auditor"]
Reason = Annotated[str, Meta(max_length=500)]
MailAddress = Annotated[str, Meta(min_length=3, max_length=254, examples=["somchai@example.com"])]


class Member(Struct, kw_only=True):
    """Somebody who works for you here."""

    id: str
    object: Literal["member"]
    email: str
    name: str
    role: MerchantRole
    joined_at: Time


class ChangeMember(Struct, kw_only=True, forbid_unknown_fields=True):
    """Give a member another role, at most your own."""

    role: MerchantRole


class RemovedMember(Struct, kw_only=True):
    """A member who is none any more."""

    id: str
    object: Literal["member"]
    removed: bool


class CreateInvitation(Struct, kw_only=True, forbid_unknown_fields=True):
    """Invite an address. The letter holds a link that works once, for seven days, for this address only."""

    email: MailAddress
    role: MerchantRole


class Invitation(Struct, kw_only=True):
    """An invitation nobody has taken yet."""

    id: str
    object: Literal["invitation"]
    email: str
    role: MerchantRole
    status: Literal["open", "accepted", "withdrawn", "expired"]
    invited_by: str
    created_at: Time
    expires_at: Time


class WithdrawnInvitation(Struct, kw_only=True):
    """An invitation that was taken back."""

    id: str
    object: Literal["invitation"]
    withdrawn: bool


class DecideApproval(Struct, kw_only=True, forbid_unknown_fields=True):
    """Your decision, with a reason if you like."""

    reason: Reason = ""


class Approval(Struct, kw_only=True):
    """An act that waits for a second person, or what became of it."""

    id: str
    object: Literal["approval"]
    act: Annotated[str, Meta(examples=["settlement_account.change"])]
    payload: dict[str, Any]
    status: Literal["open", "approved", "refused", "withdrawn", "expired"]
    asked_by: str
    asked_at: Time
    expires_at: Time
    decided_by: str | None
    decided_at: Time | None
    reason: str
