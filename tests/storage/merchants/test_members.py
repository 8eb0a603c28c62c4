"""Members: invited once, never above their inviter, and never without an owner."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from quickkub.access import members
from quickkub.access.members_rules import (
    AlreadyMember,
    InvitationForAnother,
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    RoleAboveOwn,
)
from quickkub.access.permissions import MERCHANT_ROLES, permissions_of
from quickkub.kernel.errors import Refusal
from quickkub.kernel.secrets import Secret
from quickkub.kernel.tokens import new_token
from quickkub.storage import Connection, Database
from tests.support.people import Person, add_member, add_merchant, add_user


class Post:
    """Keeps the letters."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []

    async def __call__(self, tx: Connection, address: str, token: Secret) -> None:
        self.letters.append((address, token.reveal()))


async def invites(database: Database, who: Person, email: str, role: str) -> str:
    """The token of an invitation."""
    post = Post()
    async with database.transaction() as tx:
        await members.invite(tx, who.caller, email, role, post)
    return post.letters[0][1]


async def accepts(database: Database, token: str, user: str, email: str) -> None:
    async with database.transaction() as tx:
        await members.accept(tx, token, user, email)


async def changes(database: Database, who: Person, whose: str, role: str | None) -> None:
    async with database.transaction() as tx:
        if role is None:
            await members.remove(tx, who.caller, whose)
        else:
            await members.change_role(tx, who.caller, whose, role)


@pytest.fixture
async def owner(database: Database) -> Person:
    return await add_member(database, await add_merchant(database), "owner")


async def test_an_invited_person_joins_with_the_role_they_were_invited_to(
    database: Database, owner: Person
) -> None:
    user, email = await add_user(database)
    token = await invites(database, owner, email.upper(), "finance")
    async with database.read() as reader:
        assert await members.invited(reader, token) == email
    await accepts(database, token, user, email)
    async with database.read() as reader:
        assert await members.role_of(reader, owner.caller.merchant, user) == "finance"
        assert await members.roles_of(reader, user) == {"finance"}
        assert await members.invited(reader, token) is None
        (mine,) = await members.memberships(reader, user)
        assert (mine["merchant"], mine["role"]) == (owner.caller.merchant, "finance")


async def test_an_invitation_is_taken_once_also_by_two_at_the_same_time(
    database: Database, owner: Person
) -> None:
    user, email = await add_user(database)
    token = await invites(database, owner, email, "viewer")
    tries = [accepts(database, token, user, email) for _ in range(4)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert ends.count(None) == 1
    assert [type(end) for end in ends].count(InvitationNotFound) == 3


async def test_an_invitation_is_nothing_to_anybody_else(database: Database, owner: Person) -> None:
    _, email = await add_user(database)
    other, address = await add_user(database, "Mallory")
    token = await invites(database, owner, email, "owner")
    with pytest.raises(InvitationForAnother):
        await accepts(database, token, other, address)
    with pytest.raises(InvitationNotFound):
        await accepts(database, new_token(owner.caller.merchant), other, address)
    with pytest.raises(InvitationNotFound):
        await accepts(database, "not a token", other, address)


async def test_late_and_withdrawn_invitations_are_not_there(database: Database, owner: Person) -> None:
    user, email = await add_user(database)
    token = await invites(database, owner, email, "viewer")
    async with database.transaction() as tx:
        await tx.execute("UPDATE invitations SET expires_at = now()")
    with pytest.raises(InvitationNotFound):
        await accepts(database, token, user, email)
    again = await invites(database, owner, email, "viewer")
    async with database.transaction() as tx:
        (open_one,) = await members.invitations(tx, owner.caller.merchant)
        await members.withdraw(tx, owner.caller, open_one["id"])
    with pytest.raises(InvitationNotFound):
        await accepts(database, again, user, email)


async def test_inviting_again_spends_the_earlier_token(database: Database, owner: Person) -> None:
    user, email = await add_user(database)
    first = await invites(database, owner, email, "admin")
    second = await invites(database, owner, email, "viewer")
    with pytest.raises(InvitationNotFound):
        await accepts(database, first, user, email)
    await accepts(database, second, user, email)
    async with database.read() as reader:
        assert await members.role_of(reader, owner.caller.merchant, user) == "viewer"


async def test_a_member_does_not_join_twice(database: Database, owner: Person) -> None:
    token = await invites(database, owner, owner.email, "viewer")
    with pytest.raises(AlreadyMember):
        await accepts(database, token, owner.id, owner.email)


async def test_nobody_gives_a_role_that_may_do_more_than_their_own(database: Database, owner: Person) -> None:
    roles = [role.value for role in MERCHANT_ROLES]
    merchant = owner.caller.merchant
    taker = await add_member(database, merchant, "viewer")
    for own in roles:
        giver = await add_member(database, merchant, own)
        for given in roles:
            may = permissions_of(given) <= permissions_of(own)
            may_change = may and permissions_of("viewer") <= permissions_of(own)
            with nullcontext() if may_change else pytest.raises(RoleAboveOwn):
                await changes(database, giver, taker.id, given)
            with nullcontext() if may else pytest.raises(RoleAboveOwn):
                await invites(database, giver, "new@example.com", given)
            await changes(database, owner, taker.id, "viewer")


async def test_an_admin_changes_nothing_about_an_owner(database: Database, owner: Person) -> None:
    admin = await add_member(database, owner.caller.merchant, "admin")
    for role in ("viewer", None):
        with pytest.raises(RoleAboveOwn):
            await changes(database, admin, owner.id, role)


@pytest.mark.parametrize("becomes", ["admin", None])
async def test_the_last_owner_is_neither_lowered_nor_removed(
    database: Database, owner: Person, becomes: str | None
) -> None:
    with pytest.raises(LastOwner):
        await changes(database, owner, owner.id, becomes)
    second = await add_member(database, owner.caller.merchant, "owner")
    await changes(database, second, owner.id, becomes)
    with pytest.raises(LastOwner):
        await changes(database, second, second.id, becomes)


async def test_two_owners_cannot_remove_each_other_at_once(database: Database, owner: Person) -> None:
    second = await add_member(database, owner.caller.merchant, "owner")
    ends = await asyncio.gather(
        changes(database, owner, second.id, None),
        changes(database, second, owner.id, None),
        return_exceptions=True,
    )
    assert ends.count(None) == 1
    (refused,) = [end for end in ends if end is not None]
    assert isinstance(refused, Refusal)


async def test_a_removed_member_may_do_nothing_and_can_be_invited_again(
    database: Database, owner: Person
) -> None:
    member = await add_member(database, owner.caller.merchant, "support")
    await changes(database, owner, member.id, None)
    async with database.read() as reader:
        assert await members.role_of(reader, owner.caller.merchant, member.id) is None
    with pytest.raises(MemberNotFound):
        await changes(database, owner, member.id, "viewer")
    token = await invites(database, owner, member.email, "developer")
    await accepts(database, token, member.id, member.email)
    async with database.read() as reader:
        assert await members.role_of(reader, owner.caller.merchant, member.id) == "developer"


async def test_a_disabled_user_has_no_role_anywhere(database: Database, owner: Person) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE users SET state = 'disabled' WHERE id = $1", owner.id)
    async with database.read() as reader:
        assert await members.role_of(reader, owner.caller.merchant, owner.id) is None


async def test_members_of_another_merchant_are_not_there(database: Database, owner: Person) -> None:
    stranger = await add_member(database, await add_merchant(database), "owner")
    for role in ("viewer", None):
        with pytest.raises(MemberNotFound):
            await changes(database, owner, stranger.id, role)


async def test_what_happens_in_a_team_is_in_the_log_without_whole_addresses(
    database: Database, owner: Person
) -> None:
    user, email = await add_user(database)
    await accepts(database, await invites(database, owner, email, "viewer"), user, email)
    await changes(database, owner, user, "support")
    await changes(database, owner, user, None)
    async with database.read() as reader:
        rows = await reader.fetch("SELECT action, details::text FROM audit_logs ORDER BY created_at")
    acts = [row["action"] for row in rows if row["action"] != "merchant.created"]
    assert acts == ["invitation.sent", "member.joined", "member.changed", "member.removed"]
    assert not [row for row in rows if email in row["details"]]
