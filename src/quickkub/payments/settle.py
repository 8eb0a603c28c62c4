"""The one door for news about a payment: the direct answer, a callback's inquiry, a due inquiry.

Everything a provider's words change is changed here in one transaction: evidence, receipts, books, states and
events (P7). The same news twice is not news.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, assert_never

from quickkub.connectors.contract import (
    Authorized,
    Declined,
    Failure,
    NotSent,
    Paid,
    Receipt,
    Unknown,
    Waiting,
)
from quickkub.kernel.ids import AttemptId, MerchantId, new_id
from quickkub.payments import attempt_store, books, proof_store, rules, store
from quickkub.payments.announce import advance, tell_of_extra_money
from quickkub.payments.ending import end, may_end
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office, Told
from quickkub.payments.states import ATTEMPT, PAYMENT, AttemptState, Fact
from quickkub.storage import Connection
from quickkub.storage.vault import Place

Also = Callable[[Connection, Payment, Attempt], Awaitable[None]]
"""Something to write in the same transaction, such as the stored answer of an idempotent request."""

ABOUT_THE_REQUEST: Final = frozenset({Failure.PROVIDER_MISCONFIGURED, Failure.REQUEST_REFUSED})
"""Refusals of what was just asked. From an inquiry they prove nothing about the payment itself."""


@dataclass(slots=True)
class _Desk:
    """One transaction's work on one payment; `payment` and `attempt` are replaced as they move."""

    office: Office
    tx: Connection
    payment: Payment
    attempt: Attempt
    told: Told
    kind: str
    evidence_id: str | None = None

    async def evidence(self) -> str:
        """Keep what was said, once, before it changes anything."""
        if self.evidence_id is None:
            self.evidence_id = new_id("evd")
            place = Place("evidence", "transcript", self.attempt.merchant, self.evidence_id)
            sealed = self.office.vault.seal(self.told.transcript, place)
            name = type(self.told.outcome).__name__.lower()
            await proof_store.keep_evidence(self.tx, self.attempt, self.evidence_id, self.kind, name, sealed)
        return self.evidence_id


async def apply(
    office: Office,
    merchant: MerchantId,
    attempt_id: AttemptId,
    told: Told,
    kind: str,
    *,
    also: Also | None = None,
) -> tuple[Payment, Attempt]:
    """Take in what a provider said about an attempt. `kind` is `answer`, `callback` or `inquiry`.

    Returns payment and attempt as they stand afterwards. News that the state tables have no place for (a
    decline after a success, a QR for a cancelled payment) changes nothing. Raises DatabaseAway.
    """
    async with office.db.transaction() as tx:
        payment, attempt = await _lock(tx, merchant, attempt_id)
        desk = _Desk(office, tx, payment, attempt, told, kind)
        match told.outcome:
            case Paid() as paid:
                await _take_money(desk, paid)
                await _pass_on(desk, paid.alert)
            case Declined() as declined:
                await _take_decline(desk, declined)
            case Waiting() as waiting:
                await _take_waiting(desk, waiting)
                await _pass_on(desk, waiting.alert)
            case NotSent() as not_sent:
                await _take_not_sent(desk, not_sent)
            case Unknown() | Authorized():
                await _take_unknown(desk)
            case never:
                assert_never(never)
        if also is not None:
            await also(tx, desk.payment, desk.attempt)
        return desk.payment, desk.attempt


async def _lock(tx: Connection, merchant: MerchantId, attempt_id: AttemptId) -> tuple[Payment, Attempt]:
    """Payment before attempt, always, so that two workers cannot wait for each other."""
    attempt = await attempt_store.find_attempt(tx, merchant, attempt_id)
    assert attempt is not None, "attempts are never deleted"
    payment = await store.find_payment(tx, merchant, attempt.mode, attempt.payment, lock=True)
    assert payment is not None, "a foreign key holds the payment"
    locked = await attempt_store.find_attempt(tx, merchant, attempt_id, lock=True)
    assert locked is not None
    return payment, locked


async def _take_money(desk: _Desk, paid: Paid) -> None:
    known = await proof_store.known_transactions(desk.tx, desk.attempt)
    for receipt in sorted(paid.receipts, key=lambda r: (r.paid_at, r.transaction_id)):
        if receipt.transaction_id not in known:
            await _take_receipt(desk, receipt, paid.provider_reference)


async def _take_receipt(desk: _Desk, receipt: Receipt, provider_reference: str | None) -> None:
    """Book one movement: as the payment's own if it fits (P12) and is the first (P5), or as extra."""
    evidence = await desk.evidence()
    ours = (
        receipt.amount == desk.attempt.amount
        and PAYMENT.allows(desk.payment.state, Fact.PAID)
        and ATTEMPT.allows(desk.attempt.state, Fact.PAID)
    )
    receipt_id = new_id("rcp")
    fresh = await proof_store.keep_receipt(
        desk.tx,
        desk.attempt,
        receipt_id=receipt_id,
        transaction_id=receipt.transaction_id,
        amount=receipt.amount,
        applied=ours,
        evidence=evidence,
        paid_at=receipt.paid_at,
    )
    if not fresh:
        await _told_for_another(desk, receipt)
        return
    await books.book_receipt(desk.tx, desk.attempt, receipt_id, receipt, applied=ours)
    if ours:
        await _succeed(desk, receipt, provider_reference)
    else:
        await _put_aside(desk, receipt, receipt_id)


async def _told_for_another(desk: _Desk, receipt: Receipt) -> None:
    """One movement named for two payments: it is booked for the first, and a person looks at the second."""
    await proof_store.open_case(
        desk.tx,
        desk.payment.merchant,
        case_id=new_id("case"),
        mode=desk.payment.mode,
        kind="transaction_told_twice",
        fact=f"{desk.attempt.id}:{receipt.transaction_id}",
        payment=desk.payment.id,
        details={
            "transaction_id": receipt.transaction_id,
            "received": receipt.amount.minor,
            "currency": receipt.amount.currency.code,
        },
    )


async def _succeed(desk: _Desk, receipt: Receipt, provider_reference: str | None) -> None:
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.PAID),
        provider_reference=provider_reference or receipt.transaction_id,
        evidence=await desk.evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.SUCCEEDED, 0),
    )
    desk.payment = await advance(
        desk.tx,
        desk.payment,
        desk.attempt,
        Fact.PAID,
        desk.office.public_url,
        captured=receipt.amount,
        paid_at=receipt.paid_at,
    )


async def _put_aside(desk: _Desk, receipt: Receipt, receipt_id: str) -> None:
    """Money that fits no open payment is a liability and a person's case, never dropped (P6)."""
    again = receipt.amount == desk.attempt.amount
    await proof_store.open_case(
        desk.tx,
        desk.payment.merchant,
        case_id=new_id("case"),
        mode=desk.payment.mode,
        kind="paid_again" if again else "amount_mismatch",
        fact=receipt_id,
        payment=desk.payment.id,
        details={
            "asked": desk.attempt.amount.minor,
            "received": receipt.amount.minor,
            "currency": receipt.amount.currency.code,
            "transaction_id": receipt.transaction_id,
        },
    )
    desk.payment = await tell_of_extra_money(desk.tx, desk.payment, desk.attempt, desk.office.public_url)


async def _pass_on(desk: _Desk, alert: str) -> None:
    """What a connector thinks a person should see, once per attempt and wording."""
    if alert:
        await proof_store.open_case(
            desk.tx,
            desk.payment.merchant,
            case_id=new_id("case"),
            mode=desk.payment.mode,
            kind="provider_alert",
            fact=f"{desk.attempt.id}:{alert[:200]}",
            payment=desk.payment.id,
            details={"alert": alert[:500], "provider": desk.attempt.provider},
        )


async def _take_decline(desk: _Desk, declined: Declined) -> None:
    if declined.failure in ABOUT_THE_REQUEST and desk.kind != "answer":
        await _take_unknown(desk)
        return
    if declined.failure is Failure.EXPIRED:
        await _take_expiry(desk)
    else:
        await _fail(desk, declined.failure, declined.provider_code)


async def _take_expiry(desk: _Desk) -> None:
    """The provider itself stopped waiting for the payer."""
    if may_end(desk.payment, desk.attempt, Fact.TIME_UP):
        await desk.evidence()
        desk.payment, desk.attempt = await end(
            desk.tx, desk.payment, desk.attempt, Fact.TIME_UP, desk.office.public_url
        )


async def _take_not_sent(desk: _Desk, not_sent: NotSent) -> None:
    # Certain only of this call: an earlier one of the same attempt may have gone out.
    if desk.kind == "answer" and desk.attempt.state is AttemptState.CREATED:
        await _fail(desk, Failure.PROVIDER_UNAVAILABLE, not_sent.reason)
    else:
        await _take_unknown(desk)


async def _fail(desk: _Desk, failure: Failure, provider_code: str) -> None:
    if not _both_allow(desk, Fact.DECLINED):
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.DECLINED),
        failure_code=failure.value,
        provider_code=provider_code[:200],
        evidence=await desk.evidence(),
        check_seconds=None,
    )
    desk.payment = await advance(
        desk.tx,
        desk.payment,
        desk.attempt,
        Fact.DECLINED,
        desk.office.public_url,
        failure_code=failure.value,
    )


async def _take_waiting(desk: _Desk, waiting: Waiting) -> None:
    if waiting.action is None:
        await _take_nothing_yet(desk)
        return
    if not _both_allow(desk, Fact.AWAITS_PAYER):
        return
    key = "qr_payload" if waiting.action.kind.value == "display_qr" else "url"
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.AWAITS_PAYER),
        next_action={"type": waiting.action.kind.value, key: waiting.action.value},
        provider_reference=waiting.provider_reference,
        evidence=await desk.evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.REQUIRES_ACTION, 0),
    )
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.AWAITS_PAYER, desk.office.public_url
    )


async def _take_nothing_yet(desk: _Desk) -> None:
    """A clear "not paid": once its time is up it ends even an attempt that nobody could tell about."""
    if desk.payment.time_is_up and may_end(desk.payment, desk.attempt, Fact.TIME_UP):
        desk.payment, desk.attempt = await end(
            desk.tx, desk.payment, desk.attempt, Fact.TIME_UP, desk.office.public_url
        )


async def _take_unknown(desk: _Desk) -> None:
    """Say so once; while it stays so, only the time of the next inquiry moves (P9, P13)."""
    if not _both_allow(desk, Fact.CANNOT_TELL):
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.CANNOT_TELL),
        evidence=await desk.evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.UNKNOWN, 0),
    )
    desk.payment = await advance(
        desk.tx, desk.payment, desk.attempt, Fact.CANNOT_TELL, desk.office.public_url
    )


def _both_allow(desk: _Desk, fact: Fact) -> bool:
    return PAYMENT.allows(desk.payment.state, fact) and ATTEMPT.allows(desk.attempt.state, fact)
