"""Every route times every role: what the table does not give is refused before anything else is read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import (
    MERCHANT_PERMISSIONS,
    MERCHANT_ROLES,
    PLATFORM_PERMISSIONS,
    PLATFORM_ROLES,
    Role,
    allowed,
    permissions_of,
)
from quickkub.api import operators, v1
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.keys import Caller, KeyKind
from quickkub.merchants.scopes import PUBLISHABLE, SECRET
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client, key_for
from tests.support.postgres import TestServer
from tests.support.team import Team, team

NO_RIGHT = (403, "permission_missing")


@pytest.fixture(scope="module")
async def office(postgres_server: TestServer) -> AsyncIterator[Team]:
    """One gateway for the file: nothing here succeeds in changing anything."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as opened:
            yield opened
        await database.close()


def operation_of(route: HTTPRouteHandler) -> Operation:
    operation: Operation = route.opt[OPT_KEY]
    return operation


async def answers(client: Client, route: HTTPRouteHandler) -> tuple[int, str | None]:
    """What a request gets whose body is no JSON, so that nothing is ever done."""
    (path,), (method,) = route.paths, route.http_methods
    told = await client.asks(str(method), re.sub(r"\{\w+:\w+\}", "x", path), raw=b"{")
    return told.status, told.json.get("code") if told.status >= 400 else None


async def disagreements(
    client: Client, routes: tuple[HTTPRouteHandler, ...], permitted: frozenset[str]
) -> list[str]:
    """Operations that were let through or refused against the table."""
    wrong = []
    for route in routes:
        operation = operation_of(route)
        told = await answers(client, route)
        if (told == NO_RIGHT) is (operation.needs in permitted) or told[0] == 401:
            wrong.append(f"{operation.id}: {told}")
    return wrong


@pytest.mark.parametrize("role", [role.value for role in MERCHANT_ROLES])
async def test_a_member_does_what_the_table_gives_to_the_role(office: Team, role: str) -> None:
    member = await office.member(role)
    assert await disagreements(member, v1.ROUTES, permissions_of(role)) == []


@pytest.mark.parametrize("role", list(PLATFORM_ROLES))
async def test_an_operator_does_what_the_table_gives_to_the_role(office: Team, role: Role) -> None:
    operator = await office.operator(role)
    assert await disagreements(operator, operators.ROUTES, permissions_of(role.value)) == []


@pytest.mark.parametrize(("kind", "scopes"), [(KeyKind.SECRET, SECRET), (KeyKind.PUBLISHABLE, PUBLISHABLE)])
async def test_a_key_does_what_its_kind_may(office: Team, kind: KeyKind, scopes: frozenset[str]) -> None:
    key = office.shop.with_key(await key_for(office.database, office.merchant, kind=kind))
    assert await disagreements(key, v1.ROUTES, scopes) == []


async def test_keys_tokens_and_people_without_a_role_open_nothing_of_the_platform(office: Team) -> None:
    nobody = await office.operator(None)
    unproven = await office.operator(Role.BREAK_GLASS, second_factor=False)
    owner = await office.member("owner")
    for route in operators.ROUTES:
        assert await answers(nobody, route) == NO_RIGHT
        assert (await answers(unproven, route))[0] == 403
        assert (await answers(office.shop, route))[0] in (401, 403)
        assert (await answers(owner, route))[0] in (401, 403)


async def test_an_operators_session_opens_nothing_of_a_merchant(office: Team) -> None:
    operator = await office.operator(Role.BREAK_GLASS)
    assert {(await answers(operator, route))[0] for route in v1.ROUTES} == {401}


async def test_an_operator_without_the_synchroniser_token_changes_nothing(office: Team) -> None:
    operator = await office.operator(Role.BREAK_GLASS)
    told = await operator.asks("POST", "/v1/platform/merchants", raw=b"{", headers={"X-CSRF-Token": "x" * 43})
    assert told.code == "csrf_refused"


def test_every_operation_needs_a_permission_that_somebody_has() -> None:
    for route in v1.ROUTES:
        operation = operation_of(route)
        assert operation.needs in MERCHANT_PERMISSIONS and not operation.platform, operation.id
    for route in operators.ROUTES:
        operation = operation_of(route)
        assert operation.needs in PLATFORM_PERMISSIONS and operation.platform, operation.id


def test_what_changes_something_never_goes_with_a_right_to_read() -> None:
    # Some questions are POSTs, and change nothing.
    questions = {"backtestFraudRule", "replayFraudDecision"}
    for route in (*v1.ROUTES, *operators.ROUTES):
        operation, (method,) = operation_of(route), route.http_methods
        assert operation.needs is not None
        if method != "GET" and operation.id not in questions:
            assert not operation.needs.endswith(":read"), operation.id


def test_a_role_nobody_knows_may_do_nothing() -> None:
    merchant = MerchantId("mer_" + "0" * 32)
    for role in ("", "root", "OWNER", "owner "):
        caller = Caller(merchant, "test", scopes=MERCHANT_PERMISSIONS, user_id="usr_1", role=role)
        assert not any(allowed(caller, one) for one in MERCHANT_PERMISSIONS)
        assert not any(allowed(caller, one, platform=True) for one in PLATFORM_PERMISSIONS)


def test_scopes_narrow_a_role_and_never_widen_it() -> None:
    merchant = MerchantId("mer_" + "0" * 32)
    viewer = Caller(merchant, "test", scopes=MERCHANT_PERMISSIONS, user_id="usr_1", role="viewer")
    owner = Caller(merchant, "test", scopes=frozenset({"payments:read"}), user_id="usr_1", role="owner")
    assert not allowed(viewer, "refunds:write")
    assert allowed(owner, "payments:read") and not allowed(owner, "payments:write")


def test_money_out_of_the_house_takes_people_with_money_roles() -> None:
    who = {
        need: {role.value for role in MERCHANT_ROLES if need in permissions_of(role.value)}
        for need in ("settlement:write", "approvals:write", "refunds:write", "payouts:write", "team:write")
    }
    assert who == {
        "settlement:write": {"owner", "finance"},
        "approvals:write": {"owner", "admin"},
        "refunds:write": {"owner", "admin", "finance"},
        "payouts:write": {"owner", "admin", "finance"},
        "team:write": {"owner", "admin"},
    }
