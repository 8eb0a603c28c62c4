"""`quickkub report`: evidence for an assessment, and single reports, written into a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from quickkub.cli.ledger import DatabaseOption
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Refusal
from quickkub.reports.names import GROUPS

if TYPE_CHECKING:
    from quickkub.reports.model import Wish
    from quickkub.reports.office import ReportOffice, Written

app = typer.Typer(help="Evidence and reports, with counts and digests.", no_args_is_help=True)

EXIT_REFUSED: Final = 1
_BANGKOK: Final = timezone(timedelta(hours=7))
_DAYS: Final = 365
_THRESHOLD_BAHT: Final = 2_000_000
_SATANG: Final = 100

OutOption: TypeAlias = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="A new folder; nothing is written over.")
]
SinceOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="First day in Bangkok; otherwise a year before the last."),
]
UntilOption: TypeAlias = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day in Bangkok; otherwise today.")
]
ThresholdOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--threshold", metavar="BAHT", min=1, help="From this amount on a payment is listed as large."
    ),
]
ScansOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--scans/--no-scans",
        help="Run pip-audit and bandit if they are installed. pip-audit asks a database on the internet.",
    ),
]


@app.command("compliance")
def compliance_command(
    context: typer.Context,
    out: OutOption,
    since: SinceOption = None,
    until: UntilOption = None,
    threshold: ThresholdOption = _THRESHOLD_BAHT,
    scans: ScansOption = True,
    database: DatabaseOption = None,
) -> None:
    """Write a folder of evidence: a page to read, every table as CSV and JSON, the SBOM, digests."""
    wish = _wish(since, until, threshold)
    _write(context, database, lambda office: office.compliance(wish, out, scanned=scans))


def _command(name: str, tables: tuple[str, ...]) -> None:
    """One command for each report, all alike."""

    def command(
        context: typer.Context,
        out: OutOption,
        since: SinceOption = None,
        until: UntilOption = None,
        threshold: ThresholdOption = _THRESHOLD_BAHT,
        scans: ScansOption = True,
        database: DatabaseOption = None,
    ) -> None:
        wish = _wish(since, until, threshold)
        _write(context, database, lambda office: office.one(name, wish, out, scanned=scans))

    app.command(name, help=f"As CSV and JSON: {', '.join(tables)}.")(command)


for _name, _tables in GROUPS.items():
    _command(_name, _tables)


def _write(
    context: typer.Context, database: str | None, work: Callable[[ReportOffice], Awaitable[Written]]
) -> None:
    wiring = wiring_of(context)

    async def run(dsn: str) -> Written:
        async with wiring.report_office(dsn) as office:
            return await work(office)

    try:
        with wiring.database_dsn(database) as dsn:
            done = asyncio.run(run(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        raise typer.Exit(EXIT_REFUSED) from refusal
    typer.echo(f"{done.files} files with {done.rows} rows are in {done.folder}.")
    typer.echo(f"SHA-256 of the manifest: {done.sha256}")


def _wish(since: str | None, until: str | None, threshold: int) -> Wish:
    from quickkub.reports.model import Wish  # noqa: PLC0415 -- help must not wait for every room

    last = _day(until, "--to") if until is not None else datetime.now(UTC).astimezone(_BANGKOK).date()
    first = _day(since, "--from") if since is not None else last - timedelta(days=_DAYS - 1)
    if first > last:
        raise typer.BadParameter("is after the last day", param_hint="--from")
    return Wish(_midnight(first), _midnight(last + timedelta(days=1)), threshold * _SATANG)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, _BANGKOK).astimezone(UTC)


def _day(text: str, option: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not date(2000, 1, 1) <= day <= date(2999, 1, 1):
        raise typer.BadParameter("is a day such as 2026-11-25", param_hint=option)
    return day
