"""Every change of a payment and the event that tells of it, written together (E1)."""

from __future__ import annotations

from quickkub.payments import store
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.states import OPEN, PAYMENT, Fact
from quickkub.payments.store import NO_CHANGE, Change
from quickkub.payments.view import payment_view
from quickkub.storage import Connection
from quickkub.storage.outbox import Event, emit


async def announce(tx: Connection, payment: Payment, attempt: Attempt, kind: str, public_url: str) -> None:
    """Write `payment.<kind>` for the payment as it stands now."""
    await emit(
        tx,
        Event(
            merchant=payment.merchant,
            mode=payment.mode,
            type=f"payment.{kind}",
            object_id=payment.id,
            version=payment.version,
            data={"object": payment_view(payment, attempt, public_url)},
        ),
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
    moved = await store.move_payment(tx, payment, state, change, failure_code=failure_code, due=state in OPEN)
    await announce(tx, moved, attempt, state.value, public_url)
    return moved


async def amend(
    tx: Connection, payment: Payment, attempt: Attempt, kind: str, public_url: str, change: Change = NO_CHANGE
) -> Payment:
    """Same state, other money: a new version and an event of its own, `payment.<kind>`."""
    same = await store.move_payment(
        tx, payment, payment.state, change, failure_code=payment.failure_code, due=payment.state in OPEN
    )
    await announce(tx, same, attempt, kind, public_url)
    return same
