"""Every invariant is looked for: planted damage is named by its id, and a busy shop breaks none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from quickkub.audit.sealing import seal_waiting
from quickkub.cli.app import build
from quickkub.connectors.contract import (
    Declined,
    DisputeNews,
    DisputeState,
    Failure,
    NotSent,
    Paid,
    Unknown,
)
from quickkub.house.wiring import HouseWiring
from quickkub.invariants.audit_sql import CHECKS as AUDIT
from quickkub.invariants.run import CHECKS, HELD_BY_TESTS, TABLES, check_invariants
from quickkub.kernel.money import baht
from quickkub.ledger.checks import CHECKS as BOOKS
from quickkub.ledger.verify import Report
from quickkub.storage import Database
from tests.support.postgres import AS_OWNER
from tests.support.shop import Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


async def a_busy_day(database: Database) -> Shop:
    """A bit of everything: paid, failed, unknown, held, captured in parts, refunded, disputed, extra."""
    shop = await open_shop(database)
    bank = shop.bank

    async def pays(amount: int = 15_000, method: str = "card", times: int = 1) -> str:
        payment = await shop.charges(PRICE, method=method)
        receipts = tuple(receipt(baht(amount // 100), f"{payment['id']}/{n}") for n in range(times))
        (attempt,) = (await shop.sees(payment["id"]))["attempts"]
        bank.of[attempt["reference"]] = Paid(receipts)
        for _ in range(2):
            await shop.time_passes(MINUTE)
            await shop.works()
        return str(payment["id"])

    refunded = await pays()
    await shop.refunds_of(refunded, baht(40))
    bank.to_instruct.append(Unknown("cut"))
    await shop.refunds_of(refunded, baht(10))
    bank.to_instruct.append(Declined(Failure.DECLINED, "E", "no"))
    await shop.refunds_of(refunded, baht(5))
    await pays(times=2)
    await pays(amount=14_000)
    held = await shop.charges(PRICE, method="card", capture_later=True)
    await shop.captures(held["id"], baht(60), final=False)
    bank.to_instruct.append(Unknown("cut"))
    await shop.captures(held["id"], baht(30), final=False)
    let_go = await shop.charges(PRICE, method="card", capture_later=True)
    await shop.voids(let_go["id"])
    bank.to_create.extend([Declined(Failure.LIMIT_EXCEEDED, "E77", "no"), NotSent("refused"), Unknown("cut")])
    for _ in range(3):
        await shop.charges(PRICE)
    disputed = await pays()
    bank.dispute = DisputeNews("D1", "", baht(50), DisputeState.NEEDS_RESPONSE, "fraud")
    (attempt,) = (await shop.sees(disputed))["attempts"]
    await shop.is_told({"id": "N1", "ref": attempt["reference"], "dispute": True})
    await shop.is_told({"id": "N2", "ref": "NOBODYS", "amount": "1"})
    await shop.works()
    task = await shop.refunds_of(await pays(method="promptpay"), baht(20))
    await shop.refunds.transferred(task["id"], "T-1", shop.once("t", None, "1"), rendered)
    return shop


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    yield await a_busy_day(database)


async def damage(database: Database, statement: str) -> None:
    """Do what no trigger and no foreign key is asked about."""
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        done: str = await tx.execute(statement)
        assert done != "UPDATE 0", statement


def broken(report: Report) -> set[tuple[str, str]]:
    return {(one.check.invariant, one.check.says) for one in report.findings if one.broken}


async def test_a_busy_day_breaks_no_invariant_and_every_table_was_read(
    database: Database, shop: Shop
) -> None:
    await seal_waiting(database, 100)
    report = await check_invariants(database)
    assert report.violations == []
    read = {finding.check.reads: finding.rows for finding in report.findings}
    assert {table for table, rows in read.items() if rows == 0} <= {"webhook_deliveries", "audit_anchors"}
    assert set(read) - {"guards"} <= set(TABLES)


DAMAGE = {
    "more is captured than is held": (
        "UPDATE payments SET capture_later = false, authorized_amount = 1 WHERE captured_amount > 1",
        ("P1", "captured never exceeds what is held"),
    ),
    "a capture under way is forgotten": (
        "UPDATE payments SET capturing_amount = 0 WHERE capturing_amount > 0",
        ("P2", "captures under way are counted, each once"),
    ),
    "a refund under way is forgotten": (
        "UPDATE payments SET refunding_amount = 0 WHERE refunding_amount > 0",
        ("P3", "refunds asked for and made never exceed the captured"),
    ),
    "nobody's money is counted as accepted twice over": (
        "UPDATE unapplied SET amount = amount - 1",
        ("P3", "nobody's money is given away once"),
    ),
    "a refund in another currency": (
        "UPDATE refunds SET currency = 'USD' WHERE payment_id IS NOT NULL",
        ("P4", "a refund is at least one minor unit, in its payment's currency"),
    ),
    "nobody's money loses its row": (
        "DELETE FROM unapplied",
        ("P6", "money that fits nothing is kept, with a case"),
    ),
    "a success is told in no event": (
        "DELETE FROM events WHERE type = 'payment.succeeded'",
        ("P7", "a success is in payment, books and one event"),
    ),
    "evidence is lost": ("DELETE FROM evidence", ("P8", "a success is backed by stored evidence")),
    "a timeout was called a failure": (
        "UPDATE evidence SET outcome = 'unknown' WHERE outcome = 'declined'",
        ("P9", "nothing failed without a clear no"),
    ),
    "a payment went back": (
        """UPDATE events SET data = jsonb_set(data, '{object,status}', '"processing"')"""
        " WHERE type = 'payment.succeeded' OR type LIKE 'payment.refund%'",
        ("E1", "the last event tells the present state"),
    ),
    "a payment is said to have gone down": (
        """UPDATE events SET data = jsonb_set(data, '{object,status}', '"succeeded"')"""
        " WHERE type = 'payment.requires_action'"
        " AND object_id IN (SELECT id FROM payments WHERE state = 'expired' OR state = 'requires_action')",
        ("E1", "the last event tells the present state"),
    ),
    "less was taken than was asked": (
        "UPDATE payments SET short_amount = 1 WHERE state = 'succeeded' AND NOT capture_later",
        ("P12", "what was taken is what was asked"),
    ),
    "a dispute is no longer held": (
        "UPDATE payments SET disputed_amount = 0 WHERE disputed_amount > 0",
        ("L4", "disputed amounts equal the disputes"),
    ),
    "a refund was never booked": (
        "DELETE FROM journals WHERE kind = 'refund_paid'",
        ("L3", "a refund is promised once, and paid or dropped once"),
    ),
    "a key names nothing": (
        "UPDATE idempotency_keys SET resource_id = 'pay_gone' WHERE resource_id LIKE 'pay%'",
        ("I1", "a key names one effect that exists"),
    ),
    "keys are forgotten too early": (
        "DELETE FROM idempotency_keys",
        ("I3", "a key outlives every automatic retry"),
    ),
    "an event is missing": (
        "DELETE FROM events WHERE type = 'payment.requires_action'",
        ("E1", "every change has its event, and the reverse"),
    ),
    "a quarantined callback has no case": (
        "DELETE FROM cases",
        ("E4", "a callback waits, was applied, or has a case"),
    ),
    "a guard is switched off": (
        "ALTER TABLE payments DISABLE TRIGGER payments_move_up",
        ("P11", "the database's guards are in force"),
    ),
    "a money table would not survive a crash": (
        "ALTER TABLE webhook_tries SET UNLOGGED; ALTER TABLE idempotency_keys SET UNLOGGED",
        ("D1", "money tables survive a crash"),
    ),
}

HELD_BY_CONSTRAINT = {
    ("P5", "one attempt at most counts as the payment's success"): "attempts_one_success",
    ("P10", "a reference stands for one intent"): "attempts_merchant_id_provider_account_id_reference_key",
    ("P11", "states only moved up"): "events_append_only",
    ("P13", "what nobody can tell is asked about again"): "attempts_check",
    ("I1", "an effect has one key"): "instructions_pkey",
    ("I2", "a key is bound to its words"): "idempotency_keys_fingerprint_check",
    ("E2", "a delivery waits, was made, or is dead"): "webhook_deliveries_check",
    (
        "E3",
        "a callback is kept once however often it comes",
    ): "inbox_merchant_id_provider_account_id_event_key_key",
    ("D6", "an open payment waits for a time"): "payments_check",
}
"""What even planted damage cannot do: a constraint or a unique index of the table stands before it."""


@pytest.mark.parametrize("name", DAMAGE)
async def test_the_check_finds_that(name: str, database: Database, shop: Shop) -> None:
    statement, expected = DAMAGE[name]
    await damage(database, statement)
    assert expected in broken(await check_invariants(database))


def test_every_check_of_this_room_is_tried_or_held_by_a_constraint() -> None:
    """Those of the audit log are tried in tests/storage/audit/test_a2.py, A3 in test_row_security.py."""
    tried = {expected for _, expected in DAMAGE.values()} | set(HELD_BY_CONSTRAINT)
    ours = {(check.invariant, check.says) for check in CHECKS if check not in (*BOOKS, *AUDIT)}
    ours = {(invariant, says) for invariant, says in ours if invariant != "A3"}
    assert ours - tried == set()


async def test_the_constraints_that_are_relied_on_exist(database: Database) -> None:
    async with database.read() as reader:
        rows = await reader.fetch(
            "SELECT conname AS name FROM pg_constraint UNION SELECT indexname FROM pg_indexes"
            " UNION SELECT tgname FROM pg_trigger"
        )
    names = {row["name"] for row in rows}
    assert {one for one in HELD_BY_CONSTRAINT.values() if one not in names} == set()


def test_every_invariant_of_the_specification_is_checked_or_held_by_a_named_test() -> None:
    specified = (
        [f"L{n}" for n in range(1, 7)]
        + [f"P{n}" for n in range(1, 14)]
        + [f"I{n}" for n in range(1, 4)]
        + [f"E{n}" for n in range(1, 6)]
        + [f"D{n}" for n in range(1, 8)]
        + ["A1", "A2"]
    )
    known = {check.invariant for check in CHECKS} | set(HELD_BY_TESTS)
    assert [one for one in specified if one not in known] == []


async def test_the_command_names_each_invariant_and_exits_with_1_on_damage(
    database: Database, database_dsn: str, shop: Shop
) -> None:
    runner, app = CliRunner(), build(HouseWiring())
    told = await asyncio.to_thread(
        runner.invoke, app, ["check", "invariants", "--database", database_dsn, "--json"]
    )
    report = json.loads(told.stdout)
    assert told.exit_code == 0 and report["ok"] is True
    assert {check["invariant"] for check in report["checks"]} >= {"L1", "P3", "P13", "I1", "E1", "D1"}
    await damage(database, DAMAGE["a refund under way is forgotten"][0])
    told = await asyncio.to_thread(runner.invoke, app, ["check", "invariants", "--database", database_dsn])
    assert told.exit_code == 1 and "P3" in told.stdout and "pay_" in told.stdout
