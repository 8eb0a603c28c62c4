"""What somebody who is known was not let do stands in the audit log, once a minute (5.6)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from quickkub.access.permissions import Role
from quickkub.api.app import create_app
from quickkub.audit import Actor, ActorKind, acting
from quickkub.audit.denied import DENIED, record_denied
from quickkub.kernel.ids import new_id
from quickkub.merchants.keys import KeyKind
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE, for_merchant
from tests.support.api import Client, key_for, services_for
from tests.support.clock import MovedClock
from tests.support.people import add_merchant
from tests.support.postgres import TestServer
from tests.support.server import serving
from tests.support.team import Team, team


@pytest.fixture(scope="module")
async def office(postgres_server: TestServer) -> AsyncIterator[Team]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as opened:
            yield opened
        await database.close()


async def written(database: Database, actor: str) -> list[Any]:
    """Denied acts of an actor, the oldest first."""
    async with database.read() as reader:
        return list(
            await reader.fetch(
                "SELECT * FROM audit_logs WHERE action = $1 AND actor_id = $2 ORDER BY created_at",
                DENIED,
                actor,
            )
        )


async def key_id(client: Client) -> str:
    rows = await client.shop.rows("SELECT id FROM api_keys WHERE last_four = $1", str(client.key)[-4:])
    return str(rows[0]["id"])


async def test_a_key_that_asks_for_what_it_may_not_is_written_down_once(office: Team) -> None:
    key = await key_for(office.database, office.merchant, kind=KeyKind.PUBLISHABLE)
    client = office.shop.with_key(key)
    for _ in range(3):
        assert (await client.gets("/v1/payments")).code == "permission_missing"
    (entry,) = await written(office.database, await key_id(client))
    assert (entry["merchant_id"], entry["mode"], entry["actor_kind"]) == (office.merchant, "test", "key")
    assert (entry["resource_type"], entry["resource_id"], entry["outcome"]) == (
        "operation",
        "listPayments",
        "refused",
    )
    assert entry["details"]["after"] == {"code": "permission_missing"}
    assert entry["request_id"] and entry["ip_address"] == "127.0.0.1"


async def test_each_route_and_each_actor_has_an_entry_of_its_own(office: Team) -> None:
    first, second = [await office.member("viewer") for _ in range(2)]
    for member in (first, second):
        for path in ("/v1/refunds", "/v1/api_keys", "/v1/refunds"):
            assert (await member.posts(path, {})).code == "permission_missing"
    async with office.database.read() as reader:
        found = await reader.fetch(
            "SELECT actor_id, role, resource_id FROM audit_logs WHERE action = $1 AND role = 'viewer'", DENIED
        )
    assert len({row["actor_id"] for row in found}) == 2
    assert sorted(row["resource_id"] for row in found) == ["createApiKey"] * 2 + ["createRefund"] * 2


async def test_what_is_let_through_or_fails_otherwise_is_no_denied_act(office: Team) -> None:
    owner = await office.member("owner")
    assert (await owner.gets("/v1/payments")).status == 200
    assert (await owner.gets("/v1/payments/pay_1")).status == 404
    assert (await owner.posts("/v1/refunds", {"payment": 1})).status == 400
    async with office.database.read() as reader:
        assert not await reader.fetch("SELECT 1 FROM audit_logs WHERE action = $1 AND role = 'owner'", DENIED)


async def test_an_operator_is_written_down_in_the_platforms_log(office: Team) -> None:
    operator = await office.operator(Role.RISK)
    told = await operator.posts("/v1/platform/merchants", {})
    assert told.code == "permission_missing"
    async with office.database.read() as reader:
        (entry,) = await reader.fetch("SELECT * FROM audit_logs WHERE action = $1 AND role = 'risk'", DENIED)
    assert (entry["chain"], entry["resource_id"]) == ("platform", "createMerchant")


async def test_a_request_somebody_elses_page_made_is_written_down_under_whose_browser_it_was(
    office: Team,
) -> None:
    person = await office.operator(None)
    told = await person.asks("POST", "/auth/logout", headers={"X-CSRF-Token": "x" * 43})
    assert told.code == "csrf_refused"
    async with office.database.read() as reader:
        (entry,) = await reader.fetch(
            "SELECT * FROM audit_logs WHERE action = $1 AND resource_id = 'logOut'", DENIED
        )
        live = await reader.fetchval(
            "SELECT count(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", entry["actor_id"]
        )
    assert (entry["chain"], entry["actor_kind"], live) == ("platform", "user", 1)


async def test_a_key_from_a_network_that_is_not_its_own_is_written_down(office: Team) -> None:
    key = await key_for(office.database, office.merchant)
    client = office.shop.with_key(key)
    await office.shop.shop.rows(
        "UPDATE api_keys SET networks = $2 WHERE last_four = $1",
        key[-4:],
        [ipaddress.ip_network("10.0.0.0/8")],
    )
    assert (await client.gets("/v1/payments")).code == "key_not_permitted"
    (entry,) = await written(office.database, await key_id(client))
    assert entry["details"]["after"] == {"code": "key_not_permitted"}


@pytest.mark.parametrize(("ago", "entries", "quiet"), [(61, 2, 60), (30, 1, 30)])
async def test_after_a_minute_it_is_written_again(office: Team, ago: int, entries: int, quiet: int) -> None:
    actor, merchant = new_id("key"), await add_merchant(office.database)
    await office.shop.shop.rows(
        "INSERT INTO audit_logs (id, merchant_id, actor_kind, actor_id, action, resource_type, resource_id,"
        " outcome, details, created_at) VALUES ($1, $2, 'key', $3, $4, 'operation', 'listPayments',"
        " 'refused', '{}', now() - make_interval(secs => $5))",
        *(new_id("aud"), merchant, actor, DENIED, ago),
    )
    with acting(Actor(ActorKind.KEY, actor)):
        async with office.database.transaction() as tx:
            left = await record_denied(tx, "listPayments", "permission_missing", merchant, "test")
    assert len(await written(office.database, actor)) == entries
    assert quiet - 5 <= left <= quiet


async def test_a_process_that_has_forgotten_asks_the_log(office: Team) -> None:
    clock = MovedClock()
    services = replace(services_for(office.database, office.shop.shop), clock=clock)
    key = await key_for(office.database, office.merchant, kind=KeyKind.PUBLISHABLE)
    async with serving(create_app(services)) as url, aiohttp.ClientSession() as session:
        client = Client(session, url, key, office.shop.shop, services)
        for seconds in (0, 59, 1):
            clock.moves(seconds)
            assert (await client.gets("/v1/payments")).status == 403
        assert len(await written(office.database, await key_id(client))) == 1


async def test_of_many_processes_that_see_it_at_once_one_writes(office: Team) -> None:
    actor, merchant = new_id("key"), await add_merchant(office.database)

    async def hears() -> int:
        async with office.database.transaction() as tx:
            return await record_denied(tx, "listPayments", "permission_missing", merchant, "test")

    with acting(Actor(ActorKind.KEY, actor)), for_merchant(merchant):
        quiet = await asyncio.gather(*(hears() for _ in range(5)))
    assert len(await written(office.database, actor)) == 1
    assert all(0 < seconds <= 60 for seconds in quiet)
