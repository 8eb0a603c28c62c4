"""`quickkub privacy breach`: the record of a breach of personal data, with its 72 hours.

docs/runbooks/data-breach.md says when to run which.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import typer

from quickkub.audit import Actor, ActorKind, acting
from quickkub.cli.ledger import DatabaseOption, ask_database
from quickkub.kernel.errors import Kind, Refusal
from quickkub.privacy import breaches
from quickkub.storage import Connection, Database

app = typer.Typer(help="Breaches of personal data, and their 72 hours.", no_args_is_help=True)

EXIT_REFUSED: Final = 1
_ME: Final = Actor(ActorKind.SYSTEM, "quickkub privacy")
_MINUTES_OF_HOUR: Final = 60

T = TypeVar("T")
Breach: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="brc_…")]


@app.command("open")
def open_command(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="What happened, in a line, naming nobody.")],
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="TIME", help="Since when it is known; now, if not said."),
    ] = None,
    people: Annotated[int | None, typer.Option("--people", min=0, help="How many it concerns.")] = None,
    high_risk: Annotated[
        bool, typer.Option("--high-risk", help="The people concerned have to be told as well.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Write down that there is a breach; the clock of 72 hours runs from when it was known."""
    known = _time(known_at, "--known-at")
    _tell(
        _in_transaction(
            context,
            database,
            lambda tx: breaches.open_breach(tx, title, known, high_risk=high_risk, people=people),
        )
    )


@app.command("note")
def note_command(
    context: typer.Context,
    breach: Breach,
    text: Annotated[str, typer.Argument()],
    database: DatabaseOption = None,
) -> None:
    """Write down what was found or done. Notes are never changed."""

    async def work(tx: Connection) -> dict[str, Any]:
        await breaches.note(tx, breach, text)
        return await breaches.get(tx, breach)

    _tell(_in_transaction(context, database, work))


@app.command("report")
def report_command(
    context: typer.Context,
    breach: Breach,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When; now, if not said.")] = None,
    database: DatabaseOption = None,
) -> None:
    """The regulator (PDPC) was told."""
    told = _time(at, "--at")
    _tell(_in_transaction(context, database, lambda tx: breaches.report(tx, breach, told)))


@app.command("close")
def close_command(
    context: typer.Context,
    breach: Breach,
    no_risk_because: Annotated[
        str | None, typer.Option("--no-risk-because", help="Why nobody had to be told.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """It is over. Exit status: 1 when it was not reported and no reason is said."""
    _tell(
        _in_transaction(
            context,
            database,
            lambda tx: breaches.close(tx, breach, not_reported_because=no_risk_because),
        )
    )


@app.command("list")
def list_command(context: typer.Context, database: DatabaseOption = None) -> None:
    """All breaches, newest first, one JSON object a line."""

    async def read(opened: Database) -> list[dict[str, Any]]:
        async with opened.read() as reader:
            return await breaches.listed(reader)

    for one in ask_database(context, database, read):
        typer.echo(json.dumps(one, ensure_ascii=False))


@app.command("show")
def show_command(context: typer.Context, breach: Breach, database: DatabaseOption = None) -> None:
    """One breach with its notes and what is left of its clock."""
    _tell(_in_transaction(context, database, lambda tx: breaches.get(tx, breach)))


def _in_transaction(
    context: typer.Context, database: str | None, work: Callable[[Connection], Awaitable[T]]
) -> T:
    async def do(opened: Database) -> T | Refusal:
        try:
            with acting(_ME):
                async with opened.transaction() as tx:
                    return await work(tx)
        except Refusal as refusal:
            if refusal.kind is Kind.UNAVAILABLE:
                raise
            return refusal

    done = ask_database(context, database, do)
    if isinstance(done, Refusal):
        typer.echo(f"{done.code}: {done.detail}", err=True)
        raise typer.Exit(EXIT_REFUSED)
    return done


def _tell(breach: dict[str, Any]) -> None:
    typer.echo(json.dumps(breach, indent=2, ensure_ascii=False))
    left = breach["minutes_left"]
    if left is not None:
        hours, minutes = divmod(abs(left), _MINUTES_OF_HOUR)
        word = "left to report it" if left >= 0 else "late: report it now and say why"
        typer.echo(f"{hours} h {minutes} min {word} (due {breach['due_at']}).", err=True)


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("is a time such as 2026-11-25T09:00+07:00", param_hint=option) from None
    if found.tzinfo is None:
        raise typer.BadParameter("needs its zone, such as +07:00", param_hint=option)
    if found > datetime.now(UTC):
        raise typer.BadParameter("is yet to come", param_hint=option)
    return found
