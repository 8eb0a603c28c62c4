"""B-scan-C: the shop scans the payer's app; refunds of it (pack 8).

The bank's answers hold no data: 1000 is "accepted", and the records of the day are the proof.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Declined,
    Done,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    Request,
    Token,
    Unknown,
    Waiting,
)
from quickkub.connectors.providers.scb import errors, wire
from quickkub.connectors.providers.scb.asking import with_token
from quickkub.connectors.switches import is_on
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

LAST_REFUND: Final = time(23, 0)
"""Until when, Bangkok time, a payment of the same day is given back (pack 8)."""

REFUND_IS_OVER: Final = timedelta(minutes=15)
"""How long after that a row that is not reversed proves that no refund happened."""

_NO_REFUND: Final = Declined(Failure.NOT_ALLOWED_NOW, "", "the day is over and SCB's record is not reversed")


def transaction_of(account: Account, order: Order) -> str:
    """Biller id and 20 of `A-Z0-9`: our reference with zeros before it, so that a resend says the same."""
    return wire.biller_id(account) + order.reference.rjust(20, "0")


def confirm(account: Account, order: Order) -> Exchange:
    """`POST /v1/payment/merchant/rtp/confirm`: charge the account behind the code of the payer's app."""
    if not order.payer.code:
        return Declined(Failure.REQUEST_REFUSED, "", "no code of the payer's app was scanned")
    said = wire.read((yield from with_token(lambda token: _confirms(account, token, order))))
    if not said.is_success:
        return errors.conclude(said.status, said.code)
    return Waiting(Action(ActionKind.APPROVE_IN_APP, ""), transaction_of(account, order))


def _confirms(account: Account, token: Token, order: Order) -> Request:
    transaction = transaction_of(account, order)
    second = wire.reference2(account, order)
    body = {
        "qrData": order.payer.code,
        "payeeBillerId": wire.biller_id(account),
        "transactionAmount": decimal_text(order.amount),
        "reference1": order.reference,
        **({"reference2": second} if second else {}),
        "reference3": wire.reference3(account, order),
        "partnerTransactionID": transaction,
    }
    if is_on(account, "bscanc.send_both_spellings"):
        body["partnerTransactionId"] = transaction
    return wire.posts("/v1/payment/merchant/rtp/confirm", wire.headers(account, token), body)


def refund(account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
    """`POST /v1/payment/merchant/rtp/refund`: all of it, on the day of the payment before 23:00.

    What cannot be is refused before the bank is asked.
    """
    if instruction.amount != order.amount or instruction.refunded.minor:
        return Declined(Failure.NOT_ALLOWED_NOW, "", "SCB gives back a scanned payment whole or not at all")
    if instruction.asked_at >= _last_moment(order):
        return Declined(Failure.NOT_ALLOWED_NOW, "", "SCB gives back on the day of the payment before 23:00")
    said = wire.read((yield from with_token(lambda token: _refunds(account, token, order))))
    if not said.is_success:
        return errors.conclude(said.status, said.code)
    return done(account, order, instruction)


def _refunds(account: Account, token: Token, order: Order) -> Request:
    body = {"partnerTransactionId": transaction_of(account, order)}
    return wire.posts("/v1/payment/merchant/rtp/refund", wire.headers(account, token), body)


def done(account: Account, order: Order, instruction: Instruction) -> Done:
    """The refund happened. The bank gives it no id; there is one for each payment at most."""
    return Done(f"refund-{transaction_of(account, order)}", instruction.amount, instruction.now)


def after_reading(
    account: Account, order: Order, instruction: Instruction, day: wire.Day | Declined | Unknown
) -> Done | Declined | Unknown:
    """What the records of the day say of a refund whose answer was lost."""
    if not isinstance(day, wire.Day):
        return Unknown(day.message) if isinstance(day, Declined) else day
    if day.reversed_ids:
        return done(account, order, instruction)
    if not day.receipts:
        return Unknown("SCB shows no record of the payment that was to be given back")
    over = instruction.now >= _last_moment(order) + REFUND_IS_OVER
    return _NO_REFUND if over else Unknown("SCB's record is not reversed yet")


def _last_moment(order: Order) -> datetime:
    """23:00 of the day of the payment. The payer stood at the counter, so it is the order's own day."""
    day = order.asked_at.astimezone(BANGKOK).date()
    return datetime.combine(day, LAST_REFUND, BANGKOK)
