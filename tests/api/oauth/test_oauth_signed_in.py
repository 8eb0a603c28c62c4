"""The consent page and sessions people really have: cookies, second factors, passwords that were reset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from quickkub.access.oauth.after import end_all_of
from quickkub.access.oauth.clients import Client
from quickkub.access.oauth.errors import OAuthGrantRefused
from quickkub.access.users import User
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.oauth_people import Browsers
from quickkub.storage import Database
from tests.support.oauth import answer_in, by_code, verifier_and_challenge
from tests.support.oauth_http import Site, oauth_site, ticket_in
from tests.support.signing_in import People


@dataclass
class Place:
    """A site, and the people who sign in there."""

    site: Site
    people: People

    async def person(self, role: str, email: str) -> User:
        user = await self.people.person(email)
        self.people.roles[user.id] = (role,)
        async with self.people.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO members (merchant_id, user_id, role) VALUES ($1, $2, $3)",
                self.site.server.merchant,
                user.id,
                role,
            )
        return user

    async def opens(self, client: Client, token: str, challenge: str = "") -> tuple[int, str, dict[str, str]]:
        """Somebody with this session follows the client's link."""
        question = self.site.server.question(client, challenge or verifier_and_challenge()[1])
        address = f"{self.site.url}/oauth/authorize?{urlencode(question)}"
        headers = {"Cookie": f"qk_session={token}"}
        async with self.site.http.get(address, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), dict(answer.headers)


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    people = People(database)
    async with oauth_site(database, lambda url: Browsers(people.access.sessions, CookieRules(url))) as site:
        yield Place(site, people)


async def test_a_signed_in_person_agrees_and_the_program_acts_for_them(place: Place) -> None:
    user = await place.person("developer", "dev@example.com")
    token = await place.people.signs_in(user)
    client = await place.site.server.registers()
    verifier, challenge = verifier_and_challenge()
    status, page, _ = await place.opens(client, token, challenge)
    assert status == 200 and "Somchai Jaidee" in page
    status, _, headers = await place.site.answers(ticket_in(page), Cookie=f"qk_session={token}")
    assert status == 303
    answer = await place.site.server.settles(
        client, by_code(answer_in(headers["location"])["code"], verifier)
    )
    caller = await place.site.server.tokens.caller(answer.access_token.reveal())
    assert (caller.user_id, caller.role) == (user.id, "developer")
    # A developer reads payments and does not make them, whatever the client asked for.
    program = place.site.api.with_key(answer.access_token.reveal())
    assert (await program.gets("/v1/payments")).status == 200
    told = await program.posts("/v1/payments", {"amount": 100, "currency": "THB", "method": "promptpay"})
    assert told.no == (403, "permission_missing", "Authorization")


async def test_an_owner_without_a_second_factor_cannot_let_a_program_in(place: Place) -> None:
    user = await place.person("owner", "owner@example.com")
    token = await place.people.signs_in(user)
    client = await place.site.server.registers()
    assert (await place.opens(client, token))[0] == 401
    _, _, token = await place.people.enrols(token)
    assert (await place.opens(client, token))[0] == 200


async def test_a_session_that_ended_answers_no_form(place: Place) -> None:
    user = await place.person("developer", "dev@example.com")
    token = await place.people.signs_in(user)
    client = await place.site.server.registers()
    _, page, _ = await place.opens(client, token)
    async with place.people.db.transaction() as tx:
        await place.people.access.sessions.end_trust(tx, user.id)
    status, _, headers = await place.site.answers(ticket_in(page), Cookie=f"qk_session={token}")
    assert status == 403 and "location" not in headers


async def test_when_all_sessions_end_so_do_the_tokens_they_led_to(place: Place) -> None:
    place.people.stands_on(on_reset=end_all_of)
    user = await place.person("developer", "dev@example.com")
    token = await place.people.signs_in(user)
    client = await place.site.server.registers()
    verifier, challenge = verifier_and_challenge()
    _, page, _ = await place.opens(client, token, challenge)
    _, _, headers = await place.site.answers(ticket_in(page), Cookie=f"qk_session={token}")
    answer = await place.site.server.settles(
        client, by_code(answer_in(headers["location"])["code"], verifier)
    )
    async with place.people.db.transaction() as tx:
        await place.people.access.sessions.end_trust(tx, user.id)
    with pytest.raises(OAuthGrantRefused):
        await place.site.server.refreshes(client, answer.refresh_token)
