"""Makes reports: reads on one snapshot, and the audit log knows of a folder before it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from quickkub import __version__
from quickkub.audit import Act, record
from quickkub.audit.verify import Verified
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind as RefusalKind
from quickkub.kernel.errors import Refusal
from quickkub.ledger.verify import Report
from quickkub.reports import asvs, duties, observed, sbom, scans
from quickkub.reports.folder import Folder
from quickkub.reports.kinds import KINDS
from quickkub.reports.model import Kind, Table, Wish
from quickkub.reports.names import COMPLIANCE, GROUPS
from quickkub.reports.page import page
from quickkub.reports.writing import File, files_of, pretty
from quickkub.storage import Database
from quickkub.storage.resealing_inventory import KeyEntry

SBOM: Final = "sbom.cdx.json"


class ReportUnknown(Refusal):
    """There is no report of this name."""

    code, kind = "report_unknown", RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the tables that no query of ours answers come from."""

    db: Database
    keys: Callable[[], Awaitable[Sequence[KeyEntry]]]
    verify: Callable[[], Awaitable[tuple[Verified, bool]]]
    """The audit chains computed again, and whether there were anchors to compare with."""
    invariants: Callable[[], Awaitable[Report]]
    scripts: Callable[[], Sequence[observed.PageFile]]
    columns: Callable[[], Sequence[observed.DataColumn]]
    kept: Callable[[], Sequence[observed.KeptFor]]
    scan: Callable[[], Awaitable[list[scans.Scan]]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: files with rows of all tables, and the manifest's SHA-256."""

    folder: Path
    files: int
    rows: int
    sha256: str


class ReportOffice:
    """Reports over one database."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def one(self, name: str, wish: Wish, out: Path, *, scanned: bool = True) -> Written:
        """A single report, as CSV and JSON. Raises ReportUnknown, ReportFolderTaken, DatabaseAway."""
        if name not in GROUPS:
            raise ReportUnknown(f"there is no report {name}; there are {', '.join(sorted(GROUPS))}")
        return await self._write(name, GROUPS[name], wish, out, scanned)

    async def compliance(self, wish: Wish, out: Path, *, scanned: bool = True) -> Written:
        """All tables, the bill of materials, and a page. Raises ReportFolderTaken, DatabaseAway."""
        return await self._write(COMPLIANCE, None, wish, out, scanned)

    async def _write(
        self, name: str, only: tuple[str, ...] | None, wish: Wish, out: Path, scanned: bool
    ) -> Written:
        with Folder(out) as folder:
            now, database = await self._told_by_the_database()
            components = await asyncio.to_thread(sbom.installed)
            tables = [
                *await self._queried(only, wish),
                *await self._observed(only, now, components, scanned),
            ]
            files = [file for table in tables for file in files_of(table)]
            about: dict[str, Any] = {
                "report": name,
                "made_at": rfc3339(now),
                "quickkub": __version__,
                "postgresql": database,
                "from": rfc3339(wish.since),
                "until": rfc3339(wish.until),
            }
            if only is None or "components" in only:
                files.append(File(SBOM, pretty(sbom.bill(components, now, database))))
            if only is None:
                others = {SBOM: f"{len(components)} components"}
                files.append(File("index.html", page(about, duties.duties(), tables, others)))
            manifest = await asyncio.to_thread(folder.put, files, about)
            written = Written(out, len(files), sum(len(table.rows) for table in tables), manifest.sha256)
            await self._note(name, wish, written)
            await asyncio.to_thread(folder.keep)
        return written

    async def _told_by_the_database(self) -> tuple[datetime, str]:
        async with self._ground.db.read() as reader:
            row = await reader.fetchrow("SELECT now() AS now, current_setting('server_version') AS version")
        assert row is not None
        return row["now"], row["version"]

    async def _queried(self, only: tuple[str, ...] | None, wish: Wish) -> list[Table]:
        wanted: list[Kind] = [kind for kind in KINDS if only is None or kind.name in only]
        async with self._ground.db.transaction() as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return [await kind.read(tx, wish) for kind in wanted]

    async def _observed(
        self, only: tuple[str, ...] | None, now: datetime, components: list[sbom.Component], scanned: bool
    ) -> list[Table]:
        ground = self._ground

        async def keys() -> list[Table]:
            return [observed.key_inventory(await ground.keys())]

        async def audit() -> list[Table]:
            verified, anchored = await ground.verify()
            return [observed.audit_verification(verified, anchored=anchored)]

        async def invariants() -> list[Table]:
            return [observed.invariants(await ground.invariants())]

        async def scan() -> list[Table]:
            return [*scans.tables(await ground.scan() if scanned else scans.not_asked(), now)]

        async def known() -> list[Table]:
            return [
                observed.sealed_columns(),
                observed.data_columns(ground.columns()),
                observed.retention_periods(ground.kept()),
                observed.page_scripts(ground.scripts()),
                observed.rules_in_force(),
                sbom.table(components),
                asvs.table(),
                duties.table(),
            ]

        # What takes long is done only when somebody asked for it.
        slow = {"key-inventory": keys, "audit-verification": audit, "invariants": invariants, "scans": scan}
        found = [
            table for name, work in slow.items() if only is None or name in only for table in await work()
        ]
        return [table for table in (*found, *await known()) if only is None or table.name in only]

    async def _note(self, name: str, wish: Wish, written: Written) -> None:
        after = {
            "files": written.files,
            "rows": written.rows,
            "sha256": written.sha256,
            "from": rfc3339(wish.since),
            "until": rfc3339(wish.until),
        }
        async with self._ground.db.transaction() as tx:
            await record(tx, Act("report.exported", "report", name, after=after))
