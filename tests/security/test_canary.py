"""Unique secrets go through every route, every act, every way to be refused and every connector (A4).

Afterwards they are looked for in all that was logged, answered, counted and stored: in clear, as base64, as
hex and percent-encoded. Where a real gateway's processes write is looked at in test_canary_processes.py.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
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


def ways_to_be_refused(path: str, secret: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests to one route that carry a secret where none belongs; path and the rest of it."""
    escaped = quote(secret, safe="")
    filled = re.sub(r"\{[^}]*\}", new_id("x"), path)
    json_kind = {"Content-Type": "application/json"}
    yield filled, {"raw": b'{"a": "' + secret.encode() + b'"', "headers": json_kind}
    yield filled, {"words": {"amount": secret, "currency": secret, "email": secret, "token": secret}}
    yield filled, {"words": {secret: 1}}
    yield filled, {"raw": secret.encode(), "headers": {"Content-Type": f"text/plain; charset={escaped}"}}
    yield filled, {"raw": secret.encode() * 40, "headers": {"Content-Type": escaped}}
    yield f"{filled}?{escaped}={escaped}", {}
    yield f"{filled}?limit={escaped}&starting_after={escaped}&token={escaped}", {}
    yield f"{filled}/{escaped}", {}
    if "{" in path:
        yield re.sub(r"\{[^}]*\}", escaped, path), {}
    for name in ("Authorization", "Origin", "X-CSRF-Token", "QuickKub-Version", "Content-Encoding"):
        yield filled, {"raw": b"{}", "headers": json_kind | {name: secret}}
    yield filled, {"headers": {"Authorization": f"Bearer {secret}"}}
    yield filled, {"headers": {"Cookie": f"__Host-qk_session={secret}; x={secret}"}}


@pytest.mark.parametrize("kind", CANARIES)
async def test_a_request_that_is_refused_is_told_nowhere(
    office: Team, logged: io.BytesIO, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = Bag({CANARIES[kind]: kind})
    finder, answers, huge = bag.finder(), [], CANARIES[kind].encode() * 9_000
    for route in create_app(office.shop.services).routes:
        if not isinstance(route, HTTPRoute):
            continue
        method = min(route.methods - {"OPTIONS", "HEAD"})
        for path, more in ways_to_be_refused(route.path, CANARIES[kind]):
            answers.append((f"{method} {route.path}", await office.shop.asks(method, path, **more)))
    answers.append(("huge", await office.shop.asks("POST", "/v1/payments", raw=huge)))
    metrics = await office.shop.with_key(None).gets("/metrics")
    with capsys.disabled():
        print(f"\ncanary, refused: {len(answers)} requests with an {kind}")
    assert [(one, told.status) for one, told in answers if told.status >= 500] == []
    assert finder.kinds_in(logged.getvalue()) == set()
    assert finder.kinds_in(metrics.body) == set()
    assert await stored(office, finder) == []
    echoed = sorted({request for request, told in answers if finder.kinds_in(told.body)})
    assert echoed == []


# --- connectors -------------------------------------------------------------------------------------------

EXCHANGES: Final = [vector for vector in all_vectors() if "exchange" in vector.said]


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
    for vector in (one for one in EXCHANGES if one.provider == provider):
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
