"""What payments cost: seen by the merchant, set by the platform."""

from __future__ import annotations

from litestar import Response, get

from quickkub.api import merchant_schema as words
from quickkub.api import schema
from quickkub.api.lists import page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.merchants import fees

PATH = "/v1/fee_plans"

LIST = Operation(
    id="listFeePlans",
    needs="merchant:read",
    summary="What your payments cost, cost and will cost",
    description="All of them on one page: there are few.",
    answers=schema.List[words.FeePlan],
)


@get(PATH, opt=says(LIST))
async def list_fee_plans(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await fees.plans(reader, request.caller.merchant)
    return page(PATH, [fees.view_of(plan) for plan in found], has_more=False)


ROUTES = (list_fee_plans,)
