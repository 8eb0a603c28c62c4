"""`verify` finds whatever is wrong with the books, also what came past the guards.

A superuser can switch the guards off (`session_replication_role = replica`), and so can a restored or copied
database. Each test damages sound books in one way and expects that way to be named.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from quickkub.kernel.ids import PaymentId, new_id
from quickkub.kernel.money import baht
from quickkub.ledger import book, verify
from quickkub.ledger.checks import CHECKS, GUARDS
from quickkub.ledger.recipes import payment_received, reversal_of, unapplied_received
from quickkub.ledger.store import journals_about
from quickkub.ledger.verify import KEPT_MAX, NoBooks
from quickkub.storage import Connection, Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.postgres import AS_OWNER
from tests.support.rows import NOON, Shop, add_attempt, add_payment, add_receipt, add_shop


@dataclass(frozen=True, slots=True)
class SoundBooks:
    """A payment of 150 baht, the same QR paid a second time, and the second booking reversed."""

    shop: Shop
    payment: PaymentId
    receipt: str
    unapplied: str


@pytest.fixture
async def sound(database: Database) -> SoundBooks:
    async with database.transaction() as tx:
        shop = await add_shop(tx)
        payment = await add_payment(tx, shop, state="succeeded", captured_amount=15_000)
        attempt = await add_attempt(tx, shop, payment, state="succeeded")
        receipt = await add_receipt(tx, shop, payment, attempt)
        unapplied = await add_receipt(tx, shop, payment, attempt, applied=False)
        await book_payment(tx, shop, payment, receipt)
        extra = unapplied_received(
            unapplied, payment, provider="scb", account_id=shop.account_id, gross=baht(150), paid_at=NOON
        )
        await book(tx, shop.merchant, "test", extra)
        (booked,) = await journals_about(tx, shop.merchant, "test", "receipt", unapplied)
        await book(tx, shop.merchant, "test", reversal_of(booked, "sent back", NOON))
    return SoundBooks(shop, payment, receipt, unapplied)


async def book_payment(tx: Connection, shop: Shop, payment: PaymentId, receipt: str) -> None:
    journal = payment_received(
        receipt,
        payment,
        provider="scb",
        account_id=shop.account_id,
        gross=baht(150),
        fee=baht("3.98"),
        fee_vat=baht("0.28"),
        paid_at=NOON,
    )
    await book(tx, shop.merchant, "test", journal)


async def past_the_guards(database: Database, *statements: str) -> None:
    """Do what no trigger and no foreign key is asked about."""
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await tx.execute(statement)


async def broken(database: Database) -> set[str]:
    """What verify says must be true and is not."""
    report = await verify(database)
    assert report.broken == len(report.violations)
    return {finding.check.says for finding in report.findings if finding.broken}


async def test_sound_books_are_in_order_and_every_row_was_read(database: Database, sound: SoundBooks) -> None:
    report = await verify(database)
    assert report.violations == []
    assert {finding.check.reads: finding.rows for finding in report.findings} == {
        "journals": 3,
        "entries": 8,
        "receipts": 2,
        "payments": 1,
        "guards": len(GUARDS),
    }


async def test_an_empty_database_is_in_order(database: Database) -> None:
    assert await broken(database) == set()


async def test_a_database_without_a_ledger_is_refused(postgres_dsn: str) -> None:
    bare = await open_database(postgres_dsn, size_max=1, scope=HOUSE)
    try:
        with pytest.raises(NoBooks):
            await verify(bare)
    finally:
        await bare.close()


BALANCED = "every journal has its lines, at least two, and sums to zero"
HAS_JOURNAL = "every entry belongs to a journal"
IN_CHART = "every account is in the chart"
CORRECTS = "a correction names what it corrects; a reversal is its opposite"
GUARDED = "the guards of the books are in force"
ONCE = "a fact is booked at most once"
ENTRY_MODES = "entries are in their journal's mode"
RECEIPT_MODES = "receipts are in the mode of payment, attempt and account"
ONE_JOURNAL = "every receipt is booked by exactly one journal"
HAS_RECEIPT = "every booked receipt exists"
IN_FULL = "receipts are booked in full, in their mode and on their account"
CAPTURED = "payments have captured what their applied receipts say"
OF_ATTEMPT = "receipts belong to the payment, provider and account of their attempt"

OF_RECEIPT = "(SELECT id FROM journals WHERE source_id = (SELECT id FROM receipts WHERE applied))"

DAMAGES: dict[str, tuple[str, set[str]]] = {
    "one satang is added to an entry": (
        f"UPDATE entries SET amount = amount + 1 WHERE line = 3 AND journal_id = {OF_RECEIPT}",
        {BALANCED},
    ),
    "an entry is moved to another currency": (
        f"UPDATE entries SET currency = 'USD' WHERE line = 3 AND journal_id = {OF_RECEIPT}",
        {BALANCED, IN_FULL},
    ),
    "an entry is removed": (
        f"DELETE FROM entries WHERE line = 4 AND journal_id = {OF_RECEIPT}",
        {BALANCED},
    ),
    "all entries of a journal are removed": (
        f"DELETE FROM entries WHERE journal_id = {OF_RECEIPT}",
        {BALANCED, IN_FULL},
    ),
    "two entries that cancel each other are slipped in": (
        "INSERT INTO entries SELECT merchant_id, journal_id, line + 4, 6, mode, account, amount * 5, currency"
        f" FROM entries WHERE line <= 2 AND journal_id = {OF_RECEIPT};"
        " UPDATE entries SET amount = -75000 WHERE line = 6",
        {BALANCED, IN_FULL},
    ),
    "a journal is removed and its entries stay": (
        f"DELETE FROM journals WHERE id = {OF_RECEIPT}",
        {HAS_JOURNAL, ONE_JOURNAL},
    ),
    "a journal is removed with its entries": (
        f"DELETE FROM entries WHERE journal_id = {OF_RECEIPT};"
        " DELETE FROM journals j WHERE NOT EXISTS (SELECT FROM entries WHERE journal_id = j.id)",
        {ONE_JOURNAL},
    ),
    "an entry is moved to an account that is not in the chart": (
        f"UPDATE entries SET account = 'merchant:mine' WHERE line = 3 AND journal_id = {OF_RECEIPT}",
        {IN_CHART},
    ),
    "an entry is moved to live": (
        f"UPDATE entries SET mode = 'live' WHERE line = 3 AND journal_id = {OF_RECEIPT}",
        {ENTRY_MODES},
    ),
    "a journal is moved to live": (
        f"UPDATE journals SET mode = 'live' WHERE id = {OF_RECEIPT}",
        {ENTRY_MODES, IN_FULL},
    ),
    "a journal is moved to live with its entries": (
        f"UPDATE entries SET mode = 'live' WHERE journal_id = {OF_RECEIPT};"
        f" UPDATE journals SET mode = 'live' WHERE id = {OF_RECEIPT}",
        {IN_FULL},
    ),
    "a receipt is moved to live": (
        "UPDATE receipts SET mode = 'live' WHERE applied",
        {RECEIPT_MODES, IN_FULL},
    ),
    "a payment is moved to live": ("UPDATE payments SET mode = 'live'", {RECEIPT_MODES}),
    "a receipt is removed": ("DELETE FROM receipts WHERE applied", {HAS_RECEIPT, CAPTURED}),
    "a receipt grows": (
        "UPDATE receipts SET amount = 15001, applied_amount = 15001 WHERE applied",
        {IN_FULL, CAPTURED},
    ),
    "an unapplied receipt becomes an applied one": (
        "UPDATE receipts SET applied = NOT applied, applied_amount = amount - applied_amount",
        {IN_FULL},
    ),
    "a receipt is booked on the account of another provider": (
        "UPDATE entries SET account = 'provider:kbank:acc_1:receivable'"
        f" WHERE line = 1 AND journal_id = {OF_RECEIPT}",
        {IN_FULL},
    ),
    "a receipt moves to another provider": (
        "UPDATE receipts SET provider = 'kbank' WHERE applied",
        {IN_FULL, OF_ATTEMPT},
    ),
    "a receipt is booked under another kind": (
        f"UPDATE journals SET kind = 'gift' WHERE id = {OF_RECEIPT}",
        {IN_FULL},
    ),
    "a receipt is booked under a second kind, too": (
        "INSERT INTO journals SELECT merchant_id, 'jrn_' || repeat('f', 32), mode, 'gift', source_kind,"
        f" source_id, description, lines, occurred_at FROM journals WHERE id = {OF_RECEIPT};"
        " INSERT INTO entries SELECT merchant_id, 'jrn_' || repeat('f', 32), line, of_lines, mode, account,"
        f" amount, currency FROM entries WHERE journal_id = {OF_RECEIPT.replace('id', 'min(id)', 1)}",
        {ONE_JOURNAL, IN_FULL},
    ),
    "a payment says it captured less": ("UPDATE payments SET captured_amount = 14999", {CAPTURED}),
    "a payment says it failed although it was paid": (
        "UPDATE payments SET state = 'failed', paid_at = NULL",
        {CAPTURED},
    ),
    "a payment says it was paid and no receipt is applied": (
        "UPDATE receipts SET applied = false, applied_amount = 0 WHERE applied",
        {CAPTURED, IN_FULL},
    ),
    "a payment asks for another amount than it got": (
        "UPDATE payments SET amount = 16000",
        {CAPTURED},
    ),
    "a payment is removed": ("DELETE FROM payments", {OF_ATTEMPT, RECEIPT_MODES}),
    "an attempt is moved to another payment": (
        "UPDATE attempts SET payment_id = 'pay_2'",
        {OF_ATTEMPT},
    ),
    "a reversal is no longer the opposite": (
        "UPDATE entries SET account = 'rounding' WHERE line = 2 AND journal_id ="
        " (SELECT id FROM journals WHERE kind = 'reversal')",
        {CORRECTS},
    ),
    "what was reversed is gone": (
        "UPDATE journals SET source_id = 'jrn_gone' WHERE kind = 'reversal'",
        {CORRECTS},
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_verify_finds_that(database: Database, sound: SoundBooks, damage: str) -> None:
    statements, named = DAMAGES[damage]
    await past_the_guards(database, *statements.split(";"))
    assert await broken(database) == named


GUARD_DAMAGES = [
    "DROP TRIGGER journals_balance ON journals",
    "DROP TRIGGER receipts_append_only ON receipts",
    "ALTER TABLE journals DISABLE TRIGGER journals_append_only",
    "ALTER TABLE entries ENABLE REPLICA TRIGGER entries_append_only",
    "ALTER TABLE entries DROP CONSTRAINT entries_merchant_id_journal_id_mode_of_lines_fkey",
    "ALTER TABLE entries DROP CONSTRAINT entries_check",
    "ALTER TABLE receipts DROP CONSTRAINT receipts_merchant_id_provider_account_id_transaction_id_key",
]


@pytest.mark.parametrize("statement", GUARD_DAMAGES)
async def test_a_guard_that_is_gone_is_named(database: Database, sound: SoundBooks, statement: str) -> None:
    await past_the_guards(database, statement)
    assert await broken(database) == {GUARDED}


async def test_foreign_keys_that_are_switched_off_are_named(database: Database, sound: SoundBooks) -> None:
    await past_the_guards(database, "ALTER TABLE entries DISABLE TRIGGER ALL")
    report = await verify(database)
    named = {found.what for found in report.violations}
    by_trigger = ("FOREIGN KEY", "entries_")
    assert named == {name for table, name in GUARDS if table == "entries" and name.startswith(by_trigger)}
    assert {found.details["is"] for found in report.violations} == {"off"}


async def test_without_its_unique_key_a_fact_is_booked_twice_and_found(
    database: Database, sound: SoundBooks
) -> None:
    await past_the_guards(
        database,
        "ALTER TABLE journals DROP CONSTRAINT journals_merchant_id_source_kind_source_id_kind_key",
        "UPDATE journals SET source_id = (SELECT id FROM receipts WHERE applied)"
        " WHERE source_kind = 'receipt'",
    )
    assert await broken(database) == {GUARDED, ONCE, ONE_JOURNAL, IN_FULL}


async def test_without_its_trigger_an_unbalanced_journal_is_kept_and_found(
    database: Database, sound: SoundBooks
) -> None:
    async with database.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("DROP TRIGGER journals_balance ON journals")
        await tx.execute(
            "INSERT INTO journals VALUES ($1, $2, 'test', 'gift', 'case', 'case_1', '-', 2, now())",
            sound.shop.merchant,
            new_id("jrn"),
        )
    assert await broken(database) == {GUARDED, BALANCED}


async def test_without_its_checks_a_journal_of_one_line_of_nothing_is_kept_and_found(
    database: Database, sound: SoundBooks
) -> None:
    await past_the_guards(
        database,
        "ALTER TABLE journals DROP CONSTRAINT journals_lines_check",
        "ALTER TABLE entries DROP CONSTRAINT entries_amount_check",
        "INSERT INTO journals SELECT merchant_id, 'jrn_' || repeat('0', 32), 'test', 'gift', 'case',"
        " 'case_1', '-', 1, now() FROM journals LIMIT 1",
        "INSERT INTO entries SELECT merchant_id, 'jrn_' || repeat('0', 32), 1, 1, 'test', 'rounding', 0,"
        " 'THB' FROM journals LIMIT 1",
    )
    assert await broken(database) == {GUARDED, BALANCED}


async def test_every_check_has_a_damage_that_only_it_or_few_find() -> None:
    """A check nobody can make fail is no check."""
    named = {GUARDED, ONCE}.union(*(says for _, says in DAMAGES.values()))
    assert named == {check.says for check in CHECKS}


async def test_a_violation_says_whose_what_and_by_how_much(database: Database, sound: SoundBooks) -> None:
    await past_the_guards(database, DAMAGES["one satang is added to an entry"][0])
    (found,) = (await verify(database)).violations
    assert (found.invariant, found.merchant) == ("L1", sound.shop.merchant)
    assert found.details == {"lines": 4, "written": 4, "out_by": {"THB": 1}}


async def test_all_violations_are_counted_and_the_first_are_kept(
    database: Database, sound: SoundBooks
) -> None:
    await past_the_guards(
        database,
        f"INSERT INTO entries SELECT '{sound.shop.merchant}', 'jrn_gone', n, 500, 'test', 'rounding', 1,"
        " 'THB' FROM generate_series(1, 450) n",
    )
    (finding,) = [one for one in (await verify(database)).findings if one.broken]
    assert (finding.broken, len(finding.violations)) == (450, KEPT_MAX)


async def test_a_report_is_about_one_moment(database: Database, sound: SoundBooks) -> None:
    """What happens while verify reads belongs to the next report, all of it."""
    async with database.transaction() as tx:
        # One of the later checks reads this table and has to wait; by then the snapshot is taken.
        await tx.execute("LOCK TABLE provider_accounts IN ACCESS EXCLUSIVE MODE")
        report = asyncio.create_task(verify(database))
        await until_somebody_waits_for_a_lock(database)
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("DELETE FROM receipts WHERE applied")
    assert (await report).broken == 0
    assert await broken(database) == {HAS_RECEIPT, CAPTURED}


async def until_somebody_waits_for_a_lock(database: Database) -> None:
    async with asyncio.timeout(10), database.read() as reader:
        while not await reader.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.01)


async def test_a_database_that_takes_no_writes_can_be_verified(
    database: Database, database_dsn: str, sound: SoundBooks
) -> None:
    async with database.transaction() as tx:
        name = await tx.fetchval("SELECT current_database()")
        await tx.execute(AS_OWNER)
        await tx.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    standby = await open_database(database_dsn, size_max=1, scope=HOUSE)
    try:
        assert await broken(standby) == set()
    finally:
        await standby.close()
