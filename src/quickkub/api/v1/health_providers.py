"""How the caller's provider accounts are doing."""

from __future__ import annotations

from litestar import Response, get

from quickkub.api import routing_schema as words
from quickkub.api import schema
from quickkub.api.lists import page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest

PATH = "/v1/providers/health"

LIST = Operation(
    id="listProviderHealth",
    needs="providers:read",
    summary="How your provider accounts are doing",
    description=(
        "A degraded account is tried last. `circuit` is what the process that answers has seen; the outcomes "
        "are those of all processes."
    ),
    answers=schema.List[words.ProviderHealth],
)


@get(PATH, opt=says(LIST))
async def list_provider_health(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    found = await request.services.payments.routes.health(caller.merchant, caller.mode)
    return page(PATH, found, has_more=False)


ROUTES = (list_provider_health,)
