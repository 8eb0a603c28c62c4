"""Is it alive, may it take traffic, how is it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from quickkub.api import health, store
from quickkub.api.app import create_app
from quickkub.api.health import Health
from quickkub.api.services import Services
from quickkub.storage import Connection, Database, DatabaseAway
from tests.support.api import Client, gateway, services_for
from tests.support.clock import MovedClock
from tests.support.postgres import AS_OWNER
from tests.support.server import serving
from tests.support.shop import open_shop


async def test_a_sound_gateway_is_alive_ready_and_healthy_and_asks_nobody_for_a_key(shop: Client) -> None:
    anybody = shop.with_key(None)
    assert (await anybody.gets("/livez")).json == {"status": "alive"}
    ready = await anybody.gets("/readyz")
    assert (ready.status, ready.json["checks"]) == (
        200,
        {"database_write": "ok", "key_ring": "ok", "migrations": "ok", "recovery_gate": "ok"},
    )


async def test_health_has_the_shape_of_the_briefs_script(shop: Client) -> None:
    told = await shop.with_key(None).gets("/health")
    shown = told.json
    assert told.status == 200
    assert set(shown) == {"status", "timestamp", "version", "uptime", "services"}
    assert shown["status"] == "healthy"
    assert shown["timestamp"].endswith("Z")
    assert isinstance(shown["uptime"], int)
    assert set(shown["services"]) == {"database", "worker", "providers"}
    assert set(shown["services"]["database"]) == {"status", "latency_ms"}


async def test_due_work_that_nobody_does_is_degraded(shop: Client) -> None:
    await shop.charges()
    await shop.shop.time_passes(timedelta(seconds=health.LATE_SECONDS + 120))
    shown = (await shop.gets("/health")).json
    assert (shown["status"], shown["services"]["worker"]["status"]) == ("degraded", "degraded")
    assert shown["services"]["worker"]["overdue_seconds"] > health.LATE_SECONDS


async def test_a_provider_in_trouble_is_degraded_and_still_answered_with_200(database: Database) -> None:
    services = replace(
        services_for(database, await open_shop(database)),
        provider_health=lambda: {"scb": "degraded", "kbank": "healthy"},
    )
    findings = await Health(services).findings()
    parts = {"worker": {"status": "healthy"}, "providers": services.provider_health()}
    assert health._overall(findings, parts) == "degraded"


async def test_a_schema_behind_the_code_is_not_ready_and_one_ahead_is(database: Database) -> None:
    shop = await open_shop(database)
    async with gateway(database, shop, schema_revision="99991231T2359") as behind:
        told = await behind.gets("/readyz")
        assert told.status == 503
        assert told.json["checks"]["migrations"].startswith("at 2026")
        assert (await behind.gets("/health")).json["status"] == "unhealthy"
    async with gateway(database, shop, schema_revision="20200101T0000") as ahead:
        assert (await ahead.gets("/readyz")).status == 200


async def test_an_empty_database_is_not_ready(postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    assert await store.schema_revision(connection) is None
    await connection.close()


async def test_a_database_that_takes_no_writes_is_not_ready_but_the_process_is_alive(
    database: Database,
) -> None:
    async with gateway(database) as shop:
        async with database.transaction() as tx:
            name = await tx.fetchval("SELECT current_database()")
            await tx.execute(AS_OWNER)
            await tx.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await _forget_connections(database)
        told = await shop.gets("/readyz")
        assert (told.status, told.json["checks"]["database_write"]) == (503, "database_unavailable")
        unhealthy = await shop.gets("/health")
        assert (unhealthy.status, unhealthy.json["services"]["database"]["status"]) == (503, "unhealthy")
        assert (await shop.gets("/livez")).status == 200
        refused = await shop.posts("/v1/payments", {"amount": 1, "currency": "THB", "method": "promptpay"})
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")


async def _forget_connections(database: Database) -> None:
    await database._pool.expire_connections()


async def test_a_check_that_hangs_has_failed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(tx: Connection) -> None:
        await tx.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(store, "prove_a_write", hangs)
    findings = await Health(services_for(database, await open_shop(database))).findings()
    assert (findings.database, findings.ready) == ("timeout", False)


class LostKeys:
    """A vault whose keys are gone."""

    def seal(self, value: bytes, place: object) -> bytes:
        return value

    def open(self, sealed: bytes, place: object) -> bytes:
        raise DatabaseAway("the key ring cannot be reached")


async def test_a_key_ring_that_does_not_open_is_not_ready(database: Database) -> None:
    sound = services_for(database, await open_shop(database))
    broken: Services = replace(sound, vault=LostKeys())  # type: ignore[arg-type]
    async with serving(create_app(broken)) as url, gateway(database) as shop:
        told = await replace(shop, url=url).gets("/readyz")
        assert (told.status, told.json["checks"]["key_ring"]) == (503, "database_unavailable")


async def test_asking_in_a_loop_writes_once_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0

    async def counted(tx: Connection) -> None:
        nonlocal written
        written += 1

    monkeypatch.setattr(store, "prove_a_write", counted)
    clock = MovedClock()
    checks = Health(replace(services_for(database, await open_shop(database)), clock=clock))
    for _ in range(20):
        assert (await checks.findings()).ready
    assert written == 1
    clock.moves(health.REMEMBERED_SECONDS)
    await checks.findings()
    assert written == 2
