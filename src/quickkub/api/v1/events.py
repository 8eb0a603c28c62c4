"""Events: what happened, and sending it again."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.kernel.ids import has_shape
from quickkub.webhooks.rules import EndpointDisabled, EndpointNotFound, EventNotFound

PATH = "/v1/events"

LIST = Operation(
    id="listEvents",
    needs="events:read",
    summary="List events, newest first",
    description=(
        "To read on from where you stopped, ask with `ending_before` set to the newest id you have until "
        "`has_more` is false. Read this way, no event is skipped that was still being written."
    ),
    answers=schema.List[schema.Event],
    query=schema.EventsQuery,
)


@get(PATH, opt=says(LIST))
async def list_events(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.EventsQuery)
    refuse_bad_cursors(query, "evt")
    caller = request.caller
    found = await request.webhooks.events(
        caller.merchant,
        caller.mode,
        limit=query.limit,
        kind=query.type,
        starting_after=query.starting_after,
        ending_before=query.ending_before,
    )
    return page(PATH, found.items, has_more=found.has_more)


GET = Operation(
    id="getEvent",
    needs="events:read",
    summary="Look at an event",
    answers=schema.Event,
    refusals=(EventNotFound,),
)


@get(f"{PATH}/{{event:str}}", opt=says(GET))
async def get_event(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(await request.webhooks.event(caller.merchant, caller.mode, _event_id(request)))


REPLAY = Operation(
    id="replayEvent",
    needs="events:write",
    summary="Deliver an event again",
    description="To every enabled endpoint that wants its type, or to the one named. The event keeps its id.",
    answers=schema.Replay,
    body=schema.ReplayEvent,
    refusals=(EventNotFound, EndpointNotFound, EndpointDisabled),
)


@post(f"{PATH}/{{event:str}}/replay", status_code=200, opt=says(REPLAY))
async def replay(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    words = await request.words_or(schema.ReplayEvent)
    event, caller = _event_id(request), request.caller
    if words.endpoint is not None and not has_shape(words.endpoint, "we"):
        raise EndpointNotFound
    count = await request.webhooks.replay_event(caller.merchant, caller.mode, event, words.endpoint)
    return answer(schema.Replay(object="event_replay", event=event, deliveries=count))


def _event_id(request: ApiRequest) -> str:
    event = str(request.path_params["event"])
    if not has_shape(event, "evt"):
        raise EventNotFound
    return event


ROUTES = (list_events, get_event, replay)
