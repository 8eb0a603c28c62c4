"""Merchants, the platform's side: made, approved, suspended, reinstated, closed."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from quickkub.access import members
from quickkub.access.emails import EmailInvalid
from quickkub.api import merchant_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.kernel.ids import MerchantId, has_shape
from quickkub.kernel.states import WrongState
from quickkub.merchants import lifecycle, profile
from quickkub.merchants.states import MerchantFact

PATH = "/v1/platform/merchants"
ONE = f"{PATH}/{{merchant:str}}"

CREATE = Operation(
    id="createMerchant",
    needs="merchants:write",
    platform=True,
    summary="Make a merchant and invite its first owner",
    description="Pending until its KYC application is approved; it may build in test mode meanwhile.",
    answers=words.Merchant,
    status=201,
    body=words.CreateMerchant,
    refusals=(EmailInvalid,),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_merchant(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.CreateMerchant)
    request.query(schema.NoQuery)
    access = request.services.access
    assert access is not None, "an operator is signed in"
    name = plain_text(said.name, "name", letters_max=100)
    async with request.services.db.transaction() as tx:
        merchant = await lifecycle.create(tx, name, tier=said.tier)
        send = access.accounts.send_invitation
        await members.invite_first_owner(tx, merchant, request.caller.id, said.owner_email, send)
        made = await profile.profile(tx, merchant)
    return answer(made, status=201)


LIST = Operation(
    id="listMerchants",
    needs="merchants:read",
    platform=True,
    summary="List merchants, newest first",
    answers=schema.List[words.Merchant],
    query=words.MerchantsQuery,
)


@get(PATH, opt=says(LIST))
async def list_merchants(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.MerchantsQuery)
    refuse_bad_cursors(query, "mer")
    async with request.services.db.read() as reader:
        found = await profile.merchants(
            reader, state=query.status, after=query.starting_after, limit=query.limit + 1
        )
    return page(PATH, found[: query.limit], has_more=len(found) > query.limit)


GET = Operation(
    id="getMerchantOfPlatform",
    needs="merchants:read",
    platform=True,
    summary="Look at a merchant",
    answers=words.Merchant,
    refusals=(lifecycle.MerchantNotFound,),
)


@get(ONE, opt=says(GET))
async def get_merchant(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        return answer(await profile.profile(reader, merchant_id(request)))


SET_TIER = Operation(
    id="setMerchantTier",
    needs="merchants:write",
    platform=True,
    summary="Put a merchant into a tier",
    answers=words.Merchant,
    body=words.SetTier,
    refusals=(lifecycle.MerchantNotFound,),
)


@post(f"{ONE}/tier", status_code=200, opt=says(SET_TIER))
async def set_tier(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.SetTier)
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        return answer(await profile.set_tier(tx, merchant_id(request), said.tier))


def _moving(word: str, fact: MerchantFact, needs: str, summary: str) -> HTTPRouteHandler:
    """The route of one decision about a merchant."""
    operation = Operation(
        id=f"{word}Merchant",
        needs=needs,
        platform=True,
        summary=summary,
        answers=words.Merchant,
        body=words.MoveMerchant,
        refusals=(lifecycle.MerchantNotFound, lifecycle.NotYetKnown, WrongState),
    )

    @post(f"{ONE}/{word}", status_code=200, opt=says(operation))
    async def move(request: ApiRequest) -> Response[bytes]:
        said = await request.words(words.MoveMerchant)
        request.query(schema.NoQuery)
        merchant = merchant_id(request)
        reason = plain_text(said.reason, "reason", letters_max=500)
        async with request.services.db.transaction() as tx:
            await lifecycle.move(tx, merchant, fact, reason)
            return answer(await profile.profile(tx, merchant))

    return move


def merchant_id(request: ApiRequest) -> MerchantId:
    """The merchant an operator's route is about. Raises MerchantNotFound."""
    merchant = str(request.path_params["merchant"])
    if not has_shape(merchant, "mer"):
        raise lifecycle.MerchantNotFound
    return MerchantId(merchant)


ROUTES = (
    create_merchant,
    list_merchants,
    get_merchant,
    set_tier,
    _moving("approve", MerchantFact.APPROVED, "kyc:review", "Let a known merchant be paid"),
    _moving("suspend", MerchantFact.SUSPENDED, "merchants:suspend", "Refuse a merchant's requests for now"),
    _moving("reinstate", MerchantFact.REINSTATED, "merchants:write", "Serve a suspended merchant again"),
    _moving("close", MerchantFact.CLOSED, "merchants:write", "Close a merchant for good"),
)
