"""Capture, reverse, expire, refund: told once, read back when the answer leaves a doubt (pack 4.5 - 4.8)."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

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
    Request,
    Response,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.omise import errors, finding, wire
from quickkub.connectors.providers.omise.charges import (
    Charge,
    charge_in,
    currency_at,
    id_at,
    moment_at,
    refuse_other_mode,
    satang_at,
    unlike,
)
from quickkub.connectors.providers.omise.manifest import SETTLED_SECONDS
from quickkub.connectors.reading import Garbled, Json, text_at

_NO: Final = Failure.NOT_ALLOWED_NOW
_NEVER: Final = Declined(Failure.PROVIDER_UNAVAILABLE, "", "Omise does not show it, so it never came")


def tell(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """Tell Omise. A refusal because of the charge's state is read back: the state may be our own doing."""
    charge = yield from _charge_id(account, order, instruction)
    if charge is None:
        return Declined(_NO, "", "Omise shows no charge, so there was nothing to tell")
    if not isinstance(charge, str):
        return charge
    answer: Response = yield _request(account, order, charge, instruction)
    said = wire.read(answer)
    if said.code in errors.OF_STATE:
        refusal = errors.conclude(said.status, said.code)
        if isinstance(refusal, Declined):
            return (yield from _read_back(account, order, charge, instruction, refusal))
    if said.code:
        return errors.conclude(said.status, said.code)
    if instruction.doing is Doing.REFUND:
        return _refund(said.words, account, charge, instruction)
    return _standing(charge_in(said.words, account), order, instruction, None)


def ask(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """What became of it. That it never came is proven only once it cannot be on its way any more."""
    charge = yield from _charge_id(account, order, instruction)
    over = instruction.now - instruction.asked_at >= timedelta(seconds=SETTLED_SECONDS)
    never = _NEVER if over else None
    if charge is None:
        return never or Unknown("Omise shows no charge yet")
    if not isinstance(charge, str):
        return charge
    return (yield from _read_back(account, order, charge, instruction, never))


def _charge_id(
    account: Account, order: Order, instruction: Instruction
) -> Generator[Effect, Any, str | Declined | Unknown | None]:
    """The charge's id; one whose create answer was lost is looked for. None when Omise shows none.

    A receipt's id is its charge's, so of several charges of one order the right one is given back.
    """
    if instruction.doing is Doing.REFUND and instruction.transaction_id:
        return instruction.transaction_id
    if order.provider_reference:
        return order.provider_reference
    found = yield from finding.charges_of(account, order)
    match found:
        case [one]:
            return one.id
        case []:
            return None
        case list():
            return unexpected(f"Omise shows {len(found)} charges of this reference")
        case _:
            return found


def _request(account: Account, order: Order, charge: str, instruction: Instruction) -> Request:
    match instruction.doing:
        case Doing.CAPTURE:
            part = instruction.amount < order.amount
            return wire.captures(account, charge, instruction, part=part)
        case Doing.VOID:
            return wire.reverses(account, charge, instruction)
        case Doing.CANCEL:
            return wire.expires(account, charge, instruction)
        case Doing.REFUND:
            return wire.refunds(account, charge, instruction)


def _read_back(
    account: Account, order: Order, charge: str, instruction: Instruction, otherwise: Declined | None
) -> InstructionExchange:
    """What the charge shows of the instruction; `otherwise` is concluded when it shows nothing of it."""
    if instruction.doing is Doing.REFUND:
        return (yield from _find_refund(account, charge, instruction, otherwise))
    found = yield from finding.charge_of(account, charge)
    return _standing(found, order, instruction, otherwise) if isinstance(found, Charge) else found


def _standing(
    charge: Charge, order: Order, instruction: Instruction, otherwise: Declined | None
) -> InstructionOutcome:
    """Whether the charge stands where the instruction leads, elsewhere for good, or where it stood before."""
    if trouble := unlike(charge, order):
        return Unknown(trouble)
    match instruction.doing, charge.status:
        case Doing.CAPTURE, "successful" if charge.is_paid:
            return _captured(charge, instruction)
        case Doing.VOID, "reversed":
            return Done(charge.id, instruction.amount, charge.reversed_at or instruction.now)
        case Doing.CANCEL, "expired":
            return Done(charge.id, instruction.amount, instruction.now)
        case _, "pending":
            return otherwise or Unknown("the charge does not show it yet")
        case _, status:
            return Declined(_NO, otherwise.provider_code if otherwise else "", f"the charge is {status}")


def _captured(charge: Charge, instruction: Instruction) -> InstructionOutcome:
    if charge.taken != instruction.amount:
        return Declined(_NO, "failed_capture", f"{charge.taken} was captured already")
    return Done(charge.id, charge.taken, charge.paid_at or instruction.now)


# --- refunds ---


def _find_refund(
    account: Account, charge: str, instruction: Instruction, otherwise: Declined | None
) -> InstructionExchange:
    if instruction.provider_reference:
        answer: Response = yield wire.asks_refund(account, charge, instruction.provider_reference)
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code)
        return _refund(said.words, account, charge, instruction)
    listed = yield from finding.all_pages(lambda offset: wire.lists_refunds(account, charge, offset))
    if not isinstance(listed, finding.Listed):
        return listed
    found = [row for row in listed.rows if wire.marked(row, wire.REFUND_MARK) == instruction.reference]
    match found:
        case [one]:
            return _refund(one, account, charge, instruction)
        case [] if listed.is_complete:
            return otherwise or Unknown("Omise does not show the refund yet")
        case _:
            return Unknown(f"Omise shows {len(found)} refunds of this reference, and maybe more")


def _refund(said: Json, account: Account, charge: str, instruction: Instruction) -> InstructionOutcome:
    """`closed` is given back, `pending` is on its way (pack 4.8). Raises Garbled."""
    if said.get("object") != "refund":
        raise Garbled("it is not a refund")
    refuse_other_mode(said, account)
    refund, mark = wire.an_id(text_at(said, "id")), wire.marked(said, wire.REFUND_MARK)
    if id_at(said, "charge") != charge or (mark and mark != instruction.reference):
        return unexpected("Omise answers about another refund")
    amount = satang_at(said, "amount", currency_at(said))
    if amount != instruction.amount:
        return unexpected(f"Omise refunds {amount} instead of {instruction.amount}", refund)
    match text_at(said, "status"):
        case "closed":
            return Done(refund, amount, moment_at(said, "created_at") or instruction.now, refund)
        case "pending":
            return Waiting(provider_reference=refund)
        case other:
            return Unknown(f"the refund's status {other[:20]!r} is not known", refund)
