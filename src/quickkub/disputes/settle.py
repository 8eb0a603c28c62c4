"""The one door for news about a dispute: a callback, an inquiry, or the answer to our evidence."""

from __future__ import annotations

from typing import Any

from quickkub.connectors.contract import Account, DisputeNews, DisputeState
from quickkub.disputes import store
from quickkub.disputes.asking import asked
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
    ) -> None:
        """Take in how a dispute stands. Where it can be asked about, that is asked and believed instead."""
        current, words = await asked(office, account, news, transcript)
        await apply(office, attempt, current, words, "callback")


async def apply(
    office: Office,
    attempt: Attempt,
    news: DisputeNews,
    transcript: bytes,
    kind: str,
    *,
    sealed_evidence: bytes | None = None,
) -> Dispute:
    """Write down how a dispute stands, with books and events. Lock order: payment, attempt, dispute."""
    async with office.db.transaction() as tx:
        payment, locked = await lock(tx, attempt.merchant, attempt.id)
        desk = Desk(office, tx, payment, locked, transcript, "dispute", kind)
        dispute = await store.find_by_provider(tx, locked, news.dispute_id)
        if dispute is None:
            dispute = await _open(desk, news)
        if dispute.amount != news.amount:
            details: dict[str, Any] = {"dispute": dispute.id, "now": news.amount.minor}
            await desk.case("dispute_amount_changed", f"{dispute.id}:{news.amount.minor}", details)
        again = news.state is dispute.state
        moves = DISPUTE.allows(dispute.state, news.state) or (again and sealed_evidence is not None)
        return await _move(desk, dispute, news, sealed_evidence) if moves else dispute


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
