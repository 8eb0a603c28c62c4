"""Giving money back in the worst order: the wrong account, two at once, a person who changes their mind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import (
    Can,
    Declined,
    Done,
    Failure,
    MethodOffer,
    NotSent,
    Paid,
    Unknown,
    Waiting,
)
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import Money, baht
from quickkub.merchants.rules import change_money_rules
from quickkub.payments.model import PaymentNotFound
from quickkub.refunds.cases import Decision, Resolution
from quickkub.refunds.model import NothingToRefund, TransferUsed
from quickkub.storage import Database
from quickkub.storage.idempotency import KeyReused
from tests.support.postgres import AS_OWNER
from tests.support.shop import PAID_AT, MadeUpBank, Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def paid(shop: Shop, *amounts: Money, method: str = "card") -> str:
    payment = await shop.charges(PRICE, method=method)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    receipts = tuple(receipt(one, f"T{attempt['reference']}{n}") for n, one in enumerate(amounts or (PRICE,)))
    shop.bank.of[attempt["reference"]] = Paid(receipts)
    await shop.time_passes(MINUTE)
    await shop.works()
    async with shop.db.transaction() as tx:
        # The made-up bank says a day of last January; refund windows are counted from it.
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER payments_paid_stays_paid")
        await tx.execute("UPDATE payments SET paid_at = now() WHERE paid_at IS NOT NULL")
        await tx.execute("ALTER TABLE payments ENABLE TRIGGER payments_paid_stays_paid")
    return str(payment["id"])


async def rule(shop: Shop, *, under: int = 0, over: int = 0, orphans: str = "hold") -> None:
    async with shop.db.transaction() as tx:
        await change_money_rules(tx, shop.merchant, under=under, over=over, orphans=orphans)


async def sound(shop: Shop) -> None:
    assert (await check_invariants(shop.db)).violations == []


async def balance(shop: Shop, account: str) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = $1", account
    )
    return int(rows[0]["total"])


async def decides(shop: Shop, case: str, decision: Decision) -> dict[str, Any]:
    resolution = Resolution(decision, "the customer called", "key_1")
    answered = await shop.refunds.resolve(case, resolution, shop.once("cases", None, case), rendered)
    view: dict[str, Any] = json.loads(answered.body)
    return view


async def open_cases(shop: Shop) -> list[Any]:
    return await shop.rows("SELECT id, kind, receipt_id FROM cases WHERE state = 'open' ORDER BY id")


async def test_nobody_s_money_whose_refund_was_dropped_is_before_a_person_again(shop: Shop) -> None:
    """The case is closed by then; without another one the money could never leave."""
    await paid(shop, PRICE, PRICE, method="promptpay")
    (case,) = await open_cases(shop)
    refund = (await decides(shop, case["id"], Decision.REFUND))["refund"]
    await shop.refunds.drop(refund, shop.once("d", None, "1"), rendered)
    (again,) = await open_cases(shop)
    assert (again["kind"], again["receipt_id"]) == ("unapplied_again", case["receipt_id"])
    await decides(shop, again["id"], Decision.ACCEPT)
    assert await balance(shop, "merchant:payable") == 30_000
    await sound(shop)


async def test_a_case_that_is_still_open_is_not_opened_twice(shop: Shop) -> None:
    await rule(shop, orphans="refund")
    await paid(shop, PRICE, PRICE, method="promptpay")
    await shop.works()
    (refund,) = await shop.rows("SELECT id FROM refunds")
    await shop.refunds.drop(refund["id"], shop.once("d", None, "1"), rendered)
    assert len(await open_cases(shop)) == 1
    await sound(shop)


async def test_nobody_s_money_is_never_refunded_and_accepted_at_once(shop: Shop) -> None:
    await paid(shop, PRICE, PRICE, method="promptpay")
    (case,) = await open_cases(shop)
    done = await asyncio.gather(
        decides(shop, case["id"], Decision.REFUND),
        decides(shop, case["id"], Decision.ACCEPT),
        return_exceptions=True,
    )
    assert sum(isinstance(one, dict) for one in done) == 1
    await sound(shop)


async def test_a_provider_that_refunds_whole_movements_only_is_not_told_a_part_of_one(shop: Shop) -> None:
    """155 came for 150: the whole payment is a part of the movement, and the provider would give back 155."""
    await rule(shop, over=500)
    offer = MethodOffer("card", 1, 1_000_000_000, can=frozenset({Can.REFUND}))
    shop.bank.manifest = replace(shop.bank.manifest, methods=(offer,))
    payment = await paid(shop, baht(155))
    refund = await shop.refunds_of(payment)
    assert (refund["way"], refund["status"], refund["amount"]) == (
        "bank_transfer",
        "requires_transfer",
        15_000,
    )
    assert shop.bank.told == []
    await sound(shop)


async def test_a_refund_of_a_payment_whose_account_was_switched_off_reaches_the_provider(shop: Shop) -> None:
    payment = await paid(shop)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = false")
    assert (await shop.refunds_of(payment))["status"] == "succeeded"
    await sound(shop)


async def test_one_transfer_reported_for_two_refunds_at_once_stands_for_one(shop: Shop) -> None:
    refunds = [
        (await shop.refunds_of(await paid(shop, method="promptpay"), baht(10)))["id"] for _ in range(2)
    ]
    done = await asyncio.gather(
        *(shop.refunds.transferred(one, "T-1", shop.once("t", None, one), rendered) for one in refunds),
        return_exceptions=True,
    )
    assert sum(isinstance(one, TransferUsed) for one in done) == 1
    assert sorted(row["state"] for row in await shop.rows("SELECT state FROM refunds")) == [
        "requires_transfer",
        "succeeded",
    ]
    await sound(shop)


async def test_a_transfer_reported_and_dropped_at_once_ends_in_one_way(shop: Shop) -> None:
    refund = (await shop.refunds_of(await paid(shop, method="promptpay")))["id"]
    done = await asyncio.gather(
        shop.refunds.transferred(refund, "T-1", shop.once("t", None, "1"), rendered),
        shop.refunds.drop(refund, shop.once("d", None, "1"), rendered),
        return_exceptions=True,
    )
    assert sum(isinstance(one, BaseException) for one in done) == 1
    await sound(shop)


@pytest.mark.parametrize("end", ["transferred", "drop"])
async def test_a_key_of_a_refund_is_bound_to_its_refund_and_a_foreign_one_takes_none(
    shop: Shop, database: Database, end: str
) -> None:
    other = await open_shop(database)
    refund = (await shop.refunds_of(await paid(shop, method="promptpay"), key="K1"))["id"]
    with pytest.raises(PaymentNotFound):
        await other.refunds_of(refund, key="K1")
    assert await shop.rows("SELECT 1 FROM idempotency_keys WHERE merchant_id = $1", other.merchant) == []
    with pytest.raises(KeyReused):
        await shop.refunds_of("pay_" + "0" * 32, key="K1")


@pytest.mark.parametrize("news", [Waiting(), Unknown("cut"), NotSent("refused")])
async def test_a_refund_that_waits_for_the_provider_keeps_its_money_until_a_clear_word(
    shop: Shop, news: Any
) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(Waiting())
    refund = await shop.refunds_of(payment)
    shop.bank.to_be_asked.extend([news] * 3)
    for _ in range(3):
        await shop.time_passes(timedelta(hours=1))
        await shop.works()
    with pytest.raises(NothingToRefund):
        await shop.refunds_of(payment)
    shop.bank.to_be_asked.clear()
    shop.bank.to_be_asked.append(Done("M1", PRICE, PAID_AT))
    await shop.time_passes(timedelta(hours=1))
    await shop.works()
    assert (await shop.refunds.get(shop.merchant, "test", refund["id"]))["status"] == "succeeded"
    await sound(shop)


async def test_a_surplus_payment_at_another_account_goes_back_where_it_came_from(shop: Shop) -> None:
    """Two attempts were paid; the one that did not win is refunded at its own provider, once."""
    second = MadeUpBank()
    await shop.opens_account("second", second)
    shop.bank.to_create.append(NotSent("refused"))
    payment = await shop.charges(PRICE, method="card")
    first, last = (await shop.sees(payment["id"]))["attempts"]
    second.of[last["reference"]] = Paid((receipt(PRICE, "T2"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    shop.bank.of[first["reference"]] = Paid((receipt(PRICE, "T1"),))
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE attempts SET next_check_at = now() WHERE id = $1", first["id"])
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER payments_paid_stays_paid")
        await tx.execute("UPDATE payments SET paid_at = now() WHERE paid_at IS NOT NULL")
        await tx.execute("ALTER TABLE payments ENABLE TRIGGER payments_paid_stays_paid")
    await shop.works()
    (case,) = await open_cases(shop)
    shop.bank.to_instruct.append(Declined(Failure.DECLINED, "E1", "not today"))
    await decides(shop, case["id"], Decision.REFUND)
    await shop.works()
    assert [one.transaction_id for one in shop.bank.told] == ["T1"] and second.told == []
    (again,) = await open_cases(shop)
    await decides(shop, again["id"], Decision.REFUND)
    await shop.works()
    assert [one.amount for one in shop.bank.told] == [PRICE, PRICE]
    assert await balance(shop, "merchant:unapplied") == 0
    assert await balance(shop, "merchant:payable") == 15_000
    await sound(shop)
