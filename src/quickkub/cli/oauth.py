"""`quickkub oauth`:

the keys access tokens are signed with, and the programs that are let in (docs/guide/oauth.md).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from quickkub.cli.ledger import DatabaseOption, JsonOption
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId

if TYPE_CHECKING:
    from quickkub.access.oauth.clients import Client
    from quickkub.access.oauth.service import TokenOffice

app = typer.Typer(help="Access tokens and the programs that get them.", no_args_is_help=True)
keys = typer.Typer(help="The keys access tokens are signed with.", no_args_is_help=True)
clients = typer.Typer(help="Programs a merchant lets in.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(clients, name="clients")

EXIT_REFUSED: Final = 1
EXIT_COULD_NOT_LOOK: Final = 2

T = TypeVar("T")
Merchant = Annotated[str, typer.Argument(metavar="MERCHANT", help="Its id, mer_…")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="Its id, cli_…")]
Live = Annotated[bool, typer.Option("--live", help="In live mode; otherwise in test mode.")]


@keys.command("list")
def list_keys(context: typer.Context, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Which keys there are: the next one, the current one, and old ones whose tokens may still be about."""
    rows = _ask(context, database, lambda office: office.keys.rows())
    for row in rows:
        shown = {
            "kid": row["kid"],
            "algorithm": row["algorithm"],
            "state": row["state"],
            "published_at": rfc3339(row["published_at"]),
            "current_since": rfc3339(row["current_since"]) if row["current_since"] else None,
            "old_since": rfc3339(row["old_since"]) if row["old_since"] else None,
        }
        if as_json:
            typer.echo(json.dumps(shown))
        else:
            typer.echo(f"{shown['kid']}  {shown['state']:7}  published {shown['published_at']}")
    if not rows:
        typer.echo("There is none yet: the first is made with the first token.", err=True)


@keys.command("rotate")
def rotate_keys(
    context: typer.Context,
    database: DatabaseOption = None,
    at_once: Annotated[
        bool, typer.Option("--now", help="The current key leaked: every token so far is refused.")
    ] = False,
) -> None:
    """Publish the next key, which signs in 24 hours, when the worker looks.

    Processes that run follow within half a minute.
    """
    done = _ask(context, database, lambda office: office.keys.rotate(at_once=at_once))
    for line in done:
        typer.echo(line)
    if not done:
        typer.echo("The next key is published already.")


@clients.command("list")
def list_clients(
    context: typer.Context,
    merchant: Merchant,
    live: Live = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a merchant's programs that are not revoked, the newest first."""
    found = _ask(context, database, lambda office: office.clients.list(MerchantId(merchant), _mode(live)))
    for client in found:
        if as_json:
            typer.echo(json.dumps(_shown(client), ensure_ascii=False))
        else:
            typer.echo(
                f"{client.id}  {client.auth_method:15}  {' '.join(sorted(client.scopes))}  {client.name}"
            )
    if not found:
        typer.echo("There is nothing.", err=True)


@clients.command("create")
def create_client(
    context: typer.Context,
    merchant: Merchant,
    name: Annotated[str, typer.Argument(help="People read it on the consent page.")],
    scope: Annotated[list[str], typer.Option(help="A permission it may be given; may be repeated.")],
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where people are sent back to; may be repeated.")
    ] = None,
    authentication: Annotated[
        str, typer.Option(help="client_secret, private_key_jwt or none.")
    ] = "client_secret",
    jwks: Annotated[
        Path | None, typer.Option(help="A file with its public keys, for private_key_jwt.", exists=True)
    ] = None,
    live: Live = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a program in. With a redirect address it may ask people; without one it works for itself.

    Its secret is printed once.
    """
    keys_of_its_own = _read(jwks)
    made, secret = _ask(
        context,
        database,
        lambda office: office.create(
            merchant,
            _mode(live),
            name,
            auth_method=authentication,
            scopes=scope,
            redirect_uris=redirect_uri or (),
            jwks=keys_of_its_own,
        ),
    )
    told = secret.reveal() if secret is not None else None
    if as_json:
        typer.echo(json.dumps(_shown(made) | {"client_secret": told}, ensure_ascii=False))
        return
    typer.echo(f"client_id      {made.id}")
    if told is not None:
        typer.echo(f"client_secret  {told}")


@clients.command("revoke")
def revoke_client(
    context: typer.Context,
    merchant: Merchant,
    client: ClientId,
    live: Live = False,
    database: DatabaseOption = None,
) -> None:
    """Refuse a program and every token it holds from now on."""
    _ask(context, database, lambda office: office.clients.revoke(MerchantId(merchant), _mode(live), client))
    typer.echo(f"{client} is revoked.")


def _mode(live: bool) -> str:
    return "live" if live else "test"


def _read(path: Path | None) -> Any | None:
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        typer.echo("oauth_client_invalid: the file is not JSON", err=True)
        raise typer.Exit(EXIT_REFUSED) from None


def _shown(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "mode": client.mode,
        "name": client.name,
        "authentication": client.auth_method,
        "grant_types": sorted(client.grant_types),
        "scopes": sorted(client.scopes),
        "redirect_uris": list(client.redirect_uris),
        "created_at": rfc3339(client.created_at),
    }


def _ask(context: typer.Context, database: str | None, work: Callable[[TokenOffice], Awaitable[T]]) -> T:
    """Open the office, ask, close. A refusal is told on standard error."""
    wiring = wiring_of(context)

    async def ask(dsn: str) -> T:
        async with wiring.token_office(dsn) as office:
            return await work(office)

    try:
        with wiring.database_dsn(database) as dsn:
            return asyncio.run(ask(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        away = refusal.kind is Kind.UNAVAILABLE
        raise typer.Exit(EXIT_COULD_NOT_LOOK if away else EXIT_REFUSED) from refusal
