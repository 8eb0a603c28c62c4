"""All routes of people under /auth, and the answer to who it is that a browser brings along."""

from __future__ import annotations

from typing import Any, Final

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler

from quickkub.access.oauth.ask import SignedIn
from quickkub.access.sessions import Sessions
from quickkub.api.auth_routes import account, second_factor, sessions, signing_in
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.guard import AuthRequest, from_our_pages, signed_in_only

OPEN: Final[tuple[HTTPRouteHandler, ...]] = (*signing_in.OPEN, *account.OPEN)
"""For whoever comes: only the origin is asked."""

SIGNED_IN: Final[tuple[HTTPRouteHandler, ...]] = (
    *signing_in.SIGNED_IN,
    *account.SIGNED_IN,
    *second_factor.SIGNED_IN,
    *sessions.SIGNED_IN,
)
"""For who has a session and shows its synchroniser token."""

ROUTES: Final = (*OPEN, *SIGNED_IN)


def people_routers() -> list[Router]:
    """The routes behind their guards."""
    return [
        Router("/", route_handlers=OPEN, guards=[from_our_pages], request_class=AuthRequest),
        Router(
            "/", route_handlers=SIGNED_IN, guards=[from_our_pages, signed_in_only], request_class=AuthRequest
        ),
    ]


class PeopleHere:
    """Tells the OAuth2 server whose session a browser brings along (oauth_desk.WhoIsHere)."""

    def __init__(self, sessions: Sessions, rules: CookieRules) -> None:
        self._sessions = sessions
        self._rules = rules

    async def user(self, connection: ASGIConnection[Any, Any, Any, Any]) -> SignedIn | None:
        """The person signed in, or None. A session that may do nothing but enrol is none."""
        found = await self._sessions.find(self._rules.token_in(connection.headers.getall("cookie", [])))
        if found is None or found.may_only_enrol:
            return None
        return SignedIn(found.user_id, found.session_id, found.user.name)
