"""`quickkub watch`: look now at what a worker looks at by the clock."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from quickkub.cli.ledger import EXIT_BROKEN, EXIT_COULD_NOT_LOOK, DatabaseOption
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Refusal

app = typer.Typer(help="Look now at what a worker watches.", no_args_is_help=True)

_WORDS: Final = {
    "same": "Payers' pages are what is shipped.",
    "different": "Payers' pages are NOT what is shipped.",
    "unreached": "Payers' pages could not be looked at.",
}


@app.callback()
def _watch() -> None:
    """Look now at what a worker watches."""


@app.command("pages")
def pages_command(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option("--address", metavar="URL", help="Otherwise QUICKKUB_PUBLIC_URL.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Fetch the payers' pages and compare headers and files with the manifest; the result is written down.

    A worker does it every day. Exit status: 0 as shipped, 1 something differs, 2 it could not be looked.
    """
    if address is not None and not address.startswith(("https://", "http://")):
        raise typer.BadParameter("is an address such as https://pay.example", param_hint="--address")
    wiring = wiring_of(context)
    try:
        with wiring.database_dsn(database) as dsn:
            found = wiring.watch_pages(dsn, address)
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from refusal
    for one in found.differences:
        typer.echo(one)
    typer.echo(f"{found.address}: {found.answers} answers, pages seen: {', '.join(found.pages) or 'none'}.")
    if "checkout" not in found.pages and not found.unreached:
        typer.echo("There is no payment whose own page could be looked at; its files were.")
    typer.echo(_WORDS[found.outcome] + (f" ({found.unreached})" if found.unreached else ""))
    if found.outcome != "same":
        raise typer.Exit(EXIT_BROKEN if found.differences else EXIT_COULD_NOT_LOOK)
