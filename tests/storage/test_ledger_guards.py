"""The tables of the books refuse what the rooms never do (L1, L2, L3, L6)."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from tests.support.postgres import AS_OWNER
from tests.support.rows import NOON, Shop, add_shop, insert


@pytest.fixture
async def shop(pool: asyncpg.Pool[Any]) -> Shop:
    async with pool.acquire() as connection:
        return await add_shop(connection)


async def write(
    tx: Any, shop: Shop, *amounts: int | tuple[int, str], lines: int | None = None, **values: Any
) -> str:
    """A journal with these entries, in baht unless a currency is said."""
    journal = new_id("jrn")
    of_lines = len(amounts) if lines is None else lines
    journals: dict[str, Any] = {
        "mode": shop.mode,
        "kind": "money_received",
        "source_kind": "receipt",
        "source_id": new_id("rcp"),
        "description": "a test",
        "occurred_at": NOON,
    }
    await insert(tx, "journals", merchant_id=shop.merchant, id=journal, lines=of_lines, **(journals | values))
    for line, amount in enumerate(amounts, start=1):
        await add_entry(tx, shop, journal, line, of_lines, amount)
    return journal


async def add_entry(
    tx: Any, shop: Shop, journal: str, line: int, of_lines: int, amount: int | tuple[int, str], **values: Any
) -> None:
    minor, currency = (amount, "THB") if isinstance(amount, int) else amount
    entry: dict[str, Any] = {"mode": shop.mode, "account": "merchant:payable", "amount": minor}
    await insert(
        tx,
        "entries",
        merchant_id=shop.merchant,
        journal_id=journal,
        line=line,
        of_lines=of_lines,
        currency=currency,
        **(entry | values),
    )


async def journals_in(database: Database) -> int:
    async with database.read() as reader:
        return int(await reader.fetchval("SELECT count(*) FROM journals"))


async def test_a_balanced_journal_is_kept(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await write(tx, shop, 15_000, -14_574, -398, -28)
    assert await journals_in(database) == 1


@pytest.mark.parametrize(
    "amounts",
    [(15_000, -14_999), (1, 1), ((100, "THB"), (-100, "USD")), (2**62, 2**62, 2**62, 2**62)],
    ids=["one satang out", "two debits", "two currencies", "a sum beyond 64 bits"],
)
async def test_a_journal_that_is_out_is_refused_at_commit(
    database: Database, shop: Shop, amounts: tuple[Any, ...]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="L1"):
        async with database.transaction() as tx:
            await write(tx, shop, *amounts)
    assert await journals_in(database) == 0


@pytest.mark.parametrize(("said", "amounts"), [(2, ()), (3, (100, -100)), (2, (100,))])
async def test_a_journal_with_fewer_entries_than_it_says_is_refused(
    database: Database, shop: Shop, said: int, amounts: tuple[int, ...]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="L1"):
        async with database.transaction() as tx:
            await write(tx, shop, *amounts, lines=said)


async def test_a_journal_of_one_line_is_refused(database: Database, shop: Shop) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="journals_lines_check"):
        async with database.transaction() as tx:
            await write(tx, shop, 100, lines=1)


async def test_an_entry_of_nothing_is_refused(database: Database, shop: Shop) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="entries_amount_check"):
        async with database.transaction() as tx:
            await write(tx, shop, 100, -100, 0)


@pytest.mark.parametrize(
    ("line", "of_lines", "refusal"),
    [
        (3, 2, asyncpg.CheckViolationError),
        (2, 2, asyncpg.UniqueViolationError),
        (0, 2, asyncpg.CheckViolationError),
        (3, 3, asyncpg.ForeignKeyViolationError),
    ],
)
async def test_no_entry_can_be_added_to_a_journal_later(
    database: Database, shop: Shop, line: int, of_lines: int, refusal: type[Exception]
) -> None:
    async with database.transaction() as tx:
        journal = await write(tx, shop, 100, -100)
    with pytest.raises(refusal):
        async with database.transaction() as tx:
            await add_entry(tx, shop, journal, line, of_lines, 5)


async def test_an_entry_without_a_journal_is_refused(database: Database, shop: Shop) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as tx:
            await add_entry(tx, shop, new_id("jrn"), 1, 2, 100)


async def test_live_and_test_money_cannot_meet_in_a_journal(database: Database, shop: Shop) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as tx:
            journal = await write(tx, shop, 100, lines=2)
            await add_entry(tx, shop, journal, 2, 2, -100, mode="live")


async def test_two_merchants_cannot_meet_in_a_journal(database: Database, shop: Shop) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as tx:
            neighbour = await add_shop(tx)
            journal = await write(tx, shop, 100, lines=2)
            await add_entry(tx, neighbour, journal, 2, 2, -100)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET amount = amount + 1",
        "UPDATE entries SET account = 'merchant:unapplied'",
        "UPDATE journals SET description = 'better words'",
        "UPDATE journals SET booked_at = booked_at - interval '1 day'",
        "DELETE FROM entries",
        "DELETE FROM journals",
        "TRUNCATE entries",
        "TRUNCATE journals, entries",
        "TRUNCATE merchants CASCADE",
        "INSERT INTO journals SELECT * FROM journals ON CONFLICT (merchant_id, id) DO UPDATE SET lines = 3",
    ],
)
async def test_what_is_booked_is_never_changed_or_removed(
    database: Database, shop: Shop, statement: str
) -> None:
    """By their owner it is refused by triggers; by the gateway, because it has no right to."""
    async with database.transaction() as tx:
        await write(tx, shop, 100, -100)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        async with database.transaction() as tx:
            await tx.execute(AS_OWNER)
            await tx.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with database.transaction() as tx:
            await tx.execute(statement)
    async with database.read() as reader:
        assert await reader.fetchval("SELECT sum(abs(amount)) FROM entries") == 200


async def test_a_fact_is_booked_once_even_in_the_other_mode(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await write(tx, shop, 100, -100, source_id="rcp_1")
    for mode in ("test", "live"):
        with pytest.raises(asyncpg.UniqueViolationError):
            async with database.transaction() as tx:
                await write(tx, shop, lines=2, source_id="rcp_1", mode=mode)
    assert await journals_in(database) == 1


async def test_two_merchants_may_have_facts_of_the_same_name(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        for one in (shop, await add_shop(tx)):
            await write(tx, one, 100, -100, source_id="rcp_1")
    assert await journals_in(database) == 2


async def test_a_temporary_table_of_the_same_name_does_not_deceive_the_guard(
    database: Database, shop: Shop
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="has 1 of 2 entries"):
        async with database.transaction() as tx:
            journal = await write(tx, shop, 100, lines=2)
            await tx.execute("CREATE TEMPORARY TABLE entries (LIKE entries) ON COMMIT DROP")
            for line, amount in ((1, 100), (2, -100)):
                await add_entry(tx, shop, journal, line, 2, amount)


async def test_the_guard_counts_before_it_lets_go_however_it_is_asked(database: Database, shop: Shop) -> None:
    """`SET CONSTRAINTS ... IMMEDIATE` brings the check forward; afterwards no line number is free."""
    with pytest.raises(asyncpg.CheckViolationError, match="L1"):
        async with database.transaction() as tx:
            await write(tx, shop, 100, lines=2)
            await tx.execute("SET CONSTRAINTS ALL IMMEDIATE")
