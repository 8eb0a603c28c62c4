"""Movements of money that a provider proves: the payment's own, too little, too much, or once too often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.connectors.contract import Paid, Receipt
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import Money
from quickkub.payments import attempt_store, books, proof_store, rules
from quickkub.payments.announce import advance, amend
from quickkub.payments.desk import Desk
from quickkub.payments.states import ATTEMPT, PAYMENT, AttemptState, Fact, PaymentState
from quickkub.payments.store import Change
from quickkub.payments.tolerance import Tolerance, tolerance_of


async def take_money(desk: Desk, paid: Paid) -> None:
    """Book every movement that is news. While a capture is under way its own answer tells which is which."""
    known = await proof_store.known_transactions(desk.tx, desk.attempt)
    news = [receipt for receipt in paid.receipts if receipt.transaction_id not in known]
    if news and desk.payment.capturing.minor:
        await attempt_store.check_instructions_now(desk.tx, desk.payment.merchant, desk.payment.id)
        return
    for receipt in sorted(news, key=lambda r: (r.paid_at, r.transaction_id)):
        await _take_receipt(desk, receipt, paid.provider_reference)


DOUBT_SECONDS: Final = 2
"""How soon an odd amount is asked about again."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a movement is the payment's own, and what is left over, in the movement's currency."""

    own: Money
    over: Money


def share_of(received: Money, asked: Money, tolerance: Tolerance) -> Share:
    """All or nothing of the asked amount, within what the merchant tolerates (P12).

    A little too much: the asked amount is the payment's, the rest is owed to the payer. A little too little:
    what came is the payment's. Anything else fits nothing and is left over whole.
    """
    nothing = Money(0, received.currency)
    if received.currency != asked.currency:
        return Share(nothing, received)
    difference = received.minor - asked.minor
    if not -tolerance.under <= difference <= tolerance.over:
        return Share(nothing, received)
    own = Money(min(received.minor, asked.minor), received.currency)
    return Share(own, received - own)


async def _take_receipt(desk: Desk, receipt: Receipt, provider_reference: str | None) -> None:
    """Book one movement: as the payment's own if it fits (P12) and is the first (P5), or as extra."""
    share = await _share(desk, receipt.amount)
    if _is_odd(desk, receipt, share) and not await told_before(desk, receipt):
        return
    receipt_id = new_id("rcp")
    fresh = await proof_store.keep_receipt(
        desk.tx,
        desk.attempt,
        receipt_id=receipt_id,
        transaction_id=receipt.transaction_id,
        amount=receipt.amount,
        applied=share.own.minor,
        evidence=await desk.evidence(),
        paid_at=receipt.paid_at,
    )
    if not fresh:
        await _told_for_another(desk, receipt)
        return
    await books.book_receipt(desk.tx, desk.attempt, receipt_id, receipt, own=share.own)
    if share.own.minor:
        await _succeed(desk, receipt, share.own, provider_reference)
    if share.over.minor:
        await _put_aside(desk, receipt, receipt_id, share)


def _is_odd(desk: Desk, receipt: Receipt, share: Share) -> bool:
    """Whether a payment that waits for its money is told of another amount."""
    waits = PAYMENT.allows(desk.payment.state, Fact.PAID)
    return waits and not share.own.minor and receipt.amount != desk.attempt.amount


async def told_before(desk: Desk, receipt: Receipt) -> bool:
    """An odd amount is believed when it is told a second time in the same words.

    What is booked stays booked, and a provider that once answers with a wrong amount would leave our books
    different from its own for ever.
    """
    words = f"{receipt.transaction_id}:{receipt.amount.minor}:{receipt.amount.currency.code}"
    return await attempt_store.doubt(desk.tx, desk.attempt, words, DOUBT_SECONDS)


async def _share(desk: Desk, received: Money) -> Share:
    nothing = Money(0, received.currency)
    takes = PAYMENT.allows(desk.payment.state, Fact.PAID) and ATTEMPT.allows(desk.attempt.state, Fact.PAID)
    if not takes:
        return Share(nothing, received)
    held = desk.payment.authorized
    is_part = received.currency == held.currency and received <= held
    if desk.payment.state is PaymentState.AUTHORIZED and is_part:
        return Share(received, nothing)  # captured at the provider, not through us
    asked = desk.attempt.amount
    exactly = received == asked
    tolerance = Tolerance() if exactly else await tolerance_of(desk.tx, desk.payment.merchant)
    return share_of(received, asked, tolerance)


async def _told_for_another(desk: Desk, receipt: Receipt) -> None:
    """One movement named for two payments: it is booked for the first, and a person looks at the second."""
    await desk.case(
        "transaction_told_twice",
        f"{desk.attempt.id}:{receipt.transaction_id}",
        {
            "transaction_id": receipt.transaction_id,
            "received": receipt.amount.minor,
            "currency": receipt.amount.currency.code,
        },
    )


async def _succeed(desk: Desk, receipt: Receipt, own: Money, provider_reference: str | None) -> None:
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.PAID),
        provider_reference=provider_reference or desk.attempt.provider_reference or receipt.transaction_id,
        evidence=await desk.evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.SUCCEEDED, 0),
    )
    short = 0 if desk.payment.capture_later else desk.payment.amount.minor - own.minor
    change = Change(captured=own.minor, paid_at=receipt.paid_at, hold_open=False, short=short)
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.PAID, desk.office.public_url, change
    )


async def _put_aside(desk: Desk, receipt: Receipt, receipt_id: str, share: Share) -> None:
    """Money that fits no open payment is a liability and, unless it is small change, a person's case (P6)."""
    in_parts = _captured_in_parts(desk, share)
    by_rule = await proof_store.keep_unapplied(
        desk.tx,
        desk.payment.merchant,
        receipt_id,
        desk.payment.mode,
        share.over,
        decided_by_rule=not in_parts,
    )
    asked = desk.attempt.amount
    if share.own.minor:
        kind = "paid_over"
    elif in_parts:
        kind = "captured_in_parts"
    elif receipt.amount == asked:
        kind = "paid_again"
    else:
        kind = "amount_mismatch"
    details = {
        "asked": asked.minor,
        "received": receipt.amount.minor,
        "left_over": share.over.minor,
        "currency": receipt.amount.currency.code,
        "transaction_id": receipt.transaction_id,
        "refunded_by_rule": int(by_rule),
    }
    await desk.case(kind, receipt_id, details, receipt=receipt_id)
    is_short = receipt.amount.currency == asked.currency and receipt.amount < asked
    desk.payment = await amend(
        desk.tx,
        desk.payment,
        desk.attempt,
        "underpaid" if is_short else "overpaid",
        desk.office.public_url,
    )


def _captured_in_parts(desk: Desk, share: Share) -> bool:
    """A further part of a hold, captured at the provider and not through us: the merchant took it on purpose,
    so no rule gives it back."""
    payment = desk.payment
    held = payment.authorized - payment.captured
    return payment.capture_later and share.over.currency == held.currency and share.over <= held


async def put_capture_aside(desk: Desk, receipt: Receipt, instruction: str) -> None:
    """A capture that took another amount than it was told to: in the books, and a person says whose it is."""
    receipt_id = new_id("rcp")
    fresh = await proof_store.keep_receipt(
        desk.tx,
        desk.attempt,
        receipt_id=receipt_id,
        transaction_id=receipt.transaction_id,
        amount=receipt.amount,
        applied=0,
        evidence=await desk.evidence(),
        paid_at=receipt.paid_at,
        instruction=instruction,
    )
    if not fresh:
        return
    await books.book_receipt(
        desk.tx, desk.attempt, receipt_id, receipt, own=Money(0, receipt.amount.currency)
    )
    await proof_store.keep_unapplied(
        desk.tx,
        desk.payment.merchant,
        receipt_id,
        desk.payment.mode,
        receipt.amount,
        decided_by_rule=False,
    )
    details = {
        "received": receipt.amount.minor,
        "currency": receipt.amount.currency.code,
        "transaction_id": receipt.transaction_id,
        "instruction": instruction,
    }
    await desk.case("captured_otherwise", receipt_id, details, receipt=receipt_id)
