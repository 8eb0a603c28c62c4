"""Booking: a fact once, the same again is no news, another story about it is refused; balances are sums."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quickkub.kernel.ids import PaymentId, new_id
from quickkub.kernel.money import JPY, Money, baht
from quickkub.ledger import BookedDifferently, Booking, Journal, JournalId, book, credit, debit
from quickkub.ledger.chart import MERCHANT_PAYABLE, MERCHANT_UNAPPLIED, provider_receivable
from quickkub.ledger.recipes import correction_of, payment_received, reversal_of, unapplied_received
from quickkub.ledger.store import balance, balances, journals_about, merchants_with_books
from quickkub.storage import Connection, Database
from tests.support.rows import NOON, Shop, add_shop

PAYMENT = PaymentId("pay_1")
GROSS = baht(150)
FEE = baht("3.98")

SOMEBODY_WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())
"""


@pytest.fixture
async def shop(pool: asyncpg.Pool[Any]) -> Shop:
    async with pool.acquire() as connection:
        return await add_shop(connection)


def payment(shop: Shop, receipt: str = "rcp_1", gross: Money = GROSS, fee: Money = FEE) -> Journal:
    return payment_received(
        receipt,
        PAYMENT,
        provider="scb",
        account_id=shop.account_id,
        gross=gross,
        fee=fee,
        fee_vat=baht("0.28"),
        paid_at=NOON,
    )


def unapplied(shop: Shop, receipt: str = "rcp_1") -> Journal:
    return unapplied_received(
        receipt, PAYMENT, provider="scb", account_id=shop.account_id, gross=baht(150), paid_at=NOON
    )


async def books(database: Database, shop: Shop, journal: Journal, mode: str = "test") -> Booking:
    async with database.transaction() as tx:
        return await book(tx, shop.merchant, mode, journal)


async def count(reader: Connection, table: str) -> int:
    return int(await reader.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_payment_of_150_baht_shows_in_the_balances(database: Database, shop: Shop) -> None:
    await books(database, shop, payment(shop))
    async with database.read() as reader:
        found = {one.account: one.amount for one in await balances(reader, shop.merchant, "test")}
        assert await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE) == -baht("145.74")
    assert found == {
        provider_receivable("scb", shop.account_id): baht(150),
        "merchant:payable": -baht("145.74"),
        "fees:earned": -baht("3.98"),
        "tax:output_vat": -baht("0.28"),
    }


async def test_an_account_without_entries_has_a_balance_of_nothing(database: Database, shop: Shop) -> None:
    async with database.read() as reader:
        assert await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE) == baht(0)
        assert await balances(reader, shop.merchant, "test") == []
        assert await merchants_with_books(reader) == []


async def test_what_is_booked_reads_back_as_it_was(database: Database, shop: Shop) -> None:
    written = await books(database, shop, payment(shop))
    async with database.read() as reader:
        (found,) = await journals_about(reader, shop.merchant, "test", "receipt", "rcp_1")
        assert await journals_about(reader, shop.merchant, "live", "receipt", "rcp_1") == []
    assert (found.id, found.journal) == (written.journal_id, payment(shop))


async def test_the_same_fact_told_twice_is_one_journal(database: Database, shop: Shop) -> None:
    first = await books(database, shop, payment(shop))
    again = await books(database, shop, payment(shop))
    assert (first.new, again) == (True, Booking(first.journal_id, new=False))
    async with database.read() as reader:
        assert (await count(reader, "journals"), await count(reader, "entries")) == (1, 4)


async def test_the_same_fact_told_twice_in_one_transaction_is_one_journal(
    database: Database, shop: Shop
) -> None:
    async with database.transaction() as tx:
        first = await book(tx, shop.merchant, "test", payment(shop))
        again = await book(tx, shop.merchant, "test", payment(shop))
    assert again == Booking(first.journal_id, new=False)


async def test_a_fact_told_with_its_lines_in_another_order_and_a_minute_later_is_the_same_fact(
    database: Database, shop: Shop
) -> None:
    told = payment(shop)
    first = await books(database, shop, told)
    later = told.occurred_at + timedelta(minutes=1)
    reordered = Journal(told.kind, "receipt", "rcp_1", "told again", later, told.lines[::-1])
    assert (await books(database, shop, reordered)).journal_id == first.journal_id


async def test_another_amount_for_a_booked_fact_is_refused(database: Database, shop: Shop) -> None:
    await books(database, shop, payment(shop))
    with pytest.raises(BookedDifferently, match=r"fees:earned 3\.98 THB.*fees:earned 3\.97 THB"):
        await books(database, shop, payment(shop, fee=baht("3.97")))
    async with database.read() as reader:
        assert await count(reader, "journals") == 1


async def test_applied_money_cannot_be_booked_as_unapplied_too(database: Database, shop: Shop) -> None:
    await books(database, shop, payment(shop))
    with pytest.raises(BookedDifferently):
        await books(database, shop, unapplied(shop))


async def test_a_fact_of_test_mode_cannot_be_booked_as_live(database: Database, shop: Shop) -> None:
    await books(database, shop, payment(shop))
    with pytest.raises(BookedDifferently, match="in live mode"):
        await books(database, shop, payment(shop), mode="live")


async def test_two_connections_booking_the_same_fact_at_once_make_one_journal(
    database: Database, shop: Shop
) -> None:
    results = await asyncio.gather(*(books(database, shop, payment(shop)) for _ in range(8)))
    assert [result.new for result in results].count(True) == 1
    assert len({result.journal_id for result in results}) == 1
    async with database.read() as reader:
        assert (await count(reader, "journals"), await count(reader, "entries")) == (1, 4)


async def test_a_second_booking_waits_and_then_writes_when_the_first_is_rolled_back(
    database: Database, pool: asyncpg.Pool[Any], shop: Shop
) -> None:
    async with database.read() as first:
        attempt = first.transaction()
        await attempt.start()
        await book(first, shop.merchant, "test", payment(shop))
        second = asyncio.create_task(books(database, shop, payment(shop)))
        await until_somebody_waits_for_a_lock(pool)
        await attempt.rollback()
    assert (await second).new


async def until_somebody_waits_for_a_lock(pool: asyncpg.Pool[Any]) -> None:
    """The gateway itself is told nothing of what other sessions do."""
    async with asyncio.timeout(10):
        while not await pool.fetchval(SOMEBODY_WAITS):
            await asyncio.sleep(0.01)


async def test_a_booking_that_is_rolled_back_leaves_nothing(database: Database, shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await book(tx, shop.merchant, "test", payment(shop))
            raise ZeroDivisionError
    async with database.read() as reader:
        assert (await count(reader, "journals"), await count(reader, "entries")) == (0, 0)


async def test_a_mistake_is_reversed_once_and_then_booked_right(database: Database, shop: Shop) -> None:
    await books(database, shop, payment(shop, fee=baht(9)))
    async with database.transaction() as tx:
        (mistake,) = await journals_about(tx, shop.merchant, "test", "receipt", "rcp_1")
        assert (await book(tx, shop.merchant, "test", reversal_of(mistake, "wrong fee", NOON))).new
        assert not (await book(tx, shop.merchant, "test", reversal_of(mistake, "wrong fee", NOON))).new
        (reversal,) = await journals_about(tx, shop.merchant, "test", "journal", mistake.id)
        right = correction_of(reversal, payment(shop).lines, "fee plan of November", NOON)
        await book(tx, shop.merchant, "test", right)
    async with database.read() as reader:
        assert await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE) == -baht("145.74")


async def test_modes_currencies_and_merchants_have_books_of_their_own(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        neighbour = await add_shop(tx)
        await book(tx, shop.merchant, "test", payment(shop, "rcp_1"))
        await book(tx, shop.merchant, "live", payment(shop, "rcp_2", gross=baht(100)))
        await book(tx, neighbour.merchant, "test", unapplied(neighbour))
        yen = (debit(MERCHANT_PAYABLE, Money(500, JPY)), credit(MERCHANT_UNAPPLIED, Money(500, JPY)))
        await book(tx, shop.merchant, "test", Journal("correction", "journal", "jrn_1", "in yen", NOON, yen))
    async with database.read() as reader:
        assert await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE) == -baht("145.74")
        assert await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE, JPY) == Money(500, JPY)
        assert await balance(reader, shop.merchant, "live", MERCHANT_PAYABLE) == -baht("95.74")
        assert await balance(reader, neighbour.merchant, "test", MERCHANT_PAYABLE) == baht(0)
        assert set(await merchants_with_books(reader)) == {
            (shop.merchant, "test"),
            (shop.merchant, "live"),
            (neighbour.merchant, "test"),
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(1, 3)), max_size=8))
async def test_balances_are_the_sum_of_what_was_booked_however_often_it_was_told(
    database: Database, shop: Shop, facts: list[tuple[int, int, int]]
) -> None:
    async with database.transaction() as tx:
        before = await balance(tx, shop.merchant, "test", MERCHANT_PAYABLE)
        booked: list[JournalId] = []
        for gross, fee, times in facts:
            told = payment(shop, new_id("rcp"), Money(gross), Money(fee))
            booked += [(await book(tx, shop.merchant, "test", told)).journal_id for _ in range(times)]
    async with database.read() as reader:
        after = await balance(reader, shop.merchant, "test", MERCHANT_PAYABLE)
        total = sum((one.amount for one in await balances(reader, shop.merchant, "test")), start=Money(0))
    assert before - after == Money(sum(gross - fee - 28 for gross, fee, _ in facts))
    assert len(set(booked)) == len(facts)
    assert total == Money(0)
