"""Stopping to wait, by the clock or by the merchant. Late money is still looked for and still wins."""

from __future__ import annotations

from quickkub.payments import attempt_store, rules
from quickkub.payments.announce import advance
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.states import ATTEMPT, PAYMENT, Fact
from quickkub.storage import Connection


def may_end(payment: Payment, attempt: Attempt, fact: Fact) -> bool:
    """Whether both tables have this ending."""
    return PAYMENT.allows(payment.state, fact) and ATTEMPT.allows(attempt.state, fact)


async def end(
    tx: Connection, payment: Payment, attempt: Attempt, fact: Fact, public_url: str
) -> tuple[Payment, Attempt]:
    """End both by TIME_UP or CALLED_OFF. Raises WrongState when `may_end` says no."""
    state = ATTEMPT.after(attempt.state, fact)
    attempt = await attempt_store.move_attempt(
        tx, attempt, state, check_seconds=rules.next_check_seconds(state, 0)
    )
    return await advance(tx, payment, attempt, fact, public_url), attempt
