"""The command `quickkub` and its groups."""

from __future__ import annotations

from typing import Annotated

import typer

from quickkub import __version__
from quickkub.cli.audit import app as audit
from quickkub.cli.check import app as check
from quickkub.cli.config import app as config
from quickkub.cli.demo import demo_command
from quickkub.cli.drill import app as drill
from quickkub.cli.events import events, webhooks
from quickkub.cli.fraud import app as fraud
from quickkub.cli.keys import app as keys
from quickkub.cli.ledger import app as ledger
from quickkub.cli.listen import listen
from quickkub.cli.merchant import app as merchant
from quickkub.cli.oauth import app as oauth
from quickkub.cli.privacy import app as privacy
from quickkub.cli.provider import app as provider
from quickkub.cli.qr import app as qr
from quickkub.cli.report import app as report
from quickkub.cli.simulators import app as simulators
from quickkub.cli.up import up_command
from quickkub.cli.user import app as user
from quickkub.cli.watch import app as watch
from quickkub.cli.wiring import Wiring, wiring_of

db = typer.Typer(help="The database.", no_args_is_help=True)
seed = typer.Typer(help="What a database holds from the start.", no_args_is_help=True)

Database = Annotated[
    str | None, typer.Option("--database", help="URL; default DATABASE_URL, or the one in the box.")
]


def build(wiring: Wiring) -> typer.Typer:
    """The whole command line over a program."""
    app = typer.Typer(
        help="QuickKub: the payment gateway for Thailand that anyone can run.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def start(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    ) -> None:
        context.obj = wiring
        if version:
            typer.echo(__version__)
            raise typer.Exit

    app.command("up")(up_command)
    app.command("demo")(demo_command)
    app.command("listen")(listen)
    app.command("serve", hidden=True)(serve)
    app.add_typer(qr, name="qr")
    app.add_typer(ledger, name="ledger")
    app.add_typer(check, name="check")
    app.add_typer(audit, name="audit")
    app.add_typer(events, name="events")
    app.add_typer(webhooks, name="webhooks")
    app.add_typer(oauth, name="oauth")
    app.add_typer(provider, name="provider")
    app.add_typer(merchant, name="merchant")
    app.add_typer(user, name="user")
    app.add_typer(simulators, name="simulators")
    app.add_typer(fraud, name="fraud")
    app.add_typer(report, name="report")
    app.add_typer(drill, name="drill")
    app.add_typer(watch, name="watch")
    app.add_typer(keys, name="keys")
    app.add_typer(privacy, name="privacy")
    app.add_typer(config, name="config")
    app.add_typer(db, name="db")
    app.add_typer(seed, name="seed")
    return app


def serve(
    context: typer.Context, part: Annotated[str, typer.Argument(help="api, worker or simulators")]
) -> None:
    """Run one process of a gateway; `quickkub up` does this."""
    wiring_of(context).serve(part)


@db.command("migrate")
def migrate(context: typer.Context, database: Database = None) -> None:
    """Bring the database to the newest schema."""
    wiring = wiring_of(context)
    with wiring.database_dsn(database) as dsn:
        typer.echo(f"The schema is at {wiring.migrate(dsn)}.")


@seed.command("thai-payment-methods")
def thai_payment_methods(context: typer.Context, database: Database = None) -> None:
    """Write the payment methods of Thailand, as far as a provider offers them; may be repeated."""
    wiring = wiring_of(context)
    with wiring.database_dsn(database) as dsn:
        typer.echo(f"{wiring.seed_methods(dsn)} payment methods are there.")
