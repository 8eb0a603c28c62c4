"""A repeated request: the stored answer, or how the payment stands when the first request died half way."""

from __future__ import annotations

from dataclasses import replace

from quickkub.payments import attempt_store, store
from quickkub.payments.forms import kept_answer, to_keep, whole_view
from quickkub.payments.instructions import store as told_store
from quickkub.payments.instructions.states import InstructionState
from quickkub.payments.model import Answered
from quickkub.payments.office import Office
from quickkub.payments.states import PaymentState
from quickkub.payments.view import Render
from quickkub.storage import Connection
from quickkub.storage.idempotency import KeyBusy, Once, Replay, keep_answer


def stored(said: Replay) -> Answered | None:
    """The answer that was given before, word for word; None when none was stored. It has no form in it."""
    if said.answer is None or said.status is None:
        return None
    return Answered(said.status, said.answer, replayed=True)


async def replay_payment(office: Office, once: Once, said: Replay, render: Render) -> Answered:
    """Raises KeyBusy while the provider is being asked again for a payment nobody has seen yet."""
    before = stored(said)
    if before is not None:
        return replace(before, body=kept_answer(office.vault, once, render, said))
    async with office.db.transaction() as tx:
        return await _as_it_stands(office, tx, once, said.resource_id, render)


async def replay_instruction(office: Office, once: Once, said: Replay, render: Render) -> Answered:
    """As above, for a capture or a void: they answer with their payment. Raises KeyBusy before it was
    settled."""
    before = stored(said)
    if before is not None:
        return before
    async with office.db.transaction() as tx:
        told = await told_store.find(tx, once.merchant, said.resource_id)
        assert told is not None, "the key and the instruction were written together"
        if told.state is InstructionState.CREATED:
            raise KeyBusy("the provider is being asked about it", param="Idempotency-Key", retry_after=2)
        return await _as_it_stands(office, tx, once, told.payment, render)


async def _as_it_stands(
    office: Office, tx: Connection, once: Once, payment_id: str, render: Render
) -> Answered:
    payment = await store.find_payment(tx, once.merchant, once.mode, payment_id)
    assert payment is not None, "the key and the payment were written together"
    attempt = (await attempt_store.attempts_of(tx, once.merchant, [payment.id]))[payment.id][-1]
    if payment.state is PaymentState.CREATED:
        raise KeyBusy("the provider is being asked again", param="Idempotency-Key", retry_after=2)
    view = whole_view(office.vault, payment, attempt, office.public_url)
    await keep_answer(tx, once, *to_keep(office.vault, once, render, view))
    status, body = render(view)
    return Answered(status, body, replayed=True)
