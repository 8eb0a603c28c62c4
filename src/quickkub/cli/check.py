"""`quickkub check`: what must be true of the whole database."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from quickkub.cli.ledger import (
    EXIT_BROKEN,
    DatabaseOption,
    JsonOption,
    ask_database,
    print_report,
    report_as_json,
)
from quickkub.invariants.run import HELD_BY_TESTS, check_invariants

app = typer.Typer(help="Check what must be true of the whole database.", no_args_is_help=True)


@app.callback()
def _check() -> None:
    """Check what must be true of the whole database."""


@app.command("invariants")
def invariants_command(
    context: typer.Context,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print violations only.")] = False,
) -> None:
    """Name each invariant, count what was read, and report every row that breaks one. Changes nothing.

    Exit status: 0 all hold, 1 something is broken, 2 the database could not be read.
    """
    report = ask_database(context, database, check_invariants)
    if as_json:
        typer.echo(json.dumps(report_as_json(report), indent=2, ensure_ascii=False))
    elif not quiet or report.broken:
        console = Console()
        print_report(report, console, "All invariants hold.")
        if not quiet:
            for invariant, held_by in HELD_BY_TESTS.items():
                console.print(f"{invariant} is about what happens and is held by tests: {held_by}")
    if report.broken:
        raise typer.Exit(EXIT_BROKEN)
