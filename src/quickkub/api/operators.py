"""The platform's own routes: for operators, signed in with a second factor, on our own pages.

No API key and no access token opens them: those belong to merchants.
"""

from __future__ import annotations

from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from quickkub.access.permissions import NO_MERCHANT, PermissionMissing, permissions_of, require
from quickkub.access.sessions import SignedIn, require_full, require_step_up
from quickkub.access.step_up import STEP_UP
from quickkub.api.auth import check_version
from quickkub.api.auth_routes.guard import AuthRequest, from_our_pages, signed_in_only
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.api.v1 import (
    audit_logs,
    fraud_lists,
    platform_keys,
    platform_kyc,
    platform_merchants,
    platform_terms,
    privacy,
)
from quickkub.merchants.keys import Caller
from quickkub.storage.scope import HOUSE, see_from_here

ROUTES = (
    *platform_merchants.ROUTES,
    *platform_terms.ROUTES,
    *platform_kyc.ROUTES,
    *platform_keys.ROUTES,
    *audit_logs.PLATFORM_ROUTES,
    *fraud_lists.PLATFORM_ROUTES,
    *privacy.PLATFORM_ROUTES,
)


async def operators_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: an operator who may do this. Raises SecondFactorRequired, PermissionMissing, StepUpRequired."""
    if connection.scope.get("method") == "OPTIONS":
        return
    signed_in: SignedIn = connection.scope["state"]["signed_in"]
    require_full(signed_in)
    role, operation = signed_in.user.operator_role, handler.opt[OPT_KEY]
    assert isinstance(operation, Operation) and operation.needs is not None and operation.platform
    if role is None:
        raise PermissionMissing("this is for operators of the platform")
    caller = Caller(
        NO_MERCHANT,
        "live",
        scopes=permissions_of(role),
        user_id=signed_in.user_id,
        role=role,
    )
    require(caller, operation.needs, platform=True)
    if operation.id in STEP_UP:
        require_step_up(signed_in)
    # Only now, so that whoever is no operator has seen nobody's rows; these routes are about all of them.
    see_from_here(HOUSE)
    connection.scope["user"] = caller
    connection.scope["state"]["key_id"] = caller.id


def operators_router() -> Router:
    """The routes behind their guards."""
    return Router(
        "/",
        route_handlers=ROUTES,
        guards=[from_our_pages, signed_in_only, operators_only, check_version],
        request_class=AuthRequest,
    )
