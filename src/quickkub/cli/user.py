"""`quickkub user`: people who sign in, for whoever runs the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from quickkub.access.permissions import PLATFORM_ROLES, Role
from quickkub.cli.ledger import DatabaseOption
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, has_shape

if TYPE_CHECKING:
    from quickkub.access.user_office import UserOffice

app = typer.Typer(help="People who sign in.", no_args_is_help=True)

EXIT_REFUSED: Final = 1
EXIT_COULD_NOT_LOOK: Final = 2
_ROLES: Final = tuple(role.value for role in PLATFORM_ROLES)

T = TypeVar("T")
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address they sign in with.")]


@app.command("add")
def add(
    context: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option("--name", help="What they are called.")],
    operator: Annotated[
        str | None, typer.Option("--operator", help=f"Their part on the platform: {', '.join(_ROLES)}.")
    ] = None,
    owner_of: Annotated[str | None, typer.Option("--owner-of", help="The merchant they own, mer_…")] = None,
    english: Annotated[bool, typer.Option("--english", help="Write to them in English, not Thai.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Make a user. A letter goes to the address, with which they choose a password."""
    role = _role(operator) if operator is not None else None
    if owner_of is not None and not has_shape(owner_of, "mer"):
        raise typer.BadParameter("is no merchant's id", param_hint="--owner-of")
    user = _ask(
        context,
        database,
        lambda office: office.add(
            email,
            name=name,
            locale="en" if english else "th",
            operator=role,
            owner_of=MerchantId(owner_of) if owner_of is not None else None,
        ),
    )
    typer.echo(f"user  {user}")
    typer.echo("The worker sends a letter to the address; without SMTP_URL it is a file in the mail folder.")


@app.command("operator")
def operator_command(
    context: typer.Context,
    email: Email,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"{', '.join(_ROLES)}, or none.")],
    database: DatabaseOption = None,
) -> None:
    """Give somebody a part on the platform, or take it."""
    wanted = None if role == "none" else _role(role)
    _ask(context, database, lambda office: office.set_operator(email, wanted))
    typer.echo(f"{email}: {role}")


@app.command("disable")
def disable(context: typer.Context, email: Email, database: DatabaseOption = None) -> None:
    """End somebody's sessions and let them in no more."""
    _ask(context, database, lambda office: office.set_state(email, "disabled"))
    typer.echo(f"{email} is disabled.")


@app.command("enable")
def enable(context: typer.Context, email: Email, database: DatabaseOption = None) -> None:
    """Let somebody in again who was disabled."""
    _ask(context, database, lambda office: office.set_state(email, "active"))
    typer.echo(f"{email} is enabled.")


@app.command("drop-second-factor")
def drop_second_factor(context: typer.Context, email: Email, database: DatabaseOption = None) -> None:
    """Help somebody back in whose telephone and recovery codes are gone. Be sure that it is them."""
    if not _ask(context, database, lambda office: office.drop_second_factor(email)):
        typer.echo("second_factor_off: there is none", err=True)
        raise typer.Exit(EXIT_REFUSED)
    typer.echo(f"{email} signs in with the password alone, and sets up a new second factor.")


def _role(text: str) -> Role:
    if text not in _ROLES:
        raise typer.BadParameter(f"is none of {', '.join(_ROLES)}")
    return Role(text)


def _ask(context: typer.Context, database: str | None, work: Callable[[UserOffice], Awaitable[T]]) -> T:
    """Open the office, ask, close. A refusal is told on standard error."""
    wiring = wiring_of(context)

    async def ask(dsn: str) -> T:
        async with wiring.user_office(dsn) as office:
            return await work(office)

    try:
        with wiring.database_dsn(database) as dsn:
            return asyncio.run(ask(dsn))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        away = refusal.kind is Kind.UNAVAILABLE
        raise typer.Exit(EXIT_COULD_NOT_LOOK if away else EXIT_REFUSED) from refusal
