"""Members of merchants: invited by e-mail, given a role, removed. A role is looked up at every request."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias

from quickkub.access import members_store as store
from quickkub.access.emails import masked, read_email
from quickkub.access.members_rules import (
    AlreadyMember,
    InvitationForAnother,
    InvitationNotFound,
    MemberNotFound,
    refuse_last_owner,
    refuse_role_above,
)
from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.kernel.tokens import merchant_of, new_token
from quickkub.merchants.keys import Caller
from quickkub.storage import Connection, Row
from quickkub.storage.scope import scope_of, seeing

INVITATION_SECONDS: Final = 7 * 24 * 3600

SendInvitation: TypeAlias = Callable[[Connection, str, Secret], Awaitable[None]]
"""Writes the letter with the token to an address, in the transaction of the invitation."""


async def role_of(reader: Connection, merchant: MerchantId, user: str) -> str | None:
    """A person's role in a merchant now; None for who is no member, or disabled."""
    return await store.role_of(reader, merchant, user)


async def roles_of(reader: Connection, user: str) -> Collection[str]:
    """The roles a user has in any merchant: whether a second factor must be on (5.2)."""
    return {row["role"] for row in await store.memberships(reader, user)}


async def memberships(reader: Connection, user: str) -> list[dict[str, Any]]:
    """The merchants a user belongs to."""
    return [
        {
            "object": "membership",
            "merchant": row["merchant_id"],
            "name": row["name"],
            "status": row["state"],
            "role": row["role"],
        }
        for row in await store.memberships(reader, user)
    ]


async def members(reader: Connection, merchant: MerchantId) -> list[dict[str, Any]]:
    """Everybody of a merchant, as shown."""
    return [_member_view(row) for row in await store.members(reader, merchant)]


async def found(tx: Connection, merchant: MerchantId, user: str) -> None:
    """The first owner of a merchant, made with it."""
    await _join(tx, merchant, user, "owner")


async def invite_first_owner(
    tx: Connection, merchant: MerchantId, by: str, email: str, send: SendInvitation
) -> dict[str, Any]:
    """The platform invites who is to own a new merchant. Raises EmailInvalid."""
    return await _invite(tx, merchant, by, email, "owner", send)


async def change_role(tx: Connection, caller: Caller, user: str, role: str) -> dict[str, Any]:
    """Give a member another role. Raises MemberNotFound, RoleAboveOwn, LastOwner."""
    was = await _changeable(tx, caller, user, becomes=role)
    await store.set_role(tx, caller.merchant, user, role)
    entry = Act("member.changed", "member", user, caller.merchant, before={"role": was}, after={"role": role})
    await record(tx, entry)
    row = await store.member(tx, caller.merchant, user)
    assert row is not None, "it was changed in this transaction"
    return _member_view(row)


async def remove(tx: Connection, caller: Caller, user: str) -> None:
    """From now on the person may do nothing here. Raises MemberNotFound, RoleAboveOwn, LastOwner."""
    was = await _changeable(tx, caller, user, becomes=None)
    await store.remove(tx, caller.merchant, user)
    await record(tx, Act("member.removed", "member", user, caller.merchant, before={"role": was}))


async def invite(
    tx: Connection, caller: Caller, email: str, role: str, send: SendInvitation
) -> dict[str, Any]:
    """Invite an address. The token is in the letter and nowhere else: whoever has it has the address.

    Raises EmailInvalid, RoleAboveOwn.
    """
    refuse_role_above(caller.role, role)
    return await _invite(tx, caller.merchant, caller.id, email, role, send)


async def _invite(
    tx: Connection, merchant: MerchantId, by: str, email: str, role: str, send: SendInvitation
) -> dict[str, Any]:
    address = read_email(email)
    await store.lock_merchant(tx, merchant)
    token = new_token(merchant)
    row = await store.invite(
        tx,
        merchant,
        new_id("inv"),
        email=address.normal,
        role=role,
        token_hash=_hash(token),
        invited_by=by,
        seconds=INVITATION_SECONDS,
    )
    await send(tx, address.written, Secret(token))
    after = {"email": masked(address.normal), "role": role}
    await record(tx, Act("invitation.sent", "invitation", row["id"], merchant, after=after))
    return _invitation_view(row)


async def invitations(reader: Connection, merchant: MerchantId) -> list[dict[str, Any]]:
    """Invitations nobody has taken yet."""
    return [_invitation_view(row) for row in await store.invitations(reader, merchant)]


async def withdraw(tx: Connection, caller: Caller, invitation: str) -> None:
    """Take an invitation back. Raises InvitationNotFound."""
    row = await store.withdraw(tx, caller.merchant, invitation)
    if row is None:
        raise InvitationNotFound
    before = {"email": masked(row["email"]), "role": row["role"]}
    await record(tx, Act("invitation.withdrawn", "invitation", invitation, caller.merchant, before=before))


def as_invited(token: str) -> AbstractContextManager[None]:
    """A block that sees the rows of the merchant that sent this token, and nobody's for what is no token."""
    return seeing(scope_of(merchant_of(token) or ""))


async def invited(reader: Connection, token: str) -> str | None:
    """The address a token was sent to, while the invitation can be taken."""
    merchant = merchant_of(token)
    if merchant is None:
        return None
    row = await store.by_token(reader, merchant, _hash(token), lock=False)
    return None if row is None else str(row["email"])


async def accept(tx: Connection, token: str, user: str, email: str) -> MerchantId:
    """Make a user a member. `email`: the normal form of an address they have shown to be theirs.

    A token is taken once, also when two requests come at the same time. Raises InvitationNotFound,
    InvitationForAnother, AlreadyMember.
    """
    merchant = merchant_of(token)
    row = None if merchant is None else await store.by_token(tx, merchant, _hash(token), lock=True)
    if merchant is None or row is None:
        raise InvitationNotFound
    if row["email"] != email:
        raise InvitationForAnother(f"it was sent to {masked(row['email'])}")
    await store.accept(tx, merchant, row["id"], user)
    await _join(tx, merchant, user, row["role"])
    return merchant


async def _join(tx: Connection, merchant: MerchantId, user: str, role: str) -> None:
    if not await store.join(tx, merchant, user, role):
        raise AlreadyMember("you are a member already")
    await record(tx, Act("member.joined", "member", user, merchant, after={"role": role}))


async def _changeable(tx: Connection, caller: Caller, user: str, *, becomes: str | None) -> str:
    """The role a member has, when the caller may change it to `becomes`."""
    await store.lock_merchant(tx, caller.merchant)
    row = await store.member(tx, caller.merchant, user)
    if row is None:
        raise MemberNotFound
    # Read again under the lock: the caller may have been lowered a moment ago.
    own = await store.role_of(tx, caller.merchant, caller.id)
    refuse_role_above(own, row["role"], *([becomes] if becomes else []))
    refuse_last_owner(row["role"], becomes, await store.owners(tx, caller.merchant))
    return str(row["role"])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _member_view(row: Row) -> dict[str, Any]:
    return {
        "id": row["user_id"],
        "object": "member",
        "email": row["email"],
        "name": row["name"],
        "role": row["role"],
        "joined_at": rfc3339(row["joined_at"]),
    }


def _invitation_view(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "invitation",
        "email": row["email"],
        "role": row["role"],
        "status": "expired" if row["is_late"] else row["state"],
        "invited_by": row["invited_by"],
        "created_at": rfc3339(row["created_at"]),
        "expires_at": rfc3339(row["expires_at"]),
    }
