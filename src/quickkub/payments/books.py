"""From a provider's receipt to the journal that books it."""

from __future__ import annotations

from quickkub.connectors.contract import Receipt
from quickkub.kernel.money import Money
from quickkub.ledger import recipes
from quickkub.ledger import store as ledger
from quickkub.payments.model import Attempt
from quickkub.storage import Connection


async def book_receipt(
    tx: Connection, attempt: Attempt, receipt_id: str, receipt: Receipt, *, own: Money
) -> None:
    """Book a receipt that was just written down, in the same transaction; `own` of it is the payment's.

    No fee is taken: fee plans are a later part, and a shop that runs its own gateway charges itself nothing.
    """
    nothing = Money(0, receipt.amount.currency)
    if own.minor:
        journal = recipes.payment_received(
            receipt_id,
            attempt.payment,
            provider=attempt.provider,
            account_id=attempt.account,
            gross=receipt.amount,
            fee=nothing,
            fee_vat=nothing,
            over=receipt.amount - own,
            paid_at=receipt.paid_at,
        )
    else:
        journal = recipes.unapplied_received(
            receipt_id,
            attempt.payment,
            provider=attempt.provider,
            account_id=attempt.account,
            gross=receipt.amount,
            paid_at=receipt.paid_at,
        )
    await ledger.book(tx, attempt.merchant, attempt.mode, journal)
