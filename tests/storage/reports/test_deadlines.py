"""What has a time by law or standard is told before it is over, and louder after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from quickkub.house.auditing import audit_schedules
from quickkub.house.privacy import privacy_schedules
from quickkub.house.worker_process import schedules
from quickkub.kernel.ids import new_id
from quickkub.reports.deadlines import DUTIES, NIGHTLY, OVERDUE, SOON, look_at_deadlines
from quickkub.reports.drills import Drill, write
from quickkub.settings import read_settings
from quickkub.storage import Database
from quickkub.telemetry.deadlines import DEADLINES, DRILLED, LAST_LOOK
from tests.support.rows import Shop, add_shop, insert


def told() -> dict[tuple[str, str], int]:
    """The metric, without its zeros."""
    found = {
        (duty, standing): DEADLINES.labels(duty, standing)._value.get()
        for duty in DUTIES
        for standing in (OVERDUE, SOON)
    }
    return {name: int(value) for name, value in found.items() if value}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def connection(pool: asyncpg.Pool[Any]) -> AsyncIterator[Any]:
    async with pool.acquire() as connection:
        yield connection


async def asked(connection: Any, shop: Shop, *, days_left: int, **more: Any) -> str:
    request = new_id("prq")
    open_row = {"person": b"sealed", "filed_by": "usr_x", "asked_at": now() - timedelta(days=40)}
    await insert(
        connection,
        "privacy_requests",
        merchant_id=shop.merchant,
        id=request,
        kind="erasure",
        due_at=now() + timedelta(days=days_left),
        **(open_row | more),
    )
    return request


async def broken_into(connection: Any, *, hours_ago: int, **more: Any) -> str:
    breach, known = new_id("brc"), now() - timedelta(hours=hours_ago)
    await insert(
        connection,
        "breaches",
        id=breach,
        title="lost laptop",
        known_at=known,
        due_at=known + timedelta(hours=72),
        high_risk=False,
        opened_by="usr_x",
        **more,
    )
    return breach


async def looked(connection: Any, *, days_ago: int, outcome: str = "same") -> None:
    await insert(
        connection,
        "page_watches",
        id=new_id("pgw"),
        address="https://pay.example",
        outcome=outcome,
        pages=["message"],
        answers=1,
        different=0,
        differences=[],
        unreached="TimeoutError" if outcome == "unreached" else None,
        seen_at=now() - timedelta(days=days_ago),
    )


async def test_a_request_that_waits_too_long_is_told_and_one_that_was_answered_is_not(
    database: Database, connection: Any
) -> None:
    shop = await add_shop(connection)
    late = await asked(connection, shop, days_left=-1)
    near = await asked(connection, shop, days_left=3)
    await asked(connection, shop, days_left=20)
    done = {"state": "done", "done_at": now(), "done_by": "usr_x", "person": None}
    await asked(connection, shop, days_left=-1, **done)
    found = await look_at_deadlines(database)
    assert [(one.reference, one.standing) for one in found] == [(late, OVERDUE), (near, SOON)]
    assert told() == {("privacy_request", OVERDUE): 1, ("privacy_request", SOON): 1}
    assert LAST_LOOK._value.get() > 0


async def test_the_clock_of_a_breach_is_told_from_its_first_hour_until_the_regulator_heard(
    database: Database, connection: Any
) -> None:
    running = await broken_into(connection, hours_ago=1)
    late = await broken_into(connection, hours_ago=73)
    await broken_into(connection, hours_ago=80, reported_at=now() - timedelta(hours=20))
    await broken_into(connection, hours_ago=80, closed_at=now(), not_reported_because="nothing was lost")
    found = await look_at_deadlines(database)
    assert [(one.reference, one.standing) for one in found] == [(late, OVERDUE), (running, SOON)]
    assert told() == {("breach", OVERDUE): 1, ("breach", SOON): 1}


@pytest.mark.parametrize(("days_ago", "standing"), [(1, None), (3, SOON), (8, OVERDUE)])
async def test_pages_that_nobody_looked_at_are_told_after_two_days_and_overdue_after_seven(
    database: Database, connection: Any, days_ago: int, standing: str | None
) -> None:
    await looked(connection, days_ago=days_ago)
    # A look that got no answer is no look.
    await looked(connection, days_ago=0, outcome="unreached")
    await look_at_deadlines(database)
    assert told() == ({("page_watch", standing): 1} if standing else {})


async def test_entries_that_no_anchor_covers_are_told_after_two_hours(
    database: Database, connection: Any
) -> None:
    shop = await add_shop(connection)
    for position, hours in ((1, 9), (2, 3), (3, 1)):
        await insert(
            connection,
            "audit_seals",
            chain=shop.merchant,
            position=position,
            entry_id=new_id("aud"),
            previous_hash=bytes(32),
            hash=bytes(32),
            sealed_at=now() - timedelta(hours=hours),
        )
    await insert(connection, "audit_anchors", chain=shop.merchant, length=1, hash=bytes(32))
    (found,) = await look_at_deadlines(database)
    assert (found.duty, found.reference, found.standing) == ("audit_anchor", shop.merchant, OVERDUE)
    await insert(connection, "audit_anchors", chain=shop.merchant, length=2, hash=bytes(32))
    assert await look_at_deadlines(database) == [], "the last one waits for an hour only"


async def test_a_night_without_its_work_is_told(database: Database, connection: Any) -> None:
    shop = await add_shop(connection)
    assert await look_at_deadlines(database) == [], "on the first day no night was missed"
    old = now() - timedelta(hours=40)
    await connection.execute("UPDATE merchants SET created_at = $2 WHERE id = $1", shop.merchant, old)
    await looked(connection, days_ago=1)
    for name, hours in (("audit_verify", 40), ("invariants", 20)):
        ended = now() - timedelta(hours=hours)
        await insert(connection, "scheduled_work", name=name, tries=1, finished_at=ended)
    found = await look_at_deadlines(database)
    assert {one.reference for one in found} == {"audit_verify", "retention"}
    assert told() == {("nightly_work", OVERDUE): 2}


def test_every_night_that_is_watched_is_a_night_of_the_worker(tmp_path: Path) -> None:
    settings = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    nobody: Any = None
    known = (
        schedules(nobody).keys() | audit_schedules(nobody, settings).keys() | privacy_schedules(nobody).keys()
    )
    assert set(NIGHTLY) <= known


async def test_when_a_restore_last_passed_is_a_metric(database: Database, connection: Any) -> None:
    await look_at_deadlines(database)
    assert DRILLED._value.get() == 0
    drill = Drill("told", "x", now() - timedelta(hours=2), now() - timedelta(hours=1), 1, 1, 1, 0)
    async with database.transaction() as tx:
        await write(tx, drill)
        await write(tx, replace(drill, failed=True))
    await look_at_deadlines(database)
    assert DRILLED._value.get() == pytest.approx(now().timestamp(), abs=60)


async def test_what_was_done_meanwhile_is_no_longer_counted(database: Database, connection: Any) -> None:
    breach = await broken_into(connection, hours_ago=73)
    await look_at_deadlines(database)
    assert told() == {("breach", OVERDUE): 1}
    await connection.execute("UPDATE breaches SET reported_at = now() WHERE id = $1", breach)
    assert await look_at_deadlines(database) == [] and told() == {}
