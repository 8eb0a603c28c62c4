"""The K-Payment Gateway as exchanges: charges, QR pictures, inquiry, void and refund (pack B4 to B9)."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Declined,
    Doing,
    Done,
    Effect,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    InstructionOutcome,
    NoAnswer,
    Order,
    Outcome,
    Paid,
    Receipt,
    Request,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.kbank import kgp_wire as wire
from quickkub.connectors.providers.kbank import words
from quickkub.connectors.providers.kbank.manifest import MANIFEST, QR
from quickkub.connectors.reading import Garbled, garbled_is_unknown, text_at, unreadable
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK

PAID_STATES: Final = wire.AUTHORIZED_WORDS | {"Settled", "Refund Sent"}
CARDS: Final = "/card/v2/charge"
QRS: Final = "/qr/v2/qr"
NO_SUCH: Final = 404
TOO_MANY: Final = 429
SERVER_TROUBLE: Final = 500
_KEY_REFUSED: Final = frozenset({401, 403})


def missing(account: Account) -> Declined | None:
    """What the account lacks for KGP, as the refusal that it means."""
    name = words.lacks(account, (), (wire.SECRET_KEY,))
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {name}") if name else None


def _ask(request: Request) -> Generator[Effect, Any, wire.Said]:
    answer = yield request
    return wire.read(answer)


def path_of(order: Order) -> str:
    return QRS if order.method == QR else CARDS


# --- create -----------------------------------------------------------------------------------------------


@garbled_is_unknown
def create(account: Account, order: Order) -> Exchange:
    if lack := missing(account):
        return lack
    if order.method == QR:
        return (yield from _create_qr(account, order))
    said = yield from _ask(wire.creates_charge(account, order))
    if said.is_error:
        return _refused(said)
    return _standing(account, order, wire.charge_in(said.body))


def _create_qr(account: Account, order: Order) -> Exchange:
    """Order, then picture. Until the picture is made there is nothing that anybody could pay."""
    said = yield from _ask(wire.creates_order(account, order))
    if said.is_error:
        return _refused(said)
    made = wire.charge_in(said.body)
    _check_ours(made, order)
    try:
        said = yield from _ask(wire.creates_picture(account, order, made.id))
        if said.is_error:
            return _refused(said)
        action = Action(ActionKind.DISPLAY_IMAGE, wire.picture_in(said.body))
        if text_at(said.body, "order_id") != made.id:
            raise Garbled("the picture is of another order")
        return Waiting(action, wire.charge_id(said.body))
    except NoAnswer as lost:
        return Unknown(lost.cause, made.id)
    except Garbled as garbled:
        return unreadable(garbled, made.id)


def _refused(said: wire.Said) -> Declined | Unknown:
    """What an error proves. KGP's codes are not public, so the HTTP status decides (pack B9)."""
    told = f"KGP answered HTTP {said.status}: {said.code} {said.text}".strip()[:200]
    if said.status in (wire.HTTP_OK, TOO_MANY) or said.status >= SERVER_TROUBLE:
        return Unknown(told)
    if said.status in _KEY_REFUSED or said.status == NO_SUCH:
        return Declined(Failure.PROVIDER_MISCONFIGURED, said.code or str(said.status), told)
    if said.body.get("object") != "error":
        return Unknown(told)
    named = f"{said.code} {said.text}".lower()
    if "duplicate" in named or "reference_order" in named or "unique" in named:
        # The reference is taken, perhaps by a first try of ours: only asking tells.
        return Unknown(told)
    return Declined(Failure.REQUEST_REFUSED, said.code or str(said.status), told)


# --- how a charge stands ----------------------------------------------------------------------------------


@garbled_is_unknown
def inquire(account: Account, order: Order) -> Exchange:
    if lack := missing(account):
        return lack
    name = order.provider_reference or order.reference
    said = yield from _ask(wire.asks(account, path_of(order), name))
    if said.status == NO_SUCH:
        return _not_found(order)
    if said.is_error:
        return _refused(said)
    return _standing(account, order, wire.charge_in(said.body))


def _not_found(order: Order) -> Outcome:
    """A charge KGP named to us is never lost; one whose answer was lost may never have been made."""
    if order.provider_reference:
        return Unknown("KGP does not know a charge that it made")
    if order.now - order.asked_at < timedelta(seconds=MANIFEST.visible_after_seconds or 0):
        return Waiting()
    return Declined(Failure.PROVIDER_UNAVAILABLE, str(NO_SUCH), "KGP never got this charge")


def _is_odd(charge: wire.Charge, order: Order) -> str:
    """What is not as we asked for it, of amount, currency and reference (P12); empty when all is."""
    if charge.reference and charge.reference != order.reference:
        return "the charge has another reference_order"
    if charge.amount is not None and charge.amount != order.amount:
        return "the charge has another amount or currency than we asked for"
    return ""


def _check_ours(charge: wire.Charge, order: Order) -> None:
    """Raises Garbled when the charge is not the one we asked for."""
    if odd := _is_odd(charge, order):
        raise Garbled(odd)


def _standing(account: Account, order: Order, charge: wire.Charge) -> Outcome:
    """The states of a charge (pack B8). `status` success alone only says that the call worked."""
    if odd := _is_odd(charge, order):
        return Unknown(f"the answer cannot be read: {odd}", charge.id)
    # The inquiry of a QR may leave the state out; then status success says paid (pack B6).
    by_status = order.method == QR and not charge.state and charge.is_success
    if by_status or charge.state in PAID_STATES:
        return _paid(order, charge)
    if _is_unpaid(account, charge):
        return Waiting(_to_payer(charge), charge.id)
    match charge.state:
        case "Declined" | "Reversed" if charge.state == "Declined" or not charge.was_approved:
            return _no(charge)
        case "Reversed" | "Voided":
            # No receipt: the money went back. A person compares it with the refunds we know of.
            return Waiting(provider_reference=charge.id, alert=f"KGP shows a paid charge as {charge.state}")
        case state:
            return unexpected(f"KGP names the state {state[:30]!r} with {charge.status[:20]!r}", charge.id)


def _is_unpaid(account: Account, charge: wire.Charge) -> bool:
    """Whether the payer has still to act: known states, and the assumed words (`kgp.unpaid_status`)."""
    status, state = _unpaid_words(account)
    if charge.state == "Pre-Authorized":
        return charge.is_success
    if not charge.state:
        return charge.status.lower() == status.lower()
    return charge.state in ("Initialize", state)


def _unpaid_words(account: Account) -> tuple[str, str]:
    status, _, state = setting(account, "kgp.unpaid_status", "pending/Initialize").partition("/")
    return status, state


def _to_payer(charge: wire.Charge) -> Action | None:
    return Action(ActionKind.REDIRECT, charge.redirect_url) if charge.redirect_url else None


def _paid(order: Order, charge: wire.Charge) -> Outcome:
    """A charge moves money once, so its id is the movement's."""
    if not charge.is_success:
        return Unknown(f"KGP says {charge.state} with status {charge.status[:20]!r}", charge.id)
    if charge.amount is None:
        return unexpected("KGP names no amount for a paid charge", charge.id)
    made_at = charge.made_at or order.now
    return Paid((Receipt(charge.id, charge.amount, made_at, charge.source),), charge.id)


def _no(charge: wire.Charge) -> Declined:
    text = charge.failure_message or f"the charge is {charge.state}"
    return Declined(Failure.DECLINED, charge.failure_code or charge.state, text)


# --- instructions -----------------------------------------------------------------------------------------


@garbled_is_unknown
def instruct(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    if lack := missing(account):
        return lack
    charge_id = order.provider_reference or instruction.transaction_id
    if not charge_id:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "KGP has not named the charge yet")
    match instruction.doing:
        case Doing.VOID:
            return (yield from _void(account, order, instruction, charge_id))
        case Doing.REFUND:
            return (yield from _refund(account, order, instruction, charge_id))
        case Doing.CANCEL if order.method == QR:
            return (yield from _cancel(account, order, instruction, charge_id))
        case _:
            return Declined(Failure.NOT_ALLOWED_NOW, "", f"KGP has no {instruction.doing.value} of this")


def _refund(account: Account, order: Order, instruction: Instruction, charge_id: str) -> InstructionExchange:
    """The whole on the day of payment is a void, as before settlement; what a void refuses is a refund."""
    if instruction.amount > order.amount - instruction.refunded:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "more than is left of the charge")
    if _is_whole(order, instruction) and (order.method == QR or _is_same_day(order, instruction)):
        voided = yield from _void(account, order, instruction, charge_id)
        if order.method == QR or not _may_refund_instead(voided):
            return voided
    if order.method == QR:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "KGP gives a QR payment back in full only")
    body = {"amount": words.baht_number(instruction.amount), "reason": instruction.reason or "refund"}
    said = yield from _ask(wire.tells(account, CARDS, charge_id, "refund", body))
    if said.is_error:
        return _not_now(_refused(said))
    return _given_back(order, instruction, wire.charge_in(said.body))


def _void(account: Account, order: Order, instruction: Instruction, charge_id: str) -> InstructionExchange:
    if not _is_whole(order, instruction):
        return Declined(Failure.NOT_ALLOWED_NOW, "", "KGP voids the whole charge only")
    body = {"reason": instruction.reason or "void"}
    said = yield from _ask(wire.tells(account, path_of(order), charge_id, "void", body))
    if said.is_error:
        return _not_now(_refused(said))
    return _given_back(order, instruction, wire.charge_in(said.body))


def _cancel(account: Account, order: Order, instruction: Instruction, charge_id: str) -> InstructionExchange:
    """What KGP answers to a cancellation is not public: an ended charge, or a success that is not paid."""
    said = yield from _ask(wire.tells(account, QRS, charge_id, "cancel", {}))
    if said.is_error:
        return _not_now(_refused(said))
    charge = wire.charge_in(said.body)
    _check_ours(charge, order)
    if charge.state in PAID_STATES or not (charge.is_success or charge.state == "Declined"):
        return Unknown(f"KGP answers a cancellation with {charge.state or charge.status}", charge.id)
    return Done(f"{charge_id}-cancel", instruction.amount, instruction.now)


def _is_whole(order: Order, instruction: Instruction) -> bool:
    return instruction.amount == order.amount and not instruction.refunded.minor


def _is_same_day(order: Order, instruction: Instruction) -> bool:
    days = {moment.astimezone(BANGKOK).date() for moment in (order.asked_at, instruction.now)}
    return len(days) == 1


def _may_refund_instead(voided: InstructionOutcome) -> bool:
    return isinstance(voided, Declined) and voided.failure is Failure.NOT_ALLOWED_NOW


def _not_now(refused: Declined | Unknown) -> Declined | Unknown:
    """A void or refund that KGP refuses for what it is: its state no longer allows it."""
    if isinstance(refused, Declined) and refused.failure is Failure.REQUEST_REFUSED:
        return Declined(Failure.NOT_ALLOWED_NOW, refused.provider_code, refused.message)
    return refused


def _given_back(order: Order, instruction: Instruction, charge: wire.Charge) -> InstructionOutcome:
    """The direct answer to a void or refund."""
    _check_ours(charge, order)
    if charge.is_success and charge.state in ("Voided", "Refund Sent"):
        return _done(instruction, charge)
    return Unknown(f"KGP answers with {charge.state[:30]!r} and {charge.status[:20]!r}")


def _done(instruction: Instruction, charge: wire.Charge) -> Done:
    """KGP names no id of a refund: ours makes it one of its own."""
    what = "void" if charge.state == "Voided" else f"refund-{instruction.reference}"
    return Done(f"{charge.id}-{what}", instruction.amount, instruction.now)


@garbled_is_unknown
def inquire_instruction(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    if lack := missing(account):
        return lack
    name = order.provider_reference or instruction.transaction_id or order.reference
    said = yield from _ask(wire.asks(account, path_of(order), name))
    if said.is_error:
        refused = _refused(said)
        return Unknown(refused.message) if isinstance(refused, Declined) else refused
    charge = wire.charge_in(said.body)
    _check_ours(charge, order)
    return _became(order, instruction, charge)


def _became(order: Order, instruction: Instruction, charge: wire.Charge) -> InstructionOutcome:
    """Compare what was sent back with what we know of; without a sum only a first refund can be told."""
    is_old = instruction.now - instruction.asked_at >= timedelta(seconds=MANIFEST.visible_after_seconds or 0)
    no_effect = Declined(Failure.NOT_ALLOWED_NOW, charge.state, f"KGP shows {charge.state}: it had no effect")
    if instruction.doing is Doing.CANCEL:
        if charge.state == "Declined":
            return Done(f"{charge.id}-cancel", instruction.amount, instruction.now)
        is_over = charge.state in PAID_STATES | {"Voided"}
        return no_effect if is_over else Unknown(f"KGP shows {charge.state[:30]!r}, which does not tell yet")
    match charge.state:
        case "Voided" if _is_whole(order, instruction):
            return _done(instruction, charge)
        case "Refund Sent" if instruction.doing is Doing.REFUND:
            return _became_refund(instruction, charge, no_effect if is_old else None)
        case state if state in wire.AUTHORIZED_WORDS | {"Settled"} and is_old:
            return no_effect
        case state:
            return Unknown(f"KGP shows {state[:30]!r}, which does not tell yet")


def _became_refund(
    instruction: Instruction, charge: wire.Charge, no_effect: Declined | None
) -> InstructionOutcome:
    before, after = instruction.refunded, instruction.refunded + instruction.amount
    back = charge.sent_back
    if back is None or not back.minor:
        return (
            Unknown("KGP does not say how much it sent back") if before.minor else _done(instruction, charge)
        )
    if back >= after:
        return _done(instruction, charge)
    if back == before and charge.lists_refunds and no_effect is not None:
        return no_effect
    return Unknown("what KGP sent back does not tell whether this refund is in it")
