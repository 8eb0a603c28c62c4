"""A restore is really tried: a base backup comes back beside the database, is looked at and measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from quickkub.audit import Act, record
from quickkub.cli.drill import app
from quickkub.house.drilling import Drills, drill_office
from quickkub.reports.drills import Drill
from quickkub.storage import open_database
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.embedded.restoring import DrillFolderFull, place_for_drill
from quickkub.storage.migrate import migrate
from quickkub.storage.scope import HOUSE
from tests.support.chaos.restoring import archiving, back_up, make_room

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class OneHouse:
    """The wiring of a program that knows one database."""

    dsn: str
    folder: Path

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    def data_dir(self) -> Path:
        return self.folder

    def drill_office(self, dsn: str) -> AbstractAsyncContextManager[Drills]:
        return drill_office(dsn)


@pytest.fixture
def folder(servers_folder: Path) -> Path:
    """Where copies are made: within reach of the server's account."""
    return servers_folder / "data"


@pytest.fixture(scope="module")
async def archived(servers_folder: Path) -> AsyncIterator[tuple[EmbeddedPostgres, Path]]:
    """A gateway's server that keeps its log elsewhere, with a base backup of it; tests only add to it."""
    inside = servers_folder / "archived"
    inside.mkdir(mode=0o711)
    kept = inside / "kept"
    make_room(kept)
    server = EmbeddedPostgres(inside / "postgres", settings=archiving(kept))
    try:
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(migrate, server.dsn())
        # An operator's settings come along with a backup; the copy must not send its log to the real archive.
        for name, value in archiving(kept).items():
            await ask(server.dsn(), f"ALTER SYSTEM SET {name} = {value}")
        await asyncio.to_thread(back_up, server, kept)
        yield server, kept
    finally:
        await asyncio.to_thread(server.stop, "immediate")


async def ask(dsn: str, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


async def run(dsn: str, folder: Path, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=OneHouse(dsn, folder))


async def drills_of(dsn: str) -> list[asyncpg.Record]:
    return await ask(dsn, "SELECT * FROM restore_drills ORDER BY ended_at")


async def test_a_backup_taken_now_comes_back_whole_and_is_measured(
    archived: tuple[EmbeddedPostgres, Path], folder: Path
) -> None:
    dsn = archived[0].dsn()
    told = await run(dsn, folder, "restore")
    assert told.exit_code == 0, told.output
    (drill,) = await drills_of(dsn)
    assert (drill["outcome"], drill["how"], drill["broken"]) == ("passed", "measured", 0)
    assert drill["invariants"] > 30
    assert drill["rpo_seconds"] < 300 and 1 <= drill["rto_seconds"] < 3_600
    assert drill["restored_to"] >= drill["backup_at"]
    acts = await ask(dsn, "SELECT action, outcome, resource_id FROM audit_logs ORDER BY id")
    assert [(act["action"], act["outcome"]) for act in acts] == [
        ("restore_drill.began", "done"),
        ("restore_drill.ended", "done"),
    ]
    assert acts[1]["resource_id"] == drill["id"]
    assert not (folder / "drills").exists(), "a copy holds everything the database holds"


async def test_a_kept_backup_and_the_log_come_back_to_the_last_archived_commit(
    archived: tuple[EmbeddedPostgres, Path], folder: Path
) -> None:
    server, kept = archived
    db = await open_database(server.dsn(), size_max=1, scope=HOUSE)
    async with db.transaction() as tx:
        await record(tx, Act("settings.changed", "settings", "after the backup"))
    await db.close()
    switch = "SELECT clock_timestamp() AS now, pg_walfile_name(pg_switch_wal()) AS file"
    (row,) = await ask(server.dsn(), switch)
    async with asyncio.timeout(20):
        while not (kept / "archive" / row["file"]).exists():
            await asyncio.sleep(0.05)
    archived_files = sorted(path.name for path in (kept / "archive").iterdir())
    told = await run(
        server.dsn(), folder, "restore", "--backup", str(kept / "base"), "--archive", str(kept / "archive")
    )
    assert told.exit_code == 0, told.output
    *_, drill = await drills_of(server.dsn())
    assert drill["backup_at"] < drill["restored_to"] <= row["now"]
    assert row["now"] - drill["restored_to"] < timedelta(seconds=20)
    assert drill["rpo_seconds"] < 300
    assert sorted(path.name for path in (kept / "archive").iterdir()) == archived_files
    assert not (kept / "base" / "recovery.signal").exists(), "the backup itself is left as it was"


async def test_a_backup_that_does_not_come_back_is_written_down_as_failed(
    database_dsn: str, folder: Path, tmp_path: Path
) -> None:
    told = await run(database_dsn, folder, "restore", "--backup", str(tmp_path))
    assert told.exit_code == 1 and "base_backup_unreadable" in told.stdout
    (tmp_path / "backup_label").write_text("START TIME: 2026-11-25 01:00:00 UTC\n")
    (tmp_path / "PG_VERSION").write_text("18\n")
    told = await run(database_dsn, folder, "restore", "--backup", str(tmp_path))
    assert told.exit_code == 1 and "postgres_did_not_start" in told.stdout
    assert [row["outcome"] for row in await drills_of(database_dsn)] == ["failed", "failed"]
    assert not (folder / "drills").exists()


async def test_damage_in_the_backup_is_found_by_the_invariants(
    archived: tuple[EmbeddedPostgres, Path], folder: Path
) -> None:
    dsn = archived[0].dsn()
    await ask(dsn, "ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_only_added")
    told = await run(dsn, folder, "restore")
    await ask(dsn, "ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_logs_only_added")
    assert told.exit_code == 1 and "is broken in 1 rows" in told.stdout
    *_, drill = await drills_of(dsn)
    assert drill["outcome"] == "failed" and drill["broken"] == 1 and drill["rto_seconds"] is not None


async def test_a_drill_done_with_other_tools_is_written_down(database_dsn: str, folder: Path) -> None:
    said = ["--backup-at", "2026-11-24T02:00+07:00", "--restored-to", "2026-11-24T09:00+07:00", "--rpo", "60"]
    said += ["--rto", "1800", "--by", "Somchai", "--invariants", "40", "--note", "Barman"]
    told = await run(database_dsn, folder, "note", *said)
    assert told.exit_code == 0, told.output
    (drill,) = await drills_of(database_dsn)
    assert (drill["how"], drill["by_whom"], drill["outcome"]) == ("told", "Somchai", "passed")
    said[3] = "2026-11-23T09:00+07:00"
    told = await run(database_dsn, folder, "note", *said)
    assert told.exit_code == 2 and told.stderr.startswith("restore_drill_unclear")


async def test_a_drill_is_never_changed(database_dsn: str) -> None:
    async with drill_office(database_dsn) as office:
        await office.write(Drill("told", "x", LONG_AGO, LONG_AGO, 1, 1, 1, 0))
    for sql in (
        "UPDATE restore_drills SET rpo_seconds = 0",
        "DELETE FROM restore_drills",
        "TRUNCATE restore_drills",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(database_dsn, sql)


def test_a_copy_is_not_begun_where_there_is_no_room_for_it(tmp_path: Path) -> None:
    with pytest.raises(DrillFolderFull), place_for_drill(tmp_path / "drills", 1 << 60):
        raise AssertionError("there is no such disk")


def test_targets_that_were_missed_are_told() -> None:
    slow = Drill("told", "x", LONG_AGO, LONG_AGO, 301, 3_601, 1, 0)
    assert slow.passed and [line.split()[0] for line in slow.over_target()] == ["RPO", "RTO"]
