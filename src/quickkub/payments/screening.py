"""Where payments meet the room of fraud: before a provider is asked, and when one has spoken.

A merchant without fraud rules costs nothing here: `screening` is read with what a decision about the route
starts
from, and a payment that was never screened is never looked at again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from quickkub.connectors.contract import Can, Failure, MethodOffer, Outcome, Paid
from quickkub.fraud.model import Action
from quickkub.fraud.subject import Subject
from quickkub.payments.announce import advance
from quickkub.payments.attempt_store import move_attempt
from quickkub.payments.desk import Desk
from quickkub.payments.model import Attempt, NewPayment, Payment
from quickkub.payments.office import Office
from quickkub.payments.states import ATTEMPT, AttemptState, Fact
from quickkub.storage import Connection

PAYERS_FAILURES: Final = frozenset(
    one.value
    for one in (
        Failure.DECLINED,
        Failure.INSUFFICIENT_FUNDS,
        Failure.LIMIT_EXCEEDED,
        Failure.ACCOUNT_UNUSABLE,
        Failure.CARD_EXPIRED,
        Failure.AUTHENTICATION_FAILED,
        Failure.FRAUD_SUSPECTED,
    )
)
"""Failures that speak of the payer. A provider that is down says nothing about who wanted to pay."""


async def screen(
    office: Office,
    tx: Connection,
    asked: NewPayment,
    version: int,
    offer: MethodOffer,
    payment: Payment,
    attempt: Attempt,
    answer: Callable[[Connection, Payment, Attempt], Awaitable[None]],
) -> tuple[Payment, Attempt]:
    """Look at a payment that was just written, in its own transaction, before anybody is asked.

    `offer` is of the account that comes first. Blocked: payment and attempt have failed with
    `fraud_suspected`, `answer` has kept what the merchant is told, and nothing goes to any provider.
    """
    if office.screen is None:
        return payment, attempt
    payer = asked.payer
    subject = Subject(
        payment.merchant,
        payment.mode,
        payment.id,
        payment.amount,
        payment.method,
        payment.created_at,
        email=payer.email,
        phone=payer.phone,
        address=payer.ip,
        hints=asked.hints,
        reference=payment.reference or "",
        capture_later=payment.capture_later,
        challenge_offered=Can.CHALLENGE in offer.can,
    )
    screened = await office.screen.before(tx, subject, version)
    payment = replace(payment, screening=screened.mark)
    if screened.action is not Action.BLOCK:
        return payment, attempt
    code = Failure.FRAUD_SUSPECTED.value
    attempt = await move_attempt(
        tx,
        attempt,
        ATTEMPT.after(attempt.state, Fact.DECLINED),
        failure_code=code,
        provider_code="",
        check_seconds=None,
    )
    payment = await advance(tx, payment, attempt, Fact.DECLINED, office.public_url, failure_code=code)
    await answer(tx, payment, attempt)
    return payment, attempt


async def watch(desk: Desk, before: AttemptState, outcome: Outcome) -> None:
    """A provider has spoken about a screened payment: count its failure, or look again at who paid."""
    eye, payment, attempt = desk.office.screen, desk.payment, desk.attempt
    if eye is None or payment.screening == "none" or attempt.state is before:
        return
    subject = Subject(
        payment.merchant, payment.mode, payment.id, payment.amount, payment.method, payment.seen_at
    )
    if attempt.state is AttemptState.FAILED and attempt.failure_code in PAYERS_FAILURES:
        await eye.failed(desk.tx, subject)
    elif attempt.state is AttemptState.SUCCEEDED and isinstance(outcome, Paid) and outcome.receipts:
        receipt = outcome.receipts[0]
        account = [f"{name}={receipt.payer[name]}" for name in _ACCOUNT if name in receipt.payer]
        known = replace(
            subject,
            payer_account=" ".join(account) if set(receipt.payer) & _TELLING else "",
            transfer=f"{attempt.provider} {receipt.transaction_id}",
        )
        await eye.again(desk.tx, known)


_ACCOUNT: Final = ("bank", "account", "name", "card")
_TELLING: Final = frozenset({"account", "name", "card"})
"""A bank alone tells nobody apart."""
