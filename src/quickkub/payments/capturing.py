"""Taking held money, and letting it go: say it, do it, write it down (exemplars 7)."""

from __future__ import annotations

from quickkub.audit import Act, record
from quickkub.connectors.contract import Can, Doing, Manifest, MethodOffer
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import Money
from quickkub.payments import attempt_store, store
from quickkub.payments.instructions.ask import Said, tell_at_once, write_down
from quickkub.payments.instructions.model import (
    CaptureExceedsAuthorized,
    CaptureInOnePiece,
    NothingToCapture,
    NothingToVoid,
    Told,
    VoidUnsupported,
)
from quickkub.payments.instructions.settle import apply
from quickkub.payments.model import Answered, Attempt, Payment, PaymentNotFound
from quickkub.payments.office import Office
from quickkub.payments.replay import replay_instruction
from quickkub.payments.states import AttemptState
from quickkub.payments.view import Render, payment_view
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, Replay, claim, keep_answer

_HELD = (AttemptState.AUTHORIZED, AttemptState.SUCCEEDED)


async def capture(
    office: Office, payment_id: str, amount: Money | None, once: Once, render: Render, *, is_last: bool
) -> Answered:
    """Take held money, all that is left when `amount` is None. Answers with the payment.

    `is_last`: what is left afterwards is let go. Raises PaymentNotFound, NothingToCapture,
    CaptureExceedsAuthorized, CaptureInOnePiece, KeyReused, KeyBusy, DatabaseAway; nothing is written when it
    does.
    """
    await office.gate.pass_or_refuse(office.db)
    async with office.db.transaction() as tx:
        payment = await _find(tx, once, payment_id)
        said = await _say_capture(office, tx, payment, amount, once, is_last=is_last)
    if isinstance(said, Replay):
        return await replay_instruction(office, once, said, render)
    return await _do(office, said, once, render)


async def _say_capture(
    office: Office, tx: Connection, payment: Payment, amount: Money | None, once: Once, *, is_last: bool
) -> Said | Replay:
    told_id = new_id("ins")
    before = await claim(tx, once, told_id)
    if before is not None:
        return before
    wanted = amount if amount is not None else payment.capturable
    attempt, manifest, offer = await _held_attempt(office, tx, payment)
    _refuse_capture(payment, wanted, offer, is_last=is_last)
    reserved = await store.reserve_capture(tx, payment.merchant, payment.mode, payment.id, wanted)
    if reserved is None:
        raise CaptureExceedsAuthorized("another capture took it meanwhile", param="amount")
    told = await write_down(
        tx, manifest, reserved, attempt, Doing.CAPTURE, wanted, told_id=told_id, is_last=is_last
    )
    assert told is not None, "only voids and cancellations are unique"
    await record(tx, _asked("payment.capture_asked", told))
    return Said(told, reserved, attempt)


def _refuse_capture(payment: Payment, wanted: Money, offer: MethodOffer | None, *, is_last: bool) -> None:
    if payment.capturable.minor < 1:
        raise NothingToCapture(f"the payment is {payment.state.value} and nothing is held to capture")
    if wanted.currency != payment.amount.currency or wanted > payment.capturable:
        raise CaptureExceedsAuthorized(f"{payment.capturable} is left to capture", param="amount")
    can = offer.can if offer else frozenset()
    is_whole = wanted == payment.authorized
    if not is_whole and Can.CAPTURE_PART not in can:
        raise CaptureInOnePiece("the provider captures the whole amount only", param="amount")
    if not is_last and Can.CAPTURE_SEVERAL not in can:
        raise CaptureInOnePiece("the provider captures once only", param="final")


async def void(office: Office, payment_id: str, once: Once, render: Render) -> Answered:
    """Let held money go. Answers with the payment; nothing can be captured from this moment on.

    Raises PaymentNotFound, NothingToVoid, VoidUnsupported, KeyReused, KeyBusy, DatabaseAway.
    """
    await office.gate.pass_or_refuse(office.db)
    async with office.db.transaction() as tx:
        payment = await _find(tx, once, payment_id)
        said = await _say_void(office, tx, payment, once)
    if isinstance(said, Replay):
        return await replay_instruction(office, once, said, render)
    return await _do(office, said, once, render)


async def _say_void(office: Office, tx: Connection, payment: Payment, once: Once) -> Said | Replay:
    told_id = new_id("ins")
    before = await claim(tx, once, told_id)
    if before is not None:
        return before
    attempt, manifest, offer = await _held_attempt(office, tx, payment)
    if offer is None or Can.VOID not in offer.can:
        raise VoidUnsupported("the provider lets held money go only by itself")
    if payment.hold_open and payment.authorized == payment.captured:
        raise NothingToVoid("everything that was held is captured")
    reserved = await store.close_hold(tx, payment.merchant, payment.mode, payment.id)
    if reserved is None:
        raise NothingToVoid("nothing is held, or a capture of it is under way")
    rest = payment.authorized - payment.captured
    told = await write_down(tx, manifest, reserved, attempt, Doing.VOID, rest, told_id=told_id)
    if told is None:
        raise NothingToVoid("it is being voided already")
    await record(tx, _asked("payment.void_asked", told))
    return Said(told, reserved, attempt)


def _asked(action: str, told: Told) -> Act:
    """What is written down is what was asked for; what came of it is in the payment's events."""
    return Act(
        action,
        "payment",
        told.payment,
        merchant=told.merchant,
        mode=told.mode,
        after={
            "instruction": told.id,
            "amount": told.amount.minor,
            "currency": told.amount.currency.code,
            "is_last": told.is_last,
        },
    )


async def _find(tx: Connection, once: Once, payment_id: str) -> Payment:
    payment = await store.find_payment(tx, once.merchant, once.mode, payment_id)
    if payment is None:
        raise PaymentNotFound()
    return payment


async def _held_attempt(
    office: Office, tx: Connection, payment: Payment
) -> tuple[Attempt, Manifest, MethodOffer | None]:
    attempts = (await attempt_store.attempts_of(tx, payment.merchant, [payment.id]))[payment.id]
    held = [attempt for attempt in attempts if attempt.state in _HELD]
    attempt = held[-1] if held else attempts[-1]
    manifest = office.connector(attempt.provider).manifest
    return attempt, manifest, manifest.offer(payment.method)


async def _do(office: Office, said: Said, once: Once, render: Render) -> Answered:
    heard = await tell_at_once(office, said)

    async def answer(tx: Connection, after: Payment, _: Told) -> None:
        attempts = (await attempt_store.attempts_of(tx, after.merchant, [after.id]))[after.id]
        rendered.append(render(payment_view(after, attempts[-1], office.public_url)))
        await keep_answer(tx, once, *rendered[-1])

    rendered: list[tuple[int, bytes]] = []
    await apply(office, said.told.merchant, said.told.id, heard, "answer", also=answer)
    status, body = rendered[-1]
    return Answered(status, body, replayed=False)
