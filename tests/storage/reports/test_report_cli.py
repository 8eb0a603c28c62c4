"""`quickkub report`, as an operator runs it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from quickkub.cli.report import app
from quickkub.house.reporting import report_office
from quickkub.reports.names import GROUPS
from quickkub.reports.office import ReportOffice
from quickkub.settings import Settings
from tests.storage.reports.conftest import Gateway


@dataclass
class OneHouse:
    """The wiring of a program that knows one database."""

    dsn: str
    settings: Settings

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    def report_office(self, dsn: str) -> AbstractAsyncContextManager[ReportOffice]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[ReportOffice]:
            async with report_office(dsn, self.settings) as office:
                yield office

        return opened()


async def run(gateway: Gateway, *arguments: str) -> Result:
    house = OneHouse(gateway.dsn, gateway.settings)
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=house)


async def test_the_folder_of_evidence_is_written_by_one_command(gateway: Gateway, out: Path) -> None:
    told = await run(gateway, "compliance", "--out", str(out), "--no-scans")
    assert told.exit_code == 0, told.output
    digest = hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    assert digest in told.stdout and (out / "index.html").is_file()
    async with gateway.db.read() as reader:
        row = await reader.fetchrow(
            "SELECT actor_id, role FROM audit_logs WHERE action = 'report.exported' ORDER BY id DESC LIMIT 1"
        )
    assert row is not None and row["actor_id"] == "quickkub report" and row["role"]


async def test_a_single_report_has_its_own_command_and_days_are_bangkoks(gateway: Gateway, out: Path) -> None:
    told = await run(gateway, "volume", "--out", str(out), "--from", "2026-11-23", "--to", "2026-11-23")
    assert told.exit_code == 0, told.output
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["from"] == "2026-11-22T17:00:00Z" and manifest["until"] == "2026-11-23T17:00:00Z"
    assert set(GROUPS) < {command.name for command in app.registered_commands}


@pytest.mark.parametrize("days", [["--from", "2026-02-30"], ["--from", "2026-02-02", "--to", "2026-02-01"]])
async def test_days_nobody_can_mean_are_refused(gateway: Gateway, out: Path, days: list[str]) -> None:
    assert (await run(gateway, "volume", "--out", str(out), *days)).exit_code == 2
    assert not out.exists()


async def test_a_taken_folder_and_a_database_that_is_away_are_told(gateway: Gateway, out: Path) -> None:
    out.mkdir()
    (out / "kept").write_text("kept")
    told = await run(gateway, "volume", "--out", str(out))
    assert told.exit_code == 1 and told.stderr.startswith("report_folder_taken")
    assert [path.name for path in out.iterdir()] == ["kept"]
    away = await run(
        gateway, "volume", "--out", str(out / "x"), "--database", "postgresql://nobody@127.0.0.1:9/x"
    )
    assert away.exit_code == 1 and away.stderr.startswith("database_unavailable")
