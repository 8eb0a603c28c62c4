"""Money that is held: captured whole, in parts, or let go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from quickkub.connectors.contract import (
    Authorized,
    Declined,
    Done,
    Failure,
    NotSent,
    Paid,
    Unknown,
    Waiting,
)
from quickkub.kernel.money import baht
from quickkub.payments.instructions.model import (
    CaptureExceedsAuthorized,
    CaptureInOnePiece,
    NothingToCapture,
    NothingToVoid,
    VoidUnsupported,
)
from quickkub.payments.model import CaptureUnsupported, PaymentNotCancellable, PaymentNotFound
from quickkub.storage import Database
from quickkub.storage.idempotency import KeyBusy, KeyReused
from tests.support.shop import PAID_AT, Shop, open_shop, receipt

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def held(shop: Shop, method: str = "card") -> str:
    payment = await shop.charges(PRICE, method=method, capture_later=True)
    assert payment["status"] == "authorized"
    return str(payment["id"])


async def payable(shop: Shop) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = 'merchant:payable'"
    )
    return int(rows[0]["total"])


async def test_a_held_payment_books_nothing_and_can_be_captured(shop: Shop) -> None:
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    assert payment["status"] == "authorized" and payment["capture"] == "manual"
    assert (payment["authorized_amount"], payment["capturable_amount"]) == (15_000, 15_000)
    assert payment["captured_amount"] == 0 and await payable(shop) == 0


async def test_capturing_all_of_it_pays_the_payment(shop: Shop) -> None:
    payment = await held(shop)
    after = await shop.captures(payment)
    assert after["status"] == "succeeded" and after["captured_amount"] == 15_000
    assert after["capturable_amount"] == 0 and await payable(shop) == 15_000
    with pytest.raises(NothingToCapture):
        await shop.captures(payment)


async def test_several_captures_never_take_more_than_is_held(shop: Shop) -> None:
    payment = await held(shop)
    first = await shop.captures(payment, baht(60), final=False)
    assert (first["status"], first["captured_amount"], first["capturable_amount"]) == (
        "succeeded",
        6_000,
        9_000,
    )
    with pytest.raises(CaptureExceedsAuthorized):
        await shop.captures(payment, baht(91))
    last = await shop.captures(payment, baht(50))
    assert (last["captured_amount"], last["capturable_amount"]) == (11_000, 0)
    assert await payable(shop) == 11_000
    assert len({one.reference for one in shop.bank.told}) == 2


async def test_what_the_provider_captures_in_one_piece_is_not_split(shop: Shop) -> None:
    payment = await held(shop, "linepay")
    with pytest.raises(CaptureInOnePiece):
        await shop.captures(payment, baht(60))
    with pytest.raises(CaptureInOnePiece):
        await shop.captures(payment, final=False)
    assert (await shop.captures(payment))["status"] == "succeeded"


async def test_a_method_that_is_paid_at_once_cannot_be_held(shop: Shop) -> None:
    with pytest.raises(CaptureUnsupported):
        await shop.charges(PRICE, capture_later=True)


async def test_a_capture_whose_answer_is_lost_stays_counted_until_an_inquiry_tells(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    after = await shop.captures(payment, baht(100), final=False)
    assert (after["status"], after["captured_amount"], after["capturing_amount"]) == (
        "authorized",
        0,
        10_000,
    )
    with pytest.raises(CaptureExceedsAuthorized):
        await shop.captures(payment, baht(51), final=False)
    shop.bank.to_be_asked.append(Done("C1", baht(100), PAID_AT))
    await shop.time_passes(MINUTE)
    await shop.works()
    seen = await shop.sees(payment)
    assert (seen["status"], seen["captured_amount"], seen["capturing_amount"]) == ("succeeded", 10_000, 0)
    assert len(shop.bank.told) == 1, "nobody told the provider a second time"
    assert await payable(shop) == 10_000


async def test_a_capture_that_certainly_had_no_effect_is_free_again(shop: Shop) -> None:
    payment = await held(shop)
    for no in (Declined(Failure.DECLINED, "E1", "no"), NotSent("connection refused")):
        shop.bank.to_instruct.append(no)
        after = await shop.captures(payment)
        assert (after["status"], after["capturing_amount"], after["capturable_amount"]) == (
            "authorized",
            0,
            15_000,
        )
    assert await payable(shop) == 0


async def test_a_capture_of_another_amount_than_asked_settles_nothing_and_is_a_case(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Done("C1", baht(149), PAID_AT))
    after = await shop.captures(payment)
    assert (after["status"], after["capturing_amount"]) == ("authorized", 15_000)
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["instruction_amount_mismatch"]


async def test_a_capture_told_by_the_inquiry_first_is_booked_once(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.captures(payment)
    shop.bank.usual_inquiry = Paid((receipt(PRICE, "C1"),))
    shop.bank.to_be_asked.append(Done("C1", PRICE, PAID_AT))
    await shop.time_passes(timedelta(hours=2))
    await shop.works()
    seen = await shop.sees(payment)
    assert (seen["status"], seen["captured_amount"], seen["capturing_amount"]) == ("succeeded", 15_000, 0)
    assert await payable(shop) == 15_000 and await shop.counts("receipts") == 1


async def test_what_was_captured_at_the_provider_is_taken_in(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.usual_inquiry = Paid((receipt(baht(120), "P1"),))
    await shop.time_passes(timedelta(hours=2))
    await shop.works()
    seen = await shop.sees(payment)
    assert (seen["status"], seen["captured_amount"], seen["capturable_amount"]) == ("succeeded", 12_000, 0)


async def test_the_same_key_captures_once(shop: Shop) -> None:
    payment = await held(shop)
    first = await shop.captures(payment, baht(60), "K1", final=False)
    assert await shop.captures(payment, baht(60), "K1", final=False) == first
    assert len(shop.bank.told) == 1
    with pytest.raises(KeyReused):
        await shop.captures(payment, baht(61), "K1", final=False)


async def test_a_capture_cut_off_between_its_transactions_is_answered_as_it_stands(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.captures(payment, key="K1")
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET answer = NULL, status = NULL WHERE key = 'K1'")
    with pytest.raises(KeyBusy):
        await shop.captures(payment, key="K1")
    await shop.time_passes(MINUTE)
    again = await shop.captures(payment, key="K1")
    assert again["capturing_amount"] == 15_000 and len(shop.bank.told) == 1


async def test_a_void_lets_the_money_go_and_calls_the_payment_off(shop: Shop) -> None:
    payment = await held(shop)
    after = await shop.voids(payment)
    assert (after["status"], after["capturable_amount"]) == ("cancelled", 0)
    with pytest.raises(NothingToCapture):
        await shop.captures(payment)
    with pytest.raises(NothingToVoid):
        await shop.voids(payment)


async def test_a_void_after_a_part_was_captured_lets_only_the_rest_go(shop: Shop) -> None:
    payment = await held(shop)
    await shop.captures(payment, baht(60), final=False)
    after = await shop.voids(payment)
    assert (after["status"], after["captured_amount"], after["capturable_amount"]) == (
        "succeeded",
        6_000,
        0,
    )
    assert shop.bank.told[-1].amount == baht(90)


async def test_while_a_capture_is_under_way_nothing_is_voided(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.captures(payment)
    with pytest.raises(NothingToVoid):
        await shop.voids(payment)


async def test_while_a_void_is_under_way_nothing_is_captured_and_its_refusal_opens_the_hold_again(
    shop: Shop,
) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    assert (await shop.voids(payment))["status"] == "authorized"
    with pytest.raises(NothingToCapture):
        await shop.captures(payment)
    shop.bank.to_be_asked.append(Declined(Failure.DECLINED, "V9", "not voided"))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.captures(payment))["status"] == "succeeded"


async def test_where_a_provider_cannot_void_the_merchant_is_told(shop: Shop) -> None:
    payment = await held(shop, "linepay")
    with pytest.raises(VoidUnsupported):
        await shop.voids(payment)
    with pytest.raises(PaymentNotFound):
        await shop.voids("pay_" + "0" * 32)


async def test_held_money_is_voided_and_not_cancelled(shop: Shop) -> None:
    payment = await held(shop)
    with pytest.raises(PaymentNotCancellable):
        await shop.cancels(payment)


async def test_a_hold_that_lapsed_at_the_provider_expires_the_payment(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.usual_inquiry = Declined(Failure.EXPIRED, "H1", "the hold is over")
    await shop.time_passes(timedelta(hours=2))
    await shop.works()
    seen = await shop.sees(payment)
    assert (seen["status"], seen["capturable_amount"]) == ("expired", 0)


async def test_a_hold_does_not_end_when_the_payer_s_time_is_up(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.usual_inquiry = Waiting()
    await shop.time_passes(timedelta(hours=2))
    await shop.works()
    assert (await shop.sees(payment))["status"] == "authorized"


async def test_a_hold_of_another_amount_is_a_case_and_authorises_nothing(shop: Shop) -> None:
    shop.bank.to_create.append(Authorized(baht(149), PAID_AT))
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    assert payment["status"] == "processing" and payment["authorized_amount"] == 0
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["hold_amount_mismatch"]


async def test_a_hold_for_a_payment_that_has_ended_is_put_before_a_person(shop: Shop) -> None:
    shop.bank.to_create.append(Unknown("the line was cut"))
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    shop.bank.usual_inquiry = Waiting()
    await shop.time_passes(MINUTE * 20)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    shop.bank.usual_inquiry = Authorized(PRICE, PAID_AT, provider_reference="H1")
    await shop.time_passes(MINUTE * 20)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["hold_not_wanted"]


async def test_the_provider_hears_that_nobody_waits_for_a_payment_any_more(shop: Shop) -> None:
    payment = await shop.charges(PRICE, method="card")
    assert payment["status"] == "requires_action"
    await shop.cancels(payment["id"])
    assert shop.bank.told == [], "the merchant is not kept waiting for it"
    await shop.works()
    assert [one.doing.value for one in shop.bank.told] == ["cancel"]
    await shop.time_passes(MINUTE * 20)
    await shop.works()
    assert len(shop.bank.told) == 1
