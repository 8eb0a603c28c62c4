"""Acts that wait for a second person: approved, refused, or taken back by who asked."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import access_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.kernel.ids import has_shape
from quickkub.merchants import approvals
from quickkub.merchants.settlement_account import EFFECTS
from quickkub.merchants.states import ApprovalFact

PATH = "/v1/approvals"
_REFUSALS = (approvals.ApprovalNotFound, approvals.ApprovalOver, approvals.SecondPersonNeeded)

LIST = Operation(
    id="listApprovals",
    needs="settlement:read",
    summary="List acts that wait, or waited, for a second person",
    answers=schema.List[words.Approval],
    query=schema.ForwardQuery,
)


@get(PATH, opt=says(LIST))
async def list_approvals(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.ForwardQuery)
    refuse_bad_cursors(query, "apr")
    async with request.services.db.read() as reader:
        found = await approvals.approvals(
            reader, request.caller.merchant, after=query.starting_after, limit=query.limit + 1
        )
    shown = [approvals.view_of(one) for one in found[: query.limit]]
    return page(PATH, shown, has_more=len(found) > query.limit)


APPROVE = Operation(
    id="approve",
    needs="approvals:write",
    summary="Say yes to what somebody else asked for",
    answers=words.Approval,
    body=words.DecideApproval,
    refusals=_REFUSALS,
)


@post(f"{PATH}/{{approval:str}}/approve", status_code=200, opt=says(APPROVE))
async def approve(request: ApiRequest) -> Response[bytes]:
    return await _decide(request, ApprovalFact.APPROVE)


REFUSE = Operation(
    id="refuseApproval",
    needs="approvals:write",
    summary="Say no to what somebody else asked for",
    answers=words.Approval,
    body=words.DecideApproval,
    refusals=_REFUSALS,
)


@post(f"{PATH}/{{approval:str}}/refuse", status_code=200, opt=says(REFUSE))
async def refuse(request: ApiRequest) -> Response[bytes]:
    return await _decide(request, ApprovalFact.REFUSE)


WITHDRAW = Operation(
    id="withdrawApproval",
    needs="settlement:write",
    summary="Take back what you asked for",
    answers=words.Approval,
    body=words.DecideApproval,
    refusals=_REFUSALS,
)


@post(f"{PATH}/{{approval:str}}/withdraw", status_code=200, opt=says(WITHDRAW))
async def withdraw(request: ApiRequest) -> Response[bytes]:
    return await _decide(request, ApprovalFact.WITHDRAW)


async def _decide(request: ApiRequest, fact: ApprovalFact) -> Response[bytes]:
    said = await request.words_or(words.DecideApproval)
    request.query(schema.NoQuery)
    approval = str(request.path_params["approval"])
    if not has_shape(approval, "apr"):
        raise approvals.ApprovalNotFound
    reason = plain_text(said.reason, "reason", letters_max=500) if said.reason else ""
    caller = request.caller
    async with request.services.db.transaction() as tx:
        decided = await approvals.decide(
            tx, caller.merchant, approval, fact, caller.id, EFFECTS, reason=reason
        )
    return answer(approvals.view_of(decided))


ROUTES = (list_approvals, approve, refuse, withdraw)
