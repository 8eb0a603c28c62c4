"""A team over HTTP: invited by letter, joined after signing in, changed and removed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from tests.support.api import Client
from tests.support.people import add_merchant, add_user
from tests.support.team import Team, team

MEMBERS, INVITATIONS = "/v1/members", "/v1/invitations"


async def member_with(owner: Client, role: str) -> str:
    """The id of a member with this role."""
    listed = (await owner.gets(MEMBERS)).json["data"]
    return str(next(one["id"] for one in listed if one["role"] == role))


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Team]:
    async with team(database) as opened:
        yield opened


async def test_an_invitation_goes_out_by_letter_and_its_token_is_told_to_nobody_else(office: Team) -> None:
    owner = await office.member("owner")
    told = await owner.posts(INVITATIONS, {"email": "Somsri@Example.com", "role": "finance"})
    assert (told.status, told.json["status"], told.json["role"]) == (201, "open", "finance")
    (letter,) = await office.people.mail_goes_out()
    token = office.people.postbox.token()
    assert letter.to.lower() == "somsri@example.com"
    listed = await owner.gets(INVITATIONS)
    assert [one["id"] for one in listed.json["data"]] == [told.json["id"]]
    assert token.encode() not in told.body + listed.body
    withdrawn = await owner.asks("DELETE", f"{INVITATIONS}/{told.json['id']}")
    assert withdrawn.json["withdrawn"]
    assert (await owner.asks("DELETE", f"{INVITATIONS}/{told.json['id']}")).code == "invitation_not_found"


async def test_a_member_s_role_counts_from_the_next_request_on(office: Team) -> None:
    owner, member = await office.member("owner"), await office.member("support")
    who = await member_with(owner, "support")
    assert (await member.gets("/v1/balance")).code == "permission_missing"
    assert (await owner.posts(f"{MEMBERS}/{who}", {"role": "finance"})).json["role"] == "finance"
    assert (await member.gets("/v1/balance")).status == 200
    assert (await owner.asks("DELETE", f"{MEMBERS}/{who}")).json["removed"]
    assert (await member.gets("/v1/balance")).no == (401, "key_refused", "Authorization")


async def test_an_admin_neither_appoints_nor_removes_an_owner(office: Team) -> None:
    owner, admin = await office.member("owner"), await office.member("admin")
    who = await member_with(owner, "owner")
    invited = await admin.posts(INVITATIONS, {"email": "x@example.com", "role": "owner"})
    assert invited.no == (403, "role_above_own", "role")
    assert (await admin.asks("DELETE", f"{MEMBERS}/{who}")).code == "role_above_own"
    assert (await owner.asks("DELETE", f"{MEMBERS}/{who}")).code == "last_owner"


async def test_a_key_says_nothing_about_the_team(office: Team) -> None:
    told = await office.shop.posts(INVITATIONS, {"email": "x@example.com", "role": "viewer"})
    assert told.code == "permission_missing"


async def test_members_of_others_and_made_up_ones_get_the_same_answer(office: Team) -> None:
    owner = await office.member("owner")
    foreign, _ = await add_user(office.database)
    await office.joins(foreign, "viewer", await add_merchant(office.database))
    told = [
        await owner.posts(f"{MEMBERS}/{who}", {"role": "viewer"}) for who in (foreign, new_id("usr"), "x")
    ]
    assert len({str(one.json | {"request_id": ""}) for one in told}) == 1
    assert told[0].no == (404, "member_not_found", "id")


async def test_a_person_of_two_merchants_acts_in_one_at_a_time(office: Team) -> None:
    user, _ = await add_user(office.database)
    other = await add_merchant(office.database)
    await office.joins(user, "owner", office.merchant)
    await office.joins(user, "viewer", other)
    here, there = office.as_user(user), office.as_user(user, merchant=other)
    assert (await here.gets("/v1/merchant")).json["id"] == office.merchant
    assert (await there.gets("/v1/merchant")).json["id"] == other
    assert (await there.posts("/v1/merchant", {"name": "Mine"})).code == "permission_missing"


async def test_somebody_who_has_an_account_joins_with_the_letter_s_token(office: Team) -> None:
    owner, guest = await office.member("owner"), await office.operator(None)
    told = await guest.gets("/auth/me")
    await owner.posts(INVITATIONS, {"email": told.json["user"]["email"], "role": "finance"})
    await office.people.mail_goes_out()
    token = office.people.postbox.token()
    joined = await guest.posts("/auth/invitations/accept", {"token": token})
    assert [(one["merchant"], one["role"]) for one in joined.json["data"]] == [(office.merchant, "finance")]
    assert (await guest.gets("/auth/memberships")).json["data"] == joined.json["data"]
    assert (await guest.posts("/auth/invitations/accept", {"token": token})).code == "invitation_not_found"


async def test_somebody_else_s_token_joins_nobody(office: Team) -> None:
    owner, guest = await office.member("owner"), await office.operator(None)
    await owner.posts(INVITATIONS, {"email": "somsri@example.com", "role": "owner"})
    await office.people.mail_goes_out()
    told = await guest.posts("/auth/invitations/accept", {"token": office.people.postbox.token()})
    assert told.code == "invitation_for_another"
    assert (await guest.gets("/auth/memberships")).json["data"] == []
