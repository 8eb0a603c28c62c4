"""The words of the audit log: who did what, when and from where."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import ForwardQuery, Mode, Time, exactly

Text = Annotated[str, Meta(min_length=1, max_length=100)]


class AuditLogsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of audit entries."""

    action: (
        Annotated[
            str, Meta(max_length=80, pattern=exactly(r"^[a-z_]+\.[a-z_]+$"), examples=["settings.changed"])
        ]
        | None
    ) = None
    resource_type: Annotated[Text, Meta(examples=["webhook_endpoint"])] | None = None
    resource_id: Text | None = None
    actor: Annotated[Text, Meta(description="The id of a user, a key or a client.")] | None = None
    created_from: Annotated[Time, Meta(description="Not before this time.")] | None = None
    created_before: Annotated[Time, Meta(description="Before this time.")] | None = None


class PlatformAuditLogsQuery(AuditLogsQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of audit entries of the platform, or of a merchant."""

    merchant: Annotated[str, Meta(pattern=exactly("^mer_[0-9a-f]{32}$"))] | None = None


class AuditResource(Struct, kw_only=True):
    """What it was done to."""

    type: str
    id: str | None


class AuditActor(Struct, kw_only=True):
    """Who did it. `system`: QuickKub itself or a command on its machine."""

    kind: Literal["user", "key", "client", "system"]
    id: str | None
    role: str | None


class AuditDetails(Struct, kw_only=True):
    """What it was before and after, without secrets; personal data is masked."""

    before: dict[str, Any]
    after: dict[str, Any]


class AuditLog(Struct, kw_only=True):
    """One act. It is never changed."""

    id: str
    object: Literal["audit_log"]
    mode: Annotated[Mode | None, Meta(description="null: it concerns both.")]
    user_id: Annotated[str | None, Meta(description="The person, where it was one.")]
    actor: AuditActor
    action: str
    resource: AuditResource
    outcome: Literal["done", "refused", "failed"]
    details: AuditDetails
    ip_address: Annotated[
        str | None, Meta(description="In full for acts of your own and on the platform, else its network.")
    ]
    user_agent: str | None
    request_id: str | None
    created_at: Time
