"""`quickkub config`: whether what was set is strong and complete."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

import typer

from quickkub.cli.ledger import JsonOption
from quickkub.cli.wiring import wiring_of

app = typer.Typer(help="Settings: whether they are strong and complete.", no_args_is_help=True)

EXIT_WEAK: Final = 1


@app.callback()
def _config() -> None:
    """Settings: whether they are strong and complete."""


@app.command("check")
def check_command(context: typer.Context, as_json: JsonOption = False) -> None:
    """List every weak, missing or malformed setting at once, with what mends it. Prints no secret.

    Exit status: 0 nothing found, 1 something was.
    """
    findings = wiring_of(context).config_findings()
    if as_json:
        shown = {"ok": not findings, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    elif findings:
        for finding in findings:
            typer.echo(f"{finding.setting}: {finding.problem}")
            typer.echo(f"    {finding.remedy}")
        typer.echo(f"{len(findings)} to mend.")
    else:
        typer.echo("Every setting is strong and complete.")
    if findings:
        raise typer.Exit(EXIT_WEAK)
