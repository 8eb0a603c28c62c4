"""The QR Payment Open API as exchanges: create, inquire, cancel, void and its fate (pack A4 to A12).

A QR can be paid once. The bank's answers name no time of payment, so a payment is dated when we learned of
it, and never later than the end of the QR's ten minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime, timedelta
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
    NotSent,
    Order,
    Outcome,
    Paid,
    Receipt,
    Request,
    Token,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.kbank import errors, qr_wire, words
from quickkub.connectors.providers.kbank.manifest import CARD_QR, MANIFEST
from quickkub.connectors.providers.kbank.qr_text import check_qr
from quickkub.connectors.reading import Garbled, Json, garbled_is_unknown, money_at, optional_text, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB

QR_LIVES: Final = timedelta(minutes=10)
"""From creation, fixed by the bank (pack A12)."""
CARD_QR_WATCH: Final = timedelta(minutes=20)
"""A cancelled card QR may still be paid: watched until its lifetime and 10 minutes more (pack A6, A10)."""

_NUMBER: Final = re.compile(r"[0-9]{1,20}")


def missing(account: Account) -> Declined | None:
    """What the account lacks for this API, as the refusal that it means."""
    name = words.lacks(account, qr_wire.SETTINGS, qr_wire.CREDENTIALS)
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {name}") if name else None


def _ask(build: Callable[[Token], Request]) -> Generator[Effect, Any, qr_wire.Said]:
    return qr_wire.read((yield from words.with_token(build, qr_wire.token_is_refused)))


# --- create -----------------------------------------------------------------------------------------------


@garbled_is_unknown
def create(account: Account, order: Order) -> Exchange:
    if lack := missing(account):
        return lack
    said = yield from _ask(lambda token: qr_wire.creates_qr(account, token, order))
    if not said.is_success:
        return _refused(said)
    _check_echo(said.body, account, order.reference)
    return Waiting(
        Action(
            ActionKind.DISPLAY_QR,
            check_qr(text_at(said.body, "qrCode"), order.amount, is_test=account.mode == "test"),
        )
    )


def _refused(said: qr_wire.Said) -> Declined | Unknown:
    if said.code in (qr_wire.OK, qr_wire.CANCELLED):
        return Unknown(f"KBank answered HTTP {said.status} with statusCode {said.code}")
    return errors.conclude(said.status, said.error, said.text)


def _check_echo(body: Json, account: Account, *ids: str) -> None:
    """The answer is about our request (P12). Raises Garbled."""
    if text_at(body, "partnerId") != setting(account, "partner_id"):
        raise Garbled("the answer is for another partner")
    if ids and text_at(body, "partnerTxnUid") not in ids:
        raise Garbled("the answer is about another request")


# --- inquire ----------------------------------------------------------------------------------------------


@garbled_is_unknown
def inquire(account: Account, order: Order) -> Exchange:
    if lack := missing(account):
        return lack
    said = yield from _ask(lambda token: qr_wire.asks_qr(account, token, order, order.now))
    return _standing(account, order, said)


def _standing(account: Account, order: Order, said: qr_wire.Said) -> Outcome:
    """What an inquiry shows (pack A10, A11). Raises Garbled."""
    if said.status == qr_wire.HTTP_OK and said.code == qr_wire.CANCELLED:
        return _cancelled(order, "11")
    if not said.is_success:
        return _standing_by_error(order, said)
    status = _status_in(account, order, said.body)
    if status == "PAID":
        return Paid((_receipt_in(account, order, said.body),))
    by_status: dict[str, Outcome] = {
        "REQUESTED": Waiting(),
        "CANCELLED": _cancelled(order, status),
        "EXPIRED": Declined(Failure.EXPIRED, status, "the QR has expired"),
        # No receipt: the money went back. A person compares it with the refunds we know of.
        "VOIDED": Waiting(alert="KBank shows the payment as voided: the money went back in full"),
        "NOT_FOUND": _not_found(order, status),
    }
    unknown = unexpected(f"KBank names the state {status[:20]!r}, which we do not know")
    return by_status.get(status, unknown)


def _standing_by_error(order: Order, said: qr_wire.Said) -> Outcome:
    if said.status < errors.TOO_MANY:
        match said.error:
            case "qr_cancelled":
                return _cancelled(order, said.error)
            case "qr_expired":
                return Declined(Failure.EXPIRED, said.error, said.text or "the QR has expired")
            case "payment_exceed_limit" | "payment_cancelled":
                # The payer did not get through this time; the QR stays payable (pack A11).
                return Waiting()
            case errors.NOT_FOUND:
                return _not_found(order, said.error)
            case "qr_paid":
                return Unknown("KBank says paid and shows no payment")
            case _:
                pass
    return _refused(said)


def _not_found(order: Order, word: str) -> Outcome:
    """Soon after the creation it may only be late; then it proves that the creation never arrived."""
    patience = timedelta(seconds=MANIFEST.visible_after_seconds or 0)
    if order.now - order.asked_at < patience:
        return Waiting()
    if word == "NOT_FOUND":
        return Waiting(alert="KBank does not know a QR that is older than two minutes")
    return Declined(Failure.PROVIDER_UNAVAILABLE, word, "KBank never got this order")


def _cancelled(order: Order, word: str) -> Outcome:
    if order.method == CARD_QR and order.now < order.asked_at + CARD_QR_WATCH:
        return Waiting()
    return Declined(Failure.PAYER_CANCELLED, word, "the QR was cancelled")


def _status_in(account: Account, order: Order, body: Json) -> str:
    """`txnStatus` of an answer that is about our order. Raises Garbled."""
    _check_echo(body, account)
    merchant = optional_text(body, "merchantId")
    if merchant and merchant != setting(account, "merchant_id"):
        raise Garbled("the answer is for another merchant")
    first = optional_text(body, "reference1")
    if first and first != order.reference:
        raise Garbled("the answer is about another order")
    return text_at(body, "txnStatus").upper()


def _receipt_in(account: Account, order: Order, body: Json) -> Receipt:
    """Raises Garbled, also while the bank has only a session number (`APIC…`) for the payment (pack E2)."""
    number = _payment_number(body)
    if not number:
        raise Garbled("txnNo is not yet a payment number")
    if text_at(body, "txnCurrencyCode") != THB.code:
        raise Garbled("txnCurrencyCode is not THB")
    amount = money_at(body, "txnAmount", THB)
    if amount != order.amount:
        raise Garbled("txnAmount is not what we asked for")
    paid_at = min(order.now, order.asked_at + QR_LIVES) if order.method != CARD_QR else order.now
    named = {
        "channel": optional_text(body, "channel"),
        "card": _masked(optional_text(body, "cardNo")),
        "scheme": optional_text(body, "cardScheme"),
    }
    return Receipt(number, amount, paid_at, {name: value for name, value in named.items() if value})


def _payment_number(body: Json) -> str:
    number = optional_text(body, "txnNo")
    return number if _NUMBER.fullmatch(number) else ""


def _masked(card: str) -> str:
    return card if re.search(r"[xX*]", card) else ""


# --- instructions -----------------------------------------------------------------------------------------


@garbled_is_unknown
def instruct(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    if lack := missing(account):
        return lack
    match instruction.doing:
        case Doing.CANCEL:
            return (yield from _cancel(account, order, instruction))
        case Doing.VOID | Doing.REFUND:
            return (yield from _void(account, order, instruction))
        case _:
            return Declined(Failure.NOT_ALLOWED_NOW, "", "KBank has no holds to capture")


def _cancel(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    said = yield from _ask(lambda token: qr_wire.cancels_qr(account, token, order, instruction.now))
    if said.is_success or _says_cancelled(said):
        _check_echo(said.body, account)
        return _done(order, instruction, "cancel", instruction.now)
    return _refused(said)


def _says_cancelled(said: qr_wire.Said) -> bool:
    """Whether a refusal is the news that the QR is cancelled; never with a failure of the server."""
    return said.status < errors.TOO_MANY and (said.error == "qr_cancelled" or said.code == qr_wire.CANCELLED)


def _void(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """Full amount, same business day, before settlement: all that the bank offers (pack A7)."""
    if too_late := _no_void(account, order, instruction):
        return too_late
    number = instruction.transaction_id or ""
    if not number and order.method == CARD_QR:
        found = yield from _find_number(account, order, instruction)
        if not isinstance(found, str):
            return found
        number = found
    said = yield from _ask(lambda token: qr_wire.voids_qr(account, token, order, instruction.now, number))
    if said.is_success:
        _check_echo(said.body, account)
        return _done(order, instruction, "void", instruction.now)
    return _by_hand(account, _refused(said))


def _no_void(account: Account, order: Order, instruction: Instruction) -> Declined | Unknown | None:
    """What needs no call to be refused: a part, and a payment of an earlier day."""
    if instruction.amount != order.amount:
        return _by_hand(account, Declined(Failure.NOT_ALLOWED_NOW, "", "KBank voids the full amount only"))
    last_day = (order.asked_at + CARD_QR_WATCH).astimezone(BANGKOK).date()
    if instruction.now.astimezone(BANGKOK).date() > last_day:
        return _by_hand(
            account, Declined(Failure.NOT_ALLOWED_NOW, "", "KBank voids on the day of payment only")
        )
    return None


def _by_hand(account: Account, outcome: Declined | Unknown) -> Declined | Unknown:
    """Without manual refunds a void that comes too late is a plain no (switch `qr.manual_refund`)."""
    if is_on(account, "qr.manual_refund", default=True) or isinstance(outcome, Unknown):
        return outcome
    too_late = outcome.failure is Failure.NOT_ALLOWED_NOW
    return replace(outcome, failure=Failure.DECLINED) if too_late else outcome


def _find_number(
    account: Account, order: Order, instruction: Instruction
) -> Generator[Effect, Any, str | InstructionOutcome]:
    """The payment number that the void of a card QR has to name; NotSent when it is not found."""
    try:
        said = yield from _ask(lambda token: qr_wire.asks_qr(account, token, order, instruction.now))
    except NoAnswer as lost:
        return NotSent(f"the payment number could not be asked for: {lost.cause}")
    if not said.is_success:
        return NotSent(f"the payment number could not be asked for: {said.error or said.status}")
    _status_in(account, order, said.body)
    return _payment_number(said.body) or NotSent("KBank has no payment number for this card QR yet")


@garbled_is_unknown
def inquire_instruction(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    if lack := missing(account):
        return lack
    said = yield from _ask(lambda token: qr_wire.asks_qr(account, token, order, instruction.now))
    if _says_cancelled(said):
        status = "CANCELLED"
    elif said.status < errors.TOO_MANY and said.error == "qr_expired":
        status = "EXPIRED"
    elif said.is_success:
        status = _status_in(account, order, said.body)
    else:
        return _cannot_tell(_refused(said))
    return _became(account, order, instruction, status)


def _cannot_tell(refused: Declined | Unknown) -> Unknown:
    """A refused question proves nothing about the instruction."""
    return Unknown(f"KBank does not tell: {refused.message}") if isinstance(refused, Declined) else refused


def _became(account: Account, order: Order, instruction: Instruction, status: str) -> InstructionOutcome:
    is_cancel = instruction.doing is Doing.CANCEL
    match status:
        case "CANCELLED" if is_cancel:
            return _done(order, instruction, "cancel", instruction.now)
        case "PAID" | "EXPIRED" | "VOIDED" if is_cancel:
            return Declined(Failure.NOT_ALLOWED_NOW, status, "the QR was over before it could be cancelled")
        case "VOIDED":
            return _done(order, instruction, "void", instruction.now)
        case "PAID" | "REQUESTED" if _is_settled_by_time(instruction):
            no_effect = Declined(
                Failure.NOT_ALLOWED_NOW, status, f"KBank still shows {status}: it had no effect"
            )
            return no_effect if is_cancel else _by_hand(account, no_effect)
        case _:
            return Unknown(f"KBank shows {status[:20]!r}, which does not tell yet")


def _is_settled_by_time(instruction: Instruction) -> bool:
    """A request whose answer was lost may still be on its way; after two minutes it is not."""
    return instruction.now - instruction.asked_at >= timedelta(seconds=MANIFEST.visible_after_seconds or 0)


def _done(order: Order, instruction: Instruction, what: str, at: datetime) -> Done:
    """The bank gives a void or cancellation no number of its own; there is at most one of each per QR."""
    return Done(f"{order.reference}-{what}", instruction.amount, at)
