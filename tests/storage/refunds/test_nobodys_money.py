"""Money that no payment was waiting for: within tolerance, held for a person, or given back by rule."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import Paid
from quickkub.kernel.money import Money, baht
from quickkub.ledger.verify import verify
from quickkub.merchants.rules import change_money_rules
from quickkub.refunds.cases import (
    CaseClosed,
    CaseHoldsMoney,
    CaseHoldsNoMoney,
    CaseNotFound,
    Decision,
    Resolution,
)
from quickkub.storage import Database
from tests.support.shop import Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def rule(shop: Shop, under: int = 0, over: int = 0, orphans: str = "hold") -> None:
    async with shop.db.transaction() as tx:
        await change_money_rules(tx, shop.merchant, under=under, over=over, orphans=orphans)


async def pays(shop: Shop, *amounts: Money) -> dict[str, Any]:
    """A payment of 150 baht for which these amounts came."""
    payment = await shop.charges(PRICE)
    receipts = tuple(receipt(amount, f"{payment['id']}/{n}") for n, amount in enumerate(amounts))
    shop.bank.usual_inquiry = Paid(receipts)
    for _ in range(2):
        await shop.time_passes(MINUTE)
        await shop.works()
    return await shop.sees(payment["id"])


async def balance(shop: Shop, account: str) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = $1", account
    )
    return int(rows[0]["total"])


async def the_case(shop: Shop) -> Any:
    (row,) = await shop.rows("SELECT id, kind, state, receipt_id, resolution FROM cases")
    return row


async def decide(shop: Shop, case: str, decision: Decision) -> dict[str, Any]:
    resolution = Resolution(decision, "the customer called", "key_1")
    once = shop.once("cases.resolve", None, case)
    answered = await shop.refunds.resolve(case, resolution, once, rendered)
    view: dict[str, Any] = json.loads(answered.body)
    return view


@pytest.mark.parametrize("satang", [14_900, 14_999])
async def test_a_little_too_little_counts_as_paid_if_the_merchant_says_so(shop: Shop, satang: int) -> None:
    await rule(shop, under=100)
    payment = await pays(shop, Money(satang))
    assert (payment["status"], payment["captured_amount"]) == ("succeeded", satang)
    assert await balance(shop, "merchant:payable") == satang and await shop.counts("cases") == 0
    assert (await verify(shop.db)).violations == []


async def test_a_little_too_much_pays_the_payment_and_the_rest_is_owed_to_the_payer(shop: Shop) -> None:
    await rule(shop, over=500)
    payment = await pays(shop, baht(155))
    assert (payment["status"], payment["captured_amount"]) == ("succeeded", 15_000)
    assert await balance(shop, "merchant:payable") == 15_000
    assert await balance(shop, "merchant:unapplied") == 500
    assert (await the_case(shop))["kind"] == "paid_over"
    assert (await verify(shop.db)).violations == []


@pytest.mark.parametrize("satang", [14_899, 15_501, 1, 150_000])
async def test_beyond_the_tolerance_nothing_is_paid(shop: Shop, satang: int) -> None:
    await rule(shop, under=100, over=500)
    payment = await pays(shop, Money(satang))
    assert payment["status"] == "requires_action" and payment["captured_amount"] == 0
    assert await balance(shop, "merchant:unapplied") == satang
    assert (await the_case(shop))["kind"] == "amount_mismatch"


async def test_nothing_is_tolerated_unless_the_merchant_says_so(shop: Shop) -> None:
    assert (await pays(shop, Money(14_999)))["status"] == "requires_action"


async def test_by_rule_nobody_s_money_is_given_back_once(shop: Shop) -> None:
    await rule(shop, orphans="refund")
    await pays(shop, PRICE, PRICE)
    await shop.works()
    (refund,) = await shop.rows("SELECT amount, state, way, payment_id FROM refunds")
    assert (refund["amount"], refund["state"], refund["way"]) == (
        15_000,
        "requires_transfer",
        "bank_transfer",
    )
    assert await balance(shop, "merchant:unapplied") == 0
    assert await balance(shop, "merchant:refunds_due") == 15_000
    assert (await verify(shop.db)).violations == []


async def test_money_for_a_reference_we_never_gave_out_is_booked_as_nobody_s(shop: Shop) -> None:
    """Orphan payments: the provider's books show it, so it is in ours."""
    shop.bank.usual_inquiry = Paid((receipt(baht(99), "O1"),))
    for _ in range(2):
        await shop.is_told({"id": "O1", "ref": "NOBODYS", "amount": "99"})
        await shop.works()
    assert await balance(shop, "merchant:unapplied") == 9_900 and await shop.counts("receipts") == 1
    assert (await the_case(shop))["kind"] == "orphan_payment"
    assert (await verify(shop.db)).violations == []


async def test_an_orphan_is_refunded_when_a_person_says_so(shop: Shop) -> None:
    shop.bank.usual_inquiry = Paid((receipt(baht(99), "O1"),))
    await shop.is_told({"id": "O1", "ref": "NOBODYS", "amount": "99"})
    await shop.works()
    case = await the_case(shop)
    answer = await decide(shop, case["id"], Decision.REFUND)
    assert answer["status"] == "closed" and answer["resolution"] == "refund: the customer called"
    refund = await shop.refunds.get(shop.merchant, "test", answer["refund"])
    assert (refund["amount"], refund["status"], refund["payment"]) == (9_900, "requires_transfer", None)
    ended = await shop.refunds.transferred(refund["id"], "T-1", shop.once("t", None, "1"), rendered)
    assert json.loads(ended.body)["status"] == "succeeded"
    assert await balance(shop, "merchant:unapplied") == 0
    assert (await verify(shop.db)).violations == []


async def test_an_accepted_surplus_is_the_merchant_s(shop: Shop) -> None:
    await pays(shop, PRICE, PRICE)
    case = await the_case(shop)
    await decide(shop, case["id"], Decision.ACCEPT)
    assert await balance(shop, "merchant:payable") == 30_000
    assert await balance(shop, "merchant:unapplied") == 0
    with pytest.raises(CaseClosed):
        await decide(shop, case["id"], Decision.REFUND)


async def test_what_was_given_back_cannot_be_accepted_too(shop: Shop) -> None:
    await rule(shop, orphans="refund")
    await pays(shop, PRICE, PRICE)
    await shop.works()
    case = await the_case(shop)
    for decision in (Decision.ACCEPT, Decision.REFUND):
        with pytest.raises(CaseHoldsNoMoney):
            await decide(shop, case["id"], decision)
    assert (await the_case(shop))["state"] == "open"


async def test_a_dropped_refund_of_nobody_s_money_is_nobody_s_again(shop: Shop) -> None:
    await rule(shop, orphans="refund")
    await pays(shop, PRICE, PRICE)
    await shop.works()
    (refund,) = await shop.rows("SELECT id FROM refunds")
    await shop.refunds.drop(refund["id"], shop.once("d", None, "1"), rendered)
    assert await balance(shop, "merchant:unapplied") == 15_000
    assert (await verify(shop.db)).violations == []


async def test_a_case_is_not_closed_over_money_that_is_nobody_s(shop: Shop) -> None:
    """Nothing else leads back to it: it would be nobody's for ever."""
    await pays(shop, PRICE, PRICE)
    case = await the_case(shop)
    with pytest.raises(CaseHoldsMoney):
        await decide(shop, case["id"], Decision.CLOSE)
    assert (await the_case(shop))["state"] == "open"


async def test_a_case_about_money_that_was_given_back_by_rule_can_be_closed(shop: Shop) -> None:
    await rule(shop, orphans="refund")
    await pays(shop, PRICE, PRICE)
    await shop.works()
    answer = await decide(shop, (await the_case(shop))["id"], Decision.CLOSE)
    assert answer["status"] == "closed"


async def test_a_case_of_another_merchant_is_not_found(shop: Shop, database: Database) -> None:
    await pays(shop, PRICE, PRICE)
    case, other = await the_case(shop), await open_shop(database)
    with pytest.raises(CaseNotFound):
        await decide(other, case["id"], Decision.CLOSE)
