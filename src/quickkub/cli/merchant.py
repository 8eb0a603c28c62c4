"""`quickkub merchant`: merchants and their API keys, for whoever runs the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from quickkub.cli.ledger import DatabaseOption, JsonOption
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.keys import KeyKind

if TYPE_CHECKING:
    from quickkub.merchants.office import MerchantOffice

app = typer.Typer(help="Merchants and their API keys.", no_args_is_help=True)
keys = typer.Typer(help="A merchant's API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")

EXIT_REFUSED: Final = 1
EXIT_COULD_NOT_LOOK: Final = 2

T = TypeVar("T")
Merchant = Annotated[str, typer.Argument(metavar="MERCHANT", help="Its id, mer_…")]
Live = Annotated[bool, typer.Option("--live", help="In live mode; otherwise in test mode.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    pending: Annotated[
        bool, typer.Option("--pending", help="Test mode only, until somebody has approved it.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Make a merchant. Prints its id and a test key, which is shown this once."""
    merchant, key = _ask(context, database, lambda office: office.create(name, pending=pending))
    typer.echo(f"merchant  {merchant}")
    typer.echo(f"test key  {key.reveal()}")


@app.command("list")
def list_command(
    context: typer.Context, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Which merchants there are, newest first."""
    for merchant in _ask(context, database, lambda office: office.newest()):
        if as_json:
            typer.echo(json.dumps(merchant, ensure_ascii=False))
        else:
            typer.echo(f"{merchant['id']}  {merchant['status']:9}  {merchant['name']}")


@app.command("return-addresses")
def return_addresses(
    context: typer.Context,
    merchant: Merchant,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDRESS]...", help="All of them: https://shop.example, or with a path."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Empty the list.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Where its payers may be sent back to. Addresses replace the list; without any it is shown."""
    wanted = [] if none else addresses or None
    for address in _ask(context, database, lambda office: office.return_addresses(merchant, wanted)):
        typer.echo(address)


@keys.command("create")
def create_key(
    context: typer.Context,
    merchant: Merchant,
    live: Live = False,
    publishable: Annotated[
        bool, typer.Option("--publishable", help="For pages: reads what a payer may see.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Make a key that may do all its kind may; restricted ones are made by API. Shown this once."""
    kind = KeyKind.PUBLISHABLE if publishable else KeyKind.SECRET
    key_id, key = _ask(context, database, lambda office: office.make_key(merchant, _mode(live), kind))
    typer.echo(f"id   {key_id}")
    typer.echo(f"key  {key.reveal()}")


@keys.command("list")
def list_keys(
    context: typer.Context,
    merchant: Merchant,
    live: Live = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which keys a merchant has, without the keys."""
    for key in _ask(context, database, lambda office: office.keys(merchant, _mode(live))):
        if as_json:
            typer.echo(json.dumps(key, ensure_ascii=False))
        else:
            ends = key["revoked_at"] or key["expires_at"] or "-"
            typer.echo(
                f"{key['id']}  {key['prefix']}…{key['last_four']}  ends {ends}  {key['name']}".rstrip()
            )


@keys.command("revoke")
def revoke_key(
    context: typer.Context,
    merchant: Merchant,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, key_…")],
    database: DatabaseOption = None,
) -> None:
    """Refuse a key from now on. It cannot be taken back."""
    if not _ask(context, database, lambda office: office.revoke_key(merchant, key)):
        typer.echo("key_not_found: there is no such key, or it was revoked before", err=True)
        raise typer.Exit(EXIT_REFUSED)
    typer.echo(f"{key} is revoked.")


def _mode(live: bool) -> str:
    return "live" if live else "test"


def _ask(context: typer.Context, database: str | None, work: Callable[[MerchantOffice], Awaitable[T]]) -> T:
    """Open the office, ask, close. A refusal is told on standard error."""
    wiring = wiring_of(context)

    async def ask(dsn: str) -> T:
        async with wiring.merchant_office(dsn) as office:
            return await work(office)

    try:
        with wiring.database_dsn(database) as dsn:
            return asyncio.run(ask(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        away = refusal.kind is Kind.UNAVAILABLE
        raise typer.Exit(EXIT_COULD_NOT_LOOK if away else EXIT_REFUSED) from refusal
