"""`quickkub events` and `quickkub webhooks`: what was told to whom, and telling it again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import typer

from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.webhooks import operator_store, replay
from quickkub.webhooks.event import event_view
from quickkub.webhooks.replay import delivery_view
from quickkub.webhooks.rules import EndpointNotFound, EventNotFound

events = typer.Typer(help="What happened, and telling it again.", no_args_is_help=True)
webhooks = typer.Typer(help="Who was told, and telling them again.", no_args_is_help=True)

EXIT_REFUSED: Final = 1
EXIT_COULD_NOT_LOOK: Final = 2

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="A PostgreSQL URL; otherwise DATABASE_URL or the data folder's own."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on each line.")]
MerchantOption = Annotated[str | None, typer.Option(metavar="ID", help="Only this merchant.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]

T = TypeVar("T")


@events.command("list")
def list_events(
    context: typer.Context,
    merchant: MerchantOption = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    about: Annotated[str | None, typer.Option("--object", metavar="ID", help="Only this object.")] = None,
    limit: LimitOption = 20,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the newest events of all merchants, the newest first."""

    async def read(opened: Database) -> list[dict[str, Any]]:
        async with opened.read() as reader:
            found = await operator_store.newest_events(
                reader, merchant=merchant, kind=kind, about=about, limit=limit
            )
        return [event_view(event) | {"merchant": whose, "about": event.object_id} for whose, event in found]

    _print(_ask(context, database, read), ("created_at", "id", "type", "about", "mode", "merchant"), as_json)


@events.command("replay")
def replay_event(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its id, evt_…")],
    endpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Only to this endpoint, whether or not it subscribed.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Deliver an event again, to every enabled endpoint that wants it or to one, with the same id.

    Exit status: 0 it will be sent, 1 refused or nobody wants it, 2 the database could not be reached.
    """

    async def tell(opened: Database) -> int:
        async with opened.read() as reader:
            owner = await operator_store.owner_of_event(reader, event)
        if owner is None:
            raise EventNotFound
        return await replay.replay_event(opened, owner.merchant, owner.mode, event, endpoint)

    count = _ask(context, database, tell)
    typer.echo(f"It goes to {count} endpoint{'' if count == 1 else 's'}.")
    if not count:
        raise typer.Exit(EXIT_REFUSED)


@webhooks.command("deliveries")
def list_deliveries(
    context: typer.Context,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Only those that wait.")] = False,
    endpoint: Annotated[str | None, typer.Option(metavar="ID", help="Only to this endpoint.")] = None,
    merchant: MerchantOption = None,
    limit: LimitOption = 20,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how deliveries stand, of the newest events first."""
    if dead and pending:
        raise typer.BadParameter("a delivery is dead or pending, not both", param_hint="--dead, --pending")
    state = "dead" if dead else "pending" if pending else None

    async def read(opened: Database) -> list[dict[str, Any]]:
        async with opened.read() as reader:
            found = await operator_store.newest_deliveries(
                reader, merchant=merchant, endpoint=endpoint, state=state, limit=limit
            )
        return [delivery_view(delivery) | {"merchant": whose} for whose, delivery in found]

    shown = ("event", "endpoint", "status", "tries", "last_status", "next_try_at", "last_error")
    _print(_ask(context, database, read), shown, as_json)


@webhooks.command("redeliver")
def redeliver(
    context: typer.Context,
    endpoint: Annotated[str, typer.Option(metavar="ID", help="Its id, we_…")],
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only events since then: RFC 3339, UTC if not said.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Deliver an endpoint's dead letters again, each with its own id and a new round of tries.

    Exit status: 0 done, 1 refused, 2 the database could not be reached.
    """
    start = _time(since) if since is not None else None

    async def tell(opened: Database) -> int:
        async with opened.read() as reader:
            owner = await operator_store.owner_of_endpoint(reader, endpoint)
        if owner is None:
            raise EndpointNotFound
        return await replay.redeliver_dead(opened, owner.merchant, owner.mode, endpoint, start)

    count = _ask(context, database, tell)
    typer.echo(f"{count} dead letter{' is' if count == 1 else 's are'} sent again.")


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write 2026-11-23 or 2026-11-23T05:00Z", param_hint="--since") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _ask(context: typer.Context, database: str | None, question: Callable[[Database], Awaitable[T]]) -> T:
    """Open the database, ask, close. A refusal is told on standard error."""
    try:
        with wiring_of(context).database_dsn(database) as dsn:
            return asyncio.run(_answer(dsn, question))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        away = refusal.kind is Kind.UNAVAILABLE
        raise typer.Exit(EXIT_COULD_NOT_LOOK if away else EXIT_REFUSED) from refusal


async def _answer(dsn: str, question: Callable[[Database], Awaitable[T]]) -> T:
    opened = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        return await question(opened)
    finally:
        await opened.close()


def _print(found: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Lines that grep and cut understand: two spaces between columns, a dash where nothing is."""
    if as_json:
        for one in found:
            typer.echo(json.dumps(one, ensure_ascii=False))
        return
    cells = [["-" if one[column] is None else str(one[column]) for column in columns] for one in found]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())
    if not found:
        typer.echo("There is nothing.", err=True)
