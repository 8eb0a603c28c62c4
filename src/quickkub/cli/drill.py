"""`quickkub drill`: try a restore and write down what it cost, or write down one that was done elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from quickkub.cli.ledger import EXIT_BROKEN, EXIT_COULD_NOT_LOOK, DatabaseOption
from quickkub.cli.wiring import DrillOffice, wiring_of
from quickkub.kernel.errors import Refusal
from quickkub.reports.drills import TOLD, Drill

app = typer.Typer(help="Restore drills, measured and written down.", no_args_is_help=True)

T = TypeVar("T")

_FOLDER: Final = "drills"
_A_TIME: Final = "is a time with its zone, such as 2026-11-25T02:00+07:00"


@app.command("restore")
def restore_command(
    context: typer.Context,
    backup: Annotated[
        Path | None,
        typer.Option(
            "--backup",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="A plain base backup (pg_basebackup); otherwise one is taken now.",
        ),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(
            "--archive",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Where the server's log (WAL) is archived to; it is played back to its end.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", metavar="DIR", help="Where the copy is made and removed; otherwise the data folder."
        ),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Restore a base backup beside the database, check every invariant of the copy, and throw it away.

    The copy is reached by nobody but this command. Exit status: 0 it came back whole, 1 it did not, 2 it
    could not be tried. Both ends are written down for `quickkub report compliance`.
    """
    inside = folder or wiring_of(context).data_dir() / _FOLDER
    done = _ask(
        context, database, lambda office: office.restore(inside.resolve(), backup=backup, archive=archive)
    )
    if not done.passed:
        typer.echo(f"The restore failed: {done.note}.")
        raise typer.Exit(EXIT_BROKEN)
    typer.echo(f"Restored to {done.restored_to}; {done.invariants} invariants hold.")
    typer.echo(f"RPO {done.rpo_seconds} s, RTO {done.rto_seconds} s.")
    for missed in done.over_target():
        typer.echo(missed)


@app.command("note")
def note_command(
    context: typer.Context,
    backup_at: Annotated[str, typer.Option("--backup-at", metavar="TIME", help="When the backup was begun.")],
    restored_to: Annotated[
        str, typer.Option("--restored-to", metavar="TIME", help="The last commit that came back.")
    ],
    rpo: Annotated[int, typer.Option("--rpo", metavar="SECONDS", min=0, help="What was lost.")],
    rto: Annotated[int, typer.Option("--rto", metavar="SECONDS", min=0, help="How long it took.")],
    by_whom: Annotated[str, typer.Option("--by", metavar="NAME", help="Who did it.")],
    invariants: Annotated[
        int, typer.Option("--invariants", min=0, help="How many `quickkub check invariants` looked at.")
    ],
    broken: Annotated[int, typer.Option("--broken", min=0, help="How many rows broke one.")] = 0,
    failed: Annotated[bool, typer.Option("--failed", help="It did not come back whole.")] = False,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="With which tool.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Write down a drill that was done with other tools (Barman, a provider's snapshots)."""
    told = Drill(
        TOLD,
        by_whom,
        _time(backup_at, "--backup-at"),
        _time(restored_to, "--restored-to"),
        rpo,
        rto,
        invariants,
        broken,
        note,
        failed,
    )
    id_ = _ask(context, database, lambda office: office.write(told))
    typer.echo(f"{id_}: written down as {'passed' if told.passed else 'failed'}.")


def _ask(context: typer.Context, database: str | None, work: Callable[[DrillOffice], Awaitable[T]]) -> T:
    wiring = wiring_of(context)

    async def run(dsn: str) -> T:
        async with wiring.drill_office(dsn) as office:
            return await work(office)

    try:
        with wiring.database_dsn(database) as dsn:
            return asyncio.run(run(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from refusal


def _time(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(_A_TIME, param_hint=option) from None
    if found.tzinfo is None:
        raise typer.BadParameter(_A_TIME, param_hint=option)
    return found
