"""Bugs that other gateways had in public, each as a story that must end well here."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from quickkub.connectors.contract import Account, Declined, Failure, Paid, Unknown
from quickkub.kernel.errors import Refusal
from quickkub.kernel.money import baht
from quickkub.merchants.accounts import open_account
from quickkub.payments import desk, settle, sweep
from quickkub.payments.attempt_store import finish_check
from quickkub.payments.inbox_store import finish
from quickkub.payments.states import PaymentState
from quickkub.storage import Database
from tests.support.postgres import AS_OWNER
from tests.support.shop import VAULT, QuietLine, Shop, ToldByBank, open_shop, receipt

MINUTE = timedelta(minutes=1)
PRICE = baht(150)
_WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def reference_of(shop: Shop, payment: str) -> str:
    (attempt,) = (await shop.sees(payment))["attempts"]
    return str(attempt["reference"])


async def payable(shop: Shop) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = 'merchant:payable'"
    )
    return int(rows[0]["total"])


async def test_a_paid_order_is_never_shown_as_timed_out(shop: Shop) -> None:
    """The provider took the money and its answer timed out: the order was cancelled, the payer had paid."""
    shop.bank.to_create.append(Unknown("no answer within 15 s"))
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    await shop.time_passes(timedelta(hours=2))
    for overdue in await shop.payments.claim_overdue(50):
        await shop.payments.expire(overdue)
    assert (await shop.sees(payment["id"]))["status"] == "processing", "time alone decides nothing"
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert (seen["status"], seen["failure"]) == ("succeeded", None) and await payable(shop) == 15_000
    types = [row["type"] for row in await shop.rows("SELECT type FROM events ORDER BY object_version")]
    assert "payment.expired" not in types and "payment.failed" not in types


async def test_a_late_expiry_does_not_cancel_a_payment_that_was_paid_meanwhile(shop: Shop) -> None:
    """The job that ends the first attempt runs after another one was paid, and cancels the paid order."""
    first = await shop.charges(PRICE, reference="ORDER-1")
    second = await shop.charges(PRICE, reference="ORDER-1")
    shop.bank.of[await reference_of(shop, second["id"])] = Paid((receipt(PRICE, "T2"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    await shop.time_passes(timedelta(hours=1))
    await shop.works()
    assert (await shop.sees(first["id"]))["status"] == "expired"
    assert (await shop.sees(second["id"]))["status"] == "succeeded"
    due = await shop.rows("SELECT 1 FROM payments WHERE id = $1 AND due_at IS NOT NULL", second["id"])
    assert due == [], "no clock is left running for what is paid"


async def test_callback_and_browser_return_racing_book_once(shop: Shop) -> None:
    """The callback and the payer's return are handled at the same moment by two processes."""
    for number in range(20):
        payment = await shop.charges(PRICE)
        reference = await reference_of(shop, payment["id"])
        paid = Paid((receipt(PRICE, f"T{number}"),))
        shop.bank.of[reference] = paid
        await shop.is_told({"id": f"T{number}", "ref": reference, "amount": "150"})
        (attempt,) = await shop.rows("SELECT id FROM attempts WHERE reference = $1", reference)
        (kept,) = await shop.payments.claim_callbacks(10)
        await asyncio.gather(
            shop.payments.work_callback(kept),
            settle.apply(shop.office, shop.merchant, attempt["id"], ToldByBank(paid), "inquiry"),
            settle.apply(shop.office, shop.merchant, attempt["id"], ToldByBank(paid), "answer"),
        )
        assert (await shop.sees(payment["id"]))["captured_amount"] == 15_000
    assert await payable(shop) == 20 * 15_000 and await shop.counts("cases") == 0


async def test_news_about_a_payment_waits_until_its_holder_has_committed(
    shop: Shop, pool: asyncpg.Pool[Any]
) -> None:
    """Two that read the payment before either wrote it would both act on what it was."""
    payment = await shop.charges(PRICE)
    (attempt,) = await shop.rows("SELECT id FROM attempts WHERE payment_id = $1", payment["id"])
    paid = ToldByBank(Paid((receipt(PRICE),)))
    async with shop.db.transaction() as tx:
        held, _ = await desk.lock(tx, shop.merchant, attempt["id"])
        news = asyncio.create_task(settle.apply(shop.office, shop.merchant, attempt["id"], paid, "callback"))
        while not news.done() and not await pool.fetch(_WAITING):
            await asyncio.sleep(0)
        assert not news.done(), "it went past whoever held the payment"
    after, _ = await news
    assert (held.state, after.state) == (PaymentState.REQUIRES_ACTION, PaymentState.SUCCEEDED)


async def test_two_events_of_one_id_in_two_accounts_are_two_events(shop: Shop, database: Database) -> None:
    """A table keyed by the provider's event id alone takes another account's news for a repeat."""
    other = await open_shop(database)
    for one in (shop, other):
        payment = await one.charges(PRICE)
        one.bank.usual_inquiry = Paid((receipt(PRICE, "T1"),))
        await one.is_told({"id": "T1", "ref": await reference_of(one, payment["id"]), "amount": "150"})
    for callback in await shop.payments.claim_callbacks(10):
        whose = shop if callback.merchant == shop.merchant else other
        await whose.payments.work_callback(callback)
    assert await shop.counts("inbox") == 2 and await shop.counts("receipts") == 2
    assert {row["times_seen"] for row in await shop.rows("SELECT times_seen FROM inbox")} == {1}


async def test_two_accounts_of_one_merchant_may_use_one_transaction_id(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        account, _ = await open_account(
            tx, VAULT, shop.merchant, mode="test", provider="madeup", settings={}, credentials={"k": "2"}
        )
    first, second = await shop.charges(PRICE), await shop.charges(PRICE)
    async with shop.db.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE attempts DISABLE TRIGGER attempts_same_words")
        await tx.execute("UPDATE attempts SET account_id = $1 WHERE payment_id = $2", account, second["id"])
        await tx.execute("ALTER TABLE attempts ENABLE TRIGGER attempts_same_words")
    shop.bank.usual_inquiry = Paid((receipt(PRICE, "T1"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert {(await shop.sees(one["id"]))["status"] for one in (first, second)} == {"succeeded"}


async def test_a_success_after_a_void_is_booked_and_not_dropped(shop: Shop) -> None:
    """The hold was let go, and the provider captured it all the same: the payer's money is real."""
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    assert (await shop.voids(payment["id"]))["status"] == "cancelled"
    shop.bank.usual_inquiry = Paid((receipt(PRICE, "T9"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert (seen["status"], seen["captured_amount"]) == ("succeeded", 15_000)
    assert (await shop.refunds_of(payment["id"]))["amount"] == 15_000


async def test_a_decline_after_a_success_changes_nothing(shop: Shop) -> None:
    """Callbacks out of order: the older refusal arrives after the success and un-pays the order."""
    payment = await shop.charges(PRICE)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    await settle.apply(
        shop.office, shop.merchant, attempt["id"], ToldByBank(Paid((receipt(PRICE),))), "inquiry"
    )
    no = ToldByBank(Declined(Failure.DECLINED, "E1", "no"))
    await settle.apply(shop.office, shop.merchant, attempt["id"], no, "inquiry")
    assert (await shop.sees(payment["id"]))["status"] == "succeeded" and await payable(shop) == 15_000


async def test_a_success_after_a_decline_wins(shop: Shop) -> None:
    shop.bank.to_create.append(Declined(Failure.DECLINED, "E1", "no"))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "failed"
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"


class WitnessLine(QuietLine):
    """A line that looks into the database at the moment a provider is called."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.seen: list[int] = []

    async def run(self, account: Account, exchange: Generator[Any, Any, Any]) -> Any:
        rows = await self._shop.rows(
            "SELECT (SELECT count(*) FROM attempts) + (SELECT count(*) FROM instructions) AS n"
        )
        self.seen.append(rows[0]["n"])
        return await super().run(account, exchange)


async def test_the_intent_stands_in_the_database_before_a_provider_is_called(shop: Shop) -> None:
    """Call first and write later: a crash in between loses the money out of sight."""
    line = WitnessLine(shop)
    object.__setattr__(shop.office, "line", line)
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    await shop.captures(payment["id"])
    assert line.seen == [1, 2]


async def test_a_change_whose_event_cannot_be_written_does_not_happen(shop: Shop) -> None:
    """An event written outside the transaction: the order is paid and the shop never hears of it."""
    payment = await shop.charges(PRICE)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    async with shop.db.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute(
            "ALTER TABLE events ADD CONSTRAINT no_news CHECK (type <> 'payment.succeeded') NOT VALID"
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await settle.apply(
            shop.office, shop.merchant, attempt["id"], ToldByBank(Paid((receipt(PRICE),))), "inquiry"
        )
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert await shop.counts("receipts") == 0 and await shop.counts("journals") == 0


async def test_a_worker_that_lost_its_lease_cannot_finish_the_job(shop: Shop) -> None:
    """No fencing token: a worker that was paused for a minute overwrites what its successor did."""
    payment = await shop.charges(PRICE)
    await shop.is_told({"id": "T1", "ref": await reference_of(shop, payment["id"]), "amount": "150"})
    await shop.time_passes(MINUTE)
    (slow_callback,) = await shop.payments.claim_callbacks(1)
    (slow_attempt,) = await shop.payments.claim_attempts(1)
    await shop.time_passes(MINUTE)
    (callback,) = await shop.payments.claim_callbacks(1)
    (attempt,) = await shop.payments.claim_attempts(1)
    async with shop.db.transaction() as tx:
        assert not await finish(tx, slow_callback, "applied")
        assert not await finish_check(tx, slow_attempt, 1, 3600)
        assert await finish(tx, callback, "applied")
        assert await finish_check(tx, attempt, 1, 60)
    assert sweep.LEASE_SECONDS < 60, "another worker takes over within a minute of a crash"


async def test_the_same_key_at_the_same_moment_makes_one_payment(shop: Shop) -> None:
    asked = await asyncio.gather(*(shop.charges(PRICE, "K1") for _ in range(10)), return_exceptions=True)
    made = {one["id"] for one in asked if isinstance(one, dict)}
    assert len(made) == 1 and await shop.counts("payments") == 1 and len(shop.bank.created) == 1
    assert {one.code for one in asked if isinstance(one, Refusal)} <= {"idempotency_key_in_use"}


async def test_a_callback_that_breaks_whoever_works_on_it_is_put_aside(shop: Shop) -> None:
    """A poisoned message is retried for ever in front of everybody else."""
    payment = await shop.charges(PRICE)
    await shop.is_told({"id": "T1", "ref": await reference_of(shop, payment["id"]), "amount": "150"})
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE inbox SET body = '\\x00'")
    for _ in range(9):
        for callback in await shop.payments.claim_callbacks(10):
            try:
                await shop.payments.work_callback(callback)
            except Refusal as trouble:
                assert trouble.code == "sealed_value_unreadable"
        await shop.time_passes(MINUTE)
    assert [row["kind"] for row in await shop.rows("SELECT kind FROM cases")] == ["callback_poisoned"]
    assert [row["state"] for row in await shop.rows("SELECT state FROM inbox")] == ["quarantined"]
