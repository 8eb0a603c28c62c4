"""The one door for news about a payment: the direct answer, a callback's inquiry, a due inquiry.

Everything a provider's words change is changed here in one transaction: evidence, receipts, books, states and
events (P7). The same news twice is not news.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

from quickkub.connectors.contract import (
    Authorized,
    Declined,
    Failure,
    NotSent,
    Outcome,
    Paid,
    Unknown,
    Waiting,
)
from quickkub.kernel.ids import AttemptId, MerchantId
from quickkub.payments import attempt_store, rules
from quickkub.payments.announce import advance
from quickkub.payments.desk import Desk, GoOn, lock
from quickkub.payments.ending import end, end_attempt, may_end
from quickkub.payments.forms import seal_form
from quickkub.payments.holds import take_hold
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.money_in import take_money
from quickkub.payments.office import Office, Told
from quickkub.payments.screening import watch
from quickkub.payments.states import ATTEMPT, ENDED, PAYMENT, AttemptState, Fact, PaymentState
from quickkub.payments.view import action_view
from quickkub.storage import Connection

Also = Callable[[Connection, Payment, Attempt], Awaitable[None]]
"""Something to write in the same transaction, such as the stored answer of an idempotent request."""

ABOUT_THE_REQUEST: Final = frozenset({Failure.PROVIDER_MISCONFIGURED, Failure.REQUEST_REFUSED})
"""Refusals of what was just asked. From an inquiry they prove nothing about the payment itself."""


async def apply(
    office: Office,
    merchant: MerchantId,
    attempt_id: AttemptId,
    told: Told[Outcome],
    kind: str,
    *,
    also: Also | None = None,
    go_on: GoOn | None = None,
) -> tuple[Payment, Attempt]:
    """Take in what a provider said about an attempt. `kind` is `answer`, `callback` or `inquiry`.

    Returns payment and attempt as they stand afterwards. News that the state tables have no place for (a
    decline after a success, a QR for a cancelled payment) changes nothing. Where `go_on` finds another way
    after a clear failure, the payment stays open, `also` is not called, and the attempt returned is the next
    one, which nobody has asked yet. Raises DatabaseAway.
    """
    async with office.db.transaction() as tx:
        payment, attempt = await lock(tx, merchant, attempt_id)
        before = attempt.state
        name = type(told.outcome).__name__.lower()
        desk = Desk(office, tx, payment, attempt, told.transcript, name, kind, go_on=go_on)
        match told.outcome:
            case Paid() as paid:
                await take_money(desk, paid)
                await desk.pass_on(paid.alert)
            case Authorized() as authorized:
                await take_hold(desk, authorized)
                await desk.pass_on(authorized.alert)
            case Declined() as declined:
                await _take_decline(desk, declined)
            case Waiting() as waiting:
                await _take_waiting(desk, waiting)
                await desk.pass_on(waiting.alert)
            case NotSent() as not_sent:
                await _take_not_sent(desk, not_sent)
            case Unknown() as unknown:
                await _take_unknown(desk, unknown.provider_reference)
                await desk.pass_on(unknown.alert)
            case never:
                assert_never(never)
        if desk.went_on:
            return desk.payment, desk.attempt
        if desk.attempt.state is AttemptState.CREATED:
            # It was asked for and nothing clear came of it: nobody can tell, and we go on asking.
            await _take_unknown(desk)
        await watch(desk, before, told.outcome)
        if also is not None:
            await also(tx, desk.payment, desk.attempt)
        return desk.payment, desk.attempt


async def _take_decline(desk: Desk, declined: Declined) -> None:
    if declined.failure in ABOUT_THE_REQUEST and desk.kind != "answer":
        await _take_unknown(desk)
    elif desk.attempt.state is AttemptState.AUTHORIZED:
        await _take_end_of_hold(desk, declined.failure)
    elif declined.failure is Failure.EXPIRED:
        await _end_by(desk, Fact.TIME_UP)
    else:
        await _fail(desk, declined.failure, declined.provider_code)


async def _take_end_of_hold(desk: Desk, failure: Failure) -> None:
    """The provider no longer holds the money: its time was over, or somebody let it go at the provider."""
    await _end_by(desk, Fact.TIME_UP if failure is Failure.EXPIRED else Fact.LET_GO)


async def _end_by(desk: Desk, fact: Fact) -> None:
    if desk.payment.state in ENDED:
        await _end_alone(desk)
    elif may_end(desk.payment, desk.attempt, fact):
        await desk.evidence()
        desk.payment, desk.attempt = await end(desk.office, desk.tx, desk.payment, desk.attempt, fact)


async def _end_alone(desk: Desk) -> None:
    """Another attempt of the payment decided it; nobody waits for this one any more."""
    fact = next((f for f in (Fact.CALLED_OFF, Fact.TIME_UP) if ATTEMPT.allows(desk.attempt.state, f)), None)
    if fact is not None:
        await desk.evidence()
        desk.attempt = await end_attempt(desk.office, desk.tx, desk.payment, desk.attempt, fact)


async def _take_not_sent(desk: Desk, not_sent: NotSent) -> None:
    # Certain only of this call: an earlier one of the same attempt may have gone out.
    if desk.kind == "answer" and desk.attempt.state is AttemptState.CREATED:
        await _fail(desk, Failure.PROVIDER_UNAVAILABLE, not_sent.reason, is_over=True)
    else:
        await _take_unknown(desk)


async def _fail(desk: Desk, failure: Failure, provider_code: str, *, is_over: bool = False) -> None:
    """A clear no. Unless nothing was ever sent, we look a few times more: a late success wins (P11)."""
    # Where another attempt decided the payment, this one still has its own end.
    decided = desk.payment.state in ENDED and ATTEMPT.allows(desk.attempt.state, Fact.DECLINED)
    if not decided and not _both_allow(desk, Fact.DECLINED):
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.DECLINED),
        failure_code=failure.value,
        provider_code=provider_code[:200],
        evidence=desk.new_evidence(),
        check_seconds=None if is_over else rules.next_check_seconds(AttemptState.FAILED, 0),
    )
    if decided:
        return
    if desk.go_on is not None and desk.payment.state is PaymentState.CREATED:
        further = await desk.go_on(desk.tx, desk.payment, failure)
        if further is not None:
            desk.attempt, desk.went_on = further, True
            return
    desk.payment = await advance(
        desk.tx,
        desk.payment,
        desk.attempt,
        Fact.DECLINED,
        desk.office.public_url,
        failure_code=failure.value,
    )


async def _take_waiting(desk: Desk, waiting: Waiting) -> None:
    if waiting.action is None or desk.payment.state in ENDED:
        await _take_nothing_yet(desk, waiting.provider_reference)
        return
    if not _both_allow(desk, Fact.AWAITS_PAYER):
        await _learn_number(desk, waiting.provider_reference)
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.AWAITS_PAYER),
        next_action=action_view(waiting.action),
        sealed_form=seal_form(desk.office.vault, waiting.action, desk.attempt),
        provider_reference=waiting.provider_reference,
        evidence=desk.new_evidence(),
        check_seconds=rules.first_look_seconds(shown_late=desk.kind != "answer"),
    )
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.AWAITS_PAYER, desk.office.public_url
    )


async def _take_nothing_yet(desk: Desk, provider_reference: str | None) -> None:
    """A clear "not paid": once its time is up it ends even an attempt that nobody could tell about."""
    await _learn_number(desk, provider_reference)
    if desk.payment.state in ENDED:
        await _end_alone(desk)
    elif desk.payment.time_is_up and desk.attempt.state is not AttemptState.AUTHORIZED:
        await _end_by(desk, Fact.TIME_UP)


async def _learn_number(desk: Desk, provider_reference: str | None) -> None:
    """Late money may be found by the provider's number only, so it is kept whatever else the news changes."""
    if provider_reference and desk.attempt.provider_reference is None:
        desk.attempt = await attempt_store.name_attempt(desk.tx, desk.attempt, provider_reference)


async def _take_unknown(desk: Desk, provider_reference: str | None = None) -> None:
    """Say so once; while it stays so, only the time of the next inquiry moves (P9, P13)."""
    if not _both_allow(desk, Fact.CANNOT_TELL):
        await _learn_number(desk, provider_reference)
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.CANNOT_TELL),
        provider_reference=provider_reference,
        evidence=desk.new_evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.UNKNOWN, 0),
    )
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.CANNOT_TELL, desk.office.public_url
    )


def _both_allow(desk: Desk, fact: Fact) -> bool:
    return PAYMENT.allows(desk.payment.state, fact) and ATTEMPT.allows(desk.attempt.state, fact)
