"""`quickkub keys`: the keys that seal what is stored, and what is sealed under each (docs/guide/keys.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import typer

from quickkub.cli.ledger import DatabaseOption, JsonOption
from quickkub.cli.wiring import KeyOffice, wiring_of
from quickkub.kernel.clock import rfc3339
from quickkub.storage.resealing import BATCH, Resealed, Tried, Unreadable
from quickkub.storage.resealing_inventory import KeyEntry

app = typer.Typer(help="Keys: which seal what is stored, new ones, old ones.", no_args_is_help=True)

EXIT_UNREADABLE: Final = 1
_SHOWN_MAX: Final = 20

T = TypeVar("T")
Number = Annotated[int, typer.Argument(help="The key's number, from `quickkub keys list`.", min=0, max=255)]


def _ask(context: typer.Context, database: str | None, work: Callable[[KeyOffice], Awaitable[T]]) -> T:
    wiring = wiring_of(context)

    async def ask(dsn: str) -> T:
        async with wiring.key_office(dsn) as office:
            return await work(office)

    with wiring.database_dsn(database) as dsn:
        return asyncio.run(ask(dsn))


@app.command("list")
def list_command(
    context: typer.Context, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Which keys there are, in which state, made when, and how many values each has sealed."""
    entries = _ask(context, database, lambda office: office.list())
    if as_json:
        typer.echo(json.dumps([_entry_as_json(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        typer.echo(_entry_line(entry))
        for column, count in entry.values.items():
            typer.echo(f"    {column} {count}")


@app.command("add")
def add_command(
    context: typer.Context,
    database: DatabaseOption = None,
    standby: Annotated[
        bool, typer.Option("--standby", help="It opens and does not seal until `keys activate`.")
    ] = False,
) -> None:
    """Make a key. It seals from now on; running processes follow in seconds. Keep a copy of the file."""
    made = _ask(context, database, lambda office: office.add(standby=standby))
    if standby:
        typer.echo(
            f"Key {made.number} was made and waits. Bring the ring's file to every machine, "
            f"then run `quickkub keys activate {made.number}`."
        )
    else:
        typer.echo(f"Key {made.number} was made and seals from now on. Next: `quickkub keys rotate`.")


@app.command("activate")
def activate_command(context: typer.Context, number: Number, database: DatabaseOption = None) -> None:
    """Let a key that opens only seal from now on."""
    active = _ask(context, database, lambda office: office.activate(number))
    typer.echo(f"Key {active.number} seals from now on. Next: `quickkub keys rotate`.")


@app.command("rotate")
def rotate_command(
    context: typer.Context,
    database: DatabaseOption = None,
    batch: Annotated[int, typer.Option(help="Values in one statement.", min=1, max=5000)] = BATCH,
) -> None:
    """Wrap everything under the key that seals, beside a running gateway; stopped, it is simply run again.

    Exit status: 0 done, 1 some values do not open and were left as they are.
    """
    result = _ask(context, database, lambda office: office.rotate(batch=batch, told=_progress))
    for column, count in result.done.items():
        typer.echo(f"{column} {count}")
    typer.echo(f"{result.total} values are now under key {result.number}.")
    _refuse_unreadable(result.unreadable)


def _progress(result: Resealed) -> None:
    typer.echo(f"{result.total} wrapped again", err=True)


@app.command("retire")
def retire_command(context: typer.Context, number: Number, database: DatabaseOption = None) -> None:
    """End a key nothing is sealed under; its bytes leave the ring's file, which older backups still need."""
    _ask(context, database, lambda office: office.retire(number))
    typer.echo(
        f"Key {number} is retired. Backups made before the rotation open only with the old ring's file."
    )


@app.command("check")
def check_command(
    context: typer.Context,
    database: DatabaseOption = None,
    sample: Annotated[int, typer.Option(help="Values to open of each column and key.", min=1)] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Open every value.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Open a sample of each column under each key and say what does not open; values are not printed.

    Exit status: 0 all of it opens, 1 something does not.
    """
    tried = _ask(context, database, lambda office: office.check(sample=None if everything else sample))
    bad = [one for line in tried for one in line.unreadable]
    if as_json:
        shown = {"ok": not bad, "columns": [_tried_as_json(line) for line in tried]}
        typer.echo(json.dumps(shown, indent=2))
    else:
        for line in tried:
            typer.echo(
                f"{line.column} key {line.number}: {line.tried} of {line.values} tried, "
                f"{len(line.unreadable)} do not open"
            )
    _refuse_unreadable(bad)


def _refuse_unreadable(bad: Sequence[Unreadable]) -> None:
    if not bad:
        return
    for one in bad[:_SHOWN_MAX]:
        typer.echo(f"does not open: {one.column} key {one.number} row {one.row}", err=True)
    if len(bad) > _SHOWN_MAX:
        typer.echo(f"and {len(bad) - _SHOWN_MAX} more", err=True)
    raise typer.Exit(EXIT_UNREADABLE)


def _entry_line(entry: KeyEntry) -> str:
    if entry.state is None:
        return f"key {entry.number}: not in the ring, {entry.total} values cannot be read"
    made = rfc3339(entry.created_at) if entry.created_at else "elsewhere"
    worn = "; it has sealed very much, add another" if entry.worn else ""
    return f"key {entry.number}: {entry.state}, made {made}, {entry.total} values{worn}"


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _entry_as_json(entry: KeyEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "state": entry.state,
        "fingerprint": entry.fingerprint,
        "created_at": _moment(entry.created_at),
        "opening_since": _moment(entry.opening_since),
        "retired_at": _moment(entry.retired_at),
        "values": dict(entry.values),
        "total": entry.total,
        "worn": entry.worn,
    }


def _tried_as_json(line: Tried) -> dict[str, Any]:
    return {
        "column": line.column,
        "key": line.number,
        "values": line.values,
        "tried": line.tried,
        "unreadable": [one.row for one in line.unreadable],
    }
