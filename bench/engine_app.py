"""The gateway of the engine bench: the real application and worker over a bank that answers in process.

    .venv/bin/python -m bench.engine_app api --dsn postgresql://... --port 29000
    .venv/bin/python -m bench.engine_app worker --dsn postgresql://...

The bank signs its callbacks and costs no network, so what is measured is ours: key, idempotency, payment,
attempt, event; callback verified, settled, booked, announced.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, Final

import uvicorn
import uvloop

from quickkub.api.app import create_app
from quickkub.api.limits.desk import Limits
from quickkub.api.limits.policy import Rules
from quickkub.api.services import Services, Settings
from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackAnswer,
    CallbackNews,
    Exchange,
    Forged,
    Manifest,
    MethodOffer,
    Order,
    RawCallback,
    Receipt,
    Token,
    TokenExchange,
    Waiting,
)
from quickkub.disputes.service import Disputes
from quickkub.disputes.settle import ProviderDisputes
from quickkub.fraud.service import Fraud
from quickkub.fraud.subject import Hasher
from quickkub.kernel.clock import SystemClock
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import Keys
from quickkub.payments.office import Office
from quickkub.payments.service import Payments
from quickkub.refunds.effects import ProviderRefunds
from quickkub.refunds.service import Refunds
from quickkub.storage import Database, open_database
from quickkub.storage.schema import head_revision
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault
from quickkub.telemetry import configure_logging
from quickkub.webhooks.guard import Guard, SystemResolver
from quickkub.worker import loops
from quickkub.worker.loops import Loop, each

PEPPER: Final = Secret("a pepper for the bench, long enough to be one")
VAULT: Final = Vault({1: bytes(range(32))})
SIGNING_KEY: Final = b"bench"
QR: Final = "00020101021230..."
RULES: Final = Rules.of(window_ms=900_000, max_requests=100, test_rate=100_000)
"""Everything is counted as always; the limits alone are out of reach, since one key asks for everybody."""

MANIFEST: Final = Manifest(
    name="benchbank",
    title_en="Bench Bank",
    title_th="ธนาคารทดสอบความเร็ว",
    methods=(MethodOffer("promptpay", 1, 1_000_000_000),),
    fields=(),
    sandbox_base_url="",
    live_base_url="",
    simulator_port=0,
    create_is_repeatable=True,
)


class BenchBank:
    """Shows a QR, and trusts callbacks whose signature verifies."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        yield from ()
        return Token(Secret("unused"), 60)

    def create(self, account: Account, order: Order) -> Exchange:
        yield from ()
        return Waiting(Action(ActionKind.DISPLAY_QR, QR))

    def inquire(self, account: Account, order: Order) -> Exchange:
        yield from ()
        return Waiting()

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        expected = hmac.new(SIGNING_KEY, raw.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), raw.headers.get("x-signature", "").encode()):
            raise Forged("the signature is wrong")
        said = json.loads(raw.body)
        receipt = Receipt(said["id"], Money(said["satang"]), datetime(2026, 1, 15, 3, 33, 12, tzinfo=UTC))
        return CallbackNews(said["id"], said["ref"], receipt)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return CallbackAnswer(200, b"{}")

    def trusts_callbacks(self, account: Account) -> bool:
        return True


class SaidAtOnce:
    """A conclusion without words on a wire."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.transcript = b"[]"


class NoLine:
    """Drives an exchange that asks for nothing."""

    async def run(self, account: Account, exchange: Generator[Any, Any, Any]) -> Any:
        try:
            next(exchange)
        except StopIteration as end:
            return SaidAtOnce(end.value)
        raise AssertionError("the bench bank has no wire")


def office(db: Database, public_url: str) -> Office:
    """The rooms' office with the bench bank behind it."""
    bank: Any = BenchBank()
    return Office(
        db,
        VAULT,
        NoLine(),
        lambda _: bank,
        public_url,
        ProviderRefunds(),
        ProviderDisputes(),
        screen=Fraud(db, Hasher(PEPPER)).screen,
    )


async def serve_api(dsn: str, port: int) -> None:
    """The API until it is told to stop."""
    db = await open_database(dsn, size_max=16, scope=HOUSE)
    desk = office(db, f"http://127.0.0.1:{port}")
    services = Services(
        db=db,
        vault=VAULT,
        keys=Keys(db, PEPPER, SystemClock()),
        payments=Payments(desk),
        refunds=Refunds(desk),
        disputes=Disputes(desk),
        guard=Guard(SystemResolver(), loopback_in_test_mode=True),
        settings=Settings(f"http://127.0.0.1:{port}", "0.0.0", head_revision()),
        limits=Limits(RULES),
    )
    config = uvicorn.Config(
        create_app(services),
        host="127.0.0.1",
        port=port,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
    )
    await uvicorn.Server(config).serve()


async def serve_worker(dsn: str) -> None:
    """The loop of callbacks until it is killed."""
    db = await open_database(dsn, size_max=16, scope=HOUSE)
    payments = Payments(office(db, "http://127.0.0.1"))
    todo = [Loop("callbacks", each(payments.claim_callbacks, payments.work_callback, "callback"), 16, 0.02)]
    await loops.run(todo, asyncio.Event())


def main() -> None:
    """Read what part to play and play it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["api", "worker"])
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--port", type=int, default=0)
    said = parser.parse_args()
    configure_logging(level="ERROR")
    uvloop.run(serve_api(said.dsn, said.port) if said.part == "api" else serve_worker(said.dsn))


if __name__ == "__main__":
    main()
