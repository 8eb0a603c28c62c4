"""`quickkub fraud`: decisions made again, rules played against the past, and attacks against the rules."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from quickkub.cli.ledger import EXIT_BROKEN, EXIT_COULD_NOT_LOOK, DatabaseOption, JsonOption, ask_database
from quickkub.cli.wiring import wiring_of
from quickkub.fraud import store
from quickkub.fraud.backtest import DAYS_MAX, backtest
from quickkub.fraud.decide import Replayed, replay
from quickkub.fraud.model import RuleInvalid
from quickkub.fraud.reading import read_rule
from quickkub.fraud.simulation.report import as_json, attack_rows, broken, summary_rows
from quickkub.fraud.simulation.run import Outcome, simulate
from quickkub.fraud.starter import starter_words
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database, open_database
from quickkub.storage.embedded import borrowed_server
from quickkub.storage.scope import HOUSE

app = typer.Typer(
    help="Fraud: decisions made again, rules tried out, attacks simulated.", no_args_is_help=True
)

SEEDS_MAX: Final = 1_000_000
_SIMULATION_CONNECTIONS: Final = 2


@app.command("replay")
def replay_command(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="A decision's id, frd_...")],
    database: DatabaseOption = None,
    machine: JsonOption = False,
) -> None:
    """Make a decision again from what was kept and the rules of then, and say whether it comes out the same.

    Exit status: 0 the same, 1 different, 2 there is no such decision.
    """

    async def again(opened: Database) -> Replayed | None:
        async with opened.read() as reader:
            found = await store.find_decision(reader, decision)
            if found is None:
                return None
            rules = await store.of_version(reader, found[0], found[1].mode, found[1].rules_version)
        assert rules is not None, "versions of rules are never deleted"
        return replay(found[1], rules.rules)

    told = ask_database(context, database, again)
    if told is None:
        typer.echo("There is no such decision.", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK)
    _print_replay(told, machine=machine)
    if told.differences:
        raise typer.Exit(EXIT_BROKEN)


def _print_replay(told: Replayed, *, machine: bool) -> None:
    kept = told.decision
    if machine:
        shown = {
            "decision": kept.id,
            "same": not told.differences,
            "differences": list(told.differences),
            "action": told.action,
            "decided_by": told.decided_by,
            "score": told.score,
        }
        typer.echo(json.dumps(shown, indent=2))
        return
    typer.echo(f"{kept.id}: {kept.action} by {kept.decided_by}, score {kept.score}")
    typer.echo(f"made again: {told.action} by {told.decided_by}, score {told.score}")
    for one in kept.results:
        typer.echo(f"  {one['result']:8} {one['mode']:7} {one['action']:9} +{one['score']:<4} {one['rule']}")
    differences = ", ".join(told.differences)
    typer.echo(f"Different: {differences}." if differences else "The same in every part.")


@app.command("backtest")
def backtest_command(
    context: typer.Context,
    rule: Annotated[Path, typer.Argument(help="A file with one rule (JSON).", exists=True, dir_okay=False)],
    merchant: Annotated[str, typer.Option(metavar="ID", help="Whose payments.")],
    mode: Annotated[str, typer.Option(help="live or test")] = "live",
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX)] = 30,
    database: DatabaseOption = None,
) -> None:
    """Play a rule against the decisions of the last days. Changes nothing.

    Exit status: 0 done, 2 the rule cannot be read.
    """
    try:
        read = read_rule(json.loads(rule.read_text(encoding="utf-8")))
    except RuleInvalid as trouble:
        typer.echo(f"{rule}: {trouble.param} {trouble.detail}", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from None
    except ValueError:
        typer.echo(f"{rule} is not JSON", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from None

    async def play(opened: Database) -> dict[str, Any]:
        async with opened.read() as reader:
            return (await backtest(reader, MerchantId(merchant), mode, read, days)).shown()

    typer.echo(json.dumps(ask_database(context, database, play), indent=2))


@app.command("starter")
def starter_command(
    mode: Annotated[str, typer.Option(help="off, shadow or live")] = "shadow",
) -> None:
    """Print the rules to begin with, as POST /v1/fraud/rules takes them."""
    if mode not in ("off", "shadow", "live"):
        raise typer.BadParameter("must be off, shadow or live", param_hint="--mode")
    typer.echo(json.dumps(starter_words(mode), indent=2, ensure_ascii=False))


@app.command("simulate")
def simulate_command(
    context: typer.Context,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS_MAX)] = 1,
    days: Annotated[int, typer.Option(min=3, max=30, help="Days of honest payments.")] = 4,
    share: Annotated[int, typer.Option(min=1, max=1000, help="Percent of a usual day's payments.")] = 50,
    machine: JsonOption = False,
) -> None:
    """Play eight seeded attacks among honest payments against the starter rules, on a database of its own.

    Exit status: 0 all bars are met, 1 one is missed.
    """
    wiring = wiring_of(context)

    async def play(dsn: str) -> Outcome:
        opened = await open_database(dsn, size_max=_SIMULATION_CONNECTIONS, scope=HOUSE)
        try:
            return await simulate(opened, seed, days=days, share_percent=share)
        finally:
            await opened.close()

    with tempfile.TemporaryDirectory(prefix="quickkub-fraud-") as folder:
        Path(folder).chmod(0o711)  # as root, PostgreSQL's own user must get through to its folder
        with borrowed_server(Path(folder) / "postgres") as server:
            dsn = server.dsn()
            wiring.migrate(dsn)
            outcome = asyncio.run(play(dsn))
    if machine:
        typer.echo(json.dumps(as_json(outcome), indent=2))
    else:
        _print_outcome(outcome)
    if broken([outcome]):
        raise typer.Exit(EXIT_BROKEN)


def _print_outcome(outcome: Outcome) -> None:
    console = Console()
    attacks = Table("attack", "baht tried", "baht stopped", "share", "first stop after")
    for row in attack_rows(outcome):
        attacks.add_row(*row)
    console.print(attacks)
    bars = Table(f"seed {outcome.seed}, {outcome.looked} payments", "", "bar")
    for row in summary_rows(outcome):
        bars.add_row(*row)
    console.print(bars)
