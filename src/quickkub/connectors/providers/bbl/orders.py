"""Capture, void and refund of a card payment, and finding out what became of them (bbl.md A6, A7)."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import (
    Account,
    Declined,
    Doing,
    Done,
    Effect,
    Failure,
    Instruction,
    InstructionExchange,
    InstructionOutcome,
    Order,
    Response,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.bbl import standing, wire
from quickkub.connectors.providers.bbl.wire import Payment, Said
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import decimal_text

QUIET: Final = timedelta(minutes=2)
"""So long after an instruction was sent (its deadline is 30 s), a state it would have changed proves that it
had no effect. Before that it may still be on its way through the bank."""

Finding: TypeAlias = "Generator[Effect, Any, Payment | Declined | Unknown]"

_NOT_NOW: Final = Failure.NOT_ALLOWED_NOW


def ask(account: Account, reference: str) -> Generator[Effect, Any, list[Payment] | Declined]:
    """The records of an order, or why the bank does not show them. Raises Garbled, Misfit."""
    answer: Response = yield wire.asks_query(account, reference)
    found = wire.payments_in(answer, account, reference)
    return _refused(found) if isinstance(found, Said) else found


def tell(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """Carry an instruction out. Raises Garbled, Misfit."""
    pay_ref = wire.payment_of(instruction, order)
    if not pay_ref:
        found = yield from _find(account, order, "")
        if not isinstance(found, Payment):
            return found
        pay_ref = found.pay_ref
    match instruction.doing:
        case Doing.CAPTURE:
            request = wire.tells(account, "Capture", pay_ref, instruction.amount)
        case Doing.VOID if order.capture_later and not instruction.captured:
            request = wire.tells(account, "Void", pay_ref)
        case Doing.VOID:
            request = wire.tells(account, setting(account, "ipay.sale_void_action", "Void"), pay_ref)
        case Doing.REFUND:
            return (yield from _refund(account, order, instruction, pay_ref))
        case Doing.CANCEL:
            return Declined(_NOT_NOW, "", "an unpaid page ends by itself; the bank has no call for it")
    answer: Response = yield request
    said = wire.said_in(answer)
    return _done(said, instruction, pay_ref) if said.is_done else _refused(said)


def _refund(account: Account, order: Order, instruction: Instruction, pay_ref: str) -> InstructionExchange:
    """Ask for the refund; a whole sale that is not settled yet is taken back by Void instead.

    The bank takes RequestRefund after settlement only and Void before it only (A6). A refusal proves that the
    request had no effect, so the second way cannot give the money back twice.
    """
    action = setting(account, "ipay.refund_action", "RequestRefund")
    answer: Response = yield wire.tells(account, action, pay_ref, instruction.amount)
    said = wire.said_in(answer)
    if said.is_done:
        return _requested(said, account, instruction, pay_ref)
    is_whole = instruction.amount == instruction.captured and not instruction.refunded
    if said.is_about_us or not is_whole:
        return _refused(said)
    found = yield from _find(account, order, pay_ref)
    if not isinstance(found, Payment) or found.settled != "F" or found.status not in standing.TAKEN:
        return _refused(said)
    answer = yield wire.tells(account, "Void", pay_ref)
    voided = wire.said_in(answer)
    return _refunded(instruction, pay_ref) if voided.is_done else _refused(voided)


def _requested(said: Said, account: Account, instruction: Instruction, pay_ref: str) -> InstructionOutcome:
    """The bank took the request; it is not instant, and final only where the account says so (A6)."""
    moved = wire.moved(said, pay_ref)
    if moved != instruction.amount:
        return Unknown(f"the bank takes a refund of {decimal_text(moved)}", pay_ref)
    if is_on(account, "ipay.refund_final_on_accept"):
        return _refunded(instruction, pay_ref)
    return Waiting(provider_reference=pay_ref)


def look(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """What became of an instruction whose answer was lost or is pending. Raises Garbled, Misfit."""
    found = yield from _find(account, order, wire.payment_of(instruction, order))
    if not isinstance(found, Payment):
        return found
    match instruction.doing:
        case Doing.CAPTURE:
            return _looked_capture(found, instruction)
        case Doing.VOID:
            return _looked_void(found, instruction)
        case Doing.REFUND:
            return _looked_refund(found, instruction)
        case Doing.CANCEL:
            return Declined(_NOT_NOW, "", "the bank has no call to cancel an unpaid page")


def _looked_capture(found: Payment, instruction: Instruction) -> InstructionOutcome:
    if found.status in standing.TAKEN | standing.GIVING_BACK:
        if found.amount != instruction.amount:
            return Unknown(f"the bank shows {decimal_text(found.amount)} captured", found.pay_ref)
        return Done(found.pay_ref, found.amount, instruction.now, found.pay_ref)
    if found.status in standing.VOIDED:
        return Declined(_NOT_NOW, found.status, "the hold was let go")
    return _no_effect(found, instruction, standing.HELD)


def _looked_void(found: Payment, instruction: Instruction) -> InstructionOutcome:
    if found.status in standing.VOIDED:
        return Done(found.pay_ref, instruction.amount, instruction.now, found.pay_ref)
    return _no_effect(found, instruction, standing.HELD, *standing.TAKEN)


def _looked_refund(found: Payment, instruction: Instruction) -> InstructionOutcome:
    """The bank shows no list of refunds; what it proves is a payment given back whole."""
    whole = instruction.captured and instruction.refunded + instruction.amount == instruction.captured
    if found.status in standing.VOIDED or found.status == "Refunded":
        if whole:
            return _refunded(instruction, found.pay_ref)
        return Unknown(f"the whole payment is {found.status}, and a part was to be refunded", found.pay_ref)
    if found.status == "RequestRefund":
        return Waiting(provider_reference=found.pay_ref)
    if found.status == "Accepted_Adj":
        # What `amt` means after a part was given back is not public; what is left would be this.
        if found.amount == instruction.captured - instruction.refunded - instruction.amount:
            return _refunded(instruction, found.pay_ref)
        return Waiting(
            provider_reference=found.pay_ref, alert="a part was refunded; a person must compare which"
        )
    return Unknown(f"the payment is {found.status[:30]}, which does not tell about a refund", found.pay_ref)


def _no_effect(found: Payment, instruction: Instruction, *as_before: str) -> InstructionOutcome:
    if found.status in as_before and instruction.now - instruction.asked_at >= QUIET:
        return Declined(_NOT_NOW, found.status, "the bank's records show no effect")
    return Unknown(f"the payment is {found.status[:30]}", found.pay_ref)


def _find(account: Account, order: Order, pay_ref: str) -> Finding:
    """The payment by the bank's id, or the only one that was taken or is held."""
    found = yield from ask(account, order.reference)
    if isinstance(found, Declined):
        return found
    if pay_ref:
        return wire.by_id(found, pay_ref) or Unknown("the bank does not show the payment", pay_ref)
    live = [p for p in found if p.status in standing.TAKEN | standing.GIVING_BACK | {standing.HELD}]
    if len(live) != 1:
        return unexpected(f"the bank shows {len(live)} payments of the order")
    return live[0]


def _done(said: Said, instruction: Instruction, pay_ref: str) -> InstructionOutcome:
    """Only resultCode is to be trusted about what happened; the amount is checked where money moves."""
    moved = wire.moved(said, pay_ref)
    if instruction.doing is Doing.CAPTURE:
        if moved != instruction.amount:
            return Unknown(f"the bank says it captured {decimal_text(moved)}", pay_ref)
        return Done(pay_ref, moved, instruction.now, pay_ref)
    return Done(pay_ref, instruction.amount, instruction.now, pay_ref)


def _refunded(instruction: Instruction, pay_ref: str) -> Done:
    """The bank gives refunds no id: ours makes it one of its own, the same however we hear of it."""
    return Done(f"{pay_ref}:{instruction.reference}", instruction.amount, instruction.now, pay_ref)


def _refused(said: Said) -> Declined:
    """resultCode -1: nothing was done. Without an order in it, the credentials or the request are wrong."""
    if not said.is_about_us:
        return Declined(_NOT_NOW, said.code, said.message)
    ours = "authenti" in said.message.lower() or "login" in said.message.lower()
    failure = Failure.PROVIDER_MISCONFIGURED if ours else Failure.REQUEST_REFUSED
    return Declined(failure, said.code, said.message)
