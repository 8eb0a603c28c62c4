"""Unique secrets go through every route, every act, every way to be refused and every connector (A4).

Afterwards they are looked for in all that was logged, answered, counted and stored: in clear, as base64, as
hex and percent-encoded. Where a real gateway's processes write is looked at in test_canary_processes.py.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from litestar.routes import HTTPRoute

from quickkub.access.permissions import Role
from quickkub.api.app import create_app
from quickkub.api.services import Tried
from quickkub.connectors import registry
from quickkub.connectors.transport import Line
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import new_key
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.telemetry import configure_logging
from tests.security.belongings import MAKERS
from tests.security.canary.bag import Bag, Finder
from tests.security.canary.ear import Ear
from tests.security.canary.rows import columns
from tests.support import privileged_people, privileged_risk
from tests.support.api import Told
from tests.support.postgres import TestServer
from tests.support.privileged_acts import ACTS
from tests.support.signing_in import PASSWORD
from tests.support.stub import Stub, answering
from tests.support.team import Team, team
from tests.support.vectors import Vector, all_vectors

PERSONAL: Final = {
    "email": {
        "users.email": "who somebody is",
        "users.email_normal": "who somebody is",
        "invitations.email": "who is expected; forgotten when it lapses",
    },
}
"""Where what tells who somebody is may stand in clear, and why."""

SHOWN_AGAIN: Final = {"csrf_token"}
"""What an answer may show more than once: to its own session."""


@pytest.fixture
def logged() -> Iterator[io.BytesIO]:
    """All that is logged, libraries at their most talkative included."""
    stream = io.BytesIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream, level="DEBUG")
    root.setLevel(logging.DEBUG)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def office(postgres_server: TestServer) -> AsyncIterator[Team]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database, check_account=works) as opened:
            yield opened
        await database.close()


async def works(_: object) -> Tried:
    """The provider of any account says that it works."""
    return Tried(True, "works")


async def stored(office: Team, finder: Finder) -> list[str]:
    """Where secrets stand in the database: `table.column: kind`."""
    return [
        f"{column}: {kind}"
        async for column, values in columns(office.database)
        for kind in finder.kinds_in(values)
        if column not in PERSONAL.get(kind, {})
    ]


def kinds_in_problems(finder: Finder, answers: list[tuple[str, Told]]) -> list[str]:
    """Refusals that say something secret."""
    return [
        f"{request} {told.status}: {kind}"
        for request, told in answers
        if told.status >= 400
        for kind in finder.kinds_in(told.body)
    ]


@given(st.text(min_size=12, max_size=40), st.binary(max_size=7), st.integers(0, 5))
def test_a_secret_is_found_in_every_spelling_whatever_stands_beside_it(
    secret: str, beside: bytes, spelling: int
) -> None:
    raw = secret.encode(errors="replace")
    secret = raw.decode()
    text = [
        raw,
        base64.b64encode(beside + raw + beside),
        base64.urlsafe_b64encode(beside + raw + beside),
        raw.hex().encode(),
        quote(secret, safe="").encode(),
        json.dumps({"a": secret}).encode(),
    ][spelling]
    bag = Bag()
    bag.put("canary", secret)
    assert bag.finder().kinds_in(beside + text + beside) == {"canary"}
    assert bag.finder().kinds_in(beside + b"nothing of the kind") == set()


async def test_what_every_act_says_and_shows_once_is_nowhere_else(
    office: Team,
    logged: io.BytesIO,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That every route which changes something is among the acts is a test of the audit's."""
    ear = Ear(Bag({PASSWORD: "password"}))
    ear.listens(monkeypatch)
    personal_words(monkeypatch, ear.bag)
    done = 0
    for operation in sorted(ACTS):
        told = await (await ACTS[operation](office))()
        assert told.status < 300, (operation, told.body)
        done += 1
    for make in MAKERS.values():
        await make(office)
    await read_everything(office)
    finder = ear.bag.finder()
    repeated = shown_again(ear)
    metrics = await office.shop.with_key(None).gets("/metrics")
    with capsys.disabled():
        print(f"\ncanary: {done} acts, {len(ear.answers)} answers, {len(ear.bag.kinds)} secrets")
    assert finder.kinds_in(logged.getvalue()) == set()
    assert finder.kinds_in(metrics.body) == set()
    assert kinds_in_problems(finder, ear.answers) == []
    assert await stored(office, finder) == []
    assert repeated == []
    assert set(ear.bag.kinds.values()) >= KINDS_OF_ACTS


KINDS_OF_ACTS: Final = {
    *("api key", "password", "session", "csrf_token", "secret", "codes", "challenge", "token", "email"),
    *("account_number", "id_number", "content", "credentials", "client_secret", "invitation", "uri"),
}


def personal_words(monkeypatch: pytest.MonkeyPatch, bag: Bag) -> None:
    """The acts' own words, with numbers that are nobody else's."""
    number = {"bank": "004", "account_number": "7391846205", "holder": "Somchai Jaidee"}
    monkeypatch.setattr(privileged_people, "account", lambda: number)
    people = [{"name": "Somchai Jaidee", "role": "owner", "id_number": "3840271956132"}]
    kyc = privileged_people.KYC | {"registration_number": "3840271956132", "people": people}
    monkeypatch.setattr(privileged_people, "KYC", kyc)
    head, tail = privileged_people.PNG[:-12], privileged_people.PNG[-12:]
    picture = base64.b64encode(head + secrets.token_bytes(99) + tail).decode()
    monkeypatch.setattr(privileged_people, "PICTURE", privileged_people.PICTURE | {"content": picture})
    secret = secrets.token_hex(16)
    account = privileged_risk.account()
    account["particulars"] = account["particulars"] | {"channel_secret": secret}
    monkeypatch.setattr(privileged_risk, "account", lambda: account)
    bag.put("credentials", secret)


async def read_everything(office: Team) -> None:
    """Every list and every object, by somebody who may."""
    owner, operator = await office.member("owner"), await office.operator(Role.BREAK_GLASS)
    for route in create_app(office.shop.services).routes:
        if isinstance(route, HTTPRoute) and "GET" in route.methods:
            path = re.sub(r"\{merchant:\w+\}", office.merchant, route.path)
            asks = operator if path.startswith("/v1/platform") else owner
            told = await asks.gets(re.sub(r"\{[^}]*\}", new_id("x"), path))
            for one in told.json.get("data", []) if told.status == 200 and told.body[:1] == b"{" else []:
                if isinstance(one, dict) and "id" in one:
                    await asks.gets(f"{path}/{one['id']}")


def shown_again(ear: Ear) -> list[str]:
    """Answers that show what an earlier one showed once."""
    seen: dict[bytes, int] = {
        secret.encode(): place
        for secret, kind in ear.bag.kinds.items()
        if kind in {"secret", "key", "codes", "client_secret", "challenge", "session", "access_token"}
        for place, (_, told) in enumerate(ear.answers)
        if secret.encode() in told.body
    }
    return [
        f"{request}: again"
        for place, (request, told) in enumerate(ear.answers)
        for secret, last in seen.items()
        if place < last and secret in told.body
    ]


# --- refusals ---------------------------------------------------------------------------------------------

HIDDEN: Final = secrets.token_urlsafe(24)
CANARIES: Final = {
    "api key": new_key("live").reveal(),
    "webhook secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "refresh token": "qk_rt_" + HIDDEN,
    "session": secrets.token_urlsafe(32),
    "password": "fourteen blue lanterns drift",
    "access token": f"eyJhbGciOiJFUzI1NiJ9.{secrets.token_urlsafe(30)}.{secrets.token_urlsafe(40)}",
    "card": "4242424242424242",
}


Way: TypeAlias = "Callable[[str, str], list[tuple[str, dict[str, Any]]]]"
JSON: Final = {"Content-Type": "application/json"}


def filled(path: str, value: str = "x_" + "0" * 32) -> str:
    """A route's path with this in place of its ids."""
    return re.sub(r"\{[^}]*\}", value, path)


def with_header(name: str) -> Way:
    """The secret as the value of a header that is for something else."""
    return lambda path, secret: [(filled(path), {"raw": b"{}", "headers": JSON | {name: secret}})]


WAYS: Final[list[Way]] = [
    lambda path, secret: [(filled(path), {"raw": b'{"a": "' + secret.encode() + b'"', "headers": JSON})],
    lambda path, secret: [(filled(path), {"words": dict.fromkeys(("amount", "email", "token"), secret)})],
    lambda path, secret: [(filled(path), {"words": {secret: 1}})],
    lambda path, secret: [
        (filled(path), {"raw": secret.encode(), "headers": {"Content-Type": "text/plain"}})
    ],
    lambda path, secret: [(filled(path), {"raw": b"x", "headers": {"Content-Type": quote(secret, safe="")}})],
    lambda path, secret: [(f"{filled(path)}?{quote(secret, safe='')}={quote(secret, safe='')}", {})],
    lambda path, secret: [(f"{filled(path)}?limit={quote(secret)}&status={quote(secret)}", {})],
    lambda path, secret: [(f"{filled(path)}/{quote(secret, safe='')}", {})],
    lambda path, secret: [(filled(path, quote(secret, safe="")), {})] if "{" in path else [],
    lambda path, secret: [(filled(path), {"headers": {"Authorization": f"Bearer {secret}"}})],
    lambda path, secret: [(filled(path), {"headers": {"Cookie": f"__Host-qk_session={secret}"}})],
    *map(with_header, ("Authorization", "Origin", "X-CSRF-Token", "QuickKub-Version", "Content-Encoding")),
]
"""Ways for a secret to be where none belongs."""

WAYS_EACH: Final = 5
"""So many at each route, and the next ones at the next: all of them many times over."""


async def test_a_request_that_is_refused_is_told_nowhere(
    office: Team, logged: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some of the ways at each route, each with another of the secrets."""
    finder, answers = Bag(dict(zip(CANARIES.values(), CANARIES, strict=True))).finder(), []
    kinds, ways = itertools.cycle(CANARIES.values()), itertools.cycle(WAYS)
    for route in create_app(office.shop.services).routes:
        if not isinstance(route, HTTPRoute):
            continue
        method = min(route.methods - {"OPTIONS", "HEAD"})
        for turn in range(WAYS_EACH):
            for path, more in next(ways)(route.path, next(kinds)):
                answers.append(
                    (f"{method} {route.path} {turn}", await office.shop.asks(method, path, **more))
                )
    huge = CANARIES["api key"].encode() * 9_000
    answers.append(("huge", await office.shop.asks("POST", "/v1/payments", raw=huge)))
    metrics = await office.shop.with_key(None).gets("/metrics")
    with capsys.disabled():
        print(f"\ncanary: {len(answers)} requests that carry a secret where none belongs")
    assert [(one, told.status) for one, told in answers if told.status >= 500] == []
    assert finder.kinds_in(logged.getvalue()) == set()
    assert finder.kinds_in(metrics.body) == set()
    assert await stored(office, finder) == []
    # Finding 10 of the penetration report: an unknown field's name or word is told back to who sent it.
    assert {told.status for _, told in answers if finder.kinds_in(told.body)} <= {400}


# --- connectors -------------------------------------------------------------------------------------------


def kind_of(vector: Vector) -> tuple[str, str, str]:
    """Provider, what is asked, and what is concluded."""
    return vector.provider, str(vector.said["asks"])[:12], str(vector.said["outcome"][0])


EXCHANGES: Final = [
    next(some)
    for _, some in itertools.groupby(
        sorted((one for one in all_vectors() if "exchange" in one.said), key=kind_of),
        key=kind_of,
    )
]
"""One vector of each provider for whatever is asked and concluded: good answers, refusals, and none."""

EXCHANGES_EACH: Final = 8


def changed(value: str) -> str:
    """A credential of the same shape that no provider knows: its letters and figures are others."""
    return "".join(
        chr(ord("a") + secrets.randbelow(26)) if one.islower() and one.isascii() else one for one in value
    )


@pytest.mark.parametrize("provider", sorted({vector.provider for vector in EXCHANGES}))
@pytest.mark.parametrize("genuine", [True, False], ids=["good", "wrong"])
async def test_a_providers_credentials_go_to_the_provider_alone(
    logged: io.BytesIO, provider: str, genuine: bool
) -> None:
    bag, kept, played = Bag(), [], 0
    own = [one for one in EXCHANGES if one.provider == provider]
    for vector in own[:: max(1, len(own) // EXCHANGES_EACH)]:
        account = vector.account("http://127.0.0.1:9")
        for name, credential in account.credentials.items():
            bag.put(name, credential.reveal())
        kept.append(await transcript_of(vector, genuine=genuine, bag=bag))
        played += 1
    assert played
    finder = bag.finder()
    assert finder.kinds_in(logged.getvalue()) == set()
    assert finder.kinds_in(b"\n".join(kept)) == set()


async def transcript_of(vector: Vector, *, genuine: bool, bag: Bag) -> bytes:
    """What is kept of the vector's exchange, and what is concluded from it."""
    stub, line = Stub(vector), Line(registry.connector)
    async with answering(stub.handle) as url:
        account = vector.account(url)
        if not genuine:
            for name, credential in account.credentials.items():
                other = changed(credential.reveal())
                bag.put(name, other)
                account.credentials[name] = Secret(other)  # type: ignore[index]
        try:
            conclusion = await line.run(account, vector.exchange(account))
        finally:
            await line.close()
    return conclusion.transcript + repr(conclusion.outcome).encode()
