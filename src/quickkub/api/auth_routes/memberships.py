"""The merchants somebody works for: which they are, and how one more is joined."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from litestar import Response, get, post
from msgspec import Meta, Struct

from quickkub.access import members
from quickkub.access.emails import read_email
from quickkub.access.members_rules import AlreadyMember, InvitationForAnother, InvitationNotFound
from quickkub.access.sessions import SessionMissing
from quickkub.api import schema
from quickkub.api.access_schema import MerchantRole
from quickkub.api.auth_routes.guard import AuthRequest, CsrfRefused, OriginRefused
from quickkub.api.lists import answer, page
from quickkub.api.merchant_schema import MerchantStatus
from quickkub.api.operations import Operation, says
from quickkub.storage.scope import house

PATH: Final = "/auth/memberships"


class Membership(Struct, kw_only=True):
    """A merchant you work for, and your role there."""

    object: Literal["membership"]
    merchant: str
    name: str
    status: MerchantStatus
    role: MerchantRole


class AcceptInvitation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The token of the letter you got."""

    token: Annotated[str, Meta(min_length=43, max_length=43)]


LIST: Final = Operation(
    id="listMemberships",
    needs=None,
    summary="List the merchants you work for",
    answers=schema.List[Membership],
    refusals=(SessionMissing,),
)


@get(PATH, opt=says(LIST))
async def list_memberships(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    return page(PATH, await _memberships(request), has_more=False)


ACCEPT: Final = Operation(
    id="acceptInvitation",
    needs=None,
    summary="Join a merchant's team",
    description="With the token of an invitation that was sent to your own address.",
    answers=schema.List[Membership],
    body=AcceptInvitation,
    refusals=(
        OriginRefused,
        SessionMissing,
        CsrfRefused,
        InvitationNotFound,
        InvitationForAnother,
        AlreadyMember,
    ),
)


@post("/auth/invitations/accept", status_code=200, opt=says(ACCEPT))
async def accept_invitation(request: AuthRequest) -> Response[bytes]:
    said = await request.words(AcceptInvitation)
    request.query(schema.NoQuery)
    user = request.signed_in.user
    with members.as_invited(said.token):
        async with request.services.db.transaction() as tx:
            await members.accept(tx, said.token, user.id, read_email(user.email).normal)
    return answer({"object": "list", "data": await _memberships(request), "has_more": False, "url": PATH})


async def _memberships(request: AuthRequest) -> list[dict[str, Any]]:
    """One's own, at whatever merchants."""
    with house():
        async with request.services.db.read() as reader:
            return await members.memberships(reader, request.signed_in.user_id)


SIGNED_IN: Final = (list_memberships, accept_invitation)
