"""Create-payment and callback-to-succeeded over HTTP, beside pgbench with the very same statements.

    .venv/bin/python -m bench.engine [--rounds 5] [--seconds 4]

One PostgreSQL, one run, interleaved: pgbench, then QuickKub, so many rounds; the figure is the ratio of the
medians. pgbench runs the statements that were recorded from QuickKub itself, in their order and transactions,
with ids of their own and as many sessions as QuickKub has requests under way. QuickKub runs its whole path:
HTTP, key, limits, strict JSON, fraud lists, idempotency, payment, attempt, event; and callback verified,
kept, claimed by the worker, settled, booked, announced. The provider answers in the same process: its time
is not ours.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import uvloop
from bench.engine_app import PEPPER, SIGNING_KEY, VAULT, office
from bench.engine_load import drive, post
from bench.engine_record import Recorder, Script

from quickkub.connectors.contract import RawCallback
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import baht
from quickkub.merchants.accounts import open_account
from quickkub.merchants.keys import open_key
from quickkub.payments.model import NewPayment
from quickkub.payments.service import Payments
from quickkub.storage import Database, open_database
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.embedded.programs import find_binaries
from quickkub.storage.idempotency import Once, fingerprint
from quickkub.storage.migrate import migrate
from quickkub.storage.scope import HOUSE
from tests.support.ports import free_port

AT_ONCE: Final = 16
API_PROCESSES: Final = 2
ORDER: Final = json.dumps({"amount": 15_000, "currency": "THB", "method": "promptpay"}).encode()


class Shop:
    """The merchant of the bench."""

    def __init__(self, merchant: MerchantId, key: str, callback_token: str) -> None:
        self.merchant, self.key, self.callback_path = merchant, key, f"/callbacks/benchbank/{callback_token}"


async def make_shop(db: Database) -> Shop:
    merchant = MerchantId(new_id("mer"))
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Bench')", merchant)
        _, key = await open_key(tx, PEPPER, merchant, "test")
        _, token = await open_account(
            tx, VAULT, merchant, mode="test", provider="benchbank", settings={}, credentials={"k": "x"}
        )
    return Shop(merchant, key.reveal(), token)


def callback_of(transaction: str, reference: str) -> tuple[bytes, str]:
    """A callback of the bench bank and its signature."""
    body = json.dumps({"id": transaction, "ref": reference, "satang": 15_000}).encode()
    return body, hmac.new(SIGNING_KEY, body, hashlib.sha256).hexdigest()


# --- pgbench ----------------------------------------------------------------------------------------------


async def record(dsn: str, shop: Shop) -> tuple[str, str]:
    """The pgbench scripts of create-payment and of callback-to-succeeded."""
    db = await open_database(dsn, size_max=1, scope=HOUSE)
    payments, recorder, script = Payments(office(db, "http://127.0.0.1")), Recorder(db), Script()
    made: dict[str, Any] = {}

    async def create(key: str) -> None:
        once = Once(shop.merchant, "test", "POST /v1/payments", key, fingerprint("POST", "x", (), ORDER))

        def render(view: Any) -> tuple[int, bytes]:
            made.update(view)
            return 201, json.dumps(view).encode()

        await payments.create(NewPayment(baht(150), "promptpay"), once, render)

    async def callback_for(transaction: str) -> None:
        view = await payments.get(shop.merchant, "test", made["id"], with_attempts=True)
        reference = view["attempts"][0]["reference"]
        body, signature = callback_of(transaction, reference)
        raw = RawCallback("POST", {"x-signature": signature}, {}, body)
        await payments.keep_callback("benchbank", shop.callback_path.rsplit("/", 1)[1], raw)
        for kept in await payments.claim_callbacks(16):
            await payments.work_callback(kept)

    # Once before it is recorded, because a session's first questions are about types.
    await create("warm")
    await callback_for("T-warm")
    created = await recorder.record(lambda: create("recorded"))
    settled = await recorder.record(lambda: callback_for("T-recorded"))
    await db.close()
    checkout = str(made["checkout_url"]).rsplit("/", 1)[1]
    named = {"recorded": "('k' || :n)", checkout: "('t' || :n)", "T-recorded": "('T' || :n)"}
    first = script.write(created, named)
    keys = dict.fromkeys(_event_keys(settled), "('T' || :n || ':0')")
    second = script.write(settled, keys)
    return first, _claims_amortised(second)


def _event_keys(statements: list[Any]) -> set[str]:
    return {a for _, args in statements for a in args if isinstance(a, str) and a.startswith("T-recorded:")}


def _claims_amortised(script: str) -> str:
    """The worker claims sixteen callbacks at a time, so the claim runs once in sixteen times here as well.

    What is finished is then found by its unclaimed token.
    """
    lines = []
    for line in script.splitlines():
        if line.startswith("UPDATE inbox SET lease_until ="):
            lines += ["\\if :i % 16 = 0", line, "\\endif"]
        else:
            lines.append(re.sub(r"(lease_token = )1\b", r"\g<1>lease_token", line))
    return "\n".join(lines) + "\n"


def pgbench(dsn: str, script: Path, transactions: int, start: int) -> float:
    """Transactions per second; each session runs so many, from number `start` on."""
    told = subprocess.run(
        [
            str(find_binaries() / "pgbench"), "--no-vacuum", "-M", "prepared", "-c", str(AT_ONCE), "-j", "2",
            "-t", str(transactions), "-D", f"i={start}", "-f", str(script), dsn,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", told.stdout)
    if told.returncode or found is None or "number of failed transactions: 0" not in told.stdout:
        raise SystemExit(f"pgbench: {told.stdout}{told.stderr}")
    return float(found.group(1))  # not money: a rate


# --- QuickKub ---------------------------------------------------------------------------------------------


@contextmanager
def processes(dsn: str, ports: list[int]) -> Iterator[None]:
    """API processes and one worker."""
    parts = [["api", "--dsn", dsn, "--port", str(port)] for port in ports] + [["worker", "--dsn", dsn]]
    root = str(Path(__file__).resolve().parent.parent)
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.engine_app", *part],
            cwd=root,
            env={**os.environ, "PYTHONPATH": f"{root}/src:{root}"},
        )
        for part in parts
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


async def ready(ports: list[int]) -> None:
    deadline = time.monotonic() + 30
    for port in ports:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit("the API did not start") from None
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break


async def create_rate(shop: Shop, ports: list[int], seconds: float) -> float:
    run = f"run-{secrets.token_hex(4)}"

    def make(number: int) -> bytes:
        headers = {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": f"{run}-{number}"}
        return post("/v1/payments", ORDER, headers)

    count, took = await drive(ports, AT_ONCE, make, seconds)
    return count / took


async def callback_rate(db: Database, shop: Shop, ports: list[int]) -> float:
    """From the first callback sent to the last payment succeeded; as many as wait to be paid."""
    async with db.read() as reader:
        rows = await reader.fetch(
            "SELECT a.reference FROM attempts a JOIN idempotency_keys k"
            " ON k.merchant_id = a.merchant_id AND k.resource_id = a.payment_id"
            " WHERE a.state = 'requires_action' AND k.key LIKE 'run-%'"
        )
        before = await reader.fetchval("SELECT count(*) FROM receipts")
    waiting = [row["reference"] for row in rows]

    def make(number: int) -> bytes | None:
        if number > len(waiting):
            return None
        body, signature = callback_of(f"R-{waiting[number - 1]}", waiting[number - 1])
        return post(shop.callback_path, body, {"X-Signature": signature})

    began = time.perf_counter()
    sent, _ = await drive(ports, AT_ONCE, make, 600)
    async with db.read() as reader:
        while await reader.fetchval("SELECT count(*) FROM receipts") < before + sent:
            await asyncio.sleep(0.02)
    return sent / (time.perf_counter() - began)


# --- both -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="quickkub-engine-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "postgres")
        dsn = server.start()
        try:
            await asyncio.to_thread(migrate, dsn)
            yield dsn
        finally:
            server.stop("immediate")


async def main(rounds: int, seconds: float) -> None:
    """Measure and print."""
    async with database() as dsn:
        db = await open_database(dsn, size_max=2, scope=HOUSE)
        shop = await make_shop(db)
        create_script, callback_script = await record(dsn, shop)
        with tempfile.TemporaryDirectory() as folder:
            create, callback = Path(folder) / "create.sql", Path(folder) / "callback.sql"
            create.write_text(create_script)
            callback.write_text(callback_script)
            ports = [free_port() for _ in range(API_PROCESSES)]
            with processes(dsn, ports):
                await ready(ports)
                await create_rate(shop, ports, 1)
                await measure(db, dsn, shop, ports, create, callback, rounds, seconds)
        statements(create_script, callback_script)
        await db.close()


async def measure(
    db: Database,
    dsn: str,
    shop: Shop,
    ports: list[int],
    create: Path,
    callback: Path,
    rounds: int,
    seconds: float,
) -> None:
    rates: dict[str, list[float]] = {"bench create": [], "create": [], "bench callback": [], "callback": []}
    each = 250
    for number in range(rounds):
        start = number * each
        rates["bench create"].append(await asyncio.to_thread(pgbench, dsn, create, each, start))
        rates["create"].append(await create_rate(shop, ports, seconds))
        rates["bench callback"].append(await asyncio.to_thread(pgbench, dsn, callback, each, start))
        rates["callback"].append(await callback_rate(db, shop, ports))
    say = sys.stdout.write
    say(f"medians of {rounds}, {AT_ONCE} at once, {os.cpu_count()} cores\n")
    for what in ("create", "callback"):
        ours, theirs = statistics.median(rates[what]), statistics.median(rates[f"bench {what}"])
        spread = f"{min(rates[what]):.0f} to {max(rates[what]):.0f}"
        say(
            f"{what:9} QuickKub {ours:6.0f}/s ({spread})  "
            f"pgbench {theirs:6.0f}/s  ratio {ours / theirs:.2f}\n"
        )


def statements(create: str, callback: str) -> None:
    """How many statements each operation takes."""
    count: Callable[[str], int] = lambda text: sum(  # noqa: E731
        1 for line in text.splitlines() if line and not line.startswith("\\")
    )
    sys.stdout.write(f"statements: create {count(create)}, callback {count(callback)}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    asked = parser.parse_args()
    uvloop.run(main(asked.rounds, asked.seconds))
