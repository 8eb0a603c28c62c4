"""Webhook endpoints, and what became of their deliveries."""

from __future__ import annotations

from litestar import Response, delete, get, post

from quickkub.api import schema
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.kernel.ids import has_shape
from quickkub.webhooks import store
from quickkub.webhooks.endpoints import Changes
from quickkub.webhooks.guard import UrlRefused
from quickkub.webhooks.replay import delivery_view
from quickkub.webhooks.rules import (
    DescriptionInvalid,
    EndpointDisabled,
    EndpointNotFound,
    TooManyEndpoints,
    UnknownEventType,
)

PATH = "/v1/webhook_endpoints"
DELIVERIES = "/v1/webhook_deliveries"

CREATE = Operation(
    id="createWebhookEndpoint",
    needs="webhooks:write",
    summary="Have events sent to an address of yours",
    answers=schema.NewWebhookEndpoint,
    status=201,
    body=schema.CreateWebhookEndpoint,
    refusals=(UrlRefused, UnknownEventType, DescriptionInvalid, TooManyEndpoints),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_endpoint(request: ApiRequest) -> Response[bytes]:
    words = await request.words(schema.CreateWebhookEndpoint)
    request.query(schema.NoQuery)
    caller = request.caller
    made = await request.webhooks.create_endpoint(
        caller.merchant,
        caller.mode,
        url=words.url,
        description=words.description,
        events=words.events,
        signatures=words.signatures,
    )
    return answer(made, status=201)


LIST = Operation(
    id="listWebhookEndpoints",
    needs="webhooks:read",
    summary="List webhook endpoints, newest first",
    description="All of them on one page: there are few.",
    answers=schema.List[schema.WebhookEndpoint],
)


@get(PATH, opt=says(LIST))
async def list_endpoints(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    found = await request.webhooks.endpoints(request.caller.merchant, request.caller.mode)
    return page(PATH, found, has_more=False)


GET = Operation(
    id="getWebhookEndpoint",
    needs="webhooks:read",
    summary="Look at a webhook endpoint",
    answers=schema.WebhookEndpoint,
    refusals=(EndpointNotFound,),
)


@get(f"{PATH}/{{endpoint:str}}", opt=says(GET))
async def get_endpoint(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    endpoint = _endpoint_id(request)
    return answer(await request.webhooks.endpoint(caller.merchant, caller.mode, endpoint))


UPDATE = Operation(
    id="updateWebhookEndpoint",
    needs="webhooks:write",
    summary="Change a webhook endpoint, or enable it again",
    answers=schema.WebhookEndpoint,
    body=schema.UpdateWebhookEndpoint,
    refusals=(EndpointNotFound, UrlRefused, UnknownEventType, DescriptionInvalid),
)


@post(f"{PATH}/{{endpoint:str}}", status_code=200, opt=says(UPDATE))
async def update_endpoint(request: ApiRequest) -> Response[bytes]:
    words = await request.words(schema.UpdateWebhookEndpoint)
    request.query(schema.NoQuery)
    endpoint, caller = _endpoint_id(request), request.caller
    changes = Changes(
        url=words.url,
        description=words.description,
        events=words.events,
        signatures=words.signatures,
        status=words.status,
    )
    changed = await request.webhooks.change_endpoint(caller.merchant, caller.mode, endpoint, changes)
    return answer(changed)


DELETE = Operation(
    id="deleteWebhookEndpoint",
    needs="webhooks:write",
    summary="Delete a webhook endpoint",
    description="What was still to be delivered to it becomes a dead letter.",
    answers=schema.DeletedWebhookEndpoint,
    refusals=(EndpointNotFound,),
)


@delete(f"{PATH}/{{endpoint:str}}", status_code=200, opt=says(DELETE))
async def delete_endpoint(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    endpoint = _endpoint_id(request)
    await request.webhooks.delete_endpoint(request.caller.merchant, request.caller.mode, endpoint)
    return answer(schema.DeletedWebhookEndpoint(id=endpoint, object="webhook_endpoint", deleted=True))


ROTATE = Operation(
    id="rotateWebhookSecret",
    needs="webhooks:write",
    summary="Give a webhook endpoint a new secret",
    description="Both secrets sign for the next 24 hours. The new one is shown in this answer only.",
    answers=schema.NewWebhookEndpoint,
    refusals=(EndpointNotFound,),
)


@post(f"{PATH}/{{endpoint:str}}/rotate_secret", status_code=200, opt=says(ROTATE))
async def rotate_secret(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    endpoint, caller = _endpoint_id(request), request.caller
    return answer(await request.webhooks.rotate_secret(caller.merchant, caller.mode, endpoint))


REDELIVER = Operation(
    id="redeliverDeadWebhooks",
    needs="webhooks:write",
    summary="Deliver all dead letters of a webhook endpoint again",
    answers=schema.Redelivery,
    refusals=(EndpointNotFound, EndpointDisabled),
)


@post(f"{PATH}/{{endpoint:str}}/redeliver_dead", status_code=200, opt=says(REDELIVER))
async def redeliver(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    endpoint, caller = _endpoint_id(request), request.caller
    count = await request.webhooks.redeliver_dead(caller.merchant, caller.mode, endpoint)
    return answer(schema.Redelivery(object="webhook_redelivery", endpoint=endpoint, deliveries=count))


LIST_DELIVERIES = Operation(
    id="listWebhookDeliveries",
    needs="webhooks:read",
    summary="List deliveries, the newest event first",
    description="`state=dead` lists what was given up: the dead letters.",
    answers=schema.List[schema.WebhookDelivery],
    query=schema.DeliveriesQuery,
    refusals=(EndpointNotFound,),
)


@get(DELIVERIES, opt=says(LIST_DELIVERIES))
async def list_deliveries(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.DeliveriesQuery)
    caller = request.caller
    if query.endpoint is not None and not has_shape(query.endpoint, "we"):
        raise ParameterInvalid("must be an id such as we_...", param="endpoint")
    async with request.services.db.read() as reader:
        found = await store.list_deliveries(
            reader,
            caller.merchant,
            caller.mode,
            endpoint=query.endpoint,
            state=query.state,
            after=_delivery_cursor(query.starting_after),
            limit=query.limit + 1,
        )
    items = []
    for delivery in found[: query.limit]:
        shown = {"id": f"{delivery.event}.{delivery.endpoint}"} | delivery_view(delivery)
        del shown["log"]
        items.append(shown)
    return page(DELIVERIES, items, has_more=len(found) > query.limit)


def _delivery_cursor(cursor: str | None) -> tuple[str, str] | None:
    """A delivery's id is its event's and its endpoint's, joined by a point."""
    if cursor is None:
        return None
    event, _, endpoint = cursor.partition(".")
    if not (has_shape(event, "evt") and has_shape(endpoint, "we")):
        raise ParameterInvalid("must be the id of a delivery", param="starting_after")
    return event, endpoint


def _endpoint_id(request: ApiRequest) -> str:
    endpoint = str(request.path_params["endpoint"])
    if not has_shape(endpoint, "we"):
        raise EndpointNotFound
    return endpoint


ROUTES = (
    create_endpoint,
    list_endpoints,
    get_endpoint,
    update_endpoint,
    delete_endpoint,
    rotate_secret,
    redeliver,
    list_deliveries,
)
