"""Who may ask under /auth: browsers on our own pages, and for most of it, only who is signed in.

A cookie comes along by itself, whoever made the browser ask. So a request that changes something must name
our own origin, and once there is a session, hold its synchroniser token (security-reliability 5.2).
"""

from __future__ import annotations

from typing import Any, Final, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from quickkub.access.ground import Visit
from quickkub.access.service import Access
from quickkub.access.sessions import SessionMissing, SignedIn
from quickkub.api.auth import client_address, one_header
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.request import ApiRequest
from quickkub.audit import Actor, ActorKind
from quickkub.audit.acting import act_as
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.scope import NOBODY, see_from_here

CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_AGENT_LETTERS_MAX: Final = 300
_SIGNED_IN: Final = "signed_in"


class OriginRefused(Refusal):
    """The request does not come from a page of this gateway."""

    code, kind = "origin_refused", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("send the header Origin with this gateway's own address", param="Origin")


class CsrfRefused(Refusal):
    """The request does not hold its session's synchroniser token."""

    code, kind = "csrf_refused", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(f"send the session's csrf_token in the header {CSRF_HEADER}", param=CSRF_HEADER)


class AuthRequest(ApiRequest):
    """A request under /auth."""

    @property
    def access(self) -> Access:
        """The access room."""
        access = self.services.access
        assert access is not None, "without it there are no such routes"
        return access

    @property
    def signed_in(self) -> SignedIn:
        """Who asks, as `signed_in_only` found out."""
        return cast("SignedIn", self.scope["state"][_SIGNED_IN])

    @property
    def visit(self) -> Visit:
        """Where from."""
        return visit_of(self)

    @property
    def cookie_rules(self) -> CookieRules:
        """The gateway's own."""
        return cast("CookieRules", self.app.state.cookie_rules)

    @property
    def session_token(self) -> str | None:
        """What the session cookie says, genuine or not."""
        return self.cookie_rules.token_in(self.headers.getall("cookie", []))


async def from_our_pages(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of every route under /auth: what changes something names our origin. Raises OriginRefused.

    It opens nobody's rows: an account belongs to no merchant, and what looks across them says so itself (A3).
    """
    if connection.scope.get("method") not in _SAFE:
        rules: CookieRules = connection.app.state.cookie_rules
        if one_header(connection, "Origin") not in rules.origins:
            raise OriginRefused
    see_from_here(NOBODY)
    act_as(_actor(connection, None))


async def signed_in_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: somebody is signed in, and means it. Raises SessionMissing, CsrfRefused, HeaderRepeated."""
    if connection.scope.get("method") == "OPTIONS":
        return
    rules: CookieRules = connection.app.state.cookie_rules
    access: Access = connection.app.state.services.access
    token = rules.token_in(connection.headers.getall("cookie", []))
    found = await access.sessions.find(token)
    if found is None:
        raise SessionMissing
    # Before the token is looked at, so that the audit log says in whose browser a refused request was made.
    connection.scope["state"][_SIGNED_IN] = found
    act_as(_actor(connection, found))
    if connection.scope.get("method") not in _SAFE:
        given = one_header(connection, CSRF_HEADER)
        if given is None or not found.fits_csrf(given):
            raise CsrfRefused


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visit:
    """Address and browser of a request."""
    agent = connection.headers.get("user-agent")
    return Visit(client_address(connection), agent and agent[:_AGENT_LETTERS_MAX])


def _actor(connection: ASGIConnection[Any, Any, Any, Any], signed_in: SignedIn | None) -> Actor:
    visit = visit_of(connection)
    return Actor(
        ActorKind.USER,
        signed_in.user_id if signed_in else None,
        role=signed_in.user.operator_role if signed_in else None,
        ip_address=visit.ip_address,
        user_agent=visit.user_agent,
        request_id=connection.scope["state"].get("request_id"),
    )
