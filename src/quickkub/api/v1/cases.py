"""Cases: what waits for a person."""

from __future__ import annotations

from litestar import Response, get

from quickkub.api import schema
from quickkub.api.lists import page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest

PATH = "/v1/cases"

LIST = Operation(
    id="listCases",
    summary="List cases, newest first",
    description="Money that came twice, a callback of a wrong amount or of a reference nobody knows.",
    answers=schema.List[schema.Case],
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


ROUTES = (list_cases,)
