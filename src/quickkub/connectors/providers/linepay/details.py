"""A finished payment as LINE Pay's details show it (pack 5.8), and what that makes of an order."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    Authorized,
    Declined,
    Effect,
    Failure,
    Order,
    Outcome,
    Paid,
    Receipt,
    Response,
    Unknown,
    unexpected,
)
from quickkub.connectors.providers.linepay import errors, wire
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    an_object,
    instant_at,
    money_at,
    optional_text,
    text_at,
)
from quickkub.kernel.money import THB, Money

CAPTURED: Final = "CAPTURE"
HELD: Final = "AUTHORIZATION"
VOIDED: Final = "VOIDED_AUTHORIZATION"
LAPSED: Final = "EXPIRED_AUTHORIZATION"

HOLD_USUAL: Final = timedelta(days=30)
"""How long a hold lasts that names no end (pack 11, ASSUMED)."""

_STATES: Final = frozenset({CAPTURED, HELD, VOIDED, LAPSED})
_TYPES: Final = frozenset({"PAYMENT", "PAYMENT_REFUND", "PARTIAL_REFUND"})


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of a payment."""

    id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    """A payment that was confirmed. `paid` is what was held or captured, discounts of LINE Pay's included.

    `tells_of_refunds`: all that was given back is listed; a row may call itself a refund without a list.
    """

    transaction: str
    order_id: str
    state: str
    paid: Money
    at: datetime
    payer: dict[str, str]
    held_until: datetime | None
    refunds: tuple[GivenBack, ...]
    tells_of_refunds: bool

    @property
    def refunded(self) -> Money:
        return sum((refund.amount for refund in self.refunds), Money(0, self.paid.currency))


def ask(
    account: Account, order: Order, *, transaction: str = "", reference: str = ""
) -> Generator[Effect, Any, Finished | Declined | Unknown | None]:
    """The payment of this transaction or order id, or None while unfinished (1150). Raises Garbled."""
    request = wire.asks_details(account, order, transaction=transaction, reference=reference)
    answer: Response = yield request
    said = wire.read(answer)
    if said.code == errors.NOT_FOUND:
        return None
    if said.code != wire.OK:
        return errors.of_question(said.code, said.message)
    found = [_finished(row) for row in _rows(said.info) if not row.get("originalTransactionId")]
    return _the_one(found, order, transaction)


def _the_one(found: list[Finished], order: Order, transaction: str) -> Finished | Unknown | None:
    if not found:
        return None
    if len(found) > 1:
        return unexpected(f"LINE Pay shows {len(found)} payments of one id")
    finished = found[0]
    if transaction and finished.transaction != transaction:
        return unexpected("LINE Pay answers about another transaction than we asked")
    if not wire.is_of(order, finished.order_id):
        return unexpected("LINE Pay answers about another order than we asked")
    return finished


def settled(order: Order, found: Finished) -> Outcome:
    """What a finished payment makes of its order."""
    part = order.capture_later and found.state == CAPTURED and found.paid < order.amount
    if found.paid != order.amount and not part:
        return unexpected(f"LINE Pay shows {found.paid} instead of {order.amount}", found.transaction)
    match found.state:
        case "CAPTURE":
            return Paid((Receipt(found.transaction, found.paid, found.at, found.payer),), found.transaction)
        case "AUTHORIZATION":
            until = found.held_until or found.at + HOLD_USUAL
            return Authorized(found.paid, found.at, found.transaction, until)
        case "EXPIRED_AUTHORIZATION":
            return Declined(Failure.EXPIRED, found.state, "the hold has lapsed")
        case _:
            return Declined(Failure.DECLINED, found.state, "the hold was let go")


def paid_in(rows: object) -> tuple[Money, dict[str, str]]:
    """The sum of `payInfo`, and what is masked already of how it was paid (pack 5.4). Raises Garbled."""
    total, ways, cards = Money(0), [], []
    for row in _rows(rows):
        total += _or_nothing(row, "amount")
        ways.append(text_at(row, "method"))
        card = optional_text(row, "maskedCreditCardNumber")
        if "*" in card:
            cards.append(card)
    if not total:
        raise Garbled("payInfo shows no money")
    named = {"method": "+".join(ways), "card": ", ".join(cards)}
    return total, {name: value for name, value in named.items() if value}


def _finished(row: Json) -> Finished:
    kind = text_at(row, "transactionType")
    if kind not in _TYPES:
        raise Unexpected("transactionType is a word we do not know")
    # A payment that was given back whole may say so instead of its state.
    state = optional_text(row, "payStatus") or CAPTURED
    if state not in _STATES:
        raise Unexpected("payStatus is a word we do not know")
    if text_at(row, "currency") != THB.code:
        raise Unexpected("the payment is not in baht")
    paid, payer = paid_in(row.get("payInfo"))
    until = instant_at(row, "authorizationExpireDate", UTC) if row.get("authorizationExpireDate") else None
    refunds = tuple(_refund(one) for one in _rows(row.get("refundList") or []))
    return Finished(
        wire.id_at(row, "transactionId"),
        text_at(row, "orderId"),
        state,
        paid,
        instant_at(row, "transactionDate", UTC),
        payer,
        until,
        refunds,
        bool(refunds) or kind == "PAYMENT",
    )


def _refund(row: Json) -> GivenBack:
    value = row.get("refundAmount")
    if not isinstance(value, int | Decimal):
        raise Garbled("refundAmount is not an amount")
    amount = money_at({"refundAmount": abs(value)}, "refundAmount", THB)
    return GivenBack(
        wire.id_at(row, "refundTransactionId"), amount, instant_at(row, "refundTransactionDate", UTC)
    )


def _or_nothing(row: Json, name: str) -> Money:
    """An amount that may be nothing, such as a discount of 0."""
    value = row.get(name)
    return Money(0) if type(value) in (int, Decimal) and value == 0 else money_at(row, name, THB)


def _rows(value: object) -> list[Json]:
    if not isinstance(value, list):
        raise Garbled("a list is missing")
    return [an_object(row, "a row") for row in value]
