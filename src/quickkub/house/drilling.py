"""The restore drill: a base backup is restored beside the database, looked at, measured and thrown away.

What is measured is what a real loss would cost (security-reliability 9): RPO is how much older than the loss
the last commit is that came back, RTO the time from the empty folder to a copy whose invariants were checked.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from quickkub.audit import Act, Actor, ActorKind, acting, record
from quickkub.invariants.run import check_invariants
from quickkub.kernel.errors import Refusal
from quickkub.reports import drills
from quickkub.reports.drills import Drill
from quickkub.storage import Database, open_database
from quickkub.storage.embedded import EmbeddedPostgres, PostgresDidNotStart
from quickkub.storage.embedded.restoring import (
    BackupFailed,
    BackupUnreadable,
    Place,
    backup_began,
    copy_backup,
    dsn_of,
    place_for_drill,
    restored,
    take_backup,
)
from quickkub.storage.scope import HOUSE

_COMMAND: Final = "quickkub drill"
_ROOM_BYTES: Final = 256 << 20
"""Beside the data: the log of a backup, and the programs where the server's account cannot reach ours."""

_MISSING: Final = "what was committed before the backup did not come back"
_VERSIONS_OF_MAJOR: Final = 10_000
_A_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Lost:
    """The database that is thought to be lost."""

    user: str
    database: str
    major: int
    size: int
    now: datetime


@dataclass(frozen=True, slots=True)
class _Back:
    """What came back."""

    restored_to: datetime
    invariants: int
    broken: int
    found: tuple[str, ...]
    has_mark: bool
    rto_seconds: int


class Drills:
    """Drills over one database."""

    def __init__(self, db: Database, dsn: str) -> None:
        self._db, self._dsn = db, dsn

    async def restore(self, inside: Path, *, backup: Path | None, archive: Path | None) -> Drill:
        """Restore a base backup, one taken now unless `backup` is named, with the log kept in `archive`.

        A restore that does not work is written down as well and returned as failed. Raises DrillFolderFull,
        WrongPostgresVersion and NoPostgresPrograms where it could not even be tried.
        """
        lost = await self._look()
        with place_for_drill(inside, lost.size + _ROOM_BYTES) as place:
            try:
                drill = await self._measure(place, lost, backup, archive)
            except (BackupFailed, BackupUnreadable, PostgresDidNotStart) as refusal:
                drill = _failed(refusal)
        await self.write(drill)
        return drill

    async def write(self, drill: Drill) -> str:
        """Write a drill down. Raises DrillUnclear."""
        async with self._db.transaction() as tx:
            return await drills.write(tx, drill)

    async def _look(self) -> _Lost:
        async with self._db.read() as reader:
            row = await reader.fetchrow(
                """
                SELECT session_user::text AS login, current_database()::text AS name,
                       clock_timestamp() AS now,
                       current_setting('server_version_num')::int AS version,
                       (SELECT sum(pg_database_size(oid))::bigint FROM pg_database
                         WHERE has_database_privilege(oid, 'CONNECT')) AS size
                """
            )
        assert row is not None, "a query without FROM has a row"
        return _Lost(row["login"], row["name"], row["version"] // _VERSIONS_OF_MAJOR, row["size"], row["now"])

    async def _measure(self, place: Place, lost: _Lost, backup: Path | None, archive: Path | None) -> Drill:
        mark, backup_at, lost_at = None, lost.now, lost.now
        if backup is None:
            mark = await self._mark()
            await asyncio.to_thread(take_backup, self._dsn, lost.major, place)
            lost_at = (await self._look()).now
        else:
            backup_at = await asyncio.to_thread(backup_began, backup)
        began = time.monotonic()
        if backup is not None:
            await asyncio.to_thread(copy_backup, backup, place)
        server = await asyncio.to_thread(restored, place, archive)
        try:
            await asyncio.to_thread(server.start)
            back = await _look_at_copy(server, lost, backup_at, mark, began)
        finally:
            await asyncio.to_thread(server.stop, "immediate")
        is_missing = mark is not None and not back.has_mark
        said = [_told(backup, archive), *([_MISSING] if is_missing else []), *back.found]
        return Drill(
            drills.MEASURED,
            _machine_user(),
            backup_at,
            back.restored_to,
            max(0, -((back.restored_to - lost_at) // _A_SECOND)),
            back.rto_seconds,
            back.invariants,
            back.broken,
            "; ".join(said),
            failed=is_missing,
        )

    async def _mark(self) -> str:
        """An entry that has to come back: it is committed before the backup begins."""
        async with self._db.transaction() as tx:
            return await record(tx, Act("restore_drill.began", "restore_drill", None))


@asynccontextmanager
async def drill_office(dsn: str) -> AsyncIterator[Drills]:
    """For a command: acts are those of the machine's user. Raises DatabaseAway."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND, role=_machine_user())):
            yield Drills(db, dsn)
    finally:
        await db.close()


async def _look_at_copy(
    server: EmbeddedPostgres, lost: _Lost, backup_at: datetime, mark: str | None, began: float
) -> _Back:
    db = await open_database(dsn_of(server, lost.user, lost.database), size_max=2, scope=HOUSE)
    try:
        report = await check_invariants(db)
        async with db.read() as reader:
            row = await reader.fetchrow(
                """
                SELECT pg_last_xact_replay_timestamp() AS last_commit,
                       EXISTS (SELECT FROM audit_logs WHERE chain = 'platform' AND id = $1) AS has_mark
                """,
                mark,
            )
    finally:
        await db.close()
    assert row is not None, "a query without FROM has a row"
    took = time.monotonic() - began  # not money: seconds
    return _Back(
        # A log without a commit in it brings back the backup as it was.
        max(row["last_commit"] or backup_at, backup_at),
        len(report.findings),
        report.broken,
        tuple(
            f"{one.check.invariant} is broken in {one.broken} rows" for one in report.findings if one.broken
        ),
        row["has_mark"],
        int(took) + 1,
    )


def _failed(refusal: Refusal) -> Drill:
    note = f"{refusal.code}: {refusal.detail}"
    return Drill(drills.MEASURED, _machine_user(), None, None, None, None, 0, 0, note, failed=True)


def _told(backup: Path | None, archive: Path | None) -> str:
    of_what = "a backup taken for the drill" if backup is None else f"the backup {backup.name}"
    return of_what if archive is None else f"{of_what}, and the log in {archive.name}"


def _machine_user() -> str:
    """Who is logged in to the machine, as far as it knows; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"
