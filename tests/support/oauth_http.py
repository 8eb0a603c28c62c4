"""The OAuth2 server behind a real HTTP server, and a person's browser that answers its consent page."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from litestar.connection import ASGIConnection
from litestar.types import ASGIApp

from quickkub.access.oauth.ask import SignedIn
from quickkub.access.oauth.service import oauth_over
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import StoredKeyring
from quickkub.api.app import create_app
from quickkub.api.auth_routes.oauth_desk import OAuthDesk, WhoIsHere
from quickkub.house.api_process import PageServices
from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from quickkub.storage.scope import NOBODY
from quickkub.web.assets import Assets
from quickkub.web.consent import ConsentPages
from quickkub.web.routes import checkout_routes, hub_for
from tests.support.api import Client as ApiClient
from tests.support.api import key_for, services_for
from tests.support.clock import MovedClock
from tests.support.oauth import Server, new_person
from tests.support.server import serving
from tests.support.shop import VAULT, open_shop


@dataclass
class CookieJar:
    """Sessions of this test: the cookie `person` names one."""

    sessions: dict[str, SignedIn] = field(default_factory=dict)

    async def user(self, connection: ASGIConnection[Any, Any, Any, Any]) -> SignedIn | None:
        return self.sessions.get(connection.cookies.get("person", ""))

    def opens(self, who: SignedIn) -> str:
        cookie = new_id("ck")
        self.sessions[cookie] = who
        return cookie


class _Late:
    """An application that is made once its own address is known."""

    app: ASGIApp | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
            return
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass
class Site:
    """A served gateway with an OAuth2 server, the room behind it, and an API client with a key."""

    url: str
    server: Server
    api: ApiClient
    http: aiohttp.ClientSession
    jar: CookieJar
    cookie: str

    async def posts(
        self, path: str, form: Any = None, *, headers: dict[str, str] | None = None, auth: Any = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a form; status, JSON and headers of the answer."""
        body = form if isinstance(form, str | bytes) else urlencode(form or {})
        sent = {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {})
        async with self.http.post(
            self.url + path, data=body, headers=sent, auth=auth, allow_redirects=False
        ) as answer:
            return answer.status, await answer.json(content_type=None), _small(answer.headers)

    async def opens(self, address: str, *, cookie: str | None = "") -> tuple[int, str, dict[str, str]]:
        """A person's browser follows a link, with the owner's cookie unless said otherwise."""
        cookie = self.cookie if cookie == "" else cookie
        headers = {"Cookie": f"person={cookie}"} if cookie else {}
        async with self.http.get(address, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), _small(answer.headers)

    async def answers(
        self, ticket: str, decision: str = "allow", *, cookie: str = "", **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """The browser sends the form of the consent page."""
        sent = {
            "Cookie": f"person={cookie or self.cookie}",
            "Origin": self.url,
            "Content-Type": "application/x-www-form-urlencoded",
        } | headers
        body = urlencode({"ticket": ticket, "decision": decision})
        async with self.http.post(
            self.url + "/oauth/authorize",
            data=body,
            headers={name: value for name, value in sent.items() if value},
            allow_redirects=False,
        ) as answer:
            return answer.status, await answer.text(), _small(answer.headers)

    async def agrees(self, address: str) -> str:
        """The owner opens the client's link and allows it. Returns where the browser is sent."""
        status, page, headers = await self.opens(address)
        assert status == 200, (status, page, headers)
        status, page, headers = await self.answers(ticket_in(page))
        assert status == 303, page
        return headers["location"]


def ticket_in(page: str) -> str:
    """The ticket in the form of a consent page."""
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def _small(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextlib.asynccontextmanager
async def oauth_site(
    database: Database, who: Callable[[str], WhoIsHere] | None = None
) -> AsyncIterator[Site]:
    """A gateway that issues tokens under its own address.

    `who` makes, of that address, the one who tells who is here; without it the cookie `person` tells.
    """
    shop = await open_shop(database)
    late, jar = _Late(), CookieJar()
    owner = SignedIn(await new_person(database, shop.merchant), new_id("ses"), "Somchai <b>")
    async with serving(late) as url, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        clock = MovedClock()
        served = database.with_default(NOBODY)
        tokens = Tokens(served, StoredKeyring(served, VAULT, clock), clock, issuer=url)
        server = Server(served, clock, oauth_over(served, tokens, clock), shop.merchant, owner)
        told = who(url) if who is not None else jar
        desk = OAuthDesk(server.oauth, ConsentPages(Assets(), https=False), told)
        services = replace(services_for(database, shop, public_url=url), tokens=tokens, oauth=desk)
        hub = hub_for(served)
        # With the checkout pages come the style sheets that all pages share.
        late.app = create_app(services, checkout_routes(PageServices(served, VAULT, url), hub))
        api = ApiClient(http, url, await key_for(database, shop.merchant), shop, services)
        yield Site(url, server, api, http, jar, jar.opens(owner))
        await hub.close()
