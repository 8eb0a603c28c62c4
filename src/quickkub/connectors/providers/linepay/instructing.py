"""Capture, void, refund: told once, read back when the answer leaves a doubt (pack 5.5 to 5.8, 8)."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Declined,
    Doing,
    Done,
    Failure,
    Instruction,
    InstructionExchange,
    InstructionOutcome,
    Order,
    Request,
    Response,
    Unknown,
    unexpected,
)
from quickkub.connectors.providers.linepay import details, errors, wire
from quickkub.connectors.providers.linepay.details import CAPTURED, HELD, VOIDED, Finished
from quickkub.connectors.providers.linepay.manifest import SCAN, SETTLED_SECONDS
from quickkub.connectors.reading import instant_at, text_at

CLOCKS_APART: Final = timedelta(minutes=1)
"""How far LINE Pay's clock may be behind ours when a refund is recognised by its time."""

_NO: Final = Failure.NOT_ALLOWED_NOW
_NEVER: Final = Declined(Failure.PROVIDER_UNAVAILABLE, "", "LINE Pay does not show it, so it never came")


def tell(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """Tell LINE Pay. A refusal because of the payment's state is read back: it may be our own doing."""
    if instruction.doing is Doing.CANCEL:
        return Declined(_NO, "", "LINE Pay has no such call: what is not confirmed lapses by itself")
    transaction = order.provider_reference or ""
    if not transaction and order.method != SCAN:
        return Declined(_NO, "", "LINE Pay's id of this payment is not known, so it was never confirmed")
    answer: Response = yield _request(account, order, transaction, instruction)
    said = wire.read(answer)
    if said.code == wire.OK:
        return _done(order, instruction, said, transaction)
    if said.code in errors.NOT_AS_IT_WAS:
        refusal = Declined(_NO, said.code, said.message or "the payment is not in a state for it")
        return (yield from _read_back(account, order, instruction, refusal))
    return errors.conclude(said.code, said.message)


def ask(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """What became of it. That it never came is proven only once it cannot be on its way any more (pack 8)."""
    over = instruction.now - instruction.asked_at >= timedelta(seconds=SETTLED_SECONDS)
    return (yield from _read_back(account, order, instruction, _NEVER if over else None))


def _request(account: Account, order: Order, transaction: str, instruction: Instruction) -> Request:
    match instruction.doing:
        case Doing.CAPTURE:
            return wire.captures(account, order, transaction, instruction)
        case Doing.VOID:
            return wire.voids(account, order, transaction)
        case _:
            return wire.refunds(account, order, transaction, instruction)


def _done(order: Order, instruction: Instruction, said: wire.Said, transaction: str) -> InstructionOutcome:
    """What a success says of itself. Raises Garbled."""
    match instruction.doing:
        case Doing.VOID:
            # Without any words of its own (pack 5.6).
            return Done(transaction or order.reference, instruction.amount, instruction.now)
        case Doing.CAPTURE:
            info = said.object()
            own = wire.id_at(info, "transactionId")
            if (transaction and own != transaction) or not wire.is_of(order, text_at(info, "orderId")):
                return unexpected("LINE Pay captured another payment than we asked")
            paid, _ = details.paid_in(info.get("payInfo"))
            if paid != instruction.amount:
                return unexpected(f"LINE Pay captured {paid} instead of {instruction.amount}")
            return Done(own, paid, instruction.now)
        case _:
            # The amount is not repeated (pack 5.7); the id and its time are the refund's.
            info = said.object()
            refund = wire.id_at(info, "refundTransactionId")
            return Done(refund, instruction.amount, instant_at(info, "refundTransactionDate", UTC), refund)


def _read_back(
    account: Account, order: Order, instruction: Instruction, otherwise: Declined | None
) -> InstructionExchange:
    """What the details show of it; `otherwise` is concluded when they show that nothing was done."""
    transaction = order.provider_reference or ""
    by = {"transaction": transaction} if transaction else {"reference": order.reference}
    found = yield from details.ask(account, order, **by)
    if isinstance(found, Declined):
        return Unknown(f"the look-up was refused: {found.message}")
    if not isinstance(found, Finished):
        return found or Unknown("LINE Pay does not show the payment")
    match instruction.doing:
        case Doing.CAPTURE:
            return _capture_in(found, instruction, otherwise)
        case Doing.VOID:
            return _void_in(found, instruction, otherwise)
        case Doing.REFUND:
            return _refund_in(found, instruction, otherwise)
        case Doing.CANCEL:
            return Declined(_NO, found.state, "the payment was confirmed")


def _capture_in(found: Finished, instruction: Instruction, otherwise: Declined | None) -> InstructionOutcome:
    if found.state == HELD:
        return otherwise or Unknown("the details do not show the capture yet")
    if found.state != CAPTURED:
        return Declined(_NO, found.state, "the hold is gone")
    # Whether the details show what was captured or what was held is not public.
    if found.paid != instruction.amount:
        return unexpected(f"it is captured, but LINE Pay shows {found.paid} instead of {instruction.amount}")
    return Done(found.transaction, found.paid, instruction.now)


def _void_in(found: Finished, instruction: Instruction, otherwise: Declined | None) -> InstructionOutcome:
    if found.state == HELD:
        return otherwise or Unknown("the details do not show the void yet")
    if found.state != VOIDED:
        return Declined(_NO, found.state, "there is no hold to let go")
    return Done(found.transaction, instruction.amount, instruction.now)


def _refund_in(found: Finished, instruction: Instruction, otherwise: Declined | None) -> InstructionOutcome:
    """A refund has no reference of ours: it is the newest of its amount beyond those proven (pack 8)."""
    if found.state != CAPTURED:
        return Declined(_NO, found.state, "nothing was captured")
    if not found.tells_of_refunds:
        return Unknown("LINE Pay says that there are refunds, and lists none")
    if found.refunded == instruction.refunded:
        return otherwise or Unknown("the details do not show the refund yet")
    since = instruction.asked_at - CLOCKS_APART
    ours = [one for one in found.refunds if one.amount == instruction.amount and one.at >= since]
    if found.refunded != instruction.refunded + instruction.amount or not ours:
        return Unknown(f"LINE Pay shows refunds of {found.refunded} that we do not know all of")
    newest = max(ours, key=lambda one: (one.at, one.id))
    return Done(newest.id, newest.amount, newest.at, newest.id)
