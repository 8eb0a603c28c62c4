"""Refunds, in full or in part: told once, found again by our reference (pack 5.5)."""

from __future__ import annotations

from datetime import timedelta
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
    Response,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.truemoney import errors, paying, records, wire
from quickkub.connectors.providers.truemoney.manifest import SETTLED_SECONDS
from quickkub.connectors.providers.truemoney.records import GivenBack, Record
from quickkub.connectors.reading import Unexpected, an_object

_NEVER: Final = Declined(
    Failure.PROVIDER_UNAVAILABLE, "", "TrueMoney does not show the refund, so it never came"
)


def tell(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """Give money back. There is no void: a refund on the same day is one (pack 5.5, ASSUMED)."""
    if instruction.doing is not Doing.REFUND:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "TrueMoney only knows refunds")
    payment = instruction.transaction_id or _payment_of(account, order)
    if not payment:
        return Unknown("TrueMoney's id of the payment is not known")
    answer: Response = yield wire.refunds(account, payment, instruction)
    said = wire.read(account, answer)
    if said.code in errors.DUPLICATES:
        return (yield from ask(account, order, instruction))
    if said.code != wire.SUCCESS or said.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return errors.conclude(account, said)
    # The amount is not repeated; what we signed is what was carried out.
    refund = records.id_at(an_object(said.data, "data"), "refund_id")
    return Done(refund, instruction.amount, instruction.now, refund)


def ask(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """What the payment shows of the refund with our reference."""
    payment = instruction.transaction_id or _payment_of(account, order)
    request = (
        wire.asks_payment(account, payment, instruction.now)
        if payment
        else wire.asks_by_reference(account, order.reference, order.asked_at, wire.epoch(instruction.now))
    )
    found = yield from records.ask(account, order, request)
    if isinstance(found, Declined):
        return Unknown(f"the look-up was refused: {found.message}")
    if not isinstance(found, Record):
        return found if isinstance(found, Unknown) else Unknown("TrueMoney does not show the payment")
    ours = [one for one in found.refunds if one.reference == instruction.reference]
    if len(ours) > 1:
        return Unknown(f"TrueMoney shows {len(ours)} refunds of one reference")
    if ours:
        return _standing(ours[0], instruction)
    over = instruction.now - instruction.asked_at >= timedelta(seconds=SETTLED_SECONDS)
    return _NEVER if over else Unknown("TrueMoney does not show the refund yet")


def _payment_of(account: Account, order: Order) -> str:
    """A code's payment is known by its own id; an order's only once it was paid, by the receipt."""
    return (order.provider_reference or "") if paying.by_code(account, order) else ""


def _standing(refund: GivenBack, instruction: Instruction) -> InstructionOutcome:
    if refund.amount != instruction.amount:
        return unexpected(f"TrueMoney refunds {refund.amount} instead of {instruction.amount}", refund.id)
    match refund.status:
        case "succeeded":
            return Done(refund.id, refund.amount, refund.at, refund.id)
        case "failed":
            return errors.of_failed(refund.code)
        case "processing":
            return Waiting(provider_reference=refund.id)
        case _:
            raise Unexpected("the refund's status is a word we do not know")
