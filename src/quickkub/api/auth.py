"""Who asks: an API key or an access token as a bearer token, or a key as the user name of HTTP Basic.

HTTP Basic is what `curl -u key:` sends.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from quickkub.access.permissions import require
from quickkub.access.step_up import STEP_UP, require_fresh
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.api.services import Services
from quickkub.audit import Actor, ActorKind
from quickkub.audit.acting import act_as
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.keys import Caller, KeyNotPermitted, KeyRefused, MerchantInactive
from quickkub.storage.scope import HOUSE, scope_of, see_from_here
from quickkub.webhooks.event import API_VERSION

VERSION_HEADER: Final = "QuickKub-Version"
VERSIONS: Final = frozenset({API_VERSION})
_AGENT_LETTERS_MAX: Final = 300


class VersionUnknown(Refusal):
    """The API has no version of this date."""

    code, kind = "version_unknown", Kind.INVALID


class HeaderRepeated(Refusal):
    """A header that may be given once is given several times."""

    code, kind = "header_repeated", Kind.INVALID


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route under /v1, before anything of the body is read: who asks, and may they?

    What is done from here on is done by the caller (audit). Raises KeyRefused, KeyNotPermitted,
    MerchantInactive, HeaderRepeated, PermissionMissing.
    """
    if connection.scope.get("method") == "OPTIONS":
        # Which methods an address takes is no secret, and browsers ask it without a key.
        return
    services: Services = connection.app.state.services
    text = _key_in(one_header(connection, "Authorization") or "")
    try:
        caller = await _caller(services, text, client_address(connection))
    except (KeyNotPermitted, MerchantInactive) as refusal:
        _is_known(connection, refusal.caller)
        raise
    _is_known(connection, caller)
    operation: Operation = handler.opt[OPT_KEY]
    assert operation.needs is not None, "everything under /v1 needs a permission"
    require(caller, operation.needs, platform=operation.platform)
    # Only now, so that a refused caller's request has seen nobody's rows (A3).
    see_from_here(HOUSE if operation.platform else scope_of(caller.merchant))


def _is_known(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
    """From here on logs and the audit log say who asks, also when they are refused."""
    connection.scope["user"] = caller
    connection.scope["state"]["key_id"] = caller.id
    act_as(_actor(connection, caller))


async def stepped_up(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard, after the limits: a person has just shown who they are, where the table asks for it.

    Raises StepUpRequired, SecondFactorRequired.
    """
    if connection.scope.get("method") == "OPTIONS":
        return
    operation: Operation = handler.opt[OPT_KEY]
    if operation.id in STEP_UP:
        await require_fresh(connection.app.state.services.db, connection.scope["user"])


async def _caller(services: Services, text: str, address: str | None) -> Caller:
    """An API key is known by its beginning; everything else can only be an access token."""
    if text.startswith("qk_") or services.tokens is None:
        return await services.keys.caller(text, address)
    return await services.tokens.caller(text)


def _actor(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> Actor:
    kind = ActorKind.KEY
    if caller.user_id is not None:
        kind = ActorKind.USER
    elif caller.client_id is not None:
        kind = ActorKind.CLIENT
    agent = connection.headers.get("user-agent")
    return Actor(
        kind,
        caller.id,
        role=caller.role,
        ip_address=client_address(connection),
        user_agent=agent and agent[:_AGENT_LETTERS_MAX],
        request_id=connection.scope["state"].get("request_id"),
    )


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The address the request came from, as far as this gateway can tell."""
    client = connection.scope.get("client")
    return client[0] if client else None


async def check_version(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the version asked for exists. Without the header it is the newest. Raises VersionUnknown."""
    asked = one_header(connection, VERSION_HEADER)
    if asked is not None and asked not in VERSIONS:
        raise VersionUnknown(f"there is {', '.join(sorted(VERSIONS))}", param=VERSION_HEADER)


def one_header(connection: ASGIConnection[Any, Any, Any, Any], name: str) -> str | None:
    """A header's value, or None. Raises HeaderRepeated: with two values, nobody can say which was meant."""
    values = connection.headers.getall(name.lower(), [])
    if len(values) > 1:
        raise HeaderRepeated("is given several times", param=name)
    return values[0] if values else None


def _key_in(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            return _basic_user(rest.strip())
        case _:
            raise KeyRefused()


def _basic_user(encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        raise KeyRefused() from None
    if password:
        raise KeyRefused()
    return user
