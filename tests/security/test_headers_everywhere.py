"""What every answer of every route says to browsers, over https and over plain http on this machine."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

import aiohttp
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from quickkub.access.sessions import csrf_token
from quickkub.api.app import create_app
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.kernel.ids import new_id
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault
from quickkub.web.routes import checkout_routes
from tests.support.api import Client, Told, key_for, services_for
from tests.support.postgres import TestServer
from tests.support.server import serving
from tests.support.shop import open_shop
from tests.support.signing_in import PASSWORD, People

HTTPS, HTTP = "https://pay.example", "http://127.0.0.1:3002"
METHODS: Final = {
    "nobody": ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"),
    "a key": ("GET", "POST"),
    "another site": ("OPTIONS", "POST"),
}
NO_ROUTE: Final = ("/", "/nothing", "/v1/nothing", "/pay/nothing/", "/.env", "/auth/nothing", "/%ff")


@dataclasses.dataclass
class Site:
    """A gateway with everything it serves."""

    client: Client
    app: Litestar
    people: People
    public_url: str

    def paths(self) -> Iterator[str]:
        """Every address of every route, with something in place of what varies; and some where nothing is."""
        for route in self.app.routes:
            if isinstance(route, HTTPRoute):
                yield re.sub(r"\{[^}]*\}", new_id("x"), route.path)
        yield from NO_ROUTE


@dataclasses.dataclass(frozen=True)
class Pages:
    """What the checkout page asks for."""

    database: Database
    vault: Vault
    public_url: str


@pytest.fixture(scope="module", params=[HTTPS, HTTP], ids=["https", "http"])
async def site(postgres_server: TestServer, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        shop = await open_shop(database)
        services = services_for(database, shop, public_url=request.param)
        app = create_app(services, checkout_routes(Pages(services.db, services.vault, request.param)))
        key = await key_for(database, shop.merchant)
        async with serving(app) as url, aiohttp.ClientSession() as session:
            client = Client(session, url, key, shop, services)
            yield Site(client, app, People(database), request.param)
        await database.close()


def missing(told: Told, *, https: bool) -> list[str]:
    """What an answer ought to say and does not."""
    said = told.headers
    policy = said.get("content-security-policy", "")
    is_asset = "immutable" in said.get("cache-control", "")
    wrong = {
        "nosniff": said.get("x-content-type-options") != "nosniff",
        "referrer": said.get("referrer-policy") != "no-referrer",
        "policy": not {"default-src 'none'", "frame-ancestors 'none'"} <= set(re.split(r";\s*", policy)),
        "unsafe": "unsafe" in policy or "*" in policy,
        "resource": said.get("cross-origin-resource-policy") != "same-origin",
        "opener": said.get("cross-origin-opener-policy") != "same-origin",
        "store": not is_asset and said.get("cache-control") != "no-store",
        "hsts": https is not ("max-age=63072000" in said.get("strict-transport-security", "")),
        "server": "server" in said or "x-powered-by" in said,
        "cors": any(name.startswith("access-control-") for name in said),
        "id": re.fullmatch(r"req_[0-9a-f]{32}", said.get("x-request-id", "")) is None,
        "cookie": "set-cookie" in said,
        "5xx": told.status >= 500 and told.status != 503,
    }
    return [name for name, is_so in wrong.items() if is_so]


@pytest.mark.parametrize("who", METHODS)
async def test_every_answer_of_every_route_and_method_keeps_browsers_safe(
    site: Site, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = site.client if who == "a key" else site.client.with_key(None)
    headers = (
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} if who == "another site" else {}
    )
    findings, asked = [], 0
    for path in sorted(set(site.paths())):
        for method in METHODS[who]:
            told = await client.asks(method, path, headers=headers)
            asked += 1
            if lacks := missing(told, https=site.public_url == HTTPS):
                findings.append(f"{method} {path} {told.status}: {lacks}")
    with capsys.disabled():
        print(f"\nheaders, {site.public_url}, asked by {who}: {asked} answers, {len(findings)} findings")
    assert findings == []
    assert asked > 150


async def test_a_payers_page_and_its_parts_have_them_too(site: Site) -> None:
    payment = await site.client.charges()
    page = "/pay/" + payment["checkout_url"].rpartition("/")[2]
    html = (await site.client.gets(page)).body.decode()
    parts = sorted(set(re.findall(r'(?:src|href)="(/[^"]+)"', html)))
    assert any(part.startswith("/assets/") for part in parts)
    for path in (page, f"{page}/state", f"{page}/qr.png", *parts):
        told = await site.client.with_key(None).gets(path)
        assert told.status == 200, path
        assert missing(told, https=site.public_url == HTTPS) == [], path


async def test_a_sessions_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(site: Site) -> None:
    user = await site.people.person(f"{new_id('p')}@example.com")
    rules = CookieRules(site.public_url)
    told = await site.client.with_key(None).asks(
        "POST",
        "/auth/login",
        words={"email": user.email, "password": PASSWORD},
        headers={"Origin": min(rules.origins)},
    )
    assert told.status == 200, told.body
    cookie = told.headers["set-cookie"]
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    is_https = site.public_url == HTTPS
    assert cookie.startswith("__Host-") is ("Secure" in cookie.split("; ")) is is_https
    token = cookie.partition("=")[2].partition(";")[0]
    as_cookie = {"Cookie": f"{rules.name}={token}", "X-CSRF-Token": csrf_token(token)}
    assert (await site.client.with_key(None).gets("/v1/payments", **as_cookie)).status == 401
    assert (await site.client.with_key(None).gets("/auth/me", **as_cookie)).status == 200
