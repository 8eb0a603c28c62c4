"""Disputes: looked at, contested with evidence, or accepted."""

from __future__ import annotations

import base64
import binascii

from litestar import Response, get, post

from quickkub.api import money_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.once import answered, once, rendered_as
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.connectors.contract import Evidence
from quickkub.disputes.model import (
    DisputeClosed,
    DisputeNotFound,
    EvidenceElsewhere,
    EvidenceNotTaken,
)
from quickkub.kernel.ids import has_shape
from quickkub.storage.idempotency import KeyBusy, KeyReused

PATH = "/v1/disputes"

LIST = Operation(
    id="listDisputes",
    needs="disputes:read",
    summary="List disputes, newest first",
    answers=schema.List[words.Dispute],
    query=words.DisputesQuery,
)


@get(PATH, opt=says(LIST))
async def list_disputes(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.DisputesQuery)
    refuse_bad_cursors(query, "dp")
    found = await request.services.disputes.page(
        request.caller.merchant,
        request.caller.mode,
        limit=query.limit,
        starting_after=query.starting_after,
        payment=query.payment,
    )
    return page(PATH, found.items, has_more=found.has_more)


GET = Operation(
    id="getDispute",
    needs="disputes:read",
    summary="Look at a dispute",
    answers=words.Dispute,
    refusals=(DisputeNotFound,),
)


@get(f"{PATH}/{{dispute:str}}", opt=says(GET))
async def get_dispute(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(await request.services.disputes.get(caller.merchant, caller.mode, _dispute_id(request)))


_REFUSALS = (
    DisputeNotFound,
    DisputeClosed,
    EvidenceElsewhere,
    EvidenceNotTaken,
    KeyReused,
    KeyBusy,
)

CONTEST = Operation(
    id="contestDispute",
    needs="disputes:write",
    summary="Hand in what speaks for you",
    answers=words.Dispute,
    body=words.ContestDispute,
    once=True,
    refusals=_REFUSALS,
)


@post(f"{PATH}/{{dispute:str}}/contest", status_code=200, opt=says(CONTEST))
async def contest_dispute(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ContestDispute)
    request.query(schema.NoQuery)
    files = tuple(
        (one.name, one.media_type, _content(one.content, place)) for place, one in enumerate(said.files)
    )
    dispute, evidence = _dispute_id(request), Evidence(said.text, files)
    return answered(
        await request.services.disputes.contest(dispute, evidence, await once(request), rendered_as(200))
    )


def _content(text: str, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ParameterInvalid("is not base64", param=f"files[{place}].content") from None


ACCEPT = Operation(
    id="acceptDispute",
    needs="disputes:write",
    summary="Give in",
    answers=words.Dispute,
    once=True,
    refusals=_REFUSALS,
)


@post(f"{PATH}/{{dispute:str}}/accept", status_code=200, opt=says(ACCEPT))
async def accept_dispute(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    dispute = _dispute_id(request)
    return answered(await request.services.disputes.accept(dispute, await once(request), rendered_as(200)))


def _dispute_id(request: ApiRequest) -> str:
    dispute = str(request.path_params["dispute"])
    if not has_shape(dispute, "dp"):
        raise DisputeNotFound()
    return dispute


ROUTES = (list_disputes, get_dispute, contest_dispute, accept_dispute)
