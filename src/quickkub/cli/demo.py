"""`quickkub demo`: the whole story of a payment, unattended."""

from __future__ import annotations

from typing import Annotated

import typer

from quickkub.cli.wiring import wiring_of


def demo_command(
    context: typer.Context,
    keep: Annotated[bool, typer.Option(help="Keep the throw-away data folder and say where it is.")] = False,
) -> None:
    """Start a gateway on a throw-away folder, take a payment, and check that everybody agrees on it.

    Exit status 0 only if payment, webhook signature and ledger agree.
    """
    raise typer.Exit(wiring_of(context).demo(keep=keep))
