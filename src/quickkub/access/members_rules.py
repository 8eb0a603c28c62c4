"""Who may change whose part in a merchant: pure decisions over plain values."""

from __future__ import annotations

from typing import Final

from quickkub.access.permissions import MERCHANT_ROLES, Role, permissions_of
from quickkub.kernel.errors import Kind, Refusal

MERCHANT_ROLE_NAMES: Final = tuple(role.value for role in MERCHANT_ROLES)


class MemberNotFound(Refusal):
    """There is no such member of this merchant."""

    code, kind = "member_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such member", param="id")


class RoleAboveOwn(Refusal):
    """Nobody gives, changes or takes a role that may do something they may not do themselves."""

    code, kind = "role_above_own", Kind.FORBIDDEN


class LastOwner(Refusal):
    """A merchant keeps at least one owner."""

    code, kind = "last_owner", Kind.CONFLICT


class AlreadyMember(Refusal):
    """The person is a member of this merchant."""

    code, kind = "already_member", Kind.CONFLICT


class InvitationNotFound(Refusal):
    """There is no such invitation, or it was used, withdrawn, or is too old."""

    code, kind = "invitation_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such invitation any more", param="id")


class InvitationForAnother(Refusal):
    """The invitation was sent to another e-mail address than the one you have shown to be yours."""

    code, kind = "invitation_for_another", Kind.FORBIDDEN


def refuse_role_above(own: str | None, *roles: str) -> None:
    """Raises RoleAboveOwn unless each role may do no more than one's own."""
    for role in roles:
        if not permissions_of(role) <= permissions_of(own):
            raise RoleAboveOwn(f"the role {role} may do what yours may not", param="role")


def refuse_last_owner(role: str, becomes: str | None, owners: int) -> None:
    """Raises LastOwner when the only owner would be lowered or removed."""
    if role == Role.OWNER.value and becomes != role and owners <= 1:
        raise LastOwner("make somebody else an owner first")
