"""Work that falls due: inquiries, expiry, and the repair of what a crash left half done.

Each function does one round and says how much it did, so the worker can sleep when there is nothing.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Account, Declined, NotSent, Outcome, Unknown
from quickkub.kernel.ids import new_id
from quickkub.payments import attempt_store, case_store, rules, store
from quickkub.payments.ask import call, inquire
from quickkub.payments.ending import end, may_end
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office, Told
from quickkub.payments.orders import account_of, order_for
from quickkub.payments.settle import ABOUT_THE_REQUEST, apply
from quickkub.payments.states import OPEN, AttemptState, Fact
from quickkub.payments.store import Overdue
from quickkub.storage import Connection

LEASE_SECONDS: Final = 40
"""Longer than an inquiry may take; short enough that another worker takes over within a minute of a crash."""

POSTPONE_SECONDS: Final = 5

UNSURE: Final = frozenset({AttemptState.CREATED, AttemptState.UNKNOWN})


async def claim_attempts(office: Office, limit: int) -> list[Attempt]:
    """Take up to `limit` attempts whose inquiry is due."""
    async with office.db.statement() as connection:
        return await attempt_store.claim_due_attempts(connection, limit, LEASE_SECONDS)


async def check_attempt(office: Office, attempt: Attempt) -> None:
    """Ask the provider about a claimed attempt, take in the answer, and set the next inquiry."""
    payment, account = await _context(office, attempt)
    told, kind = await ask_again(office, payment, attempt, account)
    _, after = await apply(office, attempt.merchant, attempt.id, told, kind)
    async with office.db.transaction() as tx:
        if _is_clear(told.outcome):
            await attempt_store.wake_unknown(tx, attempt)
        if after.state is not attempt.state:
            await attempt_store.drop_lease(tx, attempt)
            return
        # An inquiry that nobody answered is no look at the payment: it does not move on in its schedule.
        unanswered = isinstance(told.outcome, Unknown | NotSent) and after.state is not AttemptState.UNKNOWN
        checks = attempt.checks if unanswered else attempt.checks + 1
        seconds = rules.next_check_seconds(after.state, checks)
        await attempt_store.finish_check(tx, attempt, checks, seconds, unanswered=unanswered)
        if after.state is AttemptState.UNKNOWN and checks >= rules.UNKNOWN_CHECKS_MAX:
            await _hand_to_person(tx, attempt)


def _is_clear(outcome: Outcome) -> bool:
    """Whether the provider answers again. One that refuses our credentials tells nothing about anything."""
    if isinstance(outcome, Declined):
        return outcome.failure not in ABOUT_THE_REQUEST
    return not isinstance(outcome, Unknown | NotSent)


async def _context(office: Office, attempt: Attempt) -> tuple[Payment, Account]:
    async with office.db.read() as reader:
        payment = await store.find_payment(reader, attempt.merchant, attempt.mode, attempt.payment)
        account = await account_of(office, reader, attempt)
    assert payment is not None, "a foreign key holds the payment"
    return payment, account


async def ask_again(
    office: Office, payment: Payment, attempt: Attempt, account: Account
) -> tuple[Told[Outcome], str]:
    """Inquire; or ask again, where the payer got nothing to pay with and a repeat makes nothing new."""
    connector = office.connector(account.provider)
    order = order_for(office, attempt, payment)
    never_shown = attempt.next_action is None and attempt.state in UNSURE and payment.state in OPEN
    in_time = not payment.time_is_up
    if never_shown and in_time and connector.manifest.create_is_repeatable:
        return await call(office, account, order), "inquiry"
    return await inquire(office, account, order), "inquiry"


async def _hand_to_person(tx: Connection, attempt: Attempt) -> None:
    await case_store.open_case(
        tx,
        attempt.merchant,
        case_id=new_id("case"),
        mode=attempt.mode,
        kind="outcome_unknown",
        fact=attempt.id,
        payment=attempt.payment,
        details={"reference": attempt.reference, "checks": attempt.checks},
    )


async def claim_overdue(office: Office, limit: int) -> list[Overdue]:
    """Take up to `limit` payments whose time is up, each under a lease of its own.

    One that breaks whoever ends it holds up itself only: its lease runs out and it is tried again.
    """
    async with office.db.statement() as connection:
        return await store.claim_overdue(connection, limit, LEASE_SECONDS)


async def expire(office: Office, overdue: Overdue) -> None:
    """End a payment whose time is up. No calls: late money is booked whenever it comes."""
    async with office.db.transaction() as tx:
        payment = await store.find_payment(tx, overdue.merchant, overdue.mode, overdue.id, lock=True)
        assert payment is not None, "payments are never deleted"
        if payment.time_is_up and payment.state in OPEN:
            await _expire(tx, office, payment)


async def _expire(tx: Connection, office: Office, payment: Payment) -> None:
    attempt = (await attempt_store.attempts_of(tx, payment.merchant, [payment.id]))[payment.id][-1]
    # While nobody can tell, time alone decides nothing: the inquiry that gets a clear answer ends it.
    if attempt.state in UNSURE or not may_end(payment, attempt, Fact.TIME_UP):
        await store.postpone_payment(tx, payment, POSTPONE_SECONDS)
        return
    await end(office, tx, payment, attempt, Fact.TIME_UP)
