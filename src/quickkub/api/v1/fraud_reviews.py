"""Reviews: payments that are not settled until a person has looked at them."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from quickkub.api import fraud_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.fraud.model import ReviewClosed, ReviewNotFound
from quickkub.fraud.review_store import Review
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import has_shape

PATH = "/v1/fraud/reviews"

LIST = Operation(
    id="listFraudReviews",
    needs="fraud:read",
    summary="List reviews, newest first",
    answers=schema.List[words.FraudReview],
    query=words.FraudReviewsQuery,
)


@get(PATH, opt=says(LIST))
async def list_fraud_reviews(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.FraudReviewsQuery)
    refuse_bad_cursors(query, "frv")
    caller = request.caller
    found, has_more = await request.services.fraud.reviews(
        caller.merchant, caller.mode, query.status, query.limit, query.starting_after
    )
    return page(PATH, [_view(one) for one in found], has_more=has_more)


GET = Operation(
    id="getFraudReview",
    needs="fraud:read",
    summary="Look at a review",
    answers=words.FraudReview,
    refusals=(ReviewNotFound,),
)


@get(f"{PATH}/{{review:str}}", opt=says(GET))
async def get_fraud_review(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(
        _view(await request.services.fraud.review(caller.merchant, caller.mode, _review_id(request)))
    )


APPROVE = Operation(
    id="approveFraudReview",
    needs="fraud:write",
    summary="Let a payment be settled",
    answers=words.FraudReview,
    body=words.DecideReview,
    refusals=(ReviewNotFound, ReviewClosed),
)


@post(f"{PATH}/{{review:str}}/approve", status_code=200, opt=says(APPROVE))
async def approve_fraud_review(request: ApiRequest) -> Response[bytes]:
    return await _decide(request, "approved")


DECLINE = Operation(
    id="declineFraudReview",
    needs="fraud:write",
    summary="Keep a payment from being settled",
    description="Nothing is given back by this: refund the payment. Until then its money is held.",
    answers=words.FraudReview,
    body=words.DecideReview,
    refusals=(ReviewNotFound, ReviewClosed),
)


@post(f"{PATH}/{{review:str}}/decline", status_code=200, opt=says(DECLINE))
async def decline_fraud_review(request: ApiRequest) -> Response[bytes]:
    return await _decide(request, "declined")


async def _decide(request: ApiRequest, state: str) -> Response[bytes]:
    said = await request.words(words.DecideReview)
    request.query(schema.NoQuery)
    note = plain_text(said.note, "note", letters_max=words.NOTE_LETTERS_MAX)
    caller = request.caller
    review = _review_id(request)
    return answer(
        _view(
            await request.services.fraud.decide(caller.merchant, caller.mode, review, state, caller.id, note)
        )
    )


def _review_id(request: ApiRequest) -> str:
    review = str(request.path_params["review"])
    if not has_shape(review, "frv"):
        raise ReviewNotFound("there is no such review", param="id")
    return review


def _view(one: Review) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": "fraud_review",
        "mode": one.mode,
        "payment": one.payment,
        "decision": one.decision,
        "status": one.state,
        "reasons": list(one.reasons),
        "note": one.note,
        "decided_by": one.decided_by,
        "decided_at": rfc3339(one.decided_at) if one.decided_at else None,
        "opened_at": rfc3339(one.opened_at),
        "expires_at": rfc3339(one.expires_at),
        "on_expiry": one.on_expiry,
    }


ROUTES = (list_fraud_reviews, get_fraud_review, approve_fraud_review, decline_fraud_review)
