"""Being paid: by a code of the payer, or by an order with a page; what is found later (pack 5.2 - 5.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Declined,
    Exchange,
    Failure,
    NoAnswer,
    Order,
    Paid,
    Receipt,
    Response,
    Unknown,
    Waiting,
)
from quickkub.connectors.providers.truemoney import errors, records, wire
from quickkub.connectors.providers.truemoney.manifest import SCAN, SETTLED_SECONDS
from quickkub.connectors.providers.truemoney.records import Record
from quickkub.connectors.reading import Garbled, an_object, optional_text
from quickkub.connectors.switches import is_on

_IN_APP: Final = Action(ActionKind.APPROVE_IN_APP, "")


def by_code(account: Account, order: Order) -> bool:
    """Whether this order charges a code; the other way is an order the payer is sent to."""
    return order.method == SCAN or (bool(order.payer.code) and not is_on(account, "orders_enabled"))


def pay(account: Account, order: Order) -> Exchange:
    """Charge a code. The answer has no amount, so that the payment is read back before it is believed."""
    if not order.payer.code:
        return Declined(Failure.REQUEST_REFUSED, "", "no code of the payer's app or wallet is known")
    answer: Response = yield wire.pays(account, order)
    said = wire.read(account, answer)
    if said.code in errors.DUPLICATES:
        return (yield from inquire(account, order))
    if said.code != wire.SUCCESS or said.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return errors.conclude(account, said)
    payment = records.id_at(an_object(said.data, "data"), "payment_id")
    if not is_on(account, "pay_confirm_by_inquiry", default=True):
        return Paid((Receipt(payment, order.amount, order.now),), payment)
    return (yield from _read_back(account, order, payment))


def _read_back(account: Account, order: Order, payment: str) -> Exchange:
    """What cannot be read back is unknown under the id that TrueMoney gave it."""
    try:
        found = yield from records.ask(account, order, wire.asks_payment(account, payment, order.now))
        outcome = records.settled(found) if isinstance(found, Record) else None
    except (NoAnswer, Garbled) as trouble:
        return Unknown(f"the payment could not be read back: {trouble}", payment)
    match outcome:
        case None:
            return Unknown("the payment could not be read back", payment)
        case Waiting():
            return Waiting(_IN_APP, payment)
        case _:
            return outcome


def create_order(account: Account, order: Order) -> Exchange:
    """An order with a page, an app link and a QR (pack 5.3). The whole form of it is ASSUMED."""
    if not is_on(account, "orders_enabled"):
        return Declined(
            Failure.PROVIDER_MISCONFIGURED, "", "orders are off, and no code of the payer is known"
        )
    answer: Response = yield wire.orders(account, order)
    said = wire.read(account, answer)
    if said.code in errors.DUPLICATES:
        return (yield from inquire(account, order))
    if said.code != wire.SUCCESS or said.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return errors.conclude(account, said)
    data = an_object(said.data, "data")
    page, code = optional_text(data, "payment_url"), optional_text(data, "qr_code")
    made = records.id_at(data, "order_id")
    if page.startswith(("https://", "http://")):
        link = optional_text(data, "deeplink")
        return Waiting(Action(ActionKind.REDIRECT, page, app_value=link), made)
    if not code:
        raise Garbled("the order has no page and no QR")
    return Waiting(Action(ActionKind.DISPLAY_QR, code), made)


def inquire(account: Account, order: Order) -> Exchange:
    """How it stands. No such payment: an order is not paid yet; a code's is proven only in time (pack 6)."""
    scanned = by_code(account, order)
    if scanned and order.provider_reference:
        request = wire.asks_payment(account, order.provider_reference, order.now)
    else:
        # An order's own id is not the payment's, so that orders are found by our reference.
        request = wire.asks_by_reference(account, order.reference, order.asked_at, wire.epoch(order.now))
    found = yield from records.ask(account, order, request)
    if isinstance(found, Record):
        return records.settled(found)
    if found is not None:
        return found
    if not scanned:
        return Waiting(provider_reference=order.provider_reference)
    if order.provider_reference:
        return Unknown("TrueMoney does not show a payment that it named")
    if order.now >= order.asked_at + timedelta(seconds=SETTLED_SECONDS):
        return Declined(Failure.PROVIDER_UNAVAILABLE, "", "TrueMoney has no such payment, so it never came")
    return Unknown("TrueMoney does not show the payment yet")
