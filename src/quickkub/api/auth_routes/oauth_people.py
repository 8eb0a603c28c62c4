"""Who is signed in, as the consent page asks it: by the session cookie of the gateway's own pages."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from quickkub.access.oauth.ask import SignedIn
from quickkub.access.sessions import Sessions
from quickkub.api.auth_routes.cookies import CookieRules


class Browsers:
    """Finds the session a browser brings along."""

    def __init__(self, sessions: Sessions, cookies: CookieRules) -> None:
        self._sessions = sessions
        self._cookies = cookies

    async def user(self, connection: ASGIConnection[Any, Any, Any, Any]) -> SignedIn | None:
        """The person signed in; nobody while their role still needs a second factor that was not shown."""
        found = await self._sessions.find(self._cookies.token_in(connection.headers.getall("cookie", [])))
        if found is None or found.may_only_enrol:
            return None
        return SignedIn(found.user_id, found.session_id, found.user.name)
