"""`quickkub ledger verify` and `balances`, as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from typer.testing import CliRunner, Result

from quickkub.cli.ledger import app
from quickkub.kernel.money import Rate, baht
from quickkub.ledger import book
from quickkub.ledger.recipes import payment_received
from quickkub.storage import Database
from tests.support.postgres import AS_OWNER
from tests.support.rows import NOON, Shop, add_attempt, add_payment, add_receipt, add_shop


@dataclass
class OneDatabase:
    """The wiring of a program that knows one database."""

    dsn: str
    asked: list[str | None] = field(default_factory=list)

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        self.asked.append(explicit)
        yield explicit or self.dsn


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop that was paid 150 baht."""
    async with database.transaction() as tx:
        shop = await add_shop(tx)
        payment = await add_payment(tx, shop, state="succeeded", captured_amount=15_000)
        attempt = await add_attempt(tx, shop, payment, state="succeeded")
        receipt = await add_receipt(tx, shop, payment, attempt)
        fee = Rate.percent("2.65").of(baht(150))
        journal = payment_received(
            receipt,
            payment,
            provider="scb",
            account_id=shop.account_id,
            gross=baht(150),
            fee=fee,
            fee_vat=Rate.percent("7").of(fee),
            paid_at=NOON,
        )
        await book(tx, shop.merchant, "test", journal)
    return shop


async def run(dsn: str, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=OneDatabase(dsn))


async def lose_a_satang(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("UPDATE entries SET amount = amount + 1 WHERE line = 3")


async def test_sound_books_are_told_with_the_rows_that_were_read(database_dsn: str, shop: Shop) -> None:
    result = await run(database_dsn, "verify")
    assert result.exit_code == 0
    assert "The books are in order." in result.stdout
    assert "4 entries" in result.stdout


async def test_a_lost_satang_ends_with_1_and_names_the_journal(
    database: Database, database_dsn: str, shop: Shop
) -> None:
    await lose_a_satang(database)
    result = await run(database_dsn, "verify")
    assert result.exit_code == 1
    assert f"L1 {shop.merchant} jrn_" in result.stdout
    assert '"out_by": {"THB": 1}' in result.stdout
    assert "1 broken" in result.stdout


async def test_verify_speaks_json_to_programs(database: Database, database_dsn: str, shop: Shop) -> None:
    sound = json.loads((await run(database_dsn, "verify", "--json")).stdout)
    await lose_a_satang(database)
    damaged = json.loads((await run(database_dsn, "verify", "--json")).stdout)
    assert (sound["ok"], damaged["ok"]) == (True, False)
    (found,) = [violation for check in damaged["checks"] for violation in check["violations"]]
    assert found["merchant"] == shop.merchant
    assert found["details"]["out_by"] == {"THB": 1}


async def test_the_trial_balance_has_equal_sides(database_dsn: str, shop: Shop) -> None:
    result = await run(database_dsn, "balances", "--merchant", shop.merchant)
    assert result.exit_code == 0
    total = next(line.split() for line in result.stdout.splitlines() if "total THB" in line)
    assert total.count("150.00") == 2


async def test_balances_speak_json_to_programs(database_dsn: str, shop: Shop) -> None:
    (books,) = json.loads((await run(database_dsn, "balances", "--json")).stdout)
    assert (books["merchant"], books["mode"]) == (shop.merchant, "test")
    assert {one["account"]: one["amount"] for one in books["balances"]}["merchant:payable"] == -14_574


async def test_damaged_books_are_still_shown(database: Database, database_dsn: str, shop: Shop) -> None:
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("UPDATE entries SET account = 'merchant:mine' WHERE line = 2")
    result = await run(database_dsn, "balances")
    assert result.exit_code == 0
    assert "(not in the chart)" in result.stdout


async def test_a_merchant_without_books_has_no_balances(database_dsn: str, shop: Shop) -> None:
    result = await run(database_dsn, "balances", "--merchant", "mer_unknown")
    assert result.stdout == "Nothing is booked.\n"


async def test_the_database_that_is_named_is_the_one_that_is_read(database_dsn: str, shop: Shop) -> None:
    wiring = OneDatabase("postgresql://nowhere")
    result = await asyncio.to_thread(
        CliRunner().invoke, app, ["verify", "--database", database_dsn], obj=wiring
    )
    assert (result.exit_code, wiring.asked) == (0, [database_dsn])


async def test_a_database_that_cannot_be_read_ends_with_2(postgres_dsn: str) -> None:
    result = await run(postgres_dsn, "verify")
    assert result.exit_code == 2
    assert result.stderr.startswith("ledger_missing: ")
