"""What the bank's records of a card order mean (bbl.md A5, A7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Authorized,
    Declined,
    Failure,
    Order,
    Outcome,
    Paid,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.bbl import errors
from quickkub.connectors.providers.bbl.wire import Payment
from quickkub.connectors.reading import Garbled, Unexpected
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import decimal_text

HELD: Final = "Authorized"
TAKEN: Final = frozenset({"Accepted", "Captured"})
# The payment was accepted; something was or will be given back. What it moved in is still a receipt.
GIVING_BACK: Final = frozenset({"Accepted_Adj", "RequestRefund", "Refunded"})
PENDING: Final = frozenset({"Pending", "Pending_3D"})
REJECTED: Final = "Rejected"
CANCELLED: Final = "Cancelled"
VOIDED: Final = frozenset({"Voided", "Reversed"})
_KNOWN: Final = TAKEN | GIVING_BACK | PENDING | VOIDED | {HELD, REJECTED, CANCELLED}


def outcome_of(payments: Sequence[Payment], account: Account, order: Order) -> Outcome:
    """The best record counts: Accepted, Authorized, Pending, others. Raises Garbled for wrong amounts."""
    strange = [p.status[:30] for p in payments if p.status not in _KNOWN]
    if taken := [p for p in payments if p.status in TAKEN | GIVING_BACK]:
        return _paid(taken, order, strange)
    if strange:
        cause = f"the bank names the state {strange[0]!r}, which we do not know"
        return unexpected(cause, payments[0].pay_ref)
    if held := [p for p in payments if p.status == HELD]:
        return _held(held, order)
    return _unpaid(payments, account, order)


def _paid(taken: Sequence[Payment], order: Order, strange: Sequence[str]) -> Outcome:
    for payment in taken:
        # Only a hold may have been captured in part; whether a refund changes `amt` is not public.
        part_of_hold = order.capture_later and payment.amount < order.amount
        if payment.amount == order.amount or (payment.status in TAKEN and part_of_hold):
            continue
        asked, shown = decimal_text(order.amount), decimal_text(payment.amount)
        if payment.status in GIVING_BACK:
            return Unknown(f"after a refund the bank shows {shown} of {asked}", payment.pay_ref)
        raise Garbled(f"the bank took {shown} where {asked} was asked")
    alert = f"the payer paid {len(taken)} times" if len(taken) > 1 else ""
    if strange:
        alert = f"beside the payment the bank names the state {strange[0]!r}"
    return Paid(tuple(p.receipt() for p in taken), taken[0].pay_ref, alert)


def _held(held: Sequence[Payment], order: Order) -> Outcome:
    first = held[0]
    if any(p.amount != order.amount for p in held):
        raise Unexpected("the bank holds another amount than we asked for")
    alert = "" if order.capture_later else "the bank only holds the money of a sale"
    if len(held) > 1:
        alert = f"the bank holds the money {len(held)} times: {', '.join(p.pay_ref for p in held)}"
    return Authorized(first.amount, first.receipt().paid_at, first.pay_ref, alert=alert)


def _unpaid(payments: Sequence[Payment], account: Account, order: Order) -> Outcome:
    if not payments:
        return _not_begun(account, order)
    pending = any(p.status in PENDING for p in payments)
    may_retry = is_on(account, "ipay.allow_retry_same_order") and not _page_is_over(account, order)
    if pending or may_retry:
        return Waiting(provider_reference=payments[-1].pay_ref)
    return _ended(payments, order)


def _not_begun(account: Account, order: Order) -> Outcome:
    """No record: the payer never submitted the page, and after its life cannot any more."""
    if _page_is_over(account, order):
        return Declined(Failure.EXPIRED, "", "the payer did not finish the bank's page in time")
    return Waiting()


def _page_is_over(account: Account, order: Order) -> bool:
    minutes = int(setting(account, "ipay.session_minutes", "30"))
    return order.now >= order.asked_at + timedelta(minutes=minutes)


def _ended(payments: Sequence[Payment], order: Order) -> Outcome:
    last = payments[-1]
    if any(p.status in VOIDED for p in payments):
        if order.capture_later:
            return Declined(Failure.PAYER_CANCELLED, "Voided", "the hold was let go")
        return Waiting(provider_reference=last.pay_ref, alert="the bank took the payment back (Voided)")
    if last.status == CANCELLED:
        return Declined(Failure.PAYER_CANCELLED, CANCELLED, "the payer cancelled on the bank's page")
    if last.prc in ("", errors.APPROVED):
        return unexpected("the bank rejected the payment and says it was approved", last.pay_ref)
    return errors.rejection(last.prc, last.src)
