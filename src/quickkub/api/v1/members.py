"""Members and invitations. Whoever is signed in takes an invitation under /auth; here it is given."""

from __future__ import annotations

from litestar import Response, delete, get, post

from quickkub.access import members
from quickkub.access.emails import EmailInvalid
from quickkub.access.members_rules import (
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    RoleAboveOwn,
)
from quickkub.api import access_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.kernel.ids import has_shape

PATH = "/v1/members"
INVITATIONS = "/v1/invitations"

LIST = Operation(
    id="listMembers",
    needs="team:read",
    summary="List your team",
    description="All of it on one page: there are few.",
    answers=schema.List[words.Member],
)


@get(PATH, opt=says(LIST))
async def list_members(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await members.members(reader, request.caller.merchant)
    return page(PATH, found, has_more=False)


CHANGE = Operation(
    id="changeMember",
    needs="team:write",
    summary="Give a member another role",
    description="Counts from the member's next request on.",
    answers=words.Member,
    body=words.ChangeMember,
    refusals=(MemberNotFound, RoleAboveOwn, LastOwner),
)


@post(f"{PATH}/{{member:str}}", status_code=200, opt=says(CHANGE))
async def change_member(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ChangeMember)
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        return answer(await members.change_role(tx, request.caller, _member_id(request), said.role))


REMOVE = Operation(
    id="removeMember",
    needs="team:write",
    summary="Remove a member",
    description="What the member's keys are is yours; look through them.",
    answers=words.RemovedMember,
    refusals=(MemberNotFound, RoleAboveOwn, LastOwner),
)


@delete(f"{PATH}/{{member:str}}", status_code=200, opt=says(REMOVE))
async def remove_member(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    user = _member_id(request)
    async with request.services.db.transaction() as tx:
        await members.remove(tx, request.caller, user)
    return answer(words.RemovedMember(id=user, object="member", removed=True))


INVITE = Operation(
    id="createInvitation",
    needs="team:write",
    summary="Invite somebody by e-mail",
    description="An open invitation to the same address is withdrawn.",
    answers=words.Invitation,
    status=201,
    body=words.CreateInvitation,
    refusals=(EmailInvalid, RoleAboveOwn),
)


@post(INVITATIONS, status_code=201, opt=says(INVITE))
async def invite(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.CreateInvitation)
    request.query(schema.NoQuery)
    access = request.services.access
    assert access is not None, "a person asks, so people can sign in"
    async with request.services.db.transaction() as tx:
        made = await members.invite(
            tx, request.caller, said.email, said.role, access.accounts.send_invitation
        )
    return answer(made, status=201)


LIST_INVITATIONS = Operation(
    id="listInvitations",
    needs="team:read",
    summary="List invitations nobody has taken yet",
    answers=schema.List[words.Invitation],
)


@get(INVITATIONS, opt=says(LIST_INVITATIONS))
async def list_invitations(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await members.invitations(reader, request.caller.merchant)
    return page(INVITATIONS, found, has_more=False)


WITHDRAW = Operation(
    id="withdrawInvitation",
    needs="team:write",
    summary="Take an invitation back",
    answers=words.WithdrawnInvitation,
    refusals=(InvitationNotFound,),
)


@delete(f"{INVITATIONS}/{{invitation:str}}", status_code=200, opt=says(WITHDRAW))
async def withdraw_invitation(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    invitation = str(request.path_params["invitation"])
    if not has_shape(invitation, "inv"):
        raise InvitationNotFound
    async with request.services.db.transaction() as tx:
        await members.withdraw(tx, request.caller, invitation)
    return answer(words.WithdrawnInvitation(id=invitation, object="invitation", withdrawn=True))


def _member_id(request: ApiRequest) -> str:
    user = str(request.path_params["member"])
    if not has_shape(user, "usr"):
        raise MemberNotFound
    return user


ROUTES = (list_members, change_member, remove_member, invite, list_invitations, withdraw_invitation)
