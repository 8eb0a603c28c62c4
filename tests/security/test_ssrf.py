"""Nobody makes the gateway call an address of its own network, whatever URL is given to it and wherever."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
import pytest

from quickkub.api import v1
from quickkub.api.app import create_app
from quickkub.api.operations import OPT_KEY
from quickkub.kernel.ids import new_id
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.webhooks.guard import Guard
from tests.support.api import ORDER, Client, key_for, services_for
from tests.support.ports import free_port
from tests.support.postgres import TestServer
from tests.support.server import serving
from tests.support.shop import open_shop

PUBLIC: Final = "93.184.216.34"
HOOKS: Final = "/v1/webhook_endpoints"

BAD_FORMS: Final = (
    "http://shop.example/hook",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "gopher://shop.example/",
    "https://user:word@shop.example/",
    "https://shop.example:22/",
    "https://shop.example:80/",
    "https://shop.example:65536/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1.:443/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://[::]/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.168.1.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://shop.example\\@127.0.0.1/",
    "https://shop.example#@127.0.0.1/",
    "https://shop.example%2f@127.0.0.1/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://shop.example\r\nHost: x/",
    "https://shop.example/ HTTP/1.1",
    "//shop.example/",
    "https:shop.example",
    "https:///hook",
    "",
)

INNER: Final = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "fe80::1",
    "fd12::1",
)
"""What a name may turn out to be."""


class Changing:
    """A resolver that says one thing first and another ever after."""

    def __init__(self) -> None:
        self.first: Sequence[str] = [PUBLIC]
        self.then: Sequence[str] = [PUBLIC]
        self.asked = 0

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        with contextlib.suppress(ValueError):
            # What is an address already, every resolver gives back as it is.
            return [str(ip_address(host))]
        return self.first if self.asked == 1 else self.then

    def begins_again(self, first: Sequence[str], then: Sequence[str]) -> None:
        self.asked, self.first, self.then = 0, first, then


@dataclasses.dataclass
class Guarded:
    """A gateway that calls nobody on this machine, and the resolver it believes."""

    shop: Client
    names: Changing


@pytest.fixture(scope="module")
async def guarded(postgres_server: TestServer) -> AsyncIterator[Guarded]:
    async with postgres_server.fresh_database() as dsn:
        database: Database = await open_database(dsn, size_max=5, scope=HOUSE)
        shop, names = await open_shop(database), Changing()
        services = dataclasses.replace(services_for(database, shop), guard=Guard(names))
        key = await key_for(database, shop.merchant)
        async with serving(create_app(services)) as url, aiohttp.ClientSession() as session:
            yield Guarded(Client(session, url, key, shop, services), names)
        await database.close()


@pytest.mark.parametrize("url", BAD_FORMS)
async def test_an_address_that_is_not_a_public_https_one_is_refused_and_nothing_is_written(
    guarded: Guarded, url: str
) -> None:
    guarded.names.begins_again([PUBLIC], [PUBLIC])
    before = await guarded.shop.shop.counts("webhook_endpoints")
    told = await guarded.shop.posts(HOOKS, {"url": url})
    assert told.status in {400, 422}, told.body
    assert told.code in {"webhook_url_refused", "parameter_invalid"}
    assert await guarded.shop.shop.counts("webhook_endpoints") == before


@pytest.mark.parametrize("address", INNER)
async def test_a_name_that_leads_inside_is_refused_also_among_public_ones(
    guarded: Guarded, address: str
) -> None:
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        guarded.names.begins_again(found, found)
        told = await guarded.shop.posts(HOOKS, {"url": "https://shop.example/hook"})
        assert told.no == (422, "webhook_url_refused", "url")
        assert address.encode() not in told.body


@pytest.mark.parametrize("address", INNER)
async def test_a_name_is_asked_for_once_so_what_was_checked_is_what_is_kept(
    guarded: Guarded, address: str
) -> None:
    guarded.names.begins_again([PUBLIC], [address])
    made = await guarded.shop.posts(HOOKS, {"url": "https://shop.example/hook"})
    assert (made.status, guarded.names.asked) == (201, 1)
    # Later it leads inside: a change of the endpoint looks again, and so does every delivery (sender tests).
    changed = await guarded.shop.posts(f"{HOOKS}/{made.json['id']}", {"url": "https://shop.example/other"})
    assert changed.no == (422, "webhook_url_refused", "url")
    await guarded.shop.asks("DELETE", f"{HOOKS}/{made.json['id']}")


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[object]]]:
    """Something on this machine that would notice being called."""
    called: list[object] = []

    def notice(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(writer.get_extra_info("peername"))
        writer.close()

    port = free_port()
    server = await asyncio.start_server(notice, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{port}/x", called


URLS: Final[dict[str, dict[str, Any]]] = {
    "createPayment.return_url": {**ORDER},
    "createWebhookEndpoint.url": {},
    "updateWebhookEndpoint.url": {},
    "changeMerchant.website": {},
    "createOAuthClient.redirect_uris": {
        "name": "POS",
        "grant_types": ["authorization_code"],
        "scopes": ["payments:read"],
    },
}
"""Every field of the API that takes an address, and what has to be said beside it."""


async def test_no_field_that_takes_an_address_makes_the_gateway_call_it(guarded: Guarded) -> None:
    routes = {route.opt[OPT_KEY].id: route for route in v1.ROUTES}
    guarded.names.begins_again(["127.0.0.1"], ["127.0.0.1"])
    async with listening() as (url, called):
        for place, words in URLS.items():
            operation, _, name = place.partition(".")
            (path,) = routes[operation].paths
            said = words | {name: [url] if name.endswith("s") else url}
            told = await guarded.shop.posts(path.replace("{endpoint:str}", new_id("we")), said)
            assert told.status < 500, place
        await guarded.shop.shop.works()
        assert called == []


def test_every_field_that_takes_an_address_is_tried() -> None:
    found = set()
    for route in v1.ROUTES:
        operation = route.opt[OPT_KEY]
        for name in getattr(operation.body, "__struct_fields__", ()):
            if any(word in name for word in ("url", "uri", "website", "callback", "webhook", "host")):
                found.add(f"{operation.id}.{name}")
    assert found == set(URLS)
