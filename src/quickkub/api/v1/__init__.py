"""The routes of version 1, one file per kind of object. A route reads, asks a room below, and answers."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from quickkub.api.v1 import (
    api_keys,
    balance,
    cases,
    disputes,
    events,
    health_providers,
    methods,
    oauth_clients,
    payments,
    refunds,
    routing,
    settings,
    slips,
    webhooks,
)

ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    *payments.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *methods.ROUTES,
    *webhooks.ROUTES,
    *events.ROUTES,
    *balance.ROUTES,
    *cases.ROUTES,
    *settings.ROUTES,
    *routing.ROUTES,
    *health_providers.ROUTES,
    *slips.ROUTES,
    *api_keys.ROUTES,
    *oauth_clients.ROUTES,
)
