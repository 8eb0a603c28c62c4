"""Who shows password and second factor again, before what: every operation against the one table (5.2)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import Role
from quickkub.access.step_up import STEP_UP
from quickkub.api import operators, v1
from quickkub.api.describe import document
from quickkub.api.operations import OPT_KEY
from quickkub.connectors.contract import Paid
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import Money
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client
from tests.support.postgres import TestServer
from tests.support.shop import receipt
from tests.support.team import Team, team

AGAIN = (403, "step_up_required")
FREELY = 1_000_000
"""What a person gives back of one payment without a step-up, at a merchant who said nothing."""

WISH = {"kind": "secret", "name": "till"}


@pytest.fixture(scope="module")
async def office(postgres_server: TestServer) -> AsyncIterator[Team]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as opened:
            yield opened
        await database.close()


async def asked_again(client: Client, routes: tuple[HTTPRouteHandler, ...]) -> set[str]:
    """Operations that want the step-up, before they have read anything."""
    found = set()
    for route in routes:
        (path,), (method,) = route.paths, route.http_methods
        told = await client.asks(str(method), re.sub(r"\{\w+:\w+\}", "x", path), raw=b"{")
        if (told.status, told.json.get("code")) == AGAIN:
            found.add(route.opt[OPT_KEY].id)
    return found


async def waits(office: Team, seconds: int) -> None:
    """So long ago everybody has shown who they are."""
    async with office.database.transaction() as tx:
        await tx.execute(
            "UPDATE sessions SET stepped_up_at = clock_timestamp() - make_interval(secs => $1)", seconds
        )


def ids(routes: tuple[HTTPRouteHandler, ...]) -> set[str]:
    return {route.opt[OPT_KEY].id for route in routes}


async def test_after_five_minutes_a_member_shows_it_again_for_what_the_table_says_and_no_more(
    office: Team,
) -> None:
    owner = await office.member("owner")
    assert await asked_again(owner, v1.ROUTES) == set()
    await waits(office, 300)
    assert await asked_again(owner, v1.ROUTES) == STEP_UP.keys() & ids(v1.ROUTES)


async def test_after_five_minutes_an_operator_shows_it_again_for_what_the_table_says_and_no_more(
    office: Team,
) -> None:
    operator = await office.operator(Role.BREAK_GLASS)
    assert await asked_again(operator, operators.ROUTES) == set()
    await waits(office, 300)
    assert await asked_again(operator, operators.ROUTES) == STEP_UP.keys() & ids(operators.ROUTES)


def test_the_table_names_operations_there_are_and_the_description_tells_of_each() -> None:
    assert set(STEP_UP) <= ids((*v1.ROUTES, *operators.ROUTES))
    told = [one for path in document()["paths"].values() for one in path.values()]
    asking = {one["operationId"] for one in told if "step_up_required" in str(one["responses"].get("403"))}
    assert STEP_UP.keys() <= asking
    assert all("step-up" in one["description"] for one in told if one["operationId"] in STEP_UP)


async def test_a_key_is_no_person_and_is_not_asked(office: Team) -> None:
    await waits(office, 3600)
    assert await asked_again(office.shop, v1.ROUTES) == set()


async def test_the_refusal_says_how_to_go_on_and_after_it_the_key_is_made(office: Team) -> None:
    owner = await office.member("owner")
    assert (await owner.posts("/v1/api_keys", WISH)).status == 201
    await waits(office, 301)
    told = await owner.posts("/v1/api_keys", WISH)
    assert (told.status, told.code) == AGAIN
    assert "POST /auth/step-up" in told.json["detail"]
    await waits(office, 0)
    assert (await owner.posts("/v1/api_keys", WISH)).status == 201


async def test_a_token_whose_session_has_ended_cannot_be_stepped_up(office: Team) -> None:
    owner = await office.member("owner")
    assert (await owner.posts("/v1/api_keys", WISH)).status == 201
    async with office.database.transaction() as tx:
        await tx.execute("UPDATE sessions SET ended_at = now()")
    told = await owner.posts("/v1/api_keys", WISH)
    assert (told.status, told.code) == AGAIN
    assert "is over" in told.json["detail"]
    assert (await owner.gets("/v1/api_keys")).status == 200


async def test_a_developer_without_a_second_factor_makes_no_key(office: Team) -> None:
    developer = await office.member("developer")
    assert (await developer.gets("/v1/payments")).status == 200
    async with office.database.transaction() as tx:
        await tx.execute("UPDATE second_factors SET secret = NULL, confirmed_at = NULL")
    told = await developer.posts("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook"})
    assert (told.status, told.code) == (403, "second_factor_required")


async def test_much_money_goes_back_after_a_step_up_and_little_without(office: Team) -> None:
    little, much = [await office.shop.charges(amount=amount) for amount in (FREELY, FREELY + 1)]
    finance = await office.member("finance")
    assert (await finance.gets("/v1/refunds")).status == 200
    await waits(office, 300)

    async def refund(client: Client, payment: dict[str, Any], **more: int) -> tuple[int, str]:
        told = await client.posts("/v1/refunds", {"payment": payment["id"]} | more)
        return told.status, told.code

    # Nothing was paid yet, which is looked at after who asks.
    unpaid = await refund(office.shop, much)
    assert unpaid == (409, "nothing_to_refund")
    assert await refund(finance, little) == unpaid
    assert await refund(finance, much, amount=FREELY) == unpaid
    assert await refund(finance, much) == AGAIN
    assert await refund(finance, much, amount=FREELY + 1) == AGAIN
    await waits(office, 0)
    assert await refund(finance, much) == unpaid


async def test_many_small_refunds_of_a_payment_are_a_large_one(office: Team) -> None:
    amount = FREELY + 100
    office.shop.shop.bank.to_create.append(Paid((receipt(Money(amount), new_id("t")),)))
    payment = (await office.shop.charges(amount=amount))["id"]
    finance = await office.member("finance")
    assert (await finance.gets("/v1/refunds")).status == 200
    await waits(office, 300)
    assert (await finance.posts("/v1/refunds", {"payment": payment, "amount": 101})).status == 201
    rest = {"payment": payment, "amount": FREELY - 100}
    told = await finance.posts("/v1/refunds", rest)
    assert (told.status, told.code) == AGAIN
    rest["amount"] -= 1
    assert (await finance.posts("/v1/refunds", rest)).status == 201


async def test_a_merchant_says_after_a_step_up_how_much_goes_back_without_one(office: Team) -> None:
    owner = await office.member("owner")
    assert (await owner.gets("/v1/settings")).json["refund_step_up_over"] == FREELY
    told = await owner.posts("/v1/settings", {"refund_step_up_over": 100})
    assert (told.status, told.json["refund_step_up_over"]) == (200, 100)
    payment = await office.shop.charges(amount=15_000)
    await waits(office, 300)
    told = await owner.posts("/v1/refunds", {"payment": payment["id"], "amount": 101})
    assert (told.status, told.code) == AGAIN
    told = await owner.posts("/v1/settings", {"refund_step_up_over": FREELY})
    assert (told.status, told.code) == AGAIN
    told = await owner.posts("/v1/refunds", {"payment": payment["id"], "amount": 100})
    assert (told.status, told.code) == (409, "nothing_to_refund")


async def test_nobodys_money_goes_back_after_a_step_up(office: Team) -> None:
    finance = await office.member("finance")
    assert (await finance.gets("/v1/cases")).status == 200
    await waits(office, 300)

    async def resolve(client: Client, decision: str) -> int:
        path = f"/v1/cases/{new_id('case')}/resolve"
        return (await client.posts(path, {"decision": decision, "note": "found"})).status

    assert [await resolve(finance, decision) for decision in ("refund", "accept", "close")] == [403, 404, 404]
    assert await resolve(office.shop, "refund") == 404
    await waits(office, 0)
    assert await resolve(finance, "refund") == 404
