"""Signing in over HTTP: cookies, foreign pages, people who do not exist, and floods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from quickkub.access.hashing import Cost, Hashing
from quickkub.access.service import Access
from quickkub.access.users import User
from quickkub.api.app import create_app
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.people import ROUTES, SIGNED_IN
from quickkub.api.operations import OPT_KEY
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client, gateway
from tests.support.browser_client import Browser
from tests.support.postgres import TestServer
from tests.support.server import serving
from tests.support.signing_in import PASSWORD, People

ME = "/auth/me"


@pytest.fixture(scope="module")
async def base(postgres_server: TestServer) -> AsyncIterator[Database]:
    """One database for the file: everybody here has an address of their own."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=10, scope=HOUSE)
        yield database
        await database.close()


@pytest.fixture(scope="module")
async def site(base: Database) -> AsyncIterator[Client]:
    """A gateway reached over https, as far as it knows."""
    async with gateway(base, public_url="https://shop.test") as client:
        yield client


@pytest.fixture
def people(base: Database) -> People:
    return People(base)


@pytest.fixture
def browser(site: Client) -> Browser:
    return Browser.on(site, origin="https://shop.test")


@contextlib.asynccontextmanager
async def with_hashing(site: Client, hashing: Hashing) -> AsyncIterator[Browser]:
    """A browser on the same gateway, whose passwords are hashed otherwise."""
    assert site.services.access is not None
    access = Access(replace(site.services.access.ground, hashing=hashing))
    async with serving(create_app(replace(site.services, access=access))) as url:
        yield Browser(site.session, url, "https://shop.test")


@pytest.fixture
async def somchai(people: People, request: pytest.FixtureRequest) -> User:
    """A user of this test's own."""
    return await people.person(f"u{abs(hash(request.node.name))}@example.com")


async def test_a_login_gives_a_cookie_that_scripts_and_other_sites_cannot_have(
    browser: Browser, somchai: User
) -> None:
    told = await browser.logs_in(somchai.email, PASSWORD)
    assert (told.status, told.json["status"]) == (200, "signed_in")
    name, *attributes = browser.set_cookie.split("; ")
    assert name.startswith("__Host-qk_session=")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    assert browser.cookie is not None
    assert browser.cookie.encode() not in told.body
    assert told.headers["cache-control"] == "no-store"
    me = (await browser.gets(ME)).json
    assert (me["user"]["email"], me["csrf_token"]) == (somchai.email, told.json["csrf_token"])


def test_without_tls_on_this_machine_the_cookie_does_without_secure_and_nowhere_else() -> None:
    given = CookieRules("http://127.0.0.1:3002").given(Secret("x"))
    assert given == "qk_session=x; Path=/; HttpOnly; SameSite=Lax"
    for url in ("https://pay.example", "http://pay.example", "http://10.0.0.7:3002", "https://127.0.0.1"):
        assert CookieRules(url).given(Secret("x")).startswith("__Host-qk_session=x; ")
        assert CookieRules(url).given(Secret("x")).endswith("; Secure")


def test_two_session_cookies_are_none() -> None:
    rules = CookieRules("https://pay.example")
    assert rules.token_in(["a=b; __Host-qk_session=one; c=d"]) == "one"
    assert rules.token_in(["__Host-qk_session=one", "__Host-qk_session=two"]) is None
    assert rules.token_in(["__Host-qk_session=one; __Host-qk_session=one"]) is None
    assert rules.token_in(["qk_session=one; x__Host-qk_session=two; __Host-qk_session"]) is None


async def test_who_does_not_exist_and_who_mistypes_hear_the_same_after_the_same_work(
    site: Client, browser: Browser, somchai: User
) -> None:
    hashing = site.services.access.ground.hashing if site.services.access else None
    assert hashing is not None
    told, work = [], []
    for email in (somchai.email, "nobody-at-all@example.com", "not an address", "somchai@xn--0.example"):
        before = hashing.work_done
        told.append(await browser.logs_in(email, "not the password of anybody"))
        work.append(hashing.work_done - before)
    assert {one.no for one in told} == {(401, "login_refused", None)}
    assert len({one.json["detail"] for one in told}) == 1
    assert work == [1, 1, 1, 1]


async def test_the_right_password_costs_one_hash_too(site: Client, browser: Browser, somchai: User) -> None:
    assert site.services.access is not None
    before = site.services.access.ground.hashing.work_done
    assert (await browser.logs_in(somchai.email, PASSWORD)).status == 200
    assert site.services.access.ground.hashing.work_done - before == 1


async def test_forgotten_passwords_of_anybody_are_answered_alike(browser: Browser, somchai: User) -> None:
    told = [
        await browser.posts("/auth/forgot-password", {"email": email})
        for email in (somchai.email, "nobody-here@example.com")
    ]
    assert {(one.status, one.body) for one in told} == {(202, told[0].body)}


def unsafe() -> list[tuple[str, str]]:
    """Every route of people that changes something."""
    found = []
    for route in ROUTES:
        for path in route.paths:
            found += [(str(method), path) for method in route.http_methods if str(method) != "GET"]
    return found


@pytest.mark.parametrize(("method", "path"), unsafe(), ids=str)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://shop.test",
        "https://shop.test.evil.example",
        "https://shop.test:444",
    ],
)
async def test_a_page_of_somebody_else_changes_nothing(
    browser: Browser, method: str, path: str, origin: str | None
) -> None:
    told = await browser.asks(method, path.replace("{session:str}", "x"), {}, origin=origin)
    assert told.no == (403, "origin_refused", "Origin")


def signed_in_unsafe() -> list[tuple[str, str]]:
    paths = {path for route in SIGNED_IN for path in route.paths}
    return [(method, path) for method, path in unsafe() if path in paths]


@pytest.mark.parametrize(("method", "path"), signed_in_unsafe(), ids=str)
async def test_without_its_own_sessions_token_a_request_changes_nothing(
    site: Client, people: People, method: str, path: str
) -> None:
    user = await people.person(f"csrf-{method}-{path.count('/')}{abs(hash(path))}@example.com".lower())
    mine, other = (Browser.on(site, origin="https://shop.test") for _ in range(2))
    for one in (mine, other):
        await one.logs_in(user.email, PASSWORD)
    path = path.replace("{session:str}", "x")
    for csrf in (None, "", "x" * 43, other.csrf):
        assert (await mine.asks(method, path, {}, csrf=csrf)).no == (403, "csrf_refused", "X-CSRF-Token")
    assert (await mine.gets(ME)).status == 200


@pytest.mark.parametrize("route", SIGNED_IN, ids=lambda route: route.opt[OPT_KEY].id)
async def test_without_a_session_nothing_of_a_person_is_answered(browser: Browser, route: Any) -> None:
    (path,), (method,) = route.paths, route.http_methods
    for cookie in (None, "x" * 43):
        told = await browser.asks(str(method), path.replace("{session:str}", "x"), {}, cookie=cookie)
        assert told.no == (401, "session_missing", None)


async def test_a_cookie_opens_nothing_under_v1(browser: Browser, somchai: User) -> None:
    await browser.logs_in(somchai.email, PASSWORD)
    told = await browser.gets("/v1/payments")
    assert told.no == (401, "key_refused", "Authorization")


async def test_a_session_planted_before_the_login_is_not_the_one_after(
    site: Client, people: People, somchai: User
) -> None:
    attacker, victim = (Browser.on(site, origin="https://shop.test") for _ in range(2))
    mallory = await people.person("mallory@example.com")
    await attacker.logs_in(mallory.email, PASSWORD)
    planted = victim.cookie = attacker.cookie
    await victim.logs_in(somchai.email, PASSWORD)
    assert victim.cookie != planted
    assert (await attacker.gets(ME)).no == (401, "session_missing", None)
    assert (await victim.gets(ME)).json["user"]["id"] == somchai.id


async def test_logging_out_takes_the_cookie_and_ends_the_session(browser: Browser, somchai: User) -> None:
    await browser.logs_in(somchai.email, PASSWORD)
    old = browser.cookie
    told = await browser.posts("/auth/logout")
    assert (told.status, told.headers["clear-site-data"]) == (200, '"cache", "storage"')
    assert "Max-Age=0" in browser.set_cookie
    assert browser.cookie is None
    assert (await browser.gets(ME, cookie=old)).no == (401, "session_missing", None)


async def test_ending_this_session_by_its_number_leaves_nothing_of_it_in_the_browser(
    site: Client, browser: Browser, somchai: User
) -> None:
    await browser.logs_in(somchai.email, PASSWORD)
    other = Browser.on(site, origin="https://shop.test")
    await other.logs_in(somchai.email, PASSWORD)
    here, there = [(await one.gets(ME)).json["session"] for one in (browser, other)]
    assert "clear-site-data" not in (await browser.asks("DELETE", f"/auth/sessions/{there}")).headers
    told = await browser.asks("DELETE", f"/auth/sessions/{here}")
    assert (told.status, told.headers["clear-site-data"]) == (200, '"cache", "storage"')
    assert browser.cookie is None


async def test_a_step_up_changes_cookie_and_token(browser: Browser, somchai: User) -> None:
    await browser.logs_in(somchai.email, PASSWORD)
    cookie, csrf = browser.cookie, browser.csrf
    assert (await browser.posts("/auth/step-up", {"password": PASSWORD})).status == 200
    assert (browser.cookie, browser.csrf) != (cookie, csrf)
    assert (await browser.gets(ME, cookie=cookie)).status == 401
    assert (await browser.posts("/auth/logout", csrf=csrf)).no == (403, "csrf_refused", "X-CSRF-Token")
    assert (await browser.gets(ME)).json["stepped_up"] is True


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(
    site: Client, people: People, somchai: User
) -> None:
    laptop, phone, lost = (Browser.on(site, origin="https://shop.test") for _ in range(3))
    for one in (laptop, phone, lost):
        await one.logs_in(somchai.email, PASSWORD)
    listed = (await laptop.gets("/auth/sessions")).json["data"]
    assert [one["current"] for one in listed] == [False, False, True]
    told = await laptop.asks("DELETE", f"/auth/sessions/{listed[0]['id']}")
    assert told.status == 200
    assert (await lost.gets(ME)).status == 401
    again = await laptop.asks("DELETE", f"/auth/sessions/{listed[0]['id']}")
    assert again.no == (404, "session_not_found", None)
    assert (await laptop.asks("DELETE", "/auth/sessions")).status == 200
    assert [(await one.gets(ME)).status for one in (laptop, phone)] == [200, 401]


async def test_anothers_session_and_one_that_never_was_look_the_same(
    site: Client, people: People, somchai: User
) -> None:
    suda = await people.person("suda-sessions@example.com")
    mine, hers = (Browser.on(site, origin="https://shop.test") for _ in range(2))
    await mine.logs_in(somchai.email, PASSWORD)
    await hers.logs_in(suda.email, PASSWORD)
    session = (await hers.gets(ME)).json["session"]
    told = [await mine.asks("DELETE", f"/auth/sessions/{one}") for one in (session, "ses_" + "0" * 32, "x")]
    assert {one.no for one in told} == {(404, "session_not_found", None)}
    assert (await hers.gets(ME)).status == 200


async def test_a_second_factor_from_enrolment_to_the_next_login(
    browser: Browser, people: People, somchai: User
) -> None:
    await browser.logs_in(somchai.email, PASSWORD)
    enrolment = (await browser.posts("/auth/totp/enrol")).json
    assert enrolment["uri"].startswith("otpauth://totp/QuickKub:")
    secret = Secret(enrolment["secret"])
    assert (await browser.posts("/auth/totp/confirm", {"code": "000000"})).status == 422
    people.clock.moves(-30)
    done = await browser.posts("/auth/totp/confirm", {"code": people.code(secret)})
    assert len(done.json["codes"]) == 10
    assert (await browser.gets(ME)).json["second_factor"] == {
        "is_on": True,
        "shown": True,
        "required": False,
        "recovery_codes_left": 10,
    }
    again = await browser.logs_in(somchai.email, PASSWORD)
    assert (again.json["status"], again.json["csrf_token"]) == ("totp_needed", None)
    assert "set-cookie" not in again.headers
    people.clock.moves(30)
    words = {"challenge": again.json["challenge"], "code": people.code(secret)}
    assert (await browser.posts("/auth/totp", words)).json["status"] == "signed_in"
    # The code was right once, and the challenge was met.
    assert (await browser.posts("/auth/totp", words)).no == (401, "code_refused", None)


async def test_the_fifth_wrong_password_locks_and_says_for_how_long(browser: Browser, somchai: User) -> None:
    for email in (somchai.email, "never-heard-of@example.com"):
        told = [await browser.logs_in(email, "wrong, but long enough") for _ in range(6)]
        assert [one.status for one in told] == [401] * 5 + [429]
        assert told[-1].code == "login_locked"
        assert 25 <= int(told[-1].headers["retry-after"]) <= 30


async def test_registration_is_closed_unless_it_was_opened(browser: Browser) -> None:
    words = {"email": "new@example.com", "password": PASSWORD, "name": "New"}
    assert (await browser.posts("/auth/register", words)).no == (403, "registration_closed", None)


async def test_when_all_places_are_taken_a_login_is_sent_away_before_the_database_is_asked(
    site: Client, somchai: User
) -> None:
    busy = Hashing(Cost(memory_kib=64, passes=1), threads=1, waiting_max=1)
    async with with_hashing(site, busy) as browser:
        with busy.place(), busy.place():
            told = await browser.logs_in(somchai.email, PASSWORD)
            assert told.no == (503, "login_busy", None)
            assert told.headers["retry-after"] == "2"
            # Everything else goes on.
            assert (await browser.gets(ME)).status == 401
        assert (await browser.logs_in(somchai.email, PASSWORD)).status == 200
        assert busy.work_done == 1


async def test_of_a_flood_most_are_sent_away_and_none_is_an_error(site: Client) -> None:
    hashing = Hashing(Cost(memory_kib=4096, passes=2), threads=2, waiting_max=4)
    async with with_hashing(site, hashing) as browser:
        told = await asyncio.gather(
            *(browser.logs_in(f"flood{number}@example.com", PASSWORD) for number in range(60))
        )
    statuses = [one.status for one in told]
    assert set(statuses) == {401, 503}
    assert statuses.count(401) == hashing.work_done
