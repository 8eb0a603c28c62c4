"""`quickkub ledger`: verify the books, print the balances."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money, decimal_text
from quickkub.ledger.chart import Heading, UnknownAccount, heading_of
from quickkub.ledger.store import Balance, balances, merchants_with_books
from quickkub.ledger.verify import Report, Violation, verify
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE

app = typer.Typer(help="The books: verify them, print the balances.", no_args_is_help=True)

EXIT_BROKEN: Final = 1
EXIT_COULD_NOT_LOOK: Final = 2

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="A PostgreSQL URL; otherwise DATABASE_URL or the data folder's own."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Books = tuple[MerchantId, str, list[Balance]]
T = TypeVar("T")


@app.command("verify")
def verify_command(
    context: typer.Context, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Read the whole of the books and report what breaks them.

    Exit status: 0 in order, 1 something is broken, 2 the books could not be read.
    """
    report = ask_database(context, database, verify)
    if as_json:
        typer.echo(json.dumps(report_as_json(report), indent=2, ensure_ascii=False))
    else:
        print_report(report, Console(), "The books are in order.")
    if report.broken:
        raise typer.Exit(EXIT_BROKEN)


@app.command("balances")
def balances_command(
    context: typer.Context,
    merchant: Annotated[str | None, typer.Option(metavar="ID", help="Only this merchant.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the trial balance of each merchant and mode: debits on the left, credits on the right."""

    async def read(opened: Database) -> list[Books]:
        async with opened.read() as reader:
            return [
                (whose, mode, await balances(reader, whose, mode))
                for whose, mode in await merchants_with_books(reader)
                if merchant in (None, whose)
            ]

    books = ask_database(context, database, read)
    if as_json:
        typer.echo(json.dumps([_books_as_json(*one) for one in books], indent=2, ensure_ascii=False))
        return
    console = Console()
    for one in books:
        console.print(_trial_balance(*one))
    if not books:
        console.print("Nothing is booked.")


def ask_database(
    context: typer.Context, database: str | None, question: Callable[[Database], Awaitable[T]]
) -> T:
    """Open the database, ask, close. A refusal is told on standard error and ends with 2."""
    try:
        with wiring_of(context).database_dsn(database) as dsn:
            return asyncio.run(_answer(dsn, question))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        raise typer.Exit(EXIT_COULD_NOT_LOOK) from refusal


async def _answer(dsn: str, question: Callable[[Database], Awaitable[T]]) -> T:
    opened = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        return await question(opened)
    finally:
        await opened.close()


def print_report(report: Report, console: Console, sound: str) -> None:
    """Every check with the rows it read, then what breaks them."""
    table = Table("invariant", "what must be true", "rows read", box=None, pad_edge=False)
    table.add_column("broken", justify="right")
    for finding in report.findings:
        broken = f"[red]{finding.broken}[/red]" if finding.broken else "0"
        rows = f"{finding.rows} {finding.check.reads}"
        table.add_row(finding.check.invariant, finding.check.says, rows, broken)
    console.print(table)
    if not report.broken:
        console.print(sound)
        return
    for violation in report.violations:
        console.print(f"[red]{violation.invariant}[/red] {escape(_told(violation))}", soft_wrap=True)
    unshown = report.broken - len(report.violations)
    console.print(f"{report.broken} broken" + (f", {unshown} of them not shown" if unshown else ""))


def _told(violation: Violation) -> str:
    details = json.dumps(violation.details, ensure_ascii=False)
    return f"{violation.merchant or 'database'} {violation.what} {details}"


def report_as_json(report: Report) -> dict[str, Any]:
    return {
        "ok": report.broken == 0,
        "checks": [
            {
                "invariant": finding.check.invariant,
                "says": finding.check.says,
                "reads": finding.check.reads,
                "rows": finding.rows,
                "broken": finding.broken,
                "violations": [
                    {"merchant": found.merchant, "what": found.what, "details": dict(found.details)}
                    for found in finding.violations
                ],
            }
            for finding in report.findings
        ],
    }


def _trial_balance(merchant: MerchantId, mode: str, books: list[Balance]) -> Table:
    table = Table(title=f"{merchant} {mode}", title_justify="left")
    table.add_column("account", overflow="fold")
    table.add_column("name")
    for side in ("debit", "credit"):
        table.add_column(side, justify="right", no_wrap=True)
    for balance in books:
        heading = _heading_of(balance.account)
        name = heading.name_en if heading else "(not in the chart)"
        table.add_row(balance.account, name, *_in_columns(balance.amount))
    table.add_section()
    for currency in dict.fromkeys(balance.amount.currency for balance in books):
        amounts = [one.amount.minor for one in books if one.amount.currency == currency]
        debits = Money(sum(minor for minor in amounts if minor > 0), currency)
        credits_ = Money(-sum(minor for minor in amounts if minor < 0), currency)
        table.add_row("", f"total {currency}", decimal_text(debits), decimal_text(credits_))
    return table


def _in_columns(amount: Money) -> tuple[str, str]:
    text = decimal_text(amount)
    return ("", text.removeprefix("-")) if amount.minor < 0 else (text, "")


def _books_as_json(merchant: MerchantId, mode: str, books: list[Balance]) -> dict[str, Any]:
    found = [(balance, _heading_of(balance.account)) for balance in books]
    return {
        "merchant": merchant,
        "mode": mode,
        "balances": [
            {
                "account": balance.account,
                "kind": heading.kind.value if heading else None,
                "amount": balance.amount.minor,
                "currency": balance.amount.currency.code,
            }
            for balance, heading in found
        ],
    }


def _heading_of(code: str) -> Heading | None:
    """Damaged books are still shown: an account that the chart does not have is printed as one."""
    try:
        return heading_of(code)
    except UnknownAccount:
        return None
