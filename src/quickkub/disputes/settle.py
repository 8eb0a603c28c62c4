"""The one door for news about a dispute: a callback, an inquiry, or the answer to our evidence."""

from __future__ import annotations

from typing import Any

from quickkub.connectors.contract import Account, DisputeNews, DisputeState
from quickkub.disputes import store
from quickkub.disputes.asking import disputed_attempt, vouched
from quickkub.disputes.model import Dispute
from quickkub.disputes.states import DISPUTE
from quickkub.disputes.view import announce
from quickkub.kernel.ids import new_id
from quickkub.ledger import recipes
from quickkub.ledger import store as ledger
from quickkub.payments.announce import amend
from quickkub.payments.desk import Desk, lock
from quickkub.payments.model import Attempt
from quickkub.payments.office import Office
from quickkub.payments.store import Change
from quickkub.storage import Connection


class ProviderDisputes:
    """What payments tells this room of disputes (payments.office.DisputeEffects)."""

    async def heard(
        self, office: Office, account: Account, attempt: Attempt, news: DisputeNews, transcript: bytes
    ) -> bool:
        """Take in how a dispute stands. Where it can be asked about, that is asked and believed instead."""
        believed = await vouched(office, account, news, transcript)
        if believed is None:
            return False
        current, words = believed
        await apply(office, await disputed_attempt(office, attempt, current), current, words, "callback")
        return True


async def apply(
    office: Office,
    attempt: Attempt,
    news: DisputeNews,
    transcript: bytes,
    kind: str,
    *,
    sealed_evidence: bytes | None = None,
) -> Dispute | None:
    """Write down how a dispute stands, with books and events. Lock order: payment, attempt, dispute.

    News that fits nothing is put before a person and changes nothing: None if there is no such dispute then.
    """
    async with office.db.transaction() as tx:
        payment, locked = await lock(tx, attempt.merchant, attempt.id)
        desk = Desk(office, tx, payment, locked, transcript, "dispute", kind)
        dispute = await store.find_by_provider(tx, locked, news.dispute_id)
        if await _is_a_case(desk, dispute, news):
            return dispute
        if dispute is None:
            dispute = await _open(desk, news)
        if dispute.amount != news.amount:
            details: dict[str, Any] = {"dispute": dispute.id, "now": news.amount.minor}
            await desk.case("dispute_amount_changed", f"{dispute.id}:{news.amount.minor}", details)
        later = news.respond_by is not None and news.respond_by != dispute.respond_by and dispute.is_open
        again = news.state is dispute.state and (sealed_evidence is not None or later)
        moves = again or DISPUTE.allows(dispute.state, news.state)
        return await _move(desk, dispute, news, sealed_evidence) if moves else dispute


async def _is_a_case(desk: Desk, dispute: Dispute | None, news: DisputeNews) -> bool:
    """Whether the news contradicts what is written: of another payment, another currency, decided before."""
    said: dict[str, Any] = {"provider_dispute": news.dispute_id, "state": news.state.value}
    if dispute is None:
        if news.amount.currency == desk.payment.amount.currency:
            return False
        said |= {"amount": news.amount.minor, "currency": news.amount.currency.code}
        await desk.case("dispute_currency", f"{desk.attempt.id}:{news.dispute_id}", said)
    elif dispute.payment != desk.payment.id:
        said |= {"dispute": dispute.id, "of": dispute.payment}
        await desk.case("dispute_of_another_payment", f"{dispute.id}:{desk.payment.id}", said)
    elif not dispute.is_open and news.state is not dispute.state:
        said |= {"dispute": dispute.id, "decided": dispute.state.value}
        await desk.case("dispute_decided_again", f"{dispute.id}:{news.state.value}", said)
    else:
        return False
    await desk.evidence()
    return True


async def _open(desk: Desk, news: DisputeNews) -> Dispute:
    dispute = await store.insert(desk.tx, new_id("dp"), desk.attempt, news, await desk.evidence())
    assert dispute is not None, "the payment's lock keeps others from writing it"
    await _book(desk.tx, dispute, recipes.dispute_opened(dispute.id, dispute.amount, at=desk.payment.seen_at))
    desk.payment = await amend(
        desk.tx,
        desk.payment,
        desk.attempt,
        "disputed",
        desk.office.public_url,
        Change(disputed=dispute.amount.minor),
    )
    await announce(desk.tx, dispute, "created")
    return dispute


async def _move(desk: Desk, dispute: Dispute, news: DisputeNews, sealed_evidence: bytes | None) -> Dispute:
    moved = await store.move(
        desk.tx,
        dispute,
        news.state,
        respond_by=news.respond_by,
        evidence_id=await desk.evidence(),
        sealed_evidence=sealed_evidence,
    )
    match news.state:
        case DisputeState.WON:
            await _book(desk.tx, moved, recipes.dispute_won(moved.id, moved.amount, at=desk.payment.seen_at))
            change = Change(disputed=-moved.amount.minor)
            desk.payment = await amend(
                desk.tx, desk.payment, desk.attempt, "dispute_won", desk.office.public_url, change
            )
        case DisputeState.LOST:
            await _book(
                desk.tx,
                moved,
                recipes.dispute_lost(
                    moved.id,
                    moved.amount,
                    provider=moved.provider,
                    account_id=moved.account,
                    at=desk.payment.seen_at,
                ),
            )
        case DisputeState.NEEDS_RESPONSE | DisputeState.UNDER_REVIEW:
            pass
    kind = news.state.value if not moved.is_open else "updated"
    await announce(desk.tx, moved, kind)
    return moved


async def _book(tx: Connection, dispute: Dispute, journal: Any) -> None:
    await ledger.book(tx, dispute.merchant, dispute.mode, journal)
