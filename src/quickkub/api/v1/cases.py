"""Cases: what waits for a person, and what was decided."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.access.sessions import SecondFactorRequired, StepUpRequired
from quickkub.access.step_up import require_fresh
from quickkub.api import money_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.once import answered, once, rendered_as
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.api.text import plain_text
from quickkub.api.v1.refunds import destination_of
from quickkub.kernel.ids import has_shape
from quickkub.refunds.cases import (
    CaseClosed,
    CaseHoldsMoney,
    CaseHoldsNoMoney,
    CaseNotFound,
    Decision,
    Resolution,
)
from quickkub.storage.idempotency import KeyBusy, KeyReused

PATH = "/v1/cases"

LIST = Operation(
    id="listCases",
    needs="cases:read",
    summary="List cases, newest first",
    description="Money that came twice, a callback of a wrong amount or of a reference nobody knows.",
    answers=schema.List[words.Case],
    query=schema.ForwardQuery,
)


@get(PATH, opt=says(LIST))
async def list_cases(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.ForwardQuery)
    refuse_bad_cursors(query, "case")
    caller = request.caller
    found = await request.services.payments.cases(
        caller.merchant, caller.mode, query.limit, query.starting_after
    )
    return page(PATH, found.items, has_more=found.has_more)


GET = Operation(
    id="getCase", needs="cases:read", summary="Look at a case", answers=words.Case, refusals=(CaseNotFound,)
)


@get(f"{PATH}/{{case:str}}", opt=says(GET))
async def get_case(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(await request.services.refunds.case(caller.merchant, caller.mode, _case_id(request)))


RESOLVE = Operation(
    id="resolveCase",
    needs="cases:write",
    summary="Decide about a case",
    description="A person needs a step-up to give money back.",
    answers=words.Case,
    body=words.ResolveCase,
    once=True,
    refusals=(
        CaseNotFound,
        CaseClosed,
        CaseHoldsNoMoney,
        CaseHoldsMoney,
        KeyReused,
        KeyBusy,
        SecondFactorRequired,
        StepUpRequired,
    ),
)


@post(f"{PATH}/{{case:str}}/resolve", status_code=200, opt=says(RESOLVE))
async def resolve_case(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ResolveCase)
    request.query(schema.NoQuery)
    decision = Decision(said.decision)
    if said.destination is not None and decision is not Decision.REFUND:
        raise ParameterInvalid("is for a refund only", param="destination")
    if decision is Decision.REFUND:
        # Nobody's money: no payment says where it may go back to.
        await require_fresh(request.services.db, request.caller)
    resolution = Resolution(
        decision,
        plain_text(said.note, "note", letters_max=words.NOTE_LETTERS_MAX),
        request.caller.id,
        destination_of(said.destination),
    )
    case = _case_id(request)
    return answered(
        await request.services.refunds.resolve(case, resolution, await once(request), rendered_as(200))
    )


def _case_id(request: ApiRequest) -> str:
    case = str(request.path_params["case"])
    if not has_shape(case, "case"):
        raise CaseNotFound()
    return case


ROUTES = (list_cases, get_case, resolve_case)
