"""`quickkub provider`: list the providers, check and add an account at one, write the folder of a new one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from quickkub.cli.wiring import wiring_of
from quickkub.connectors import newcomer, registry
from quickkub.connectors.contract import Manifest
from quickkub.connectors.particulars import BadParticulars, simulator_particulars

app = typer.Typer(help="Providers: which there are, whether an account works.", no_args_is_help=True)

EXIT_DOES_NOT_WORK = 1


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Which providers there are, and what each is paid with."""
    found = registry.providers()
    if as_json:
        typer.echo(json.dumps({name: _shown(one) for name, one in found.items()}, ensure_ascii=False))
        return
    for name, one in found.items():
        typer.echo(f"{name:12} {one.title_en}: {', '.join(offer.method for offer in one.methods)}")


def _shown(manifest: Manifest) -> dict[str, Any]:
    return {
        "title": manifest.title_en,
        "methods": [offer.method for offer in manifest.methods],
        "simulator_port": manifest.simulator_port,
    }


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="2 to 20 small letters and digits, such as walletpay.")],
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    into: Annotated[
        Path | None, typer.Option(help="The folder of providers; usually the house's own.")
    ] = None,
) -> None:
    """Write the folder of a new provider: it runs at once, and the contract tests say what it owes."""
    made = newcomer.write(name, title, into)
    for path in made.files:
        typer.echo(f"wrote {path}")
    typer.echo(f"Its simulator has port {made.port}. What it owes is in {made.folder / 'OWED.md'}.")


@app.command("check")
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The provider.")],
    file: Annotated[
        Path | None,
        typer.Option(help="JSON: settings and credentials by name, or {settings, credentials}."),
    ] = None,
    simulator: Annotated[
        str | None, typer.Option(metavar="URL", help="Check against a running simulator instead.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="An account of the database, acc_…")] = None,
    merchant: Annotated[str | None, typer.Option(help="Whose account it is, mer_…")] = None,
    live: Annotated[bool, typer.Option("--live", help="At the address for real money.")] = False,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="Where accounts are.")
    ] = None,
) -> None:
    """Try address and credentials with a harmless question; no money moves and no secret is printed.

    Without --file, --simulator or --account they come from the environment: QUICKKUB_SCB_BILLER_ID and so on.
    Exit status: 0 it works, 1 it does not or cannot be told.
    """
    manifest = registry.connector(name).manifest
    wiring = wiring_of(context)
    if account is not None:
        if merchant is None:
            raise typer.BadParameter("--account goes with --merchant")
        with wiring.database_dsn(database) as dsn:
            found = wiring.check_stored_account(name, merchant, account, dsn)
    else:
        said = _particulars(manifest, file, simulator)
        found = wiring.check_account(name, said, mode="live" if live else "test")
    typer.echo(f"{name}: {found.told}")
    if not found.works:
        raise typer.Exit(EXIT_DOES_NOT_WORK)


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The provider.")],
    merchant: Annotated[str, typer.Option(help="Whose account it is, mer_…")],
    file: Annotated[
        Path | None,
        typer.Option(help="JSON: settings and credentials by name, or {settings, credentials}."),
    ] = None,
    simulator: Annotated[str | None, typer.Option(metavar="URL", help="An account at a simulator.")] = None,
    live: Annotated[bool, typer.Option("--live", help="For real money.")] = False,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="Where accounts are.")
    ] = None,
) -> None:
    """Try an account at its provider and store it for a merchant, credentials sealed, only if it works.

    Without --file or --simulator the particulars come from the environment, as for `check`. Prints the
    address to register at the provider for callbacks; whoever knows it can write to it, so keep it private.
    """
    wiring = wiring_of(context)
    said = _particulars(registry.connector(name).manifest, file, simulator)
    with wiring.database_dsn(database) as dsn:
        added = wiring.add_account(name, merchant, said, mode="live" if live else "test", dsn=dsn)
    typer.echo(f"{name}: {added.told}")
    typer.echo(f"account  {added.id}")
    typer.echo(f"callbacks to {added.callback_url}")


def _particulars(manifest: Manifest, file: Path | None, simulator: str | None) -> dict[str, str]:
    if simulator is not None:
        return simulator_particulars(manifest, simulator.rstrip("/"))
    return _in_environment(manifest, os.environ) if file is None else _in_file(file)


def _in_file(file: Path) -> dict[str, str]:
    """Raises BadParticulars for a file that cannot be read or is no flat object of texts."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadParticulars(f"{file} cannot be read as JSON", param="file") from None
    if not isinstance(said, dict):
        raise BadParticulars(f"{file} holds no object", param="file")
    parts = [said.get(part, {}) for part in ("settings", "credentials")]
    flat: dict[str, Any] = {**parts[0], **parts[1]} if any(parts) else said
    if not all(isinstance(value, str) for value in flat.values()):
        raise BadParticulars("settings and credentials are texts", param="file")
    return flat


def _in_environment(manifest: Manifest, environment: Mapping[str, str]) -> dict[str, str]:
    """`QUICKKUB_<PROVIDER>_<NAME>`, in capitals and with `_` for points."""
    hosts = [f"{host}_base_url" for host in manifest.other_base_urls]
    names = [*(field.name for field in manifest.fields), "base_url", *hosts]
    written = {
        name: f"QUICKKUB_{manifest.name}_{name}".upper().replace(".", "_") for name in dict.fromkeys(names)
    }
    return {name: environment[key] for name, key in written.items() if environment.get(key)}
