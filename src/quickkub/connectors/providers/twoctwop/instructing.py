"""Carrying instructions out by payment actions, and finding out what became of them (pack 4.6, 4.7, 10).

Before its settlement a sale is given back by a void of the whole; afterwards by refunds. Which of the two it
is, 2C2P is asked first. Whatever looks done already is read from 2C2P's state, never guessed.
"""

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
from quickkub.connectors.providers.twoctwop import action_codes, action_wire
from quickkub.connectors.providers.twoctwop.action_wire import Given, Told

NOT_THERE_AFTER: Final = timedelta(minutes=15)
"""What 2C2P does not show this long after we told it, it never got: ten times the longest call."""

_ABOUT_THE_REQUEST: Final = frozenset({Failure.PROVIDER_MISCONFIGURED, Failure.REQUEST_REFUSED})

Asking: TypeAlias = "Generator[Effect, Any, Told]"


def _ask(account: Account, order: Order, told: Instruction, process: str, **more: str) -> Asking:
    request = action_wire.asks(account, order.reference, process, told.now, more)
    answer: Response = yield request
    return action_wire.read(account, answer, order.reference, process)


def capture(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    """Settle held money."""
    amount = action_wire.amount_text(told.amount)
    said = yield from _ask(account, order, told, "S", actionAmount=amount, idempotencyID=told.reference)
    if said.is_success:
        return _captured(said, told)
    refused = _refusal(said)
    if refused and refused.failure in _ABOUT_THE_REQUEST:
        return refused
    return (yield from inquire_capture(account, order, told, refused))


def inquire_capture(
    account: Account, order: Order, told: Instruction, refused: Declined | None = None
) -> InstructionExchange:
    """`refused` is what a capture was just answered: our own first try may be the reason."""
    said = yield from _ask(account, order, told, "I")
    if not said.is_success:
        return refused or _unclear(said)
    if said.status in ("A", "AP"):
        return refused or _not_there(told, said)
    if said.status in ("V", "EX"):
        return Declined(Failure.NOT_ALLOWED_NOW, said.status, "the held money was let go")
    return _captured(said, told)


def _captured(said: Told, told: Instruction) -> InstructionOutcome:
    if said.status not in ("RS", "S", *action_codes.SETTLED):
        return _odd(said)
    if said.amount != told.amount:
        return unexpected("2C2P shows another amount captured than we asked")
    return Done(said.reference, said.amount, said.at or told.now)


def void(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    """Let held money go, or take a sale of the day back."""
    said = yield from _ask(
        account,
        order,
        told,
        "V",
        actionAmount=action_wire.amount_text(order.amount),
        # A refund that begins as a void may go on as a refund tomorrow, which is another action.
        idempotencyID=f"{told.reference}-V",
    )
    if said.is_success:
        return _voided(said, told)
    refused = _refusal(said)
    if refused and refused.failure in _ABOUT_THE_REQUEST:
        return refused
    return (yield from inquire_void(account, order, told, refused))


def inquire_void(
    account: Account, order: Order, told: Instruction, refused: Declined | None = None
) -> InstructionExchange:
    """`refused` is what a void was just answered: our own first try may be the reason."""
    said = yield from _ask(account, order, told, "I")
    if not said.is_success:
        return refused or _unclear(said)
    if said.status in action_codes.UNSETTLED or said.status == "AP":
        return refused or _not_there(told, said)
    if said.status in action_codes.SETTLED:
        return refused or Declined(Failure.NOT_ALLOWED_NOW, said.status, "the payment is settled")
    return _voided(said, told)


def _voided(said: Told, told: Instruction) -> InstructionOutcome:
    """A void has no number of its own, so it goes by the payment's. `EX`: the hold lapsed by itself."""
    match said.status:
        case "V" | "EX":
            number = said.words.get("referenceNo") or said.words["invoiceNo"]
            return Done(f"V{number}", told.amount, said.at or told.now)
        case "VP":
            return Waiting()
        case _:
            return _odd(said)


def refund(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    """Give captured money back, in the way that 2C2P's state of the payment allows."""
    said = yield from _ask(account, order, told, "I")
    if not said.is_success:
        return _refusal(said) or _unclear(said)
    whole = told.amount == order.amount and not told.refunded
    if said.status in ("V", "VP"):
        return _voided(said, told) if whole else _odd(said)
    if said.status in action_codes.UNSETTLED:
        if not whole:
            text = "a part can be given back once the payment is settled, from the next day on"
            return Declined(Failure.NOT_ALLOWED_NOW, said.status, text)
        return (yield from void(account, order, told))
    if said.status in action_codes.SETTLED:
        return (yield from _refund_settled(account, order, told))
    return _odd(said)


def _refund_settled(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    more = {
        "actionAmount": action_wire.amount_text(told.amount),
        "notifyURL": account.callback_url,
        "idempotencyID": told.reference,
        # Comes back with the notification, which has no other word of ours about this refund.
        "userDefined1": told.reference,
    }
    said = yield from _ask(account, order, told, "R", **more)
    taken = said.is_success or said.code in action_codes.UNDER_WAY
    if taken and (outcome := _refunded(said, told)) is not None:
        return outcome
    refused = _refusal(said)
    if refused and refused.failure in _ABOUT_THE_REQUEST:
        return refused
    # It may be refused because our own first try was carried out: the list of refunds tells.
    shown = yield from _look_up(account, order, told)
    if isinstance(shown, Done | Waiting) or (isinstance(shown, Unknown) and refused is None):
        return shown
    if shown is None or isinstance(shown, Declined):
        if said.code in action_codes.DONE_ALREADY:
            return Declined(Failure.NOT_ALLOWED_NOW, said.code, "all of it was given back before")
        return refused or Unknown(f"2C2P answered {said.code} and shows no such refund")
    return shown


def _refunded(said: Told, told: Instruction) -> InstructionOutcome | None:
    """What the answer to a refund says; None when the list has to tell."""
    theirs = said.words.get("refundReferenceNo", "")
    if said.code in action_codes.UNDER_WAY or said.status == "RP":
        return Waiting(provider_reference=theirs or None)
    if failure := action_codes.REFUND_FAILURES.get(said.status):
        return Declined(failure, said.status, "2C2P could not give the money back")
    if said.status != "RF" or not theirs:
        return None
    if said.amount != told.amount:
        return unexpected("2C2P shows another amount refunded than we asked", theirs)
    return Done(theirs, said.amount, said.at or told.now, theirs)


def inquire_refund(account: Account, order: Order, told: Instruction) -> InstructionExchange:
    said = yield from _ask(account, order, told, "I")
    if not said.is_success:
        return _unclear(said)
    if said.status in ("V", "VP"):
        whole = told.amount == order.amount and not told.refunded
        return _voided(said, told) if whole else _odd(said)
    if said.status in action_codes.UNSETTLED:
        return _not_there(told, said)
    if said.status not in action_codes.SETTLED:
        return _odd(said)
    found = yield from _look_up(account, order, told)
    return _not_there(told, said) if found is None else found


def _look_up(
    account: Account, order: Order, told: Instruction
) -> Generator[Effect, Any, InstructionOutcome | None]:
    """Our refund in 2C2P's list; None when the list has no place for it."""
    said = yield from _ask(account, order, told, "RS")
    if not said.is_success:
        # Codes that refuse the question show that there is no refund to speak of.
        gone = said.code in ("12", "16", "41") and not told.refunded
        return None if gone else _unclear(said)
    if told.provider_reference:
        ours = [one for one in said.refunds if one.reference == told.provider_reference]
        return _given(ours[0], told) if len(ours) == 1 else Unknown("2C2P's list lacks our refund")
    standing = [one for one in said.refunds if one.status in ("RF", "RP")]
    given = sum(one.amount.minor for one in standing)
    if given == told.refunded.minor:
        return None
    if not standing:
        return Unknown("2C2P's list lacks refunds that were proven")
    last = max(standing, key=lambda one: (one.at or told.asked_at, one.reference))
    if given == told.refunded.minor + told.amount.minor and last.amount == told.amount:
        return _given(last, told)
    return Unknown("2C2P's list of refunds does not add up with ours")


def _given(one: Given, told: Instruction) -> InstructionOutcome:
    if one.amount != told.amount:
        return unexpected("2C2P shows another amount refunded than we asked", one.reference)
    if one.status == "RP":
        return Waiting(provider_reference=one.reference or None)
    if failure := action_codes.REFUND_FAILURES.get(one.status):
        return Declined(failure, one.status, "2C2P could not give the money back")
    if one.status != "RF" or not one.reference:
        return unexpected(f"2C2P names the state {one.status[:20]!r}, which we do not know", one.reference)
    return Done(one.reference, one.amount, one.at or told.now, one.reference)


def _refusal(said: Told) -> Declined | None:
    failure = action_codes.REFUSALS.get(said.code)
    return None if failure is None else Declined(failure, said.code, said.words.get("respDesc", "")[:200])


def _not_there(told: Instruction, said: Told) -> InstructionOutcome:
    if told.now - told.asked_at < NOT_THERE_AFTER:
        return Unknown(f"2C2P shows the payment as {said.status}, and our word may still be on its way")
    return Declined(Failure.PROVIDER_UNAVAILABLE, said.status, "2C2P never carried it out")


def _odd(said: Told) -> Unknown:
    return unexpected(f"2C2P names the state {said.status[:20]!r}, which does not go with what we asked")


def _unclear(said: Told) -> Unknown:
    return Unknown(f"2C2P answered {said.code} when asked")


CARRY_OUT: Final = {Doing.CAPTURE: capture, Doing.VOID: void, Doing.REFUND: refund}
FIND_OUT: Final = {Doing.CAPTURE: inquire_capture, Doing.VOID: inquire_void, Doing.REFUND: inquire_refund}
