"""How money goes back, and how much of it may. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta

from quickkub.connectors.contract import Can, MethodOffer
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money
from quickkub.payments.model import Payment
from quickkub.refunds.model import NothingToRefund, RefundExceedsCapture, Way


def way_back(
    offer: MethodOffer | None, payment: Payment, amount: Money, now: datetime, *, movement: Money | None
) -> Way:
    """Through the provider if it takes such a refund on that day, else by a transfer that a person makes.

    `movement` is what the payer once sent. It may be more than the payment's own; a provider that refunds
    whole movements only would give back all of it.
    """
    if offer is None or Can.REFUND not in offer.can or movement is None or payment.paid_at is None:
        return Way.BANK_TRANSFER
    is_whole = amount == movement
    if not is_whole and Can.REFUND_PART not in offer.can:
        return Way.BANK_TRANSFER
    if offer.refund_days is not None and window_is_over(payment.paid_at, now, offer.refund_days):
        return Way.BANK_TRANSFER
    return Way.PROVIDER


def window_is_over(paid_at: datetime, now: datetime, days: int) -> bool:
    """Whether a provider that refunds for so many days after a payment refunds it no more.

    No days: what is given back only on the day of the payment, which is a day in Bangkok (scb 8).
    """
    if days == 0:
        return now.astimezone(BANGKOK).date() > paid_at.astimezone(BANGKOK).date()
    return now > paid_at + timedelta(days=days)


def refuse_refund(payment: Payment, wanted: Money) -> None:
    """Raises NothingToRefund and RefundExceedsCapture, naming what is left."""
    if payment.refundable.minor < 1:
        raise NothingToRefund(f"nothing of {payment.id} is left to refund", param="payment")
    if wanted.currency != payment.amount.currency or wanted > payment.refundable:
        raise RefundExceedsCapture(f"{payment.id} has {payment.refundable} left to refund", param="amount")
