"""What the bank's trxStatus means for an order (bay.md A10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from quickkub.connectors.contract import Account, Declined, Failure, Order, Outcome, Paid, Waiting
from quickkub.connectors.providers.bay.manifest import STATUS_MAP
from quickkub.connectors.providers.bay.wire import Transaction
from quickkub.connectors.reading import Garbled, Unexpected
from quickkub.connectors.switches import setting
from quickkub.kernel.money import decimal_text

SUCCEEDED: Final = "succeeded"
PENDING: Final = "pending"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
REFUNDED: Final = "refunded"


def state_of(status: str, account: Account) -> str:
    """The account's word for a status; empty for one that nobody listed. `1` is paid whatever is listed."""
    pairs = (pair.split("=", 1) for pair in setting(account, "qr.status_map", STATUS_MAP).split(","))
    listed = {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}  # noqa: PLR2004 -- a=b
    return {**listed, "1": SUCCEEDED}.get(status, "")


def outcome_of(found: Transaction, account: Account, order: Order) -> Outcome:
    """Raises Garbled for another amount or reference than ours."""
    if found.reference1 not in ("", order.reference):
        raise Unexpected("the transaction is of another reference")
    if found.amount != order.amount:
        asked, shown = decimal_text(order.amount), decimal_text(found.amount)
        raise Garbled(f"the bank shows {shown} where {asked} was asked")
    match state_of(found.status, account):
        case "succeeded":
            return Paid((found.receipt(),), found.trx_id)
        case "failed":
            return Declined(Failure.DECLINED, found.status, "the payment failed")
        case "cancelled":
            return Declined(Failure.PAYER_CANCELLED, found.status, "the payment was cancelled")
        case "refunded":
            return Waiting(provider_reference=found.trx_id, alert="the bank calls the payment refunded")
        case "pending":
            return unpaid(account, order, found.trx_id)
        case _:
            alert = f"the bank names the status {found.status[:20]!r}, which nobody listed"
            return Waiting(provider_reference=found.trx_id, alert=alert)


def unpaid(account: Account, order: Order, trx_id: str) -> Outcome:
    """Not paid yet: it waits until order and QR have both ended, by our own clock (A10)."""
    lives = timedelta(seconds=int(setting(account, "qr.ttl_seconds", "900")))
    if order.now >= max(order.expires_at, order.asked_at + lives):
        return Declined(Failure.EXPIRED, "", "the QR was not paid in time")
    return Waiting(provider_reference=trx_id)
