"""Whoever changes something leaves an entry, written with the change or not at all (A1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final
from urllib.parse import urlencode

import aiohttp
import pytest
from litestar.routes import HTTPRoute

from quickkub.api.app import create_app
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.api.services import Services, Tried
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support import (  # noqa: F401 -- they enter their acts
    privileged_people,
    privileged_privacy,
    privileged_risk,
)
from tests.support.oauth import verifier_and_challenge
from tests.support.oauth_http import Site, oauth_site, ticket_in
from tests.support.paper import Paper, paper_of
from tests.support.postgres import TestServer
from tests.support.privileged_acts import ACTS
from tests.support.team import Team, team

NO_ACT: Final = {
    "createPayment": "a payer's purchase is traffic, not a privilege; events and books tell all of it",
    "verifySlip": "asks a bank; a slip that is taken is an entry (payments/slips.py) and evidence (P8)",
    "backtestFraudRule": "plays a rule against the past and keeps nothing",
    "replayFraudDecision": "decides the same again and keeps nothing",
    "/oauth/introspect": "tells what a token is worth and changes nothing",
    "/callbacks/{provider}/{token}": "a provider's word, kept in the inbox and applied by the house itself",
    "/pay/{token}/back": "the payer comes back; nothing is changed",
}
"""Routes that write no entry, each with its reason."""

OF_PROGRAMS: Final = ("/oauth/token", "/oauth/revoke", "/oauth/authorize")
"""Routes of OAuth2 that have tests of their own below."""


@pytest.fixture(scope="module")
async def dsn(postgres_server: TestServer) -> AsyncIterator[str]:
    async with postgres_server.fresh_database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
async def office(dsn: str) -> AsyncIterator[Team]:
    """One gateway for the file; every act brings what it is about."""
    database = await open_database(dsn, size_max=5, scope=HOUSE)
    async with team(database, check_account=works) as opened:
        yield opened
    await database.close()


@pytest.fixture(scope="module")
async def paper(dsn: str, office: Team) -> AsyncIterator[Paper]:
    """The office's audit log, which can be made to take no entry."""
    async with paper_of(dsn) as found:
        yield found


@pytest.fixture(scope="module")
async def site(postgres_server: TestServer) -> AsyncIterator[tuple[Site, Paper]]:
    """A gateway that lets programs in."""
    async with postgres_server.fresh_database() as fresh, paper_of(fresh) as found:
        database = await open_database(fresh, size_max=5, scope=HOUSE)
        async with oauth_site(database) as opened:
            yield opened, found
        await database.close()


async def works(_: object) -> Tried:
    """The provider of any account says that it works."""
    return Tried(True, "works: hello")


def routes_that_change(services: Services) -> Iterator[str]:
    """Operation id, or path where there is none, of every route that is not only read."""
    for route in create_app(services).routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, _) in route.route_handler_map.items():
            if method not in ("GET", "HEAD", "OPTIONS"):
                operation = handler.opt.get(OPT_KEY)
                yield operation.id if isinstance(operation, Operation) else route.path_format


def test_every_route_that_changes_something_is_an_act_here_or_says_why_not(
    office: Team, site: tuple[Site, Paper]
) -> None:
    found = {*routes_that_change(office.shop.services), *routes_that_change(site[0].api.services)}
    assert sorted(found - {*ACTS, *NO_ACT, *OF_PROGRAMS}) == []
    assert sorted({*ACTS, *OF_PROGRAMS} - found) == []


@pytest.mark.parametrize("operation", sorted(ACTS))
async def test_an_act_is_written_down_with_what_it_does_or_not_done(
    operation: str, office: Team, paper: Paper
) -> None:
    request = await ACTS[operation](office)
    before = await paper.everything()
    async with paper.out():
        refused = await request()
    assert refused.status >= 500, refused.body
    after = await paper.everything()
    assert [table for table in after if after[table] != before[table]] == []
    done = await request()
    assert done.status < 300, done.body
    entries = await paper.of_request(done.headers["x-request-id"])
    assert {entry["outcome"] for entry in entries} == {"done"}
    assert all(entry["actor_kind"] != "system" and entry["ip_address"] for entry in entries)


async def test_a_program_gets_and_gives_back_a_right_with_an_entry_or_not_at_all(
    site: tuple[Site, Paper],
) -> None:
    here, paper = site
    client = await here.server.registers()
    secret = here.server.secrets[client.id].reveal()
    proof = {"Authorization": aiohttp.encode_basic_auth(client.id, secret)}
    token = ""
    for path in OF_PROGRAMS[:2]:
        form = {"token": token} if token else {"grant_type": "client_credentials"}
        before = await paper.everything()
        async with paper.out():
            assert (await here.posts(path, form, headers=proof))[0] >= 500
        assert await paper.everything() == before
        status, said, headers = await here.posts(path, form, headers=proof)
        assert status == 200, said
        assert await paper.of_request(headers["x-request-id"])
        token = said.get("access_token", token)


async def test_a_person_lets_a_program_in_with_an_entry_or_not_at_all(site: tuple[Site, Paper]) -> None:
    here, paper = site
    client = await here.server.registers()
    _, challenge = verifier_and_challenge()
    question = here.server.question(client, challenge)
    _, page, _ = await here.opens(f"{here.url}{OF_PROGRAMS[2]}?{urlencode(question)}")
    ticket = ticket_in(page)
    before = await paper.everything()
    async with paper.out():
        assert (await here.answers(ticket))[0] >= 500
    assert await paper.everything() == before
    status, _, headers = await here.answers(ticket)
    assert status == 303
    assert await paper.of_request(headers["x-request-id"])
