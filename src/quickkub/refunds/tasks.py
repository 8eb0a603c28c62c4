"""Refunds a person makes by bank transfer: reported as done, or dropped."""

from __future__ import annotations

from quickkub.audit import Act, record
from quickkub.payments import attempt_store
from quickkub.payments import store as payments
from quickkub.payments.model import Answered, Attempt, Payment
from quickkub.payments.office import Office
from quickkub.payments.replay import stored
from quickkub.payments.view import Render
from quickkub.refunds import store
from quickkub.refunds.effects import book_paid, settle_source
from quickkub.refunds.model import Refund, RefundNotFound, RefundNotWaiting, RefundState, TransferUsed
from quickkub.refunds.states import REFUND, RefundFact
from quickkub.refunds.view import announce, masked, open_destination, refund_view
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, claim, keep_answer


async def transferred(
    office: Office, refund_id: str, transfer_reference: str, once: Once, render: Render
) -> Answered:
    """The transfer was made; its number is the evidence, and no number stands for two refunds.

    Raises RefundNotFound, RefundNotWaiting, TransferUsed, KeyReused, KeyBusy, DatabaseAway.
    """
    return await _end(office, refund_id, transfer_reference, once, render)


async def drop(office: Office, refund_id: str, once: Once, render: Render) -> Answered:
    """The transfer will not be made: the money is the merchant's again. Raises as `transferred` does."""
    return await _end(office, refund_id, None, once, render)


async def _end(
    office: Office, refund_id: str, transfer_reference: str | None, once: Once, render: Render
) -> Answered:
    async with office.db.transaction() as tx:
        before = await claim(tx, once, refund_id)
        if before is not None:
            answered = stored(before)
            assert answered is not None, "the key and the answer were written together"
            return answered
        payment, attempt, refund = await _locked(tx, once, refund_id)
        if refund.state is not RefundState.REQUIRES_TRANSFER:
            raise RefundNotWaiting(f"the refund is {refund.state.value}")
        ended = await _ended(tx, office, payment, attempt, refund, transfer_reference)
        act = Act(
            "refund.cancelled" if transfer_reference is None else "refund.transfer_reported",
            "refund",
            refund.id,
            merchant=once.merchant,
            mode=once.mode,
            before={"status": refund.state.value},
            after={"status": ended.state.value, "transfer_reference": transfer_reference},
        )
        await record(tx, act)
        status, body = render(refund_view(ended, masked(open_destination(office.vault, ended))))
        await keep_answer(tx, once, status, body)
        return Answered(status, body, replayed=False)


async def _ended(
    tx: Connection,
    office: Office,
    payment: Payment | None,
    attempt: Attempt | None,
    refund: Refund,
    transfer_reference: str | None,
) -> Refund:
    went_back = transfer_reference is not None
    if transfer_reference is not None:
        if await store.transfer_is_used(tx, refund.merchant, refund.mode, transfer_reference):
            raise TransferUsed()
        await book_paid(tx, refund, provider=None, account=None, at=refund.seen_at)
    await settle_source(tx, refund, payment, attempt, office.public_url, went_back=went_back)
    fact = RefundFact.TRANSFERRED if went_back else RefundFact.DROPPED
    moved = await store.move(
        tx, refund, REFUND.after(refund.state, fact), transfer_reference=transfer_reference
    )
    await announce(tx, moved, "succeeded" if went_back else "cancelled")
    return moved


async def _locked(
    tx: Connection, once: Once, refund_id: str
) -> tuple[Payment | None, Attempt | None, Refund]:
    """Payment before refund, as everywhere."""
    found = await store.find(tx, once.merchant, once.mode, refund_id)
    if found is None:
        raise RefundNotFound()
    payment = attempt = None
    if found.payment is not None:
        payment = await payments.find_payment(tx, once.merchant, once.mode, found.payment, lock=True)
        attempt = (await attempt_store.attempts_of(tx, once.merchant, [found.payment]))[found.payment][-1]
    locked = await store.find(tx, once.merchant, once.mode, refund_id, lock=True)
    assert locked is not None
    return payment, attempt, locked
