"""Reviews: a person looks at a payment and says whether it may be settled."""

from __future__ import annotations

from typing import Final

from quickkub.audit import Act, record
from quickkub.fraud import review_store
from quickkub.fraud.model import ReviewClosed, ReviewNotFound
from quickkub.fraud.review_store import Review
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Database

APPROVED, DECLINED, EXPIRED = "approved", "declined", "expired"

NOT_SETTLED: Final = ("review", "declined")
"""Marks of a payment (`payments.screening`) with which its money is not paid out."""

BY_ITSELF: Final = "expiry"
"""Who decided a review that nobody decided in time."""

_ON_EXPIRY: Final = {"approve": (EXPIRED, APPROVED), "decline": (EXPIRED, DECLINED), "keep": (EXPIRED, None)}


async def decide(
    db: Database, merchant: MerchantId, mode: str, review: str, state: str, by: str, note: str
) -> Review:
    """Approve or decline. Raises ReviewNotFound, ReviewClosed.

    Declining gives nothing back by itself: the merchant refunds, and until then the money is held.
    """
    async with db.transaction() as tx:
        found = await review_store.find(tx, merchant, mode, review, lock=True)
        if found is None:
            raise ReviewNotFound("there is no such review", param="id")
        if found.state == EXPIRED and found.on_expiry == "keep":
            return await _late(tx, merchant, found, state, by, note)
        if found.state != "open":
            raise ReviewClosed(f"it is {found.state}", param="id")
        after = await review_store.decide(tx, merchant, review, state, state, by, note)
        await _tell(tx, merchant, found, after)
        return after


async def _late(
    tx: Connection, merchant: MerchantId, found: Review, state: str, by: str, note: str
) -> Review:
    """Time closed it and kept the money back; a person may still decide."""
    await review_store.reopen(tx, merchant, found.id)
    after = await review_store.decide(tx, merchant, found.id, state, state, by, note)
    await _tell(tx, merchant, found, after)
    return after


async def expire(db: Database, limit: int) -> int:
    """Close reviews whose time is over, each by the word of the rules that opened it; returns how many."""
    async with db.transaction() as tx:
        due = await review_store.claim_expired(tx, limit)
        for merchant, review in due:
            state, screening = _ON_EXPIRY[review.on_expiry]
            after = await review_store.decide(tx, merchant, review.id, state, screening, BY_ITSELF, None)
            await _tell(tx, merchant, review, after)
        return len(due)


async def _tell(tx: Connection, merchant: MerchantId, before: Review, after: Review) -> None:
    await record(
        tx,
        Act(
            "fraud_review.decided",
            "fraud_review",
            after.id,
            merchant,
            after.mode,
            before={"status": before.state},
            after={"status": after.state, "payment": after.payment, "note": after.note},
        ),
    )
