"""Over all routes: an object of another merchant and one that does not exist cannot be told apart (A3).

Two merchants have one object of every kind each. One of them calls every route that takes an id, in its path,
its query or its body, with the other's id and with a random one. The cases are read from the table of routes
and the API's description, so a new route is in them by itself.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import Role
from quickkub.api import operators, v1
from quickkub.api.describe import document
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.kernel.ids import new_id
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.security.belongings import MAKERS
from tests.support.api import Client, Told, key_for
from tests.support.postgres import TestServer
from tests.support.shop import open_shop
from tests.support.team import Team, team

WORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "resolveCase": {"decision": "close", "note": "x"},
    "contestDispute": {"text": "x"},
    "changeMember": {"role": "viewer"},
    "updateProviderAccount": {"enabled": False},
    "reportRefundTransfer": {"transfer_reference": "TR123456"},
    "decideKycApplication": {"decision": "reject", "reason": "x"},
    "decideKycDocument": {"decision": "reject", "reason": "x"},
    "verifySlip": {"payload": "0041000600000101030140225202311239999999999999999995102TH91044D2F"},
    "approveFraudReview": {"note": "x"},
    "declineFraudReview": {"note": "x"},
    "refusePrivacyRequest": {"reason": "x"},
    "placeLegalHold": {"reason": "x"},
    "liftLegalHold": {"reason": "x"},
}
"""What a request needs beside the id to get as far as looking for it."""

BODIES: Final[Mapping[str, Mapping[str, str]]] = {
    "createRefund": {"payment": "payment"},
    "replayEvent": {"endpoint": "endpoint"},
    "verifySlip": {"payment": "payment", "account": "account"},
    "placeLegalHold": {"payment": "payment"},
}
"""Fields of bodies that hold an id, by operation; and that this is all of them is a test of its own."""

QUERIES: Final[Mapping[str, str]] = {"actor": "member", "resource_id": "payment", "merchant": "merchant"}
"""Query parameters that hold an id and are not called by its kind."""

CURSORS: Final = ("starting_after", "ending_before")
CURSOR_KINDS: Final = {"/v1/webhook_deliveries": "delivery"}
"""Lists whose objects have no address of their own."""

OF_SEVERAL: Final = {"listPlatformAuditLogs", "listMerchants", "listPrivacyRequestsOfPlatform"}
"""Lists of the platform: an operator sees all merchants in them."""


@dataclass(frozen=True)
class Case:
    """One place where an id goes in."""

    operation: Operation
    method: str
    path: str
    kind: str
    where: str

    def __str__(self) -> str:
        return f"{self.operation.id} {self.where}={self.kind}"


@dataclass
class World:
    """Two merchants at one gateway, and what the second one has."""

    mine: Team
    own: dict[str, str]
    theirs: dict[str, str]
    other: Team
    owner: Client
    key: Client
    operator: Client
    cases_run: int = 0
    findings: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
async def world(postgres_server: TestServer) -> AsyncIterator[World]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as mine:
            shop = await open_shop(database, mine.shop.shop.bank)
            key = await key_for(database, shop.merchant)
            client = Client(mine.shop.session, mine.shop.url, key, shop, mine.shop.services)
            other = Team(database, client, mine.staff, mine.people)
            theirs = {kind: await make(other) for kind, make in MAKERS.items()}
            owner = await mine.member("owner")
            operator = await mine.operator(Role.BREAK_GLASS)
            own = {kind: await MAKERS[kind](mine) for kind in ("merchant", "payment", "event")}
            yield World(mine, own, theirs, other, owner, mine.shop, operator)
        await database.close()


def operation_of(route: HTTPRouteHandler) -> tuple[Operation, str, str]:
    (path,), (method,) = route.paths, route.http_methods
    return route.opt[OPT_KEY], str(method), re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def cases_of(routes: tuple[HTTPRouteHandler, ...]) -> Iterator[Case]:
    """Every id in a path, a query or a body."""
    described = document()["paths"]
    for route in routes:
        operation, method, path = operation_of(route)
        for kind in re.findall(r"\{(\w+)\}", path):
            yield Case(operation, method, path, kind, "path")
        for parameter in described[path][method.lower()]["parameters"]:
            if parameter["in"] == "query":
                name = parameter["name"]
                if name in CURSORS:
                    yield Case(operation, method, path, kind_of_list(path), name)
                elif name in MAKERS or name in QUERIES:
                    yield Case(operation, method, path, QUERIES.get(name, name), name)
        for name, kind in BODIES.get(operation.id, {}).items():
            yield Case(operation, method, path, kind, f"body.{name}")


def kind_of_list(path: str) -> str:
    """What a list holds: the parameter of the addresses below it."""
    if path in CURSOR_KINDS:
        return CURSOR_KINDS[path]
    below = (re.match(re.escape(path) + r"/\{(\w+)\}", one) for one in document()["paths"])
    return next((found[1] for found in below if found), f"of {path}")


def request_of(case: Case, name: str, own: Mapping[str, str]) -> tuple[str, str, dict[str, Any] | None]:
    """Method, address and words of a case with this id in its place, and `own` ids in all others."""
    words: dict[str, Any] = dict(WORDS.get(case.operation.id, {}))
    path = case.path
    if case.where == "path":
        path = path.replace(f"{{{case.kind}}}", name)
    elif case.where.startswith("body."):
        words[case.where.removeprefix("body.")] = name
    else:
        path += f"?{case.where}={name}"
    path = re.sub(r"\{(\w+)\}", lambda found: own[found[1]], path)
    return case.method, path, words if case.method == "POST" else None


async def asked(client: Client, case: Case, name: str, own: Mapping[str, str]) -> Told:
    method, path, words = request_of(case, name, own)
    return await client.asks(method, path, words=words, headers={"Idempotency-Key": new_id("key")})


def never_made(like: str) -> str:
    """An id nobody has, of the same moment: ids sort by time, and a cursor is a place in that order."""
    return like[:-8] + secrets.token_hex(4)


def telling(told: Told, name: str) -> tuple[int, dict[str, str], str]:
    """All that an answer tells, but for the number of the request and the id that was asked with."""
    body = told.body.decode().replace(name, "<id>")
    if told.status >= 400:
        body = json.dumps(json.loads(body) | {"request_id": ""})
    mute = {"x-request-id", "date"}
    return told.status, {one: value for one, value in told.headers.items() if one not in mute}, body


async def rows_of(world: World) -> dict[str, str]:
    """A checksum of everything the other merchant has, by table."""
    database = world.mine.database
    async with database.read() as reader:
        tables = await reader.fetch(
            "SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND a.attname = 'merchant_id' AND NOT a.attisdropped"
        )
        rows = "md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''))"
        return {
            table["name"]: await reader.fetchval(
                f'SELECT {rows} FROM "{table["name"]}" t WHERE merchant_id = $1', world.other.merchant
            )
            for table in tables
        }


async def compare(world: World, client: Client, case: Case) -> None:
    """Both requests, and what they let somebody tell."""
    theirs, nobodys = world.theirs[case.kind], never_made(world.theirs[case.kind])
    one, other = await asked(client, case, theirs, world.own), await asked(client, case, nobodys, world.own)
    world.cases_run += 1
    if telling(one, theirs) != telling(other, nobodys):
        world.findings.append(f"{case}: {one.status} {one.body!r} is not {other.status} {other.body!r}")
    if one.status >= 500:
        world.findings.append(f"{case}: {one.status}")


@pytest.mark.parametrize("who", ["owner", "key"])
async def test_nobody_can_tell_anothers_object_from_none_and_nothing_of_it_changes(
    world: World, who: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client: Client = getattr(world, who)
    cases, before = list(cases_of(v1.ROUTES)), await rows_of(world)
    world.findings, world.cases_run = [], 0
    for case in cases:
        await compare(world, client, case)
    with capsys.disabled():
        print(f"\nforeign objects, asked by {who}: {world.cases_run} places, {len(world.findings)} findings")
    assert world.findings == []
    assert len(cases) > 40
    after = await rows_of(world)
    assert {table for table in before if before[table] != after[table]} == set()


async def test_an_operators_request_about_one_merchant_never_reaches_into_another(world: World) -> None:
    before = await rows_of(world)
    world.findings = []
    inner = [
        case
        for case in cases_of(operators.ROUTES)
        if case.where == "path" and case.kind != "merchant" and "{merchant}" in case.path
    ]
    for case in inner:
        await compare(world, world.operator, case)
    assert world.findings == []
    assert inner
    after = await rows_of(world)
    # Reading is written down under the merchant that was named, and nothing else may move.
    assert {table for table in before if before[table] != after[table]} == set()


async def test_an_operator_who_names_a_merchant_that_is_none_is_told_so(world: World) -> None:
    """The look at a log is written into it; schemathesis found that there was none to write into."""
    told = await world.operator.gets(f"/v1/platform/audit_logs?merchant={new_id('mer')}")
    assert told.no == (404, "merchant_not_found", "merchant")


async def test_the_owner_really_gets_as_far_as_looking_for_it(world: World) -> None:
    """Where a request is refused earlier, the comparison above would compare nothing."""
    early = []
    for case in cases_of(v1.ROUTES):
        if case.where == "path":
            told = await asked(world.owner, case, never_made(world.theirs[case.kind]), world.own)
            if told.status != 404:
                early.append(f"{case}: {told.status} {told.body.decode()}")
    assert early == []


async def test_its_own_merchant_sees_every_one_of_these_objects(world: World) -> None:
    """Where an object cannot even be seen by its owner, the comparison would prove nothing."""
    owner, unseen = await world.mine.member("owner", merchant=world.other.merchant), []
    for case in cases_of(v1.ROUTES):
        if case.where == "path" and case.method == "GET":
            told = await asked(owner, case, world.theirs[case.kind], world.own)
            if told.status != 200:
                unseen.append(f"{case}: {told.status} {told.body.decode()}")
    assert unseen == []


def test_every_kind_of_object_that_a_route_takes_has_a_maker() -> None:
    missing = {
        str(case)
        for case in cases_of((*v1.ROUTES, *operators.ROUTES))
        if case.kind not in MAKERS and case.operation.id not in OF_SEVERAL
    }
    assert missing == set(), "make one in tests/security/belongings.py"


def test_every_field_of_a_body_that_holds_an_id_is_asked_with() -> None:
    described = document()
    unknown = []
    for path, methods in described["paths"].items():
        for told in methods.values() if path.startswith("/v1/") else ():
            shape = (
                told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            )
            fields = described["components"]["schemas"].get(str(shape.get("$ref")).rpartition("/")[2], {})
            for name, one in fields.get("properties", {}).items():
                text = json.dumps(one)
                looks_like_an_id = name in MAKERS or re.search(r"\^[a-z]{2,5}_\[|'s id\b", text)
                if (
                    looks_like_an_id
                    and '"enum"' not in text
                    and name not in BODIES.get(told["operationId"], {})
                ):
                    unknown.append(f"{told['operationId']}.{name}")
    assert unknown == []
