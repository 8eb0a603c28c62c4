"""`quickkub demo`: the whole story of a payment, unattended."""

from __future__ import annotations

from typing import Annotated

import typer

from quickkub.cli.wiring import wiring_of


def demo_command(
    context: typer.Context,
    keep: Annotated[bool, typer.Option(help="Keep the throw-away data folder and say where it is.")] = False,
    all_providers: Annotated[
        bool, typer.Option("--all-providers", help="Pay and refund through every provider there is.")
    ] = False,
) -> None:
    """Start a gateway on a throw-away folder, take a payment, and check that everybody agrees on it.

    With --all-providers each provider takes a payment and gives it back, and what the simulators say came is
    compared with the API and the ledger, to the satang. Exit status 0 only if everybody agrees.
    """
    raise typer.Exit(wiring_of(context).demo(keep=keep, all_providers=all_providers))
