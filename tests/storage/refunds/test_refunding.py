"""Giving money back: through the provider, by a person's transfer, and never more than there is."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from quickkub.connectors.contract import Declined, Done, Failure, NotSent, Paid, Unknown, Waiting
from quickkub.kernel.errors import Refusal
from quickkub.kernel.money import Money, baht
from quickkub.ledger.verify import verify
from quickkub.payments.model import PaymentNotFound
from quickkub.refunds.model import (
    Destination,
    NothingToRefund,
    RefundExceedsCapture,
    RefundNotFound,
    RefundNotWaiting,
    TransferUsed,
)
from quickkub.storage import Database
from quickkub.storage.idempotency import KeyBusy, KeyReused
from tests.support.postgres import AS_OWNER
from tests.support.shop import PAID_AT, Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def paid(shop: Shop, method: str = "card", price: Money = PRICE) -> str:
    """A payment that was paid just now."""
    payment = await shop.charges(price, method=method)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.usual_inquiry = Paid((receipt(price, f"T{attempt['reference']}"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert seen["status"] == "succeeded"
    async with shop.db.transaction() as tx:
        # The made-up bank says a day of last January; refund windows are counted from it.
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER payments_paid_stays_paid")
        await tx.execute("UPDATE payments SET paid_at = now() WHERE id = $1", payment["id"])
        await tx.execute("ALTER TABLE payments ENABLE TRIGGER payments_paid_stays_paid")
    return str(payment["id"])


async def books(shop: Shop) -> dict[str, int]:
    rows = await shop.rows("SELECT account, sum(amount)::bigint AS total FROM entries GROUP BY account")
    found = {re.sub("acc_[0-9a-f]+:", "", row["account"]): row["total"] for row in rows}
    return {account: total for account, total in found.items() if total}


async def kinds(shop: Shop, refund: str) -> list[str]:
    rows = await shop.rows("SELECT type FROM events WHERE object_id = $1 ORDER BY object_version", refund)
    return [row["type"].removeprefix("refund.") for row in rows]


async def counts(shop: Shop, payment: str) -> tuple[int, int, int]:
    seen = await shop.sees(payment)
    return seen["captured_amount"], seen["refunding_amount"], seen["refunded_amount"]


async def test_a_refund_through_the_provider_gives_the_money_back(shop: Shop) -> None:
    payment = await paid(shop)
    refund = await shop.refunds_of(payment, baht(40))
    assert (refund["status"], refund["way"], refund["amount"]) == ("succeeded", "provider", 4_000)
    assert await counts(shop, payment) == (15_000, 0, 4_000)
    assert await books(shop) == {"provider:madeup:receivable": 11_000, "merchant:payable": -11_000}
    assert await kinds(shop, refund["id"]) == ["created", "succeeded"]
    assert shop.bank.told[-1].transaction_id is not None


async def test_without_an_amount_all_that_is_left_goes_back(shop: Shop) -> None:
    payment = await paid(shop)
    await shop.refunds_of(payment, baht(40))
    assert (await shop.refunds_of(payment))["amount"] == 11_000
    with pytest.raises(NothingToRefund):
        await shop.refunds_of(payment)


async def test_more_than_was_captured_never_goes_back(shop: Shop) -> None:
    payment = await paid(shop)
    with pytest.raises(RefundExceedsCapture):
        await shop.refunds_of(payment, baht("150.01"))
    await shop.refunds_of(payment, baht(100))
    with pytest.raises(RefundExceedsCapture):
        await shop.refunds_of(payment, baht("50.01"))
    assert await shop.counts("refunds") == 1


async def test_an_unpaid_payment_has_nothing_to_refund(shop: Shop) -> None:
    payment = await shop.charges(PRICE, method="card")
    with pytest.raises(NothingToRefund):
        await shop.refunds_of(payment["id"])
    with pytest.raises(PaymentNotFound):
        await shop.refunds_of("pay_" + "0" * 32)


async def test_concurrent_refunds_over_the_captured_amount_are_refused(shop: Shop) -> None:
    """The bug class: two refunds read the same balance and both go through."""
    payment = await paid(shop)
    shop.bank.to_instruct.extend([Waiting()] * 10)
    asked = await asyncio.gather(
        *(shop.refunds_of(payment, baht(60)) for _ in range(10)), return_exceptions=True
    )
    taken = [one for one in asked if isinstance(one, dict)]
    assert len(taken) == 2 and all(isinstance(one, dict | RefundExceedsCapture) for one in asked)
    assert await counts(shop, payment) == (15_000, 12_000, 0)


async def test_a_refund_whose_answer_is_lost_stays_set_aside_and_is_settled_by_asking(shop: Shop) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    refund = await shop.refunds_of(payment, baht(40))
    assert refund["status"] == "processing" and await counts(shop, payment) == (15_000, 4_000, 0)
    assert (await books(shop))["merchant:refunds_due"] == -4_000
    shop.bank.to_be_asked.append(Done("R1", baht(40), PAID_AT))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.refunds.get(shop.merchant, "test", refund["id"]))["status"] == "succeeded"
    assert len(shop.bank.told) == 1, "the provider was told once"
    assert "merchant:refunds_due" not in await books(shop)


@pytest.mark.parametrize(
    "no", [Declined(Failure.PROVIDER_BALANCE_SHORT, "B1", "too little"), NotSent("connection refused")]
)
async def test_a_refund_that_certainly_did_not_happen_is_free_again(shop: Shop, no: Any) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(no)
    refund = await shop.refunds_of(payment, baht(40))
    assert refund["status"] == "failed" and refund["failure"]["code"]
    assert await counts(shop, payment) == (15_000, 0, 0)
    assert await books(shop) == {"provider:madeup:receivable": 15_000, "merchant:payable": -15_000}
    assert (await shop.refunds_of(payment))["amount"] == 15_000


async def test_an_inquiry_that_is_itself_refused_frees_nothing(shop: Shop) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.refunds_of(payment)
    shop.bank.to_be_asked.append(Declined(Failure.PROVIDER_MISCONFIGURED, "401", "the key was changed"))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert await counts(shop, payment) == (15_000, 15_000, 0)


async def test_what_the_provider_no_longer_refunds_becomes_a_transfer(shop: Shop) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(Declined(Failure.NOT_ALLOWED_NOW, "EMSET", "settled already"))
    refund = await shop.refunds_of(payment, baht(40))
    assert (refund["status"], refund["way"]) == ("requires_transfer", "bank_transfer")
    assert await counts(shop, payment) == (15_000, 4_000, 0)


async def test_a_promptpay_refund_is_a_task_that_a_transfer_s_number_ends(shop: Shop) -> None:
    payment = await paid(shop, "promptpay")
    where = Destination("014", "1234567890", "Somchai Jaidee")
    refund = await shop.refunds_of(payment, baht(40), destination=where)
    assert (refund["status"], refund["way"]) == ("requires_transfer", "bank_transfer")
    assert refund["destination"] == {"bank": "014", "account": "…7890", "name": "S*** J***"}
    assert shop.bank.told == []
    full = await shop.refunds.get(shop.merchant, "test", refund["id"], in_full=True)
    assert full["destination"]["account"] == "1234567890"
    ended = json.loads(
        (
            await shop.refunds.transferred(
                refund["id"], "2026112312345678", shop.once("t", "K1", "1"), rendered
            )
        ).body
    )
    assert ended["status"] == "succeeded" and await counts(shop, payment) == (15_000, 0, 4_000)
    assert await books(shop) == {
        "provider:madeup:receivable": 15_000,
        "merchant:payable": -11_000,
        "bank:own": -4_000,
    }
    again = await shop.refunds.transferred(
        refund["id"], "2026112312345678", shop.once("t", "K1", "1"), rendered
    )
    assert again.replayed and await kinds(shop, refund["id"]) == ["requires_transfer", "succeeded"]
    with pytest.raises(RefundNotWaiting):
        await shop.refunds.transferred(refund["id"], "X999", shop.once("t", None, "2"), rendered)


async def test_no_transfer_stands_for_two_refunds(shop: Shop) -> None:
    payment = await paid(shop, "promptpay")
    first, second = [await shop.refunds_of(payment, baht(40)) for _ in range(2)]
    await shop.refunds.transferred(first["id"], "T-1", shop.once("t", None, "1"), rendered)
    with pytest.raises(TransferUsed):
        await shop.refunds.transferred(second["id"], "T-1", shop.once("t", None, "2"), rendered)
    assert await counts(shop, payment) == (15_000, 4_000, 4_000)


async def test_a_number_tried_in_test_mode_is_free_in_live_mode(shop: Shop) -> None:
    refund = (await shop.refunds_of(await paid(shop, method="promptpay")))["id"]
    await shop.refunds.transferred(refund, "T-1", shop.once("t", None, "1"), rendered)
    async with shop.db.transaction() as tx:
        # Only the number is in question here, not the live payment it would be of.
        await tx.execute(AS_OWNER)
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM refunds")
        await tx.execute("UPDATE copied SET mode = 'live', id = 're_' || repeat('0', 32)")
        await tx.execute("INSERT INTO refunds SELECT * FROM copied")
        await tx.execute("UPDATE copied SET id = 're_' || repeat('1', 32)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await tx.execute("INSERT INTO refunds SELECT * FROM copied")


async def test_a_dropped_transfer_gives_the_money_back_to_the_merchant(shop: Shop) -> None:
    payment = await paid(shop, "promptpay")
    refund = await shop.refunds_of(payment, baht(40))
    dropped = json.loads((await shop.refunds.drop(refund["id"], shop.once("d", None, "1"), rendered)).body)
    assert dropped["status"] == "cancelled" and await counts(shop, payment) == (15_000, 0, 0)
    assert (await books(shop))["merchant:payable"] == -15_000


async def test_after_the_provider_s_window_a_person_makes_the_transfer(shop: Shop) -> None:
    payment = await paid(shop)
    async with shop.db.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER payments_paid_stays_paid")
        await tx.execute("UPDATE payments SET paid_at = now() - interval '91 days'")
        await tx.execute("ALTER TABLE payments ENABLE TRIGGER payments_paid_stays_paid")
    assert (await shop.refunds_of(payment, baht(40)))["way"] == "bank_transfer"


async def test_a_provider_that_refunds_whole_payments_only_gets_no_part(shop: Shop) -> None:
    payment = await paid(shop, "linepay")
    assert (await shop.refunds_of(payment, baht(40)))["way"] == "bank_transfer"
    whole = await paid(shop, "linepay")
    assert (await shop.refunds_of(whole))["way"] == "provider"


async def test_the_same_key_refunds_once(shop: Shop) -> None:
    payment = await paid(shop)
    first = await shop.refunds_of(payment, baht(40), "K1")
    assert await shop.refunds_of(payment, baht(40), "K1") == first
    with pytest.raises(KeyReused):
        await shop.refunds_of(payment, baht(41), "K1")
    assert len(shop.bank.told) == 1 and await counts(shop, payment) == (15_000, 0, 4_000)


async def test_a_refund_cut_off_between_its_transactions_is_asked_about_and_never_told_twice(
    shop: Shop,
) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    refund = await shop.refunds_of(payment, baht(40), "K1")
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET answer = NULL, status = NULL WHERE key = 'K1'")
        await tx.execute("UPDATE instructions SET state = 'created'")
    await shop.time_passes(MINUTE)
    with pytest.raises(KeyBusy):
        await shop.refunds_of(payment, baht(40), "K1")
    shop.bank.to_be_asked.append(Done("R1", baht(40), PAID_AT))
    await shop.works()
    again = await shop.refunds_of(payment, baht(40), "K1")
    assert (again["id"], again["status"]) == (refund["id"], "succeeded") and len(shop.bank.told) == 1


async def test_a_foreign_and_a_made_up_refund_look_the_same(shop: Shop, database: Database) -> None:
    payment = await paid(shop, "promptpay")
    refund = await shop.refunds_of(payment)
    other = await open_shop(database)
    told = []
    for merchant, one in ((other.merchant, refund["id"]), (shop.merchant, "re_" + "0" * 32)):
        with pytest.raises(RefundNotFound) as no:
            await shop.refunds.get(merchant, "test", one)
        told.append(str(no.value))
    assert told[0] == told[1]
    with pytest.raises(RefundNotFound):
        await other.refunds.drop(refund["id"], other.once("d", None, "1"), rendered)


async def test_the_books_verify_after_every_kind_of_refund(shop: Shop) -> None:
    payment = await paid(shop)
    shop.bank.to_instruct.extend(
        [Done("R1", baht(10), PAID_AT), Declined(Failure.DECLINED, "E", "no"), Unknown("cut")]
    )
    for satang in (1_000, 2_000, 3_000):
        await shop.refunds_of(payment, Money(satang))
    qr = await paid(shop, "promptpay")
    task = await shop.refunds_of(qr, baht(40))
    await shop.refunds.transferred(task["id"], "T-9", shop.once("t", None, "1"), rendered)
    assert (await verify(shop.db)).violations == []


def test_every_no_of_this_room_has_a_code_of_its_own() -> None:
    refusals: list[type[Refusal]] = [
        NothingToRefund,
        RefundExceedsCapture,
        RefundNotFound,
        RefundNotWaiting,
        TransferUsed,
    ]
    assert len({one.code for one in refusals}) == len(refusals)
