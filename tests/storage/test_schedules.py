"""Work by the clock: once for each time, however many workers there are and whichever of them dies."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from pgqueuer.adapters.persistence.qb import DBSettings, QueryBuilderEnvironment

from quickkub.house import worker_process
from quickkub.storage import Database
from quickkub.storage.schema import MIGRATIONS
from quickkub.telemetry.metrics import REGISTRY
from quickkub.worker import schedules, store
from quickkub.worker.schedules import Clerk, Schedule
from tests.support.clerk_process import EVERY_NEW_YEAR, GATE, write_down
from tests.support.webhooks import open_kiosk

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
async def ran(pool: asyncpg.Pool[Any]) -> asyncpg.Pool[Any]:
    """The database, with a table that tells what ran."""
    await pool.execute(
        "CREATE TABLE ran (name text NOT NULL, pid integer NOT NULL); GRANT ALL ON ran TO quickkub_app"
    )
    return pool


async def falls_due(pool: asyncpg.Pool[Any], *names: str) -> None:
    """The time of these schedules came while no worker was there."""
    await pool.executemany(
        """
        INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run)
        VALUES ($1, $2, now() - interval '1 hour')
        ON CONFLICT (expression, entrypoint) DO UPDATE SET next_run = excluded.next_run
        """,
        [(EVERY_NEW_YEAR, name) for name in names],
    )


async def until(fact: Callable[[], Awaitable[Any]]) -> None:
    """Wait for a fact in the database."""
    async with asyncio.timeout(20):
        while not await fact():
            await asyncio.sleep(0.01)


async def runs(pool: asyncpg.Pool[Any], count: int, *, of: str = "%") -> None:
    """Wait until so many runs were begun."""
    await until(lambda: pool.fetchval("SELECT count(*) >= $1 FROM ran WHERE name LIKE $2", count, of))


async def quiet(pool: asyncpg.Pool[Any]) -> None:
    """Wait until the queue is empty and every schedule put back."""
    await until(
        lambda: pool.fetchval(
            """
            SELECT NOT EXISTS (SELECT FROM pgqueuer)
               AND NOT EXISTS (SELECT FROM pgqueuer_schedules WHERE next_run <= now() OR status <> 'queued')
            """
        )
    )


@asynccontextmanager
async def working(*clerks: Clerk) -> AsyncIterator[None]:
    """These clerks are at work, and are asked to stop at the end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(clerk.run(stop)) for clerk in clerks]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def clerk(dsn: str, work: dict[str, Callable[[], Awaitable[None]]], **about: Any) -> Clerk:
    listed = {name: Schedule(EVERY_NEW_YEAR, do) for name, do in work.items()}
    return Clerk(dsn, listed, **{"heartbeat_seconds": 1, "look_seconds": 0.2} | about)


async def a_worker(dsn: str, how: str, names: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.clerk_process",
        dsn,
        how,
        *names,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )


def counted(metric: str, job: str) -> float:
    return REGISTRY.get_sample_value(f"{metric}_total", {"job": job}) or 0


def test_the_migration_is_what_the_library_installs() -> None:
    settings = DBSettings.model_validate(schedules.NAMES)
    written = (MIGRATIONS / "versions/20261125T1010_pre_pgqueuer.sql").read_text(encoding="utf-8")
    _, _, script = QueryBuilderEnvironment(settings).build_install_query().partition("\n")
    assert script.strip() in written


def test_variables_that_happen_to_be_set_do_not_rename_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRIGGER", "CHANNEL", "FUNCTION", "QUEUE_TABLE", "PGQUEUER_PREFIX", "PGQUEUER_SCHEMA"):
        monkeypatch.setenv(name, "something else")
    settings = DBSettings.model_validate(schedules.NAMES)
    assert {name: getattr(settings, name) for name in schedules.NAMES} == schedules.NAMES


async def test_two_worker_processes_run_each_schedule_once(ran: asyncpg.Pool[Any], database_dsn: str) -> None:
    names = [f"report {number}" for number in range(12)]
    await falls_due(ran, *names)
    async with ran.acquire() as gate:
        await gate.execute("SELECT pg_advisory_lock($1)", GATE)
        workers = [await a_worker(database_dsn, "ends", names) for _ in range(2)]
        waiting = "SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await until(lambda: ran.fetchval(waiting))
        await gate.execute("SELECT pg_advisory_unlock($1)", GATE)
    await runs(ran, len(names))
    await quiet(ran)
    for worker in workers:
        worker.kill()
        await worker.wait()
    rows = await ran.fetch("SELECT name FROM ran ORDER BY name")
    assert [row["name"] for row in rows] == sorted(names)
    assert await ran.fetchval("SELECT count(*) FROM scheduled_work WHERE finished_at IS NOT NULL") == len(
        names
    )


async def test_the_job_of_a_killed_worker_is_done_by_another(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    await falls_due(ran, "report")
    killed = await a_worker(database_dsn, "hangs", ["report"])
    await runs(ran, 1)
    async with working(clerk(database_dsn, {"report": partial(write_down, database, "report", "ends")})):
        killed.kill()
        await killed.wait()
        await quiet(ran)
    rows = await ran.fetch("SELECT pid FROM ran")
    assert [row["pid"] for row in rows] == [killed.pid, os.getpid()]


async def test_a_worker_that_dies_between_hearing_and_asking_loses_nothing(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    await falls_due(ran, "report")
    await ran.execute(
        """
        UPDATE pgqueuer_schedules
           SET status = 'picked', heartbeat = now() - interval '31 seconds',
               next_run = now() + interval '1 year'
        """
    )
    async with working(clerk(database_dsn, {"report": partial(write_down, database, "report", "ends")})):
        await quiet(ran)
    assert await ran.fetchval("SELECT count(*) FROM ran") == 1


async def test_the_same_minute_does_not_come_due_twice_although_clocks_differ(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    report = partial(write_down, database, "report", "ends")

    async def comes_due() -> int:
        await falls_due(ran, "report")
        async with working(clerk(database_dsn, {"report": report})):
            await quiet(ran)
        count: int = await ran.fetchval("SELECT count(*) FROM ran")
        return count

    assert [await comes_due(), await comes_due()] == [1, 1]
    await ran.execute(
        "UPDATE scheduled_work SET asked_at = asked_at - make_interval(secs => $1)", store.NOT_TWICE_SECONDS
    )
    assert await comes_due() == 2


async def test_what_breaks_is_tried_again_and_then_put_aside_and_stops_nobody(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "RETRY_SECONDS", (0, 0, 0, 0))

    async def breaks() -> None:
        await write_down(database, "breaks", "ends")
        raise ZeroDivisionError("a bug")

    await falls_due(ran, "breaks", "works")
    works = partial(write_down, database, "works", "ends")
    async with working(clerk(database_dsn, {"breaks": breaks, "works": works})):
        await runs(ran, 1, of="works")
        await runs(ran, schedules.TRIES_MAX, of="breaks")
        await quiet(ran)
    rows = await ran.fetch(
        "SELECT name, tries, finished_at IS NOT NULL AS done FROM scheduled_work ORDER BY name"
    )
    assert [tuple(row) for row in rows] == [("breaks", schedules.TRIES_MAX, False), ("works", 1, True)]
    assert counted("quickkub_work_failed", "breaks") == schedules.TRIES_MAX
    assert (counted("quickkub_work_put_aside", "breaks"), counted("quickkub_work", "works")) == (1, 1)


async def test_a_job_that_brings_its_worker_down_again_and_again_is_put_aside(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    await ran.execute("INSERT INTO scheduled_work (name, tries) VALUES ('deadly', $1)", schedules.TRIES_MAX)
    await ran.execute(
        """
        INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, heartbeat)
        VALUES (0, 'picked', 'deadly', 'deadly', now() - interval '1 hour')
        """
    )
    async with working(clerk(database_dsn, {"deadly": partial(write_down, database, "deadly", "ends")})):
        await quiet(ran)
    assert await ran.fetchval("SELECT count(*) FROM ran") == 0
    assert counted("quickkub_work_put_aside", "deadly") == 1


async def test_a_stopping_worker_ends_what_it_has_begun(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()
        await write_down(database, "slow", "ends")

    await falls_due(ran, "slow")
    async with working(clerk(database_dsn, {"slow": slow})):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    assert await ran.fetchval("SELECT count(*) FROM ran") == 1
    assert await ran.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_job_that_does_not_end_in_time_goes_back_and_is_done_by_the_next_worker(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    await falls_due(ran, "long")
    async with working(clerk(database_dsn, {"long": endless}, grace_seconds=0.1)):
        await begun.wait()
    assert await ran.fetchval("SELECT status::text FROM pgqueuer") == "queued"
    assert await ran.fetchval("SELECT tries FROM scheduled_work") == 0
    async with working(clerk(database_dsn, {"long": partial(write_down, database, "long", "ends")})):
        await quiet(ran)
    assert await ran.fetchval("SELECT count(*) FROM ran") == 1


async def test_a_time_is_not_lost_when_the_database_goes_away_just_then(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    await falls_due(ran, "report")
    async with AsyncExitStack() as lock:
        connection = await lock.enter_async_context(ran.acquire())
        await lock.enter_async_context(connection.transaction())
        await connection.execute("LOCK TABLE scheduled_work")
        async with working(clerk(database_dsn, {"report": partial(write_down, database, "report", "ends")})):
            await until(lambda: ran.fetchval(CUT_WHO_WAITS))
            await lock.aclose()
            await quiet(ran)
    assert await ran.fetchval("SELECT tries FROM scheduled_work") == 1


async def test_schedules_go_on_when_the_database_was_away(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    async with working(clerk(database_dsn, {"report": partial(write_down, database, "report", "ends")})):
        await until(lambda: ran.fetchval("SELECT count(*) FROM pgqueuer_schedules"))
        await falls_due(ran, "report")
        async with ran.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE pgqueuer")
            await until(lambda: ran.fetchval(CUT_WHO_WAITS))
        await runs(ran, 1)
        await quiet(ran)
    assert await ran.fetchval("SELECT tries FROM scheduled_work") == 1


CUT_WHO_WAITS: Final = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'quickkub-schedules'
       AND wait_event_type = 'Lock'
"""


async def test_housekeeping_forgets_old_keys_and_what_the_library_wrote_down(
    ran: asyncpg.Pool[Any], database: Database, database_dsn: str
) -> None:
    kiosk = await open_kiosk(database, ran)
    await ran.executemany(
        """
        INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint, created)
        VALUES (1, 'successful', 0, 'x', $1)
        """,
        [(datetime.now(UTC) - timedelta(days=days),) for days in (1, store.LOG_DAYS - 1, store.LOG_DAYS + 1)],
    )
    await ran.execute(
        """
        INSERT INTO idempotency_keys (merchant_id, mode, operation, key, fingerprint, resource_id, busy_until,
                                      created_at)
        SELECT $1, 'test', 'x', n::text, sha256(''), 'x', now(), now() - make_interval(days => n)
          FROM generate_series(1, 1100) n
        """,
        kiosk.merchant,
    )
    by_the_clock = worker_process.schedules(database)
    async with working(Clerk(database_dsn, by_the_clock)):
        await until(lambda: ran.fetchval("SELECT count(*) FROM pgqueuer_schedules"))
    await ran.execute("UPDATE pgqueuer_schedules SET next_run = now()")
    async with working(Clerk(database_dsn, by_the_clock)):
        await quiet(ran)
    assert await ran.fetchval("SELECT count(*) FROM pgqueuer_log WHERE entrypoint = 'x'") == 2
    assert await ran.fetchval("SELECT max(created_at) - min(created_at) FROM idempotency_keys") < timedelta(
        days=30
    )
    assert counted("quickkub_work_failed", "housekeeping") == 0
