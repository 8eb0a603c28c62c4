"""`quickkub privacy`: retention, holds, erasure, export, requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from quickkub.cli.ledger import EXIT_COULD_NOT_LOOK, DatabaseOption, JsonOption
from quickkub.cli.privacy_breach import app as breach
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, has_shape
from quickkub.privacy import holds, requests
from quickkub.privacy.periods import PERIODS, variable
from quickkub.privacy.person import Person, read_person

if TYPE_CHECKING:
    from quickkub.privacy.service import Privacy

app = typer.Typer(help="People's data: how long it stays, and how it goes.", no_args_is_help=True)
hold = typer.Typer(help="What is kept, whatever its time.", no_args_is_help=True)
app.add_typer(hold, name="hold")
app.add_typer(breach, name="breach")

EXIT_REFUSED: Final = 1
_REQUESTS_MAX: Final = 1_000

T = TypeVar("T")
MerchantOption: TypeAlias = Annotated[str, typer.Option("--merchant", metavar="ID", help="Whose data, mer_…")]
EmailOption: TypeAlias = Annotated[str | None, typer.Option("--email", help="Their e-mail address.")]
PhoneOption: TypeAlias = Annotated[str | None, typer.Option("--phone", help="Their telephone number.")]
NameOption: TypeAlias = Annotated[
    str | None, typer.Option("--name", help="Their name; finds somebody only where nothing else is said.")
]
ReasonOption: TypeAlias = Annotated[str, typer.Option("--reason", help="Why; it is written down.")]


@app.command("retention")
def retention_command(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let go of what is past its time; a worker does it every night.

    Exit status: 0 done, 2 it could not be done.
    """
    done = ask_privacy(context, database, lambda privacy: privacy.retention(dry_run=dry_run))
    if as_json:
        typer.echo(json.dumps({kind.value: counts for kind, counts in done.items()}, indent=2))
        return
    table = Table("kind", "what", "past its time" if dry_run else "gone", "held")
    for kind, counts in done.items():
        for name, count in counts.items():
            table.add_row(kind.value, name, str(count["gone"]), str(count["held"]))
    Console().print(table)


@app.command("periods")
def periods_command(context: typer.Context, database: DatabaseOption = None) -> None:
    """How long each kind of record is kept here, and by which setting."""

    async def days(privacy: Privacy) -> dict[Any, int]:
        return dict(privacy.office.days)

    here = ask_privacy(context, database, days)
    table = Table("kind", "days", "at least", "since", "setting", "why")
    for period in PERIODS:
        setting = "" if period.fixed or period.days is None else variable(period.kind)
        kept = here.get(period.kind)
        table.add_row(
            period.kind.value,
            "stays" if kept is None else str(kept),
            str(period.days_min),
            period.since,
            setting,
            period.why,
        )
    Console(width=200).print(table)


@app.command("erase")
def erase_command(
    context: typer.Context,
    merchant: MerchantOption,
    email: EmailOption = None,
    phone: PhoneOption = None,
    name: NameOption = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="The erasure request to do, prq_…")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Erase a payer from everything a merchant holds; prints the certificate.

    Exit status: 0 erased, 1 refused (a hold, something still under way, nobody found), 2 it could not be.
    """
    whose = _merchant(merchant)
    if request is not None:
        which = _id(request, "prq", "--request")
        done = ask_privacy(context, database, lambda privacy: privacy.erase_asked(whose, which))
    else:
        person = _person(email, phone, name)
        done = ask_privacy(context, database, lambda privacy: privacy.erase(whose, person))
    typer.echo(json.dumps(done, indent=2))


@app.command("export")
def export_command(
    context: typer.Context,
    merchant: MerchantOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The zip to write; must not exist.")],
    email: EmailOption = None,
    phone: PhoneOption = None,
    name: NameOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write everything held about a payer into a zip, for nobody's eyes but yours and theirs."""
    whose, person = _merchant(merchant), _person(email, phone, name)
    if out.exists():
        raise typer.BadParameter("is there already", param_hint="--out")
    done = ask_privacy(context, database, lambda privacy: privacy.export(whose, person))
    out.touch(mode=0o600, exist_ok=False)
    out.write_bytes(done.content)
    rows = ", ".join(f"{count} {kind}" for kind, count in done.rows.items())
    typer.echo(f"{out}: {rows}; SHA-256 {done.sha256}")


@app.command("requests")
def requests_command(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    database: DatabaseOption = None,
) -> None:
    """List what people asked for, by when it is owed. One JSON object a line."""

    async def read(privacy: Privacy) -> list[dict[str, Any]]:
        async with privacy.office.db.read() as reader:
            return await requests.page(
                reader,
                privacy.office,
                None,
                state=None if every else "open",
                after=None,
                limit=_REQUESTS_MAX,
            )

    for one in sorted(ask_privacy(context, database, read), key=lambda one: str(one["due_at"])):
        typer.echo(json.dumps(one, ensure_ascii=False))


@hold.command("place")
def place_command(
    context: typer.Context,
    merchant: MerchantOption,
    reason: ReasonOption,
    payment: Annotated[str | None, typer.Option("--payment", metavar="ID", help="Only this payment.")] = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    name: NameOption = None,
    database: DatabaseOption = None,
) -> None:
    """Keep all of a merchant's data, a payment's, or a person's (by one of e-mail, phone, name)."""
    whose = _merchant(merchant)
    person = _person(email, phone, name) if email or phone or name else None

    async def work(privacy: Privacy) -> dict[str, Any]:
        async with privacy.office.db.transaction() as tx:
            return await holds.place(tx, privacy.office, whose, reason, payment=payment, person=person)

    typer.echo(json.dumps(ask_privacy(context, database, work), indent=2, ensure_ascii=False))


@hold.command("lift")
def lift_command(
    context: typer.Context,
    hold_id: Annotated[str, typer.Argument(metavar="ID")],
    merchant: MerchantOption,
    reason: ReasonOption,
    database: DatabaseOption = None,
) -> None:
    """The law asks for it no more."""
    whose, which = _merchant(merchant), _id(hold_id, "hld", "ID")

    async def work(privacy: Privacy) -> dict[str, Any]:
        async with privacy.office.db.transaction() as tx:
            return await holds.lift(tx, whose, which, reason)

    typer.echo(json.dumps(ask_privacy(context, database, work), indent=2, ensure_ascii=False))


@hold.command("list")
def holds_command(context: typer.Context, database: DatabaseOption = None) -> None:
    """The holds that stand, one JSON object a line."""

    async def read(privacy: Privacy) -> list[dict[str, Any]]:
        async with privacy.office.db.read() as reader:
            return await holds.standing(reader)

    for one in ask_privacy(context, database, read):
        typer.echo(json.dumps(one, ensure_ascii=False))


def ask_privacy(context: typer.Context, database: str | None, work: Callable[[Privacy], Awaitable[T]]) -> T:
    """Open the office, ask, close. A refusal is told on standard error."""
    wiring = wiring_of(context)

    async def ask(dsn: str) -> T:
        async with wiring.privacy_office(dsn) as privacy:
            return await work(privacy)

    try:
        with wiring.database_dsn(database) as dsn:
            return asyncio.run(ask(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        away = refusal.kind is Kind.UNAVAILABLE
        raise typer.Exit(EXIT_COULD_NOT_LOOK if away else EXIT_REFUSED) from refusal


def _merchant(text: str) -> MerchantId:
    return MerchantId(_id(text, "mer", "--merchant"))


def _id(text: str, prefix: str, hint: str) -> str:
    if not has_shape(text, prefix):
        raise typer.BadParameter(f"is an id such as {prefix}_…", param_hint=hint)
    return text


def _person(email: str | None, phone: str | None, name: str | None) -> Person:
    try:
        return read_person({"email": email, "phone": phone, "name": name})
    except Refusal as refusal:
        raise typer.BadParameter(refusal.detail, param_hint="--email, --phone or --name") from refusal
