"""Slips: what a bank's record of a transfer does to a payment, and what it never does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import (
    Account,
    Declined,
    Failure,
    NoSlip,
    NotSent,
    Paid,
    Slip,
    SlipAnswer,
    SlipExchange,
    Unknown,
)
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import Money, baht
from quickkub.payments.model import PaymentNotFound
from quickkub.payments.slips import (
    SlipAlreadyUsed,
    SlipLookupUnavailable,
    SlipQuestion,
    SlipUnreadable,
)
from quickkub.promptpay import images
from quickkub.promptpay.model import BankSlip, TrueMoneySlip
from quickkub.promptpay.slip import build_slip, build_truemoney_slip
from quickkub.storage import Database
from tests.support.shop import MadeUpBank, Shop, open_shop, receipt

PRICE = baht(150)
PHONE = "0812345678"
SHOWN = "xxx-xxx-5678"
REF = "202611251200001"
TEXT = build_slip(BankSlip("014", REF))


@dataclass
class LookingBank(MadeUpBank):
    """A bank that looks transfers up."""

    transfers: dict[str, SlipAnswer] = field(default_factory=dict)
    looked_up: list[tuple[str, str]] = field(default_factory=list)

    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        yield from ()
        self.looked_up.append((sending_bank, trans_ref))
        return self.transfers.get(trans_ref, NoSlip("1104"))

    def knows(
        self, amount: Money, *references: str, receiver: str = SHOWN, ref: str = REF, **more: Any
    ) -> None:
        """A transfer went through a moment ago."""
        at = more.pop("at", datetime.now(UTC))
        self.transfers[ref] = Slip(
            "014", ref, amount, at, "014", receiver, "SOM TAM", "SOMCHAI J", references
        )


@pytest.fixture
async def bank() -> LookingBank:
    return LookingBank()


@pytest.fixture
async def shop(database: Database, bank: LookingBank) -> Shop:
    """A shop whose own bank looks transfers up, and that shows a static PromptPay QR besides."""
    return await open_shop(database, bank)


async def shows_static_qr(shop: Shop) -> dict[str, Any]:
    """A payment by a static QR to the shop's phone number."""
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = false WHERE provider = 'madeup'")
    await shop.opens_account("promptpay", MadeUpBank(), promptpay_id=PHONE)
    payment = await shop.charges(PRICE)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = true")
    assert payment["provider"] == "promptpay"
    return payment


async def verify(shop: Shop, **more: Any) -> dict[str, Any]:
    return await shop.payments.slips.verify(shop.merchant, "test", SlipQuestion(**{"payload": TEXT} | more))


async def no_invariant_is_broken(shop: Shop) -> None:
    report = await check_invariants(shop.db)
    assert report.violations == []


# --- looking a transfer up --------------------------------------------------------------------------------


async def test_a_transfer_the_bank_knows_is_shown_as_the_bank_has_it(shop: Shop, bank: LookingBank) -> None:
    bank.knows(PRICE)
    told = await verify(shop)
    assert (told["verified"], told["status"], told["reasons"]) == (True, "verified", [])
    assert (told["amount"], told["receiver_id"], told["sender_name"]) == (15_000, SHOWN, "S*** J***")
    assert (told["payment"], told["used_for"]) == (None, None)
    assert told["checks"]["receiver"] is None, "the shop has no id to compare with"
    assert bank.looked_up == [("014", REF)]


async def test_looking_at_a_slip_does_not_use_it_up(shop: Shop, bank: LookingBank) -> None:
    bank.knows(PRICE)
    assert await verify(shop) == await verify(shop)
    assert await shop.counts("slips") == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NoSlip("1104"), "not_found"),
        (Unknown("no answer within 15 s"), "bank_cannot_tell"),
        (NotSent("the circuit is open"), "bank_cannot_tell"),
        (Declined(Failure.PROVIDER_MISCONFIGURED, "401", "no"), "lookup_refused"),
    ],
)
async def test_what_the_bank_does_not_say_is_pending_and_never_a_no(
    shop: Shop, bank: LookingBank, answer: SlipAnswer, reason: str
) -> None:
    """A fresh transfer is often not in the bank's books for minutes (promptpay pack 6.3)."""
    bank.transfers[REF] = answer
    payment = await shop.charges(PRICE)
    told = await verify(shop, payment=payment["id"])
    assert (told["verified"], told["status"], told["reasons"]) == (False, "pending", [reason])
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert await shop.counts("slips") == 0


async def test_an_amount_that_is_named_is_compared_without_a_payment(shop: Shop, bank: LookingBank) -> None:
    bank.knows(PRICE)
    assert (await verify(shop, amount=PRICE))["verified"]
    told = await verify(shop, amount=baht(151))
    assert (told["status"], told["reasons"]) == ("refused", ["amount_differs"])


async def test_what_is_no_bank_slip_is_refused_before_anybody_is_asked(shop: Shop, bank: LookingBank) -> None:
    wallet = build_truemoney_slip(TrueMoneySlip("P2P", "T123", "25112026", (), ()))
    for payload in ("hello", "", "00020101021129370016A000000677010111", wallet):
        with pytest.raises(SlipUnreadable):
            await verify(shop, payload=payload)
    assert bank.looked_up == []


async def test_a_shop_without_a_bank_that_looks_transfers_up_is_told_so(database: Database) -> None:
    shop = await open_shop(database)
    with pytest.raises(SlipLookupUnavailable):
        await verify(shop)


async def test_an_account_that_is_named_has_to_be_one_that_can_look(shop: Shop, bank: LookingBank) -> None:
    other = await shop.opens_account("second", MadeUpBank())
    bank.knows(PRICE)
    with pytest.raises(SlipLookupUnavailable) as refused:
        await verify(shop, account=other)
    assert refused.value.param == "account"
    (own,) = await shop.rows("SELECT id FROM provider_accounts WHERE provider = 'madeup'")
    assert (await verify(shop, account=own["id"]))["verified"]


async def test_a_payment_of_somebody_else_is_no_payment(shop: Shop, bank: LookingBank) -> None:
    bank.knows(PRICE)
    theirs = await (await open_shop(shop.db)).charges(PRICE)
    with pytest.raises(PaymentNotFound):
        await verify(shop, payment=theirs["id"])


# --- a payment whose provider can be asked ----------------------------------------------------------------


async def reference_of(shop: Shop, payment: str) -> str:
    return str((await shop.sees(payment))["attempts"][0]["reference"])


async def test_a_slip_that_fits_has_the_provider_asked_at_once_and_that_pays(
    shop: Shop, bank: LookingBank
) -> None:
    payment = await shop.charges(PRICE)
    reference = await reference_of(shop, payment["id"])
    bank.knows(PRICE, reference)
    bank.of[reference] = Paid((receipt(PRICE, "the bank's own number"),))
    told = await verify(shop, payment=payment["id"])
    assert (told["verified"], told["payment_status"]) == (True, "succeeded")
    rows = await shop.rows("SELECT transaction_id FROM receipts")
    assert [row["transaction_id"] for row in rows] == ["the bank's own number"]
    await no_invariant_is_broken(shop)


async def test_a_slip_alone_never_pays_a_payment_whose_provider_does_not_show_the_money(
    shop: Shop, bank: LookingBank
) -> None:
    payment = await shop.charges(PRICE)
    bank.knows(PRICE, await reference_of(shop, payment["id"]))
    told = await verify(shop, payment=payment["id"])
    assert (told["verified"], told["payment_status"]) == (True, "requires_action")
    assert await shop.counts("receipts") == 0
    (due,) = await shop.rows("SELECT next_check_at <= now() AS soon FROM attempts")
    assert due["soon"], "the worker asks again at once"


async def test_a_transfer_for_another_order_is_refused_by_its_reference(
    shop: Shop, bank: LookingBank
) -> None:
    first, second = await shop.charges(PRICE), await shop.charges(PRICE)
    bank.knows(PRICE, await reference_of(shop, first["id"]))
    told = await verify(shop, payment=second["id"])
    assert (told["status"], told["reasons"]) == ("refused", ["reference_differs"])
    assert await shop.counts("slips") == 0, "it is still good for the payment it is of"


async def test_a_transfer_from_before_the_order_is_refused(shop: Shop, bank: LookingBank) -> None:
    payment = await shop.charges(PRICE)
    bank.knows(PRICE, at=datetime.now(UTC) - timedelta(hours=1))
    told = await verify(shop, payment=payment["id"])
    assert (told["status"], told["reasons"]) == ("refused", ["time_differs"])


# --- once -------------------------------------------------------------------------------------------------


async def test_the_same_slip_for_the_same_payment_gets_the_same_answer(shop: Shop, bank: LookingBank) -> None:
    payment = await shop.charges(PRICE)
    bank.knows(PRICE)
    first = await verify(shop, payment=payment["id"])
    bank.transfers.clear()
    assert await verify(shop, payment=payment["id"]) == first
    assert len(bank.looked_up) == 1 and await shop.counts("slips") == 1


async def test_the_same_slip_for_another_payment_is_refused(shop: Shop, bank: LookingBank) -> None:
    first, second = await shop.charges(PRICE), await shop.charges(PRICE)
    bank.knows(PRICE)
    await verify(shop, payment=first["id"])
    with pytest.raises(SlipAlreadyUsed):
        await verify(shop, payment=second["id"])
    assert (await verify(shop))["used_for"] == first["id"]


async def test_a_slip_shown_for_many_payments_at_once_is_used_for_one(shop: Shop, bank: LookingBank) -> None:
    payments = [await shop.charges(PRICE) for _ in range(6)]
    bank.knows(PRICE)
    told = await asyncio.gather(
        *(verify(shop, payment=payment["id"]) for payment in payments), return_exceptions=True
    )
    assert sum(isinstance(one, SlipAlreadyUsed) for one in told) == 5
    assert await shop.counts("slips") == 1


# --- a static PromptPay QR --------------------------------------------------------------------------------


async def test_a_static_qr_is_paid_by_the_banks_record_of_the_transfer(shop: Shop, bank: LookingBank) -> None:
    payment = await shows_static_qr(shop)
    bank.knows(PRICE)
    told = await verify(shop, payment=payment["id"])
    assert (told["verified"], told["payment_status"]) == (True, "succeeded")
    assert told["checks"] == {"amount": True, "receiver": True, "reference": None, "time": True}
    seen = await shop.sees(payment["id"])
    assert (seen["captured_amount"], seen["provider"]) == (15_000, "promptpay")
    (row,) = await shop.rows("SELECT transaction_id, provider FROM receipts")
    assert (row["transaction_id"], row["provider"]) == (REF, "promptpay")
    await no_invariant_is_broken(shop)


@pytest.mark.parametrize(
    ("transfer", "reason"),
    [
        ({"amount": baht(149)}, "amount_differs"),
        ({"receiver": "xxx-xxx-9999"}, "receiver_differs"),
        ({"receiver": "xxxx-1234-xxxxxxxx"}, "receiver_not_comparable"),
        ({"receiver": ""}, "receiver_not_comparable"),
        ({"at": datetime(2020, 1, 1, tzinfo=UTC)}, "time_differs"),
    ],
)
async def test_a_static_qr_is_not_paid_by_a_transfer_that_is_not_certainly_its_own(
    shop: Shop, bank: LookingBank, transfer: dict[str, Any], reason: str
) -> None:
    payment = await shows_static_qr(shop)
    bank.knows(transfer.pop("amount", PRICE), **transfer)
    told = await verify(shop, payment=payment["id"])
    assert (told["verified"], told["reasons"]) == (False, [reason])
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert await shop.counts("receipts") + await shop.counts("slips") == 0


async def test_one_transfer_pays_one_static_qr_however_many_wait_for_it(
    shop: Shop, bank: LookingBank
) -> None:
    first = await shows_static_qr(shop)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = false WHERE provider = 'madeup'")
    second = await shop.charges(PRICE)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = true")
    bank.knows(PRICE)
    told = await asyncio.gather(
        *(verify(shop, payment=payment["id"]) for payment in (first, second)), return_exceptions=True
    )
    assert sum(isinstance(one, SlipAlreadyUsed) for one in told) == 1
    statuses = {(await shop.sees(payment["id"]))["status"] for payment in (first, second)}
    assert statuses == {"succeeded", "requires_action"}
    assert await shop.counts("receipts") == 1
    await no_invariant_is_broken(shop)


async def test_a_second_transfer_for_a_paid_static_qr_is_nobodys_yet(shop: Shop, bank: LookingBank) -> None:
    payment = await shows_static_qr(shop)
    other = build_slip(BankSlip("014", "202611251200002"))
    bank.knows(PRICE)
    bank.knows(PRICE, ref="202611251200002")
    await verify(shop, payment=payment["id"])
    await verify(shop, payment=payment["id"], payload=other)
    assert (await shop.sees(payment["id"]))["captured_amount"] == 15_000
    assert await shop.counts("unapplied") == 1
    await no_invariant_is_broken(shop)


async def test_a_static_qr_paid_after_its_time_succeeds_after_all(shop: Shop, bank: LookingBank) -> None:
    payment = await shows_static_qr(shop)
    await shop.time_passes(timedelta(minutes=20))
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    bank.knows(PRICE)
    assert (await verify(shop, payment=payment["id"]))["payment_status"] == "succeeded"


async def test_what_a_bank_said_is_kept_and_names_are_sealed(shop: Shop, bank: LookingBank) -> None:
    payment = await shows_static_qr(shop)
    bank.knows(PRICE)
    await verify(shop, payment=payment["id"])
    (slip,) = await shop.rows("SELECT evidence_id, answer FROM slips")
    (evidence,) = await shop.rows("SELECT outcome FROM evidence WHERE id = $1", slip["evidence_id"])
    assert evidence["outcome"] == "slip"
    assert b"SOMCHAI" not in bytes(slip["answer"])


async def test_a_picture_is_read_like_the_text_in_it(shop: Shop, bank: LookingBank) -> None:
    bank.knows(PRICE)
    told = await verify(shop, payload=None, picture=images.png(TEXT, scale=4))
    assert told["trans_ref"] == REF
