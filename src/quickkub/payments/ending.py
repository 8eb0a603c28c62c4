"""Stopping to wait, by the clock or by the merchant. Late money is still looked for and still wins."""

from __future__ import annotations

from quickkub.connectors.contract import Can, Doing
from quickkub.payments import attempt_store, rules
from quickkub.payments.announce import advance
from quickkub.payments.instructions.ask import write_down
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office
from quickkub.payments.states import ATTEMPT, PAYMENT, AttemptState, Fact
from quickkub.payments.store import Change
from quickkub.storage import Connection


def may_end(payment: Payment, attempt: Attempt, fact: Fact) -> bool:
    """Whether both tables have this ending."""
    return PAYMENT.allows(payment.state, fact) and ATTEMPT.allows(attempt.state, fact)


async def end(
    office: Office, tx: Connection, payment: Payment, attempt: Attempt, fact: Fact
) -> tuple[Payment, Attempt]:
    """End both by TIME_UP, CALLED_OFF or LET_GO. Raises WrongState when `may_end` says no.

    Where the provider can be told that nobody waits any more, the worker tells it.
    """
    waited = attempt.state is not AttemptState.AUTHORIZED
    state = ATTEMPT.after(attempt.state, fact)
    attempt = await attempt_store.move_attempt(
        tx, attempt, state, check_seconds=rules.next_check_seconds(state, 0)
    )
    change = Change(hold_open=False)
    payment = await advance(tx, payment, attempt, fact, office.public_url, change)
    if waited:
        await _tell_provider(office, tx, payment, attempt)
    return payment, attempt


async def end_attempt(
    office: Office, tx: Connection, payment: Payment, attempt: Attempt, fact: Fact
) -> Attempt:
    """Stop waiting for one attempt of a payment that another attempt decided. Late money still counts."""
    state = ATTEMPT.after(attempt.state, fact)
    attempt = await attempt_store.move_attempt(
        tx, attempt, state, check_seconds=rules.next_check_seconds(state, 0)
    )
    await _tell_provider(office, tx, payment, attempt)
    return attempt


async def _tell_provider(office: Office, tx: Connection, payment: Payment, attempt: Attempt) -> None:
    manifest = office.connector(attempt.provider).manifest
    offer = manifest.offer(payment.method)
    if offer is not None and Can.CANCEL in offer.can:
        await write_down(tx, manifest, payment, attempt, Doing.CANCEL, payment.amount, check_seconds=0)
