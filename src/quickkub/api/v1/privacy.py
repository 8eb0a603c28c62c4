"""People's data: requests are filed by a merchant's people, and done by the platform's, who have just shown
their second factor. docs/decisions/0024-privacy.md."""

from __future__ import annotations

import base64
from typing import cast

import msgspec
from litestar import Response, get, post

from quickkub.access.sessions import SecondFactorRequired, SignedIn, StepUpRequired, require_step_up
from quickkub.api import privacy_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.api.times import moment
from quickkub.api.v1.platform_merchants import ONE, merchant_id
from quickkub.kernel.ids import MerchantId, has_shape
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.privacy import breaches, holds, requests
from quickkub.privacy.office import (
    ErasureTooEarly,
    HoldNotFound,
    HoldUnclear,
    NobodyFound,
    RequestNotFound,
    RequestOver,
    UnderLegalHold,
)
from quickkub.privacy.person import Person, PersonUnclear, read_person
from quickkub.privacy.requests import AskedFor, AskedInFuture

PATH = "/v1/privacy/requests"
PLATFORM_PATH = "/v1/platform/privacy"
_ONE_REQUEST = f"{ONE}/privacy/requests/{{privacy_request:str}}"
_ONE_HOLD = f"{ONE}/privacy/holds/{{hold:str}}"

FILE = Operation(
    id="filePrivacyRequest",
    needs="privacy:write",
    summary="File what somebody asked for about their data",
    description=(
        "Only a person may. The platform's compliance people do it within 30 days of `asked_at`. It concerns "
        "both modes."
    ),
    answers=words.PrivacyRequest,
    status=201,
    body=words.FilePrivacyRequest,
    refusals=(PersonUnclear, AskedInFuture),
)


@post(PATH, status_code=201, opt=says(FILE))
async def file_privacy_request(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.FilePrivacyRequest)
    request.query(schema.NoQuery)
    asked_at = None if said.asked_at is None else moment(said.asked_at, "asked_at")
    office = request.services.privacy.office
    async with office.db.transaction() as tx:
        filed = await requests.file(
            tx, office, request.caller.merchant, AskedFor(said.kind), _person(said.person), asked_at
        )
    return answer(filed, status=201)


LIST = Operation(
    id="listPrivacyRequests",
    needs="privacy:read",
    summary="List what people asked for about their data, newest first",
    answers=schema.List[words.PrivacyRequest],
    query=words.PrivacyRequestsQuery,
)


@get(PATH, opt=says(LIST))
async def list_privacy_requests(request: ApiRequest) -> Response[bytes]:
    return await _listed(request, request.caller.merchant, PATH)


GET = Operation(
    id="getPrivacyRequest",
    needs="privacy:read",
    summary="Look at one request",
    answers=words.PrivacyRequest,
    refusals=(RequestNotFound,),
)


@get(f"{PATH}/{{privacy_request:str}}", opt=says(GET))
async def get_privacy_request(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    office = request.services.privacy.office
    async with office.db.read() as reader:
        return answer(await requests.get(reader, office, request.caller.merchant, _request_id(request)))


LIST_ALL = Operation(
    id="listPrivacyRequestsOfPlatform",
    needs="privacy:read",
    platform=True,
    summary="List what people asked for at all merchants, newest first",
    answers=schema.List[words.PrivacyRequest],
    query=words.PrivacyRequestsQuery,
)


@get(f"{PLATFORM_PATH}/requests", opt=says(LIST_ALL))
async def list_all_privacy_requests(request: ApiRequest) -> Response[bytes]:
    return await _listed(request, None, f"{PLATFORM_PATH}/requests")


ERASE = Operation(
    id="erasePerson",
    needs="privacy:write",
    platform=True,
    summary="Erase the person of an erasure request",
    description=(
        "Who they are is replaced by a pseudonym in every row of the merchant; amounts, states and the books "
        "stay. The request is closed with the certificate. Needs a step-up."
    ),
    answers=words.PrivacyRequest,
    refusals=(
        RequestNotFound,
        RequestOver,
        UnderLegalHold,
        ErasureTooEarly,
        NobodyFound,
        SecondFactorRequired,
        StepUpRequired,
    ),
)


@post(f"{_ONE_REQUEST}/erase", status_code=200, opt=says(ERASE))
async def erase_person(request: ApiRequest) -> Response[bytes]:
    await _stepped_up(request)
    privacy = request.services.privacy
    return answer(await privacy.erase_asked(merchant_id(request), _request_id(request)))


EXPORT = Operation(
    id="exportPerson",
    needs="privacy:write",
    platform=True,
    summary="Hand out everything held about the person of an export request",
    description="A zip of JSON and CSV files, in base64, with its SHA-256. Needs a step-up.",
    answers=words.PrivacyExport,
    refusals=(RequestNotFound, RequestOver, NobodyFound, SecondFactorRequired, StepUpRequired),
)


@post(f"{_ONE_REQUEST}/export", status_code=200, opt=says(EXPORT))
async def export_person(request: ApiRequest) -> Response[bytes]:
    await _stepped_up(request)
    closed, done = await request.services.privacy.export_asked(merchant_id(request), _request_id(request))
    content = base64.b64encode(done.content).decode()
    return answer({"object": "privacy_export", "request": closed, "sha256": done.sha256, "content": content})


CLOSE = Operation(
    id="closePrivacyRequest",
    needs="privacy:write",
    platform=True,
    summary="Close a request that was done by hand: a correction, an objection, a restriction",
    answers=words.PrivacyRequest,
    refusals=(RequestNotFound, RequestOver),
)


@post(f"{_ONE_REQUEST}/close", status_code=200, opt=says(CLOSE))
async def close_privacy_request(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    return await _closed(request, None)


REFUSE = Operation(
    id="refusePrivacyRequest",
    needs="privacy:write",
    platform=True,
    summary="Refuse a request, with the reason the person is told",
    answers=words.PrivacyRequest,
    body=words.RefusePrivacyRequest,
    refusals=(RequestNotFound, RequestOver),
)


@post(f"{_ONE_REQUEST}/refuse", status_code=200, opt=says(REFUSE))
async def refuse_privacy_request(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.RefusePrivacyRequest)
    request.query(schema.NoQuery)
    return await _closed(request, plain_text(said.reason, "reason", letters_max=500))


LIST_HOLDS = Operation(
    id="listLegalHolds",
    needs="privacy:read",
    platform=True,
    summary="List the holds that stand",
    answers=schema.List[words.LegalHold],
)


@get(f"{PLATFORM_PATH}/holds", opt=says(LIST_HOLDS))
async def list_legal_holds(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await holds.standing(reader)
    return page(f"{PLATFORM_PATH}/holds", found, has_more=False)


PLACE = Operation(
    id="placeLegalHold",
    needs="privacy:write",
    platform=True,
    summary="Keep a merchant's, a payment's or a person's data, whatever its time",
    answers=words.LegalHold,
    status=201,
    body=words.PlaceHold,
    refusals=(HoldUnclear, MerchantNotFound, PersonUnclear, SecondFactorRequired, StepUpRequired),
)


@post(f"{ONE}/privacy/holds", status_code=201, opt=says(PLACE))
async def place_legal_hold(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.PlaceHold)
    request.query(schema.NoQuery)
    require_step_up(_signed_in(request))
    office = request.services.privacy.office
    person = None if said.person is None else _person(said.person)
    reason = plain_text(said.reason, "reason", letters_max=500)
    async with office.db.transaction() as tx:
        placed = await holds.place(
            tx, office, merchant_id(request), reason, payment=said.payment, person=person
        )
    return answer(placed, status=201)


LIFT = Operation(
    id="liftLegalHold",
    needs="privacy:write",
    platform=True,
    summary="Lift a hold",
    answers=words.LegalHold,
    body=words.LiftHold,
    refusals=(HoldNotFound, SecondFactorRequired, StepUpRequired),
)


@post(f"{_ONE_HOLD}/lift", status_code=200, opt=says(LIFT))
async def lift_legal_hold(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.LiftHold)
    request.query(schema.NoQuery)
    require_step_up(_signed_in(request))
    reason, hold = plain_text(said.reason, "reason", letters_max=500), str(request.path_params["hold"])
    if not has_shape(hold, "hld"):
        raise HoldNotFound("there is no such hold, or it was lifted", param="id")
    async with request.services.db.transaction() as tx:
        return answer(await holds.lift(tx, merchant_id(request), hold, reason))


LIST_BREACHES = Operation(
    id="listBreaches",
    needs="privacy:read",
    platform=True,
    summary="List breaches of personal data with their clocks, newest first",
    answers=schema.List[words.Breach],
)


@get(f"{PLATFORM_PATH}/breaches", opt=says(LIST_BREACHES))
async def list_breaches(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await breaches.listed(reader)
    return page(f"{PLATFORM_PATH}/breaches", found, has_more=False)


async def _listed(request: ApiRequest, merchant: MerchantId | None, path: str) -> Response[bytes]:
    query = request.query(words.PrivacyRequestsQuery)
    refuse_bad_cursors(query, "prq")
    office = request.services.privacy.office
    async with office.db.read() as reader:
        found = await requests.page(
            reader,
            office,
            merchant,
            state=query.status,
            after=query.starting_after,
            limit=query.limit + 1,
        )
    return page(path, found[: query.limit], has_more=len(found) > query.limit)


async def _closed(request: ApiRequest, refused_because: str | None) -> Response[bytes]:
    office, merchant, which = request.services.privacy.office, merchant_id(request), _request_id(request)
    async with office.db.transaction() as tx:
        await requests.open_one(tx, office, merchant, which, None)
        return answer(await requests.close(tx, office, merchant, which, refused_because=refused_because))


async def _stepped_up(request: ApiRequest) -> None:
    """A request without words by somebody who has just shown password and second factor."""
    await request.no_words()
    request.query(schema.NoQuery)
    require_step_up(_signed_in(request))


def _signed_in(request: ApiRequest) -> SignedIn:
    """The operator; the routes' guard has found them."""
    return cast("SignedIn", request.scope["state"]["signed_in"])


def _person(said: words.PersonWords) -> Person:
    return read_person(msgspec.to_builtins(said))


def _request_id(request: ApiRequest) -> str:
    found = str(request.path_params["privacy_request"])
    if not has_shape(found, "prq"):
        raise RequestNotFound("there is no such request", param="id")
    return found


ROUTES = (file_privacy_request, list_privacy_requests, get_privacy_request)
PLATFORM_ROUTES = (
    list_all_privacy_requests,
    erase_person,
    export_person,
    close_privacy_request,
    refuse_privacy_request,
    list_legal_holds,
    place_legal_hold,
    lift_legal_hold,
    list_breaches,
)
"""For operators; see api/operators.py."""
