"""Who asks: an API key as a bearer token, or as the user name of HTTP Basic (what `curl -u key:` sends)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from quickkub.api.services import Services
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.keys import KeyKind, KeyNotPermitted, KeyRefused
from quickkub.webhooks.event import API_VERSION

VERSION_HEADER: Final = "QuickKub-Version"
VERSIONS: Final = frozenset({API_VERSION})


class VersionUnknown(Refusal):
    """The API has no version of this date."""

    code, kind = "version_unknown", Kind.INVALID


class HeaderRepeated(Refusal):
    """A header that may be given once is given several times."""

    code, kind = "header_repeated", Kind.INVALID


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of every route under /v1, before anything of the body is read.

    Raises KeyRefused, KeyNotPermitted, MerchantInactive, HeaderRepeated.
    """
    if connection.scope.get("method") == "OPTIONS":
        # Which methods an address takes is no secret, and browsers ask it without a key.
        return
    services: Services = connection.app.state.services
    caller = await services.keys.caller(_key_in(one_header(connection, "Authorization") or ""))
    if caller.kind is not KeyKind.SECRET:
        # Anybody has a shop's publishable keys: they stand in its pages. Restricted keys carry no rights yet.
        raise KeyNotPermitted("this needs a secret key (qk_..._sk_...)", param="Authorization")
    connection.scope["user"] = caller
    connection.scope["state"]["key_id"] = caller.key_id


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
