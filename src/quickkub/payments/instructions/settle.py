"""The one door for news about an instruction: the direct answer, a callback's inquiry, a due inquiry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import assert_never

from quickkub.connectors.contract import (
    Declined,
    Doing,
    Done,
    Failure,
    InstructionOutcome,
    NotSent,
    Receipt,
    Unknown,
    Waiting,
)
from quickkub.kernel.ids import MerchantId
from quickkub.payments import money_in, rules
from quickkub.payments import office as offices
from quickkub.payments.desk import Desk, lock
from quickkub.payments.instructions import effects, store
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import INSTRUCTION, UNDER_WAY, Heard, InstructionState
from quickkub.payments.model import Payment
from quickkub.payments.office import Office
from quickkub.payments.settle import ABOUT_THE_REQUEST
from quickkub.storage import Connection

Also = Callable[[Connection, Payment, Told], Awaitable[None]]


async def apply(
    office: Office,
    merchant: MerchantId,
    instruction: str,
    heard: offices.Told[InstructionOutcome],
    kind: str,
    *,
    also: Also | None = None,
) -> tuple[Payment, Told]:
    """Take in what a provider said about an instruction. Lock order: payment, attempt, instruction.

    Returns payment and instruction as they stand afterwards. Raises DatabaseAway.
    """
    async with office.db.transaction() as tx:
        found = await store.find(tx, merchant, instruction)
        assert found is not None, "instructions are never deleted"
        payment, attempt = await lock(tx, merchant, found.attempt)
        told = await store.find(tx, merchant, instruction, lock=True)
        assert told is not None
        name = type(heard.outcome).__name__.lower()
        desk = Desk(office, tx, payment, attempt, heard.transcript, name, kind, instruction)
        told = await _take(desk, told, heard.outcome)
        if also is not None:
            await also(tx, desk.payment, told)
        return desk.payment, told


async def _take(desk: Desk, told: Told, outcome: InstructionOutcome) -> Told:
    if told.state not in UNDER_WAY:
        await _take_afterthought(desk, told, outcome)
        return told
    match outcome:
        case Done() as done:
            after = await _take_done(desk, told, done)
        case Declined() as declined:
            after = await _take_refusal(desk, told, declined)
        case Waiting() as waiting:
            await desk.pass_on(waiting.alert)
            after = await _take_acceptance(desk, told, waiting)
        case NotSent() as not_sent:
            after = await _take_not_sent(desk, told, not_sent)
        case Unknown() as unknown:
            await desk.pass_on(unknown.alert)
            after = await _cannot_tell(desk, told, unknown.provider_reference)
        case never:
            assert_never(never)
    return after


async def _take_not_sent(desk: Desk, told: Told, not_sent: NotSent) -> Told:
    """Certain only of this call: an earlier one of the same instruction may have gone out."""
    if desk.kind != "answer" or told.state is not InstructionState.CREATED:
        return await _cannot_tell(desk, told, None)
    refusal = Declined(Failure.PROVIDER_UNAVAILABLE, not_sent.reason, "nothing was sent")
    return await effects.refuse(desk, told, refusal)


async def _take_done(desk: Desk, told: Told, done: Done) -> Told:
    """What moved has to be what was asked (P12); anything else is put before a person and settles nothing.

    Money that came in by it is booked once the provider has said so twice.
    """
    if done.amount != told.amount:
        details = {
            "asked": told.amount.minor,
            "moved": done.amount.minor,
            "currency": done.amount.currency.code,
            "instruction": told.id,
            "doing": told.doing.value,
        }
        await desk.case("instruction_amount_mismatch", told.id, details)
        if told.doing is Doing.CAPTURE:
            receipt = Receipt(done.transaction_id, done.amount, done.done_at)
            if await money_in.told_before(desk, receipt):
                await money_in.put_capture_aside(desk, receipt, told.id)
        return await _cannot_tell(desk, told, done.provider_reference)
    await desk.pass_on(done.alert)
    return await effects.carry(desk, told, done)


async def _take_refusal(desk: Desk, told: Told, declined: Declined) -> Told:
    if declined.failure in ABOUT_THE_REQUEST and desk.kind != "answer":
        return await _cannot_tell(desk, told, None)
    return await effects.refuse(desk, told, declined)


async def _take_acceptance(desk: Desk, told: Told, waiting: Waiting) -> Told:
    if not INSTRUCTION.allows(told.state, Heard.ACCEPTED):
        return told
    return await store.move(
        desk.tx,
        told,
        INSTRUCTION.after(told.state, Heard.ACCEPTED),
        evidence=await desk.evidence(),
        provider_reference=waiting.provider_reference,
        check_seconds=rules.INSTRUCTION_BACKOFF[0],
    )


async def _cannot_tell(desk: Desk, told: Told, provider_reference: str | None) -> Told:
    if not INSTRUCTION.allows(told.state, Heard.CANNOT_TELL):
        return told
    return await store.move(
        desk.tx,
        told,
        INSTRUCTION.after(told.state, Heard.CANNOT_TELL),
        evidence=await desk.evidence(),
        provider_reference=provider_reference,
        check_seconds=rules.UNKNOWN_BACKOFF[0],
    )


async def _take_afterthought(desk: Desk, told: Told, outcome: InstructionOutcome) -> None:
    """A provider that contradicts itself is a person's case, not a change (P11)."""
    if told.state is InstructionState.FAILED and isinstance(outcome, Done):
        await desk.evidence()
        details = {
            "instruction": told.id,
            "transaction_id": outcome.transaction_id,
            "doing": told.doing.value,
        }
        await desk.case("done_after_refusal", told.id, {**details, "amount": outcome.amount.minor})
