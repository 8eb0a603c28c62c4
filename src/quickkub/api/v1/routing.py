"""Routing rules: looked at, and replaced by a new version."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post

from quickkub.api import routing_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.payments.routes.model import Rules
from quickkub.payments.routes.service import (
    RoutingAccountUnknown,
    RoutingRulesChanged,
    RoutingVersionUnknown,
)

PATH = "/v1/routing_rules"

GET = Operation(
    id="getRoutingRules",
    needs="routing:read",
    summary="Look at your routing rules",
    description="Versions are kept for ever: an attempt's `why` names the one it was decided by.",
    answers=words.RoutingRules,
    query=words.RoutingRulesQuery,
    refusals=(RoutingVersionUnknown,),
)


@get(PATH, opt=says(GET))
async def get_routing_rules(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.RoutingRulesQuery)
    caller = request.caller
    return answer(await request.services.payments.routes.rules(caller.merchant, caller.mode, query.version))


CHANGE = Operation(
    id="changeRoutingRules",
    needs="routing:write",
    summary="Replace your routing rules",
    description=(
        "Writes a new version, which counts for payments made from now on. Each mode has rules of its own. "
        "Where no rule applies, or none of its accounts can take the payment, the first account that has the "
        "method is used."
    ),
    answers=words.RoutingRules,
    body=words.ChangeRoutingRules,
    refusals=(RoutingAccountUnknown, RoutingRulesChanged),
)


@post(PATH, status_code=200, opt=says(CHANGE))
async def change_routing_rules(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ChangeRoutingRules)
    request.query(schema.NoQuery)
    for number, rule in enumerate(said.rules):
        if rule.name:
            rule.name = plain_text(rule.name, f"rules[{number}].name", letters_max=words.NAME_LETTERS_MAX)
    wanted = msgspec.convert(
        {"rules": msgspec.to_builtins(said.rules)}
        | {"window_minutes": said.window_minutes, "samples_min": said.samples_min},
        Rules,
    )
    caller = request.caller
    return answer(
        await request.services.payments.routes.change(
            caller.merchant, caller.mode, wanted, replaces=said.replaces, by=caller.id
        )
    )


ROUTES = (get_routing_rules, change_routing_rules)
