"""Being paid: the request, the payer's progress, our confirmation, what is found afterwards (pack 5, 8)."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Authorized,
    Declined,
    Exchange,
    Failure,
    Order,
    Outcome,
    Paid,
    Receipt,
    Response,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.linepay import details, errors, wire
from quickkub.connectors.providers.linepay.details import Finished
from quickkub.connectors.reading import an_object, instant_at, optional_text, text_at

REQUEST_LIVES: Final = timedelta(minutes=20)
"""How long the payer may approve (pack 11)."""

_TRIES_MAX: Final = 5


def create(account: Account, order: Order) -> Exchange:
    """A request the payer can approve.

    An order id that is taken already is looked up: if nothing was paid by it, it belongs to a request whose
    answer was lost, which nobody saw and nobody can confirm. The next order id has a suffix (pack 8).
    """
    for number in range(1, _TRIES_MAX + 1):
        reference = order.reference if number == 1 else f"{order.reference}-{number}"
        answer: Response = yield wire.requests(account, order, reference)
        said = wire.read(answer)
        if said.code == wire.OK:
            return _to_approve(said)
        if said.code != errors.TAKEN:
            return errors.conclude(said.code, said.message)
        found = yield from details.ask(account, order, reference=reference)
        if found is not None:
            return details.settled(order, found) if isinstance(found, Finished) else _doubtful(found)
    return Unknown("every order id of this order is taken")


def _to_approve(said: wire.Said) -> Waiting:
    info = said.object()
    urls = an_object(info.get("paymentUrl"), "paymentUrl")
    action = Action(ActionKind.REDIRECT, wire.web_address(urls, "web"), app_value=optional_text(urls, "app"))
    return Waiting(action, wire.id_at(info, "transactionId"))


def inquire(account: Account, order: Order) -> Exchange:
    """How far the payer is; once they approved, our confirmation, if the order is wanted (pack 5.3)."""
    transaction = order.provider_reference
    if not transaction:
        return (yield from _inquire_by_reference(account, order))
    answer: Response = yield wire.checks(account, transaction)
    said = wire.read(answer)
    if said.code == "0110" and order.wanted:
        return (yield from _confirm(account, order, transaction))
    if said.code in ("0123", errors.NOT_FOUND):
        return (yield from _look_up(account, order, transaction))
    return _progress(order, said, transaction)


def _progress(order: Order, said: wire.Said, transaction: str) -> Waiting | Declined | Unknown:
    match said.code:
        case "0000" | "0110":
            return Waiting(provider_reference=transaction)
        case "0121":
            return _ended(order, said)
        case "0122":
            return Declined(Failure.DECLINED, said.code, "the payment failed at LINE Pay")
        case code:
            return errors.of_question(code, said.message)


def _inquire_by_reference(account: Account, order: Order) -> Exchange:
    """Without LINE Pay's id nothing can be confirmed or paid: the end of the order ends it."""
    found = yield from details.ask(account, order, reference=order.reference)
    if isinstance(found, Finished):
        return details.settled(order, found)
    if found is not None:
        return found
    if not order.wanted or order.now >= order.expires_at:
        return Declined(Failure.EXPIRED, errors.NOT_FOUND, "it was never confirmed, and its time is over")
    return Unknown("the answer with LINE Pay's id was lost, and only finished payments are found without it")


def _ended(order: Order, said: wire.Said) -> Declined:
    """Cancelled by the payer or timed out: there is one code, but no time-out before 20 minutes."""
    if order.now < order.asked_at + REQUEST_LIVES:
        return Declined(Failure.PAYER_CANCELLED, said.code, "the payer cancelled in LINE")
    return Declined(Failure.EXPIRED, said.code, "the payer did not approve in time")


def _confirm(account: Account, order: Order, transaction: str) -> Exchange:
    """A confirmation said twice is refused with a code that makes us look: the first may have been heard."""
    answer: Response = yield wire.confirms(account, order, transaction)
    said = wire.read(answer)
    if said.code == wire.OK:
        return confirmed(order, said, transaction)
    if said.code == errors.PAYER_AGAIN:
        return Waiting(provider_reference=transaction)
    if said.code in errors.MAYBE_DONE:
        return (yield from _look_up(account, order, transaction))
    return errors.conclude(said.code, said.message)


def confirmed(order: Order, said: wire.Said, transaction: str = "") -> Outcome:
    """The answer to a confirmation, or to a scanned code. It has no time of its own. Raises Garbled."""
    info = said.object()
    own = wire.id_at(info, "transactionId")
    if (transaction and own != transaction) or not wire.is_of(order, text_at(info, "orderId")):
        return unexpected("LINE Pay confirms another payment than we asked", transaction or None)
    paid, payer = details.paid_in(info.get("payInfo"))
    if paid != order.amount:
        return unexpected(f"LINE Pay confirms {paid} instead of {order.amount}", own)
    until = instant_at(info, "authorizationExpireDate", UTC) if info.get("authorizationExpireDate") else None
    if until or order.capture_later:
        return Authorized(paid, order.now, own, until or order.now + details.HOLD_USUAL)
    return Paid((Receipt(own, paid, order.now, payer),), own)


def _look_up(account: Account, order: Order, transaction: str) -> Exchange:
    found = yield from details.ask(account, order, transaction=transaction)
    if isinstance(found, Finished):
        return details.settled(order, found)
    return found or Unknown("LINE Pay does not show the payment yet")


def pay_by_code(account: Account, order: Order) -> Exchange:
    """Charge the code that was scanned (pack 5.10). A doubtful answer is looked up by the order id."""
    if not order.payer.code:
        return Declined(Failure.REQUEST_REFUSED, "", "no code of the payer's app was scanned")
    answer: Response = yield wire.pays_by_code(account, order)
    said = wire.read(answer)
    if said.code == wire.OK:
        return confirmed(order, said)
    if said.code in errors.MAYBE_DONE:
        return (yield from inquire_by_code(account, order))
    return errors.conclude(said.code, said.message)


def inquire_by_code(account: Account, order: Order) -> Exchange:
    """A scanned payment is found by our order id once it is finished."""
    found = yield from details.ask(account, order, reference=order.reference)
    if isinstance(found, Finished):
        return details.settled(order, found)
    if found is not None:
        return found
    # The code lives five minutes and the charge takes at most one: afterwards nothing can come of it.
    if order.now >= order.asked_at + timedelta(minutes=6):
        return Declined(Failure.EXPIRED, errors.NOT_FOUND, "the scanned code was never charged")
    return Unknown("LINE Pay does not show the scanned payment yet")


def _doubtful(found: Declined | Unknown) -> Unknown:
    """A look-up that is refused says nothing about what it was to find."""
    return found if isinstance(found, Unknown) else Unknown(f"the look-up was refused: {found.message}")
