"""Calling a payment off that nobody has paid yet. Late money still wins and is booked."""

from __future__ import annotations

from quickkub.audit import Act, record
from quickkub.payments import attempt_store, store
from quickkub.payments.ending import end, may_end
from quickkub.payments.model import Answered, PaymentNotCancellable, PaymentNotFound
from quickkub.payments.office import Office
from quickkub.payments.replay import replay_payment
from quickkub.payments.states import Fact, PaymentState
from quickkub.payments.view import Render, payment_view
from quickkub.storage.idempotency import Once, claim, keep_answer


async def cancel(office: Office, payment_id: str, once: Once, render: Render) -> Answered:
    """End an unpaid payment; the provider is told by the worker where it can be.

    Raises PaymentNotFound, and PaymentNotCancellable when it is over, is held (void it), or its outcome is
    not known.
    """
    async with office.db.transaction() as tx:
        payment = await store.find_payment(tx, once.merchant, once.mode, payment_id, lock=True)
        if payment is None:
            raise PaymentNotFound()
        before = await claim(tx, once, payment.id)
        if before is None:
            attempt = (await attempt_store.attempts_of(tx, once.merchant, [payment.id]))[payment.id][-1]
            if payment.state is PaymentState.AUTHORIZED:
                raise PaymentNotCancellable("the provider holds the money: void the payment instead")
            if not may_end(payment, attempt, Fact.CALLED_OFF):
                raise PaymentNotCancellable(f"the payment is {payment.state.value}")
            before_it = payment.state.value
            payment, attempt = await end(office, tx, payment, attempt, Fact.CALLED_OFF)
            act = Act(
                "payment.cancelled",
                "payment",
                payment.id,
                merchant=once.merchant,
                mode=once.mode,
                before={"status": before_it},
                after={"status": payment.state.value},
            )
            await record(tx, act)
            status, body = render(payment_view(payment, attempt, office.public_url))
            await keep_answer(tx, once, status, body)
            return Answered(status, body, replayed=False)
    return await replay_payment(office, once, before, render)
