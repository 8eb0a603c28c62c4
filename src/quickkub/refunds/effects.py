"""What became of a refund: counters, books, state and event together (P7)."""

from __future__ import annotations

from datetime import datetime

from quickkub.connectors.contract import Declined, Done, Failure
from quickkub.kernel.ids import new_id
from quickkub.ledger import recipes
from quickkub.ledger import store as ledger
from quickkub.payments import case_store
from quickkub.payments.announce import amend
from quickkub.payments.desk import Desk
from quickkub.payments.instructions.model import Told
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.store import Change
from quickkub.refunds import store
from quickkub.refunds.model import Refund, Way
from quickkub.refunds.states import REFUND, RefundFact
from quickkub.refunds.view import announce
from quickkub.storage import Connection


class ProviderRefunds:
    """What payments tells this room of refunds made through a provider (payments.office.RefundEffects)."""

    async def done(self, desk: Desk, told: Told, done: Done) -> None:
        """The provider proves that the money went back."""
        refund = await _refund_of(desk, told)
        await book_paid(desk.tx, refund, provider=told.provider, account=told.account, at=done.done_at)
        desk.payment = await settle_source(
            desk.tx, refund, desk.payment, desk.attempt, desk.office.public_url, went_back=True
        )
        moved = await store.move(desk.tx, refund, REFUND.after(refund.state, RefundFact.PAID_BACK))
        await announce(desk.tx, moved, "succeeded")

    async def refused(self, desk: Desk, told: Told, declined: Declined) -> None:
        """Not at all, or not in this way any more: then a person makes a transfer and the money stays set
        aside."""
        refund = await _refund_of(desk, told)
        if declined.failure is Failure.NOT_ALLOWED_NOW:
            moved = await store.move(
                desk.tx,
                refund,
                REFUND.after(refund.state, RefundFact.NEEDS_A_PERSON),
                way=Way.BANK_TRANSFER,
            )
            await announce(desk.tx, moved, "requires_transfer")
            return
        desk.payment = await settle_source(
            desk.tx, refund, desk.payment, desk.attempt, desk.office.public_url, went_back=False
        )
        moved = await store.move(
            desk.tx,
            refund,
            REFUND.after(refund.state, RefundFact.REFUSED),
            failure_code=declined.failure.value,
        )
        await announce(desk.tx, moved, "failed")


async def _refund_of(desk: Desk, told: Told) -> Refund:
    assert told.refund is not None, "a check holds the refund of an instruction to refund"
    refund = await store.find(desk.tx, told.merchant, told.mode, told.refund, lock=True)
    assert refund is not None, "a foreign key holds the refund"
    return refund


async def book_promised(tx: Connection, refund: Refund) -> None:
    """Set the money aside."""
    journal = recipes.refund_promised(
        refund.id, refund.amount, unapplied=refund.unapplied_receipt is not None, at=refund.created_at
    )
    await ledger.book(tx, refund.merchant, refund.mode, journal)


async def book_paid(
    tx: Connection, refund: Refund, *, provider: str | None, account: str | None, at: datetime
) -> None:
    """The payer has it."""
    journal = recipes.refund_paid(refund.id, refund.amount, provider=provider, account_id=account, at=at)
    await ledger.book(tx, refund.merchant, refund.mode, journal)


async def settle_source(
    tx: Connection,
    refund: Refund,
    payment: Payment | None,
    attempt: Attempt | None,
    public_url: str,
    *,
    went_back: bool,
) -> Payment:
    """Count it as refunded, or free it and book it back to where it came from."""
    if not went_back:
        unapplied = refund.unapplied_receipt is not None
        journal = recipes.refund_dropped(refund.id, refund.amount, unapplied=unapplied, at=refund.seen_at)
        await ledger.book(tx, refund.merchant, refund.mode, journal)
    if refund.unapplied_receipt is not None:
        await store.settle_unapplied(
            tx, refund.merchant, refund.unapplied_receipt, refund.amount, went_back=went_back
        )
        if not went_back:
            await _before_a_person_again(tx, refund, refund.unapplied_receipt)
        return payment  # type: ignore[return-value]
    assert payment is not None and attempt is not None, "a refund of a payment has one"
    amount = refund.amount.minor
    change = Change(refunding=-amount, refunded=amount if went_back else 0)
    kind = "refunded" if went_back else "refund_failed"
    return await amend(tx, payment, attempt, kind, public_url, change)


async def _before_a_person_again(tx: Connection, refund: Refund, receipt: str) -> None:
    """The case that decided about this money may be closed, and without one it could never leave (P6)."""
    if await case_store.is_open_about(tx, refund.merchant, receipt):
        return
    details = {"refund": refund.id, "left_over": refund.amount.minor, "currency": refund.amount.currency.code}
    await case_store.open_case(
        tx,
        refund.merchant,
        case_id=new_id("case"),
        mode=refund.mode,
        kind="unapplied_again",
        fact=refund.id,
        payment=refund.payment,
        details=details,
        receipt=receipt,
    )
