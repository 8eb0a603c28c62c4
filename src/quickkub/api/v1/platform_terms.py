"""On what terms a merchant is served: limits and fee plans, set by the platform."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import merchant_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.api.times import moment
from quickkub.api.v1.platform_merchants import ONE, merchant_id
from quickkub.kernel.ids import MerchantId
from quickkub.merchants import fees, limits, profile
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.storage import Connection

SET_LIMITS = Operation(
    id="setMerchantLimits",
    needs="limits:write",
    platform=True,
    summary="Set the most a merchant may ask for",
    answers=words.Limits,
    body=words.ReplaceLimits,
    refusals=(MerchantNotFound,),
)


@post(f"{ONE}/limits", status_code=200, opt=says(SET_LIMITS))
async def set_limits(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ReplaceLimits)
    request.query(schema.NoQuery)
    wanted = [
        limits.Limit(one.method or limits.ALL_METHODS, one.per_payment, one.per_day, one.per_month)
        for one in said.limits
    ]
    if len({one.method for one in wanted}) != len(wanted):
        raise ParameterInvalid("names a method twice", param="limits")
    merchant = merchant_id(request)
    async with request.services.db.transaction() as tx:
        await _exists(tx, merchant)
        after = await limits.replace_limits(tx, merchant, wanted)
    return answer({"object": "limits", "limits": [limits.view_of(one) for one in after]})


LIST_PLANS = Operation(
    id="listMerchantFeePlans",
    needs="merchants:read",
    platform=True,
    summary="What a merchant's payments cost, cost and will cost",
    answers=schema.List[words.FeePlan],
    refusals=(MerchantNotFound,),
)


@get(f"{ONE}/fee_plans", opt=says(LIST_PLANS))
async def list_plans(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    merchant = merchant_id(request)
    async with request.services.db.read() as reader:
        await _exists(reader, merchant)
        found = await fees.plans(reader, merchant)
    return page(request.url.path, [fees.view_of(plan) for plan in found], has_more=False)


ADD_PLAN = Operation(
    id="addMerchantFeePlan",
    needs="fees:write",
    platform=True,
    summary="Set what a merchant's payments cost from a moment on",
    description="The plan of the same method that is valid then ends there. No plan begins in the past.",
    answers=words.FeePlan,
    status=201,
    body=words.AddFeePlan,
    refusals=(MerchantNotFound, fees.FeePlanInvalid, fees.FeePlanOverlaps),
)


@post(f"{ONE}/fee_plans", status_code=201, opt=says(ADD_PLAN))
async def add_plan(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AddFeePlan)
    request.query(schema.NoQuery)
    merchant = merchant_id(request)
    async with request.services.db.transaction() as tx:
        await _exists(tx, merchant)
        plan = await fees.add(
            tx,
            merchant,
            said.method or fees.ALL_METHODS,
            percent=said.percent,
            fixed_satang=said.fixed_satang,
            begins=None if said.begins_at is None else moment(said.begins_at, "begins_at"),
            by=request.caller.id,
        )
    return answer(fees.view_of(plan), status=201)


async def _exists(reader: Connection, merchant: MerchantId) -> None:
    await profile.profile(reader, merchant)


ROUTES = (set_limits, list_plans, add_plan)
