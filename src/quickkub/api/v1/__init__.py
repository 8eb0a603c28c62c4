"""The routes of version 1, one file per kind of object. A route reads, asks a room below, and answers."""

from typing import Final

from litestar.handlers import HTTPRouteHandler

from quickkub.api.v1 import (
    api_keys,
    approvals,
    audit_logs,
    balance,
    cases,
    disputes,
    events,
    fee_plans,
    fraud,
    fraud_lists,
    fraud_reviews,
    health_providers,
    kyc,
    members,
    merchants,
    methods,
    oauth_clients,
    payments,
    provider_accounts,
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
    *members.ROUTES,
    *approvals.ROUTES,
    *merchants.ROUTES,
    *fee_plans.ROUTES,
    *kyc.ROUTES,
    *provider_accounts.ROUTES,
    *oauth_clients.ROUTES,
    *audit_logs.ROUTES,
    *fraud.ROUTES,
    *fraud_lists.ROUTES,
    *fraud_reviews.ROUTES,
)
