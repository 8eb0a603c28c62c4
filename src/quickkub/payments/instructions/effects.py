"""What an instruction that was carried out, or refused, means for its payment."""

from __future__ import annotations

from quickkub.connectors.contract import Declined, Doing, Done, Receipt
from quickkub.kernel.ids import new_id
from quickkub.payments import attempt_store, books, proof_store, rules
from quickkub.payments.announce import advance, amend
from quickkub.payments.desk import Desk
from quickkub.payments.instructions import store
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import INSTRUCTION, Heard
from quickkub.payments.states import ATTEMPT, PAYMENT, AttemptState, Fact, PaymentState
from quickkub.payments.store import Change


async def carry(desk: Desk, told: Told, done: Done) -> Told:
    """The provider did it: counters, states, books and events in this one transaction (P7)."""
    match told.doing:
        case Doing.CAPTURE:
            await _captured(desk, told, done)
        case Doing.VOID:
            await _let_go(desk)
        case Doing.REFUND:
            await desk.office.on_refund.done(desk, told, done)
        case Doing.CANCEL:
            await attempt_store.check_now(desk.tx, desk.attempt.merchant, desk.attempt.id)
    return await store.move(
        desk.tx,
        told,
        INSTRUCTION.after(told.state, Heard.DONE),
        evidence=await desk.evidence(),
        provider_reference=done.provider_reference,
        check_seconds=0,
    )


async def refuse(desk: Desk, told: Told, declined: Declined) -> Told:
    """The provider proves that it had no effect: what was counted is free again."""
    match told.doing:
        case Doing.CAPTURE:
            freed = Change(capturing=-told.amount.minor)
            desk.payment = await _amend(desk, "capture_failed", freed)
        case Doing.VOID:
            still_held = _still_held(desk, told)
            desk.payment = await _amend(desk, "void_failed", Change(hold_open=still_held))
        case Doing.REFUND:
            await desk.office.on_refund.refused(desk, told, declined)
        case Doing.CANCEL:
            # It may have been paid meanwhile, or be over at the provider: asking tells which.
            await attempt_store.check_now(desk.tx, desk.attempt.merchant, desk.attempt.id)
    return await store.move(
        desk.tx,
        told,
        INSTRUCTION.after(told.state, Heard.REFUSED),
        evidence=await desk.evidence(),
        failure_code=declined.failure.value,
        provider_code=declined.provider_code[:200],
        check_seconds=0,
    )


def _still_held(desk: Desk, told: Told) -> bool:
    """Whether the hold is as it was when it was to be let go: or captured, or lapsed, meanwhile."""
    payment = desk.payment
    lives = payment.state in (PaymentState.AUTHORIZED, PaymentState.SUCCEEDED)
    return lives and told.amount == payment.authorized - payment.captured


async def _amend(desk: Desk, kind: str, change: Change):  # type: ignore[no-untyped-def]
    return await amend(desk.tx, desk.payment, desk.attempt, kind, desk.office.public_url, change)


async def _captured(desk: Desk, told: Told, done: Done) -> None:
    """A capture is a receipt of its own, whichever way we hear of it first."""
    receipt = Receipt(done.transaction_id, done.amount, done.done_at)
    receipt_id = new_id("rcp")
    fresh = await proof_store.keep_receipt(
        desk.tx,
        desk.attempt,
        receipt_id=receipt_id,
        transaction_id=done.transaction_id,
        amount=done.amount,
        applied=done.amount.minor,
        evidence=await desk.evidence(),
        paid_at=done.done_at,
        instruction=told.id,
    )
    change = Change(
        capturing=-told.amount.minor,
        captured=done.amount.minor,
        hold_open=False if told.is_last else None,
        paid_at=done.done_at,
    )
    if not fresh:
        await _captured_before(desk, told, done)
        return
    await books.book_receipt(desk.tx, desk.attempt, receipt_id, receipt, own=done.amount)
    if ATTEMPT.allows(desk.attempt.state, Fact.PAID):
        desk.attempt = await attempt_store.move_attempt(
            desk.tx,
            desk.attempt,
            ATTEMPT.after(desk.attempt.state, Fact.PAID),
            evidence=await desk.evidence(),
            check_seconds=rules.next_check_seconds(AttemptState.SUCCEEDED, 0),
        )
    if PAYMENT.allows(desk.payment.state, Fact.PAID):
        desk.payment = await advance(
            desk.tx, desk.payment, desk.attempt, Fact.PAID, desk.office.public_url, change
        )
    else:
        desk.payment = await _amend(desk, "captured", change)


async def _captured_before(desk: Desk, told: Told, done: Done) -> None:
    """The movement is in the books. If it is there as somebody else's, a person has to look at both."""
    if done.transaction_id not in await proof_store.known_transactions(desk.tx, desk.attempt):
        details = {
            "transaction_id": done.transaction_id,
            "instruction": told.id,
            "received": done.amount.minor,
        }
        await desk.case("transaction_told_twice", f"{told.id}:{done.transaction_id}", details)
    closed = Change(capturing=-told.amount.minor, hold_open=False if told.is_last else None)
    desk.payment = await _amend(desk, "captured", closed)


async def _let_go(desk: Desk) -> None:
    """Nothing was captured: the payment is called off. Something was: only the rest is no longer held."""
    closed = Change(hold_open=False)
    if not PAYMENT.allows(desk.payment.state, Fact.LET_GO):
        desk.payment = await _amend(desk, "voided", closed)
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.LET_GO),
        evidence=await desk.evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.CANCELLED, 0),
    )
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.LET_GO, desk.office.public_url, closed
    )
