"""Who may do what: the only table of roles and permissions (security-reliability 5.3).

What is not here is refused. A role is looked up at every request; a token's scopes can narrow it and never
widen it. Merchant roles act within one merchant, platform roles on `/v1/platform` only, so that no operator
acts as a merchant by the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.keys import Caller
from quickkub.merchants.scopes import (
    MERCHANT_PERMISSIONS,
    PEOPLE_ONLY,
    PUBLISHABLE,
    READS,
    SECRET,
    SENSITIVE_READS,
)

__all__ = ["MERCHANT_PERMISSIONS", "PEOPLE_ONLY", "PUBLISHABLE", "SECRET", "Role"]


class PermissionMissing(Refusal):
    """The caller is known and may not do this."""

    code, kind = "permission_missing", Kind.FORBIDDEN


class Role(Enum):
    """A part somebody has in a merchant, or on the platform."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    SUPPORT = "support"
    VIEWER = "viewer"
    AUDITOR = "auditor"

    OPERATOR = "operator"
    COMPLIANCE = "compliance"
    RISK = "risk"
    SECURITY_ADMIN = "security_admin"
    BREAK_GLASS = "break_glass"


PLATFORM_PERMISSIONS: Final = frozenset(
    {
        "merchants:read",
        "merchants:write",
        "merchants:suspend",
        "limits:write",
        "fees:write",
        "kyc:review",
        "operators:write",
        "keys:revoke",
        "audit:read",
        "fraud:read",
        "fraud:write",
        "privacy:read",
        "privacy:write",
    }
)
"""All there is on the platform's side. A word both sides have (`audit:read`) means one's own side."""

_DEVELOPS: Final = frozenset(
    {"tokens:write", "events:write", "webhooks:write", "routing:write", "keys:write", "test:write"}
)
_COUNTS_MONEY: Final = frozenset(
    {"refunds:write", "disputes:write", "cases:write", "slips:write", "payouts:write", "settlement:write"}
)

MERCHANT_ROLES: Final[Mapping[Role, frozenset[str]]] = {
    Role.OWNER: MERCHANT_PERMISSIONS,
    Role.ADMIN: MERCHANT_PERMISSIONS - {"settlement:write"},
    Role.DEVELOPER: READS | _DEVELOPS | {"keys:read"},
    Role.FINANCE: READS | _COUNTS_MONEY | {"settlement:read"},
    Role.SUPPORT: READS - {"balance:read", "routing:read", "providers:read"} | {"slips:write"},
    Role.VIEWER: READS,
    Role.AUDITOR: READS | SENSITIVE_READS,
}

PLATFORM_ROLES: Final[Mapping[Role, frozenset[str]]] = {
    Role.OPERATOR: frozenset({"merchants:read", "merchants:write", "merchants:suspend", "fees:write"}),
    Role.COMPLIANCE: frozenset(
        {"merchants:read", "kyc:review", "audit:read", "privacy:read", "privacy:write"}
    ),
    Role.RISK: frozenset(
        {"merchants:read", "merchants:suspend", "limits:write", "fraud:read", "fraud:write"}
    ),
    Role.SECURITY_ADMIN: frozenset({"merchants:read", "operators:write", "keys:revoke", "audit:read"}),
    # For the night when nobody else is there: everything, and every use of it is looked at afterwards.
    Role.BREAK_GLASS: PLATFORM_PERMISSIONS,
}

ROLES: Final[Mapping[Role, frozenset[str]]] = {**MERCHANT_ROLES, **PLATFORM_ROLES}

NO_MERCHANT: Final = MerchantId("")
"""The merchant of a caller with a platform role: none, so no row of any merchant is ever its own."""


def permissions_of(role: str | None) -> frozenset[str]:
    """What a role may do; a role nobody knows may do nothing."""
    try:
        return ROLES[Role(role)]
    except ValueError:
        return frozenset()


def is_platform(role: str | None) -> bool:
    """Whether a role is the platform's."""
    return role in {one.value for one in PLATFORM_ROLES}


def allowed(caller: Caller, needs: str, *, platform: bool = False) -> bool:
    """Whether the caller may do what needs this permission; `platform`: on the platform's side."""
    if caller.role is None:
        # A key or a client of a merchant: its scopes are all it has, and none of them is the platform's.
        return not platform and needs in caller.scopes & SECRET
    if is_platform(caller.role) is not platform:
        return False
    return needs in caller.scopes & permissions_of(caller.role)


def all_allowed(caller: Caller) -> frozenset[str]:
    """Everything a caller may do within its merchant."""
    return frozenset(one for one in MERCHANT_PERMISSIONS if allowed(caller, one))


def require(caller: Caller, needs: str, *, platform: bool = False) -> None:
    """Raises PermissionMissing unless `allowed`."""
    if not allowed(caller, needs, platform=platform):
        raise PermissionMissing(f"this needs the permission {needs}", param="Authorization")
