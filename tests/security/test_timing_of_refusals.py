"""Whoever is refused learns nothing from how: the same words, after the same work.

Time on a wall is noise, so work is counted: the statements that go to the database, whatever they ask about,
and the passwords that are hashed. That every route tells a foreign object and none apart by no word is
test_foreign_objects.py; here it is that they cost the same, and that keys, sessions, tokens and logins do.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from quickkub.access.user_store import set_state
from quickkub.kernel.ids import new_id
from quickkub.merchants.keys import new_key
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client, Told, key_for
from tests.support.browser_client import Browser
from tests.support.postgres import TestServer
from tests.support.privileged_acts import HOOKS
from tests.support.shop import open_shop
from tests.support.signing_in import HERE, PASSWORD
from tests.support.statements import Statements
from tests.support.team import Team, team

Ask: TypeAlias = "Callable[[], Awaitable[Told]]"
WRONG = "not the password of anybody"


@dataclass
class Place:
    """A gateway on one session of the database, so that every statement is heard."""

    database: Database
    team: Team

    async def work_of(self, ask: Ask) -> tuple[Told, list[str], int]:
        """The answer, what was asked of the database (names of things left out), and hashes computed."""
        access = self.team.shop.services.access
        assert access is not None
        hashing, told = access.ground.hashing, []

        async def work() -> None:
            told.append(await ask())

        before = hashing.work_done
        sent = await Statements(self.database).during(work)
        return told[0], [one.sql for one in sent], hashing.work_done - before

    async def differences(self, *asks: Ask) -> list[object]:
        """What lets somebody tell them apart: another answer, other statements, another count of hashes."""
        for ask in asks:
            await ask()  # the first time statements are prepared and types looked up
        found = [await self.work_of(ask) for ask in asks]
        seen = [(told.status, telling(told), sent, hashes) for told, sent, hashes in found]
        return [one for one in seen if one != seen[0]]


def telling(told: Told) -> str:
    """All that an answer says, but for the number of its request."""
    headers = {name: value for name, value in told.headers.items() if name not in {"x-request-id", "date"}}
    body = json.loads(told.body) | {"request_id": ""} if told.body else {}
    return json.dumps([headers, body], sort_keys=True)


@pytest.fixture(scope="module")
async def place(postgres_server: TestServer) -> AsyncIterator[Place]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=1, scope=HOUSE)
        async with team(database) as opened:
            yield Place(database, opened)
        await database.close()


def at_login(client: Client, email: str) -> Ask:
    return lambda: Browser.on(client).logs_in(email, WRONG)


async def test_a_login_tells_nobody_who_has_an_account(place: Place) -> None:
    people, shop = place.team.people, place.team.shop
    known, off = await people.person("known@example.com"), await people.person("off@example.com")
    async with place.database.transaction() as tx:
        await set_state(tx, off.id, "disabled")
    invited = "invited@example.com"
    async with place.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO users (id, email, email_normal, name, locale) VALUES ($1, $2, $2, 'x', 'th')",
            new_id("usr"),
            invited,
        )
    emails = (known.email, "nobody@example.com", off.email, invited, "no address")
    assert await place.differences(*(at_login(shop, email) for email in emails)) == []


async def test_the_right_password_of_somebody_who_was_shut_out_is_a_wrong_one(place: Place) -> None:
    off = await place.team.people.person("off-2@example.com")
    async with place.database.transaction() as tx:
        await set_state(tx, off.id, "disabled")
    shop = place.team.shop
    assert (
        await place.differences(
            lambda: Browser.on(shop).logs_in(off.email, PASSWORD), at_login(shop, "nobody-2@example.com")
        )
        == []
    )


async def test_a_forgotten_password_costs_the_same_whoever_forgot_it(place: Place) -> None:
    user = await place.team.people.person("forgetful@example.com")
    shop = place.team.shop

    def ask(email: str) -> Ask:
        return lambda: Browser.on(shop).posts("/auth/forgot-password", {"email": email})

    assert await place.differences(ask(user.email), ask("nobody-3@example.com")) == []


async def test_a_letters_token_that_was_spent_and_one_that_never_was_are_one(place: Place) -> None:
    people, shop = place.team.people, place.team.shop
    user, browser = await people.person("resets@example.com"), Browser.on(shop)
    await browser.posts("/auth/forgot-password", {"email": user.email})
    await people.mail_goes_out()
    spent = people.postbox.token()
    words = {"token": spent, "password": "seven grey herons at noon"}
    assert (await browser.posts("/auth/reset-password", words)).status == 200

    def ask(token: str) -> Ask:
        return lambda: browser.posts("/auth/reset-password", words | {"token": token})

    assert (
        await place.differences(
            ask(spent), ask(secrets.token_urlsafe(32)), ask(spent[:-1] + "AB"[spent[-1] == "A"])
        )
        == []
    )


async def test_a_challenge_that_was_met_and_one_that_never_was_are_one(place: Place) -> None:
    people, shop = place.team.people, place.team.shop
    user, secret, _ = await people.person_with_app("challenged@example.com")
    challenge, browser = await people.challenged(user), Browser.on(shop)
    assert (
        await browser.posts("/auth/totp", {"challenge": challenge, "code": people.code(secret)})
    ).status == 200

    def ask(token: str) -> Ask:
        return lambda: browser.posts("/auth/totp", {"challenge": token, "code": "000000"})

    assert await place.differences(ask(challenge), ask(secrets.token_urlsafe(32))) == []


async def test_a_session_that_ended_and_one_that_never_was_are_one(place: Place) -> None:
    people, shop = place.team.people, place.team.shop
    user = await people.person("leaves@example.com")
    ended = await people.signs_in(user, visit=HERE)
    async with place.database.transaction() as tx:
        await people.access.sessions.end_all(tx, user.id)

    def ask(cookie: str) -> Ask:
        return lambda: Browser.on(shop).gets("/auth/me", cookie=cookie)

    assert await place.differences(ask(ended), ask(secrets.token_urlsafe(32))) == []


async def test_keys_that_are_none_cost_the_same(place: Place) -> None:
    shop = place.team.shop
    revoked = await key_for(place.database, place.team.merchant)
    async with place.database.transaction() as tx:
        await tx.execute(
            "UPDATE api_keys SET revoked_at = now(), last_used_at = now() WHERE last_four = $1", revoked[-4:]
        )
    asks: list[Ask] = [
        lambda key=key: shop.with_key(key).gets("/v1/payments")  # type: ignore[misc]
        for key in (new_key("test").reveal(), new_key("live").reveal(), new_key("test").reveal())
    ]
    assert await place.differences(*asks) == []
    told, _, _ = await place.work_of(lambda: shop.with_key(revoked).gets("/v1/payments"))
    other, _, _ = await place.work_of(asks[0])
    assert telling(told) == telling(other)


async def test_anothers_object_and_none_cost_the_same(place: Place) -> None:
    shop = place.team.shop
    stranger = shop.with_key(await key_for(place.database, (await open_shop(place.database)).merchant))
    payment = (await shop.charges())["id"]
    endpoint = (await shop.posts(HOOKS, {"url": "http://127.0.0.1:9/hook"})).json["id"]
    event = (await shop.gets("/v1/events")).json["data"][0]["id"]
    for path in (f"/v1/payments/{payment}", f"{HOOKS}/{endpoint}", f"/v1/events/{event}"):
        none = re.sub(r"[0-9a-f]{8}$", secrets.token_hex(4), path)
        assert (await shop.gets(path)).status == 200

        def ask(address: str) -> Ask:
            return lambda: stranger.gets(address)

        assert await place.differences(ask(path), ask(none)) == []
