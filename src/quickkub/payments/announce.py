"""Every change of a payment and the event that tells of it, written together (E1)."""

from __future__ import annotations

from quickkub.payments import store
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.states import OPEN, PAYMENT, Fact, PaymentState
from quickkub.payments.store import NO_CHANGE, Change
from quickkub.payments.view import payment_view
from quickkub.storage import Connection
from quickkub.storage.outbox import Event


def news_of(payment: Payment, attempt: Attempt, kind: str, public_url: str) -> Event:
    """`payment.<kind>`, telling the payment as it stands.

    The fields of a form are left out: they name the payer, and events are kept for long and passed on (A4).
    Who needs them asks for the payment, or sends the payer to the checkout page.
    """
    return Event(
        merchant=payment.merchant,
        mode=payment.mode,
        type=f"payment.{kind}",
        object_id=payment.id,
        version=payment.version,
        data={"object": payment_view(payment, attempt, public_url)},
    )


async def advance(
    tx: Connection,
    payment: Payment,
    attempt: Attempt,
    fact: Fact,
    public_url: str,
    change: Change = NO_CHANGE,
    *,
    failure_code: str | None = None,
) -> Payment:
    """Move the payment by its table and announce it. Raises WrongState when the table has no such move."""
    state = PAYMENT.after(payment.state, fact)
    return await _write(tx, payment, attempt, state, state.value, public_url, change, failure_code)


async def amend(
    tx: Connection, payment: Payment, attempt: Attempt, kind: str, public_url: str, change: Change = NO_CHANGE
) -> Payment:
    """Same state, other money: a new version and an event of its own, `payment.<kind>`."""
    return await _write(tx, payment, attempt, payment.state, kind, public_url, change, payment.failure_code)


async def _write(
    tx: Connection,
    payment: Payment,
    attempt: Attempt,
    state: PaymentState,
    kind: str,
    public_url: str,
    change: Change,
    failure_code: str | None,
) -> Payment:
    after = store.moved(payment, state, change, failure_code)
    news = news_of(after, attempt, kind, public_url)
    await store.move_and_tell(tx, payment, after, change, news, due=state in OPEN)
    return after
