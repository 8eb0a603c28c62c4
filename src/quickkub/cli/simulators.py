"""`quickkub simulators up`: the providers' simulators alone, for people who integrate with a provider."""

from __future__ import annotations

from typing import Annotated

import typer

from quickkub.cli.wiring import wiring_of

app = typer.Typer(help="Simulators of the providers.", no_args_is_help=True)


@app.callback()
def simulators() -> None:
    """Keeps `up` a command of its own: typer folds a group of one command into it."""


@app.command("up")
def up(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Which; all when none is named.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port of the one that is named; else its usual one.")
    ] = None,
    callback: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where callbacks go unless another address is registered."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="First line: one object, provider to url, base_url and sandbox credentials."
        ),
    ] = False,
) -> None:
    """Serve simulators on their ports until Ctrl-C."""
    wiring_of(context).simulators(names or [], host=host, port=port, callback=callback, as_json=as_json)
