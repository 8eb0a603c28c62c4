"""Asking for a refund: counted and set aside, then the provider is told or a person gets a task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from quickkub.audit import Act, record
from quickkub.connectors.contract import Doing, Manifest
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import Money
from quickkub.payments import attempt_store
from quickkub.payments import store as payments
from quickkub.payments.instructions import settle as instruction_settle
from quickkub.payments.instructions import store as instruction_store
from quickkub.payments.instructions.ask import Said as SaidToProvider
from quickkub.payments.instructions.ask import tell_at_once, write_down
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import InstructionState
from quickkub.payments.model import Answered, Attempt, Payment, PaymentNotFound
from quickkub.payments.office import Office
from quickkub.payments.replay import stored
from quickkub.payments.states import AttemptState
from quickkub.payments.view import Render
from quickkub.refunds import rules, store
from quickkub.refunds.effects import book_promised
from quickkub.refunds.model import (
    Destination,
    NewRefund,
    Reason,
    Refund,
    RefundExceedsCapture,
    RefundState,
    Way,
)
from quickkub.refunds.screening import look_at_refund
from quickkub.refunds.view import (
    announce,
    masked,
    open_destination,
    refund_view,
    seal_destination,
)
from quickkub.storage import Connection
from quickkub.storage.idempotency import KeyBusy, Once, Replay, claim, keep_answer


@dataclass(frozen=True, slots=True)
class Said:
    """A refund that was written down, and what its provider is to be told."""

    refund: Refund
    asked: SaidToProvider | None


async def create(office: Office, asked: NewRefund, once: Once, render: Render) -> Answered:
    """Give money of a payment back. Answers with the refund as it stands after the provider was told.

    Raises PaymentNotFound, NothingToRefund, RefundExceedsCapture, KeyReused, KeyBusy, DatabaseAway; nothing
    is written when it does.
    """
    await office.gate.pass_or_refuse(office.db)
    async with office.db.transaction() as tx:
        said = await _say(office, tx, asked, once)
        if isinstance(said, Said) and said.asked is None:
            return await _keep(office, tx, once, said.refund, render)
    if isinstance(said, Replay):
        return await _replay(office, once, said, render)
    assert said.asked is not None
    heard = await tell_at_once(office, said.asked)
    answers: list[Answered] = []

    async def answer(tx: Connection, _: Payment, told: Told) -> None:
        after = await store.find(tx, told.merchant, told.mode, said.refund.id)
        assert after is not None
        answers.append(await _keep(office, tx, once, after, render))

    told_id = said.asked.told.id
    await instruction_settle.apply(office, once.merchant, told_id, heard, "answer", also=answer)
    return answers[-1]


async def _say(office: Office, tx: Connection, asked: NewRefund, once: Once) -> Said | Replay:
    refund_id = new_id("re")
    before = await claim(tx, once, refund_id)
    if before is not None:
        return before
    payment = await payments.find_payment(tx, once.merchant, once.mode, asked.payment)
    if payment is None:
        raise PaymentNotFound()
    wanted = asked.amount if asked.amount is not None else payment.refundable
    rules.refuse_refund(payment, wanted)
    reserved = await payments.reserve_refund(tx, once.merchant, once.mode, payment.id, wanted)
    if reserved is None:
        raise RefundExceedsCapture("another refund took it meanwhile", param="amount")
    attempt, manifest = await _paying_attempt(office, tx, reserved)
    movement = await store.newest_movement(tx, reserved.merchant, reserved.id)
    way = rules.way_back(
        manifest.offer(reserved.method),
        reserved,
        wanted,
        reserved.seen_at,
        movement=movement.amount if movement else None,
    )
    refund = await _write(office, tx, once.merchant, once.mode, refund_id, asked, wanted, way)
    await look_at_refund(office, tx, reserved, refund)
    act = Act(
        "refund.created",
        "refund",
        refund.id,
        merchant=once.merchant,
        mode=once.mode,
        after={
            "payment": payment.id,
            "amount": wanted.minor,
            "currency": wanted.currency.code,
            "reason": asked.reason.value,
            "way": way.value,
        },
    )
    await record(tx, act)
    if way is Way.BANK_TRANSFER:
        return Said(refund, None)
    told = await write_down(
        tx,
        manifest,
        reserved,
        attempt,
        Doing.REFUND,
        wanted,
        refund=refund.id,
        transaction_id=movement.transaction_id if movement else None,
        reason=asked.note or asked.reason.value,
    )
    assert told is not None, "only voids and cancellations are unique"
    return Said(refund, SaidToProvider(told, reserved, attempt))


async def _paying_attempt(office: Office, tx: Connection, payment: Payment) -> tuple[Attempt, Manifest]:
    attempts = (await attempt_store.attempts_of(tx, payment.merchant, [payment.id]))[payment.id]
    paid = next((one for one in attempts if one.state is AttemptState.SUCCEEDED), attempts[-1])
    return paid, office.connector(paid.provider).manifest


async def _write(
    office: Office,
    tx: Connection,
    merchant: MerchantId,
    mode: str,
    refund_id: str,
    asked: NewRefund,
    amount: Money,
    way: Way,
    *,
    unapplied_receipt: str | None = None,
) -> Refund:
    """The refund's row, its journal and its first event."""
    state = RefundState.PROCESSING if way is Way.PROVIDER else RefundState.REQUIRES_TRANSFER
    unset = datetime.min.replace(tzinfo=UTC)  # the database writes the times
    sealed = (
        seal_destination(office.vault, asked.destination, merchant, refund_id, mode)
        if asked.destination
        else None
    )
    refund = Refund(
        merchant=merchant,
        id=refund_id,
        mode=mode,
        payment=asked.payment or None,
        unapplied_receipt=unapplied_receipt,
        amount=amount,
        reason=asked.reason,
        note=asked.note,
        way=way,
        state=state,
        sealed_destination=sealed,
        transfer_reference=None,
        failure_code=None,
        metadata=asked.metadata,
        version=1,
        created_at=unset,
        updated_at=unset,
        finished_at=None,
        seen_at=unset,
    )
    written = await store.insert(tx, refund)
    await book_promised(tx, written)
    await announce(tx, written, "created" if way is Way.PROVIDER else "requires_transfer")
    return written


async def give_back_unapplied(
    office: Office,
    tx: Connection,
    merchant: MerchantId,
    mode: str,
    receipt: str,
    *,
    reason: Reason,
    note: str,
    destination: Destination | None = None,
) -> Refund | None:
    """Refund money that is nobody's, all of it that is left. None: nothing is left.

    It was never a payment of ours that the provider could refund by itself, unless another attempt of the
    payment succeeded as well: then the surplus attempt is refunded where it was made, by the worker.
    """
    source = await store.find_unapplied(tx, merchant, receipt)
    if source is None or source.left_over.minor < 1:
        return None
    if not await store.reserve_unapplied(tx, merchant, receipt, source.left_over):
        return None
    surplus = await _surplus_attempt(office, tx, merchant, mode, source)
    way = Way.PROVIDER if surplus is not None else Way.BANK_TRANSFER
    asked = NewRefund(source.payment or "", reason=reason, note=note, destination=destination)
    refund = await _write(
        office,
        tx,
        merchant,
        mode,
        new_id("re"),
        asked,
        source.left_over,
        way,
        unapplied_receipt=receipt,
    )
    if surplus is not None:
        payment, attempt, manifest = surplus
        await write_down(
            tx,
            manifest,
            payment,
            attempt,
            Doing.REFUND,
            source.left_over,
            refund=refund.id,
            transaction_id=source.transaction_id,
            reason=note,
            check_seconds=0,
        )
    return refund


async def _surplus_attempt(
    office: Office, tx: Connection, merchant: MerchantId, mode: str, source: store.Source
) -> tuple[Payment, Attempt, Manifest] | None:
    """The attempt behind nobody's money, if its provider refunds a whole payment and it is not the one that
    won."""
    if source.payment is None or source.attempt is None:
        return None
    payment = await payments.find_payment(tx, merchant, mode, source.payment)
    attempt = await attempt_store.find_attempt(tx, merchant, source.attempt)
    assert payment is not None and attempt is not None, "foreign keys hold both"
    manifest = office.connector(attempt.provider).manifest
    whole = source.left_over == attempt.amount and attempt.state is not AttemptState.SUCCEEDED
    movement = attempt.amount if whole else None
    way = rules.way_back(
        manifest.offer(payment.method), payment, source.left_over, payment.seen_at, movement=movement
    )
    return (payment, attempt, manifest) if way is Way.PROVIDER else None


async def _keep(office: Office, tx: Connection, once: Once, refund: Refund, render: Render) -> Answered:
    status, body = render(refund_view(refund, masked(open_destination(office.vault, refund))))
    await keep_answer(tx, once, status, body)
    return Answered(status, body, replayed=False)


async def _replay(office: Office, once: Once, said: Replay, render: Render) -> Answered:
    """The stored answer, or the refund as it stands when the first request died half way."""
    before = stored(said)
    if before is not None:
        return before
    async with office.db.transaction() as tx:
        told = await instruction_store.of_refund(tx, once.merchant, said.resource_id)
        if told is not None and told.state is InstructionState.CREATED:
            raise KeyBusy("the provider is being asked about it", param="Idempotency-Key", retry_after=2)
        refund = await store.find(tx, once.merchant, once.mode, said.resource_id)
        assert refund is not None, "the key and the refund were written together"
        kept = await _keep(office, tx, once, refund, render)
        return Answered(kept.status, kept.body, replayed=True)
