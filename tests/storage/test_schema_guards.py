"""The tables refuse what the rooms must never do, whatever the rooms do."""

from __future__ import annotations

import itertools
from typing import Any

import asyncpg
import pytest

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Connection, Database
from tests.support.rows import (
    NOON,
    Shop,
    add_attempt,
    add_evidence,
    add_payment,
    add_receipt,
    add_shop,
    insert,
)

PAYMENT_STATES = (
    "created", "requires_action", "processing", "authorized", "succeeded", "failed", "expired", "cancelled",
)  # fmt: skip
ATTEMPT_STATES = (*PAYMENT_STATES, "unknown")
HEIGHT = {
    "created": 0,
    "requires_action": 1,
    "processing": 1,
    "unknown": 1,
    "authorized": 2,
    "failed": 3,
    "expired": 3,
    "cancelled": 3,
    "succeeded": 4,
}


def moves_up(before: str, after: str) -> bool:
    """P11, told a second time: up, or sideways while it is still open, or not at all."""
    return (
        before == after
        or HEIGHT[after] > HEIGHT[before]
        or (HEIGHT[after] == HEIGHT[before] == HEIGHT["processing"])
    )


@pytest.fixture
async def shop(database: Database) -> Shop:
    async with database.transaction() as tx:
        return await add_shop(tx)


async def refused(database: Database, sql: str, *values: Any, by: str = "") -> None:
    """The statement is refused by a guard whose message or name has these words."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=by):
        async with database.transaction() as tx:
            await tx.execute(sql, *values)


MOVE_PAYMENT = """
UPDATE payments
   SET state = $2, due_at = $3::timestamptz, authorized_amount = amount,
       paid_at = CASE WHEN $2 = 'succeeded' THEN $3::timestamptz END
 WHERE id = $1
"""
MOVE_ATTEMPT = "UPDATE attempts SET state = $2, next_check_at = $3, evidence_id = $4 WHERE id = $1"


async def may(tx: Connection, sql: str, *values: Any) -> bool:
    """Whether P11 lets it; the transaction goes on either way."""
    try:
        async with tx.transaction():
            await tx.execute(sql, *values)
    except asyncpg.CheckViolationError as violation:
        assert str(violation).startswith("P11")
        return False
    return True


async def test_a_payment_s_state_only_moves_up(database: Database, shop: Shop) -> None:
    pairs = list(itertools.product(PAYMENT_STATES, repeat=2))
    found = {}
    async with database.transaction() as tx:
        for before, after in pairs:
            payment = await add_payment(tx, shop, state=before)
            found[before, after] = await may(tx, MOVE_PAYMENT, payment, after, NOON)
    assert found == {pair: moves_up(*pair) for pair in pairs}


async def test_an_attempt_s_state_only_moves_up(database: Database, shop: Shop) -> None:
    pairs = list(itertools.product(ATTEMPT_STATES, repeat=2))
    found = {}
    async with database.transaction() as tx:
        for before, after in pairs:
            payment = await add_payment(tx, shop)
            attempt = await add_attempt(tx, shop, payment, state=before)
            proof = await add_evidence(tx, shop, payment, attempt)
            found[before, after] = await may(tx, MOVE_ATTEMPT, attempt, after, NOON, proof)
    assert found == {pair: moves_up(*pair) for pair in pairs}


@pytest.mark.parametrize("table", ["payments", "attempts"])
@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1",
        "amount = amount - 1",
        "currency = 'USD'",
        "mode = 'live'",
        "id = left(id, 4) || repeat('0', 32)",
    ],
)
async def test_what_was_asked_for_never_changes(
    database: Database, shop: Shop, table: str, change: str
) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        await add_attempt(tx, shop, payment)
    await refused(database, f"UPDATE {table} SET {change}", by="P12|foreign key")


async def test_a_payment_never_changes_hands(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await add_payment(tx, shop)
        neighbour = await add_shop(tx)
    await refused(database, "UPDATE payments SET merchant_id = $1", neighbour.merchant, by="P12")


async def test_at_most_one_attempt_is_a_payment_s_success(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        await add_attempt(tx, shop, payment, state="succeeded")
        second = await add_attempt(tx, shop, payment)
        proof = await add_evidence(tx, shop, payment, second)
        other = await add_payment(tx, shop)
        await add_attempt(tx, shop, other, state="succeeded")
    await refused(database, MOVE_ATTEMPT, second, "succeeded", None, proof, by="attempts_one_success")


async def test_an_attempt_nobody_can_tell_about_has_a_next_inquiry(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        attempt = await add_attempt(tx, shop, await add_payment(tx, shop))
    await refused(database, MOVE_ATTEMPT, attempt, "unknown", None, None, by="attempts_check")


async def test_a_success_has_its_evidence(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        attempt = await add_attempt(tx, shop, await add_payment(tx, shop))
    await refused(database, MOVE_ATTEMPT, attempt, "succeeded", None, None, by="attempts_check")
    await refused(database, MOVE_ATTEMPT, attempt, "succeeded", None, new_id("evd"), by="foreign key")


async def test_a_resend_cannot_use_a_reference_twice_at_one_provider_account(
    database: Database, shop: Shop
) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        await add_attempt(tx, shop, payment, reference="QK1")
        same_shop_other_account = await add_shop(tx, merchant=shop.merchant)
        await add_attempt(tx, same_shop_other_account, payment, reference="QK1")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as tx:
            await add_attempt(tx, shop, payment, reference="QK1")


async def test_an_open_payment_is_looked_at_again(database: Database, shop: Shop) -> None:
    for state in ("created", "requires_action", "processing"):
        with pytest.raises(asyncpg.CheckViolationError):
            async with database.transaction() as tx:
                await add_payment(tx, shop, state=state, due_at=None)


async def test_a_payment_is_paid_exactly_when_it_succeeded(database: Database, shop: Shop) -> None:
    for state, paid_at in (("succeeded", None), ("failed", NOON)):
        with pytest.raises(asyncpg.CheckViolationError):
            async with database.transaction() as tx:
                await add_payment(tx, shop, state=state, paid_at=paid_at)


OUT_OF_BOUNDS = [
    {"amount": 0},
    {"amount": -1},
    {"amount": 10**12 + 1},
    {"currency": "thb"},
    {"currency": "THBX"},
    {"mode": "prod"},
    {"state": "refunded"},
    {"state": "unknown"},
    {"captured_amount": 15_001},
    {"captured_amount": -1},
    {"captured_amount": 100, "refunded_amount": 101},
    {"captured_amount": 100, "refunded_amount": -1},
    {"reference": ""},
    {"reference": "x" * 101},
    {"description": ""},
    {"return_url": "https://shop.example/" + "x" * 2048},
]


@pytest.mark.parametrize("values", OUT_OF_BOUNDS, ids=" ".join)
async def test_a_payment_out_of_bounds_is_refused(
    database: Database, shop: Shop, values: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction() as tx:
            await add_payment(tx, shop, **values)


@pytest.mark.parametrize("amount", [1, 10**12])
async def test_the_smallest_and_the_largest_payment_are_taken(
    database: Database, shop: Shop, amount: int
) -> None:
    async with database.transaction() as tx:
        await add_payment(tx, shop, amount=amount, captured_amount=amount, refunded_amount=amount)
    async with database.read() as reader:
        assert await reader.fetchval("SELECT refunded_amount FROM payments") == amount


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 0},
        {"reference": ""},
        {"reference": "qk1"},
        {"reference": "Q" * 21},
        {"reference": "QK 1"},
        {"reference": "QK-1"},
        {"state": "paid"},
        {"mode": ""},
    ],
    ids=lambda values: f"{values}",
)
async def test_an_attempt_out_of_bounds_is_refused(
    database: Database, shop: Shop, values: dict[str, Any]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction() as tx:
            await add_attempt(tx, shop, await add_payment(tx, shop), **values)


async def test_an_id_of_another_shape_is_refused(database: Database) -> None:
    for id_ in (new_id("pay"), new_id("mer").upper(), new_id("mer") + "0", "mer_1"):
        await refused(
            database, "INSERT INTO merchants (id, name) VALUES ($1, 'x')", id_, by="merchants_id_check"
        )


async def test_a_movement_of_money_is_written_down_once(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        attempt = await add_attempt(tx, shop, payment)
        await add_receipt(tx, shop, payment, attempt, transaction_id="T1")
    with pytest.raises(asyncpg.UniqueViolationError, match="transaction_id"):
        async with database.transaction() as tx:
            await add_receipt(tx, shop, payment, attempt, transaction_id="T1", applied=False)


async def test_a_payment_has_one_applied_receipt_and_any_number_of_others(
    database: Database, shop: Shop
) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        attempt = await add_attempt(tx, shop, payment)
        for applied in (True, False, False):
            await add_receipt(tx, shop, payment, attempt, applied=applied)
    with pytest.raises(asyncpg.UniqueViolationError, match="receipts_one_applied"):
        async with database.transaction() as tx:
            await add_receipt(tx, shop, payment, attempt)


async def test_a_receipt_of_nothing_or_without_evidence_is_refused(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        attempt = await add_attempt(tx, shop, payment)
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction() as tx:
            await add_receipt(tx, shop, payment, attempt, amount=0)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as tx:
            await add_receipt(tx, shop, payment, attempt, evidence_id=new_id("evd"))


@pytest.mark.parametrize("table", ["evidence", "receipts", "events"])
async def test_what_was_said_proved_or_announced_is_never_changed_or_removed(
    database: Database, shop: Shop, table: str
) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        await add_receipt(tx, shop, payment, await add_attempt(tx, shop, payment))
        await add_event(tx, shop.merchant)
    for statement in (
        f"UPDATE {table} SET mode = mode",
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            async with database.transaction() as tx:
                await tx.execute(statement)


async def add_event(tx: Connection, merchant: MerchantId, version: int = 1) -> None:
    await insert(
        tx,
        "events",
        merchant_id=merchant,
        id=new_id("evt"),
        mode="test",
        type="payment.created",
        object_id="pay_1",
        object_version=version,
        data={},
    )


async def test_one_change_of_an_object_is_announced_once(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await add_event(tx, shop.merchant, 1)
        await add_event(tx, shop.merchant, 2)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as tx:
            await add_event(tx, shop.merchant, 2)


async def test_a_callback_is_kept_once_and_is_due_until_it_is_worked(database: Database, shop: Shop) -> None:
    kept = {
        "merchant_id": shop.merchant,
        "provider": "scb",
        "account_id": shop.account_id,
        "event_key": "T1",
        "body": b"sealed",
    }
    async with database.transaction() as tx:
        await insert(tx, "inbox", id=new_id("cbk"), **kept)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as tx:
            await insert(tx, "inbox", id=new_id("cbk"), **kept)
    await refused(database, "UPDATE inbox SET due_at = NULL", by="inbox_check")
    await refused(database, "UPDATE inbox SET state = 'applied'", by="inbox_check")


async def test_a_case_is_opened_once_for_a_fact(database: Database, shop: Shop) -> None:
    case = {"merchant_id": shop.merchant, "mode": "test", "kind": "paid_again", "fact": "rcp_1"}
    async with database.transaction() as tx:
        await insert(tx, "cases", id=new_id("case"), **case)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as tx:
            await insert(tx, "cases", id=new_id("case"), **case)


async def test_two_merchants_may_use_the_same_words(database: Database, shop: Shop) -> None:
    """Every unique key has the merchant in it: one shop's reference says nothing about another's."""
    async with database.transaction() as tx:
        neighbour = await add_shop(tx)
        for one in (shop, neighbour):
            payment = await add_payment(tx, one, reference="order-1042", checkout_token="t" * 43)
            attempt = await add_attempt(tx, one, payment, reference="QK1")
            await add_receipt(tx, one, payment, attempt, transaction_id="T1")
            await add_event(tx, one.merchant)
    async with database.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM receipts") == 2


async def test_an_attempt_belongs_to_a_payment_and_an_account_of_its_own_merchant(
    database: Database, shop: Shop
) -> None:
    async with database.transaction() as tx:
        neighbour = await add_shop(tx)
        payment = await add_payment(tx, shop)
    for whose, account in ((neighbour, neighbour.account_id), (shop, neighbour.account_id)):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with database.transaction() as tx:
                await add_attempt(tx, whose, payment, account_id=account)


async def test_every_unique_key_of_merchant_data_begins_with_the_merchant(
    database: Database,
) -> None:
    """So that the schema can be distributed by merchant; the first migration tells the exceptions."""
    async with database.read() as reader:
        rows = await reader.fetch(
            """
            SELECT index.indexrelid::regclass::text AS name
              FROM pg_index index JOIN pg_class ON pg_class.oid = index.indrelid
              JOIN pg_attribute whose ON whose.attrelid = index.indrelid AND whose.attname = 'merchant_id'
             WHERE pg_class.relnamespace = 'public'::regnamespace AND index.indisunique
               AND index.indkey[0] <> whose.attnum
             ORDER BY name
            """
        )
    assert [row["name"] for row in rows] == ["api_keys_hash_key", "refused_callbacks_pkey"]


@pytest.mark.parametrize(
    "change",
    ["reference = 'QKOTHER'", "provider = 'kbank'", "account_id = 'acc_' || repeat('0', 32)"],
)
async def test_a_resend_keeps_the_words_of_the_first_send(
    database: Database, shop: Shop, change: str
) -> None:
    async with database.transaction() as tx:
        await add_attempt(tx, shop, await add_payment(tx, shop))
    await refused(database, f"UPDATE attempts SET {change}", by="P10")


@pytest.mark.parametrize("change", ["captured_amount = 0", "paid_at = now()"])
async def test_what_was_captured_is_not_taken_back(database: Database, shop: Shop, change: str) -> None:
    async with database.transaction() as tx:
        await add_payment(tx, shop, state="succeeded", captured_amount=15_000)
    await refused(database, f"UPDATE payments SET {change}", by="P7")


@pytest.mark.parametrize("table", ["evidence", "receipts", "events"])
async def test_what_was_said_proved_or_announced_cannot_be_emptied(
    pool: asyncpg.Pool[Any], table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await pool.execute(f"TRUNCATE {table} CASCADE")


async def test_a_case_is_closed_and_never_deleted(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        await insert(
            tx, "cases", merchant_id=shop.merchant, id=new_id("case"), mode="test", kind="k", fact="f"
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction() as tx:
            await tx.execute("DELETE FROM cases")


async def test_live_and_test_money_do_not_meet_in_a_receipt(database: Database, shop: Shop) -> None:
    async with database.transaction() as tx:
        payment = await add_payment(tx, shop)
        attempt = await add_attempt(tx, shop, payment)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as tx:
            await add_receipt(tx, shop, payment, attempt, mode="live")
