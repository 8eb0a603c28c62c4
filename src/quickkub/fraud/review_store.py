"""SQL for reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

_COLUMNS: Final = """
    id, mode, payment_id, decision_id, state, reasons, opened_at, expires_at, on_expiry, decided_by, note,
    decided_at
"""


@dataclass(frozen=True, slots=True)
class Review:
    """A payment that a person looks at. `reasons` are the rules', in both languages."""

    id: str
    mode: str
    payment: str
    decision: str
    state: str
    reasons: Sequence[Mapping[str, str]]
    opened_at: datetime
    expires_at: datetime
    on_expiry: str
    decided_by: str | None
    note: str | None
    decided_at: datetime | None


def _read(row: Row) -> Review:
    return Review(*row.values())


async def page(
    reader: Connection, merchant: MerchantId, mode: str, state: str | None, limit: int, after: str | None
) -> tuple[list[Review], bool]:
    """One page, newest first, and whether there is more."""
    rows = await reader.fetch(
        f"""
        SELECT {_COLUMNS} FROM fraud_reviews
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR state = $3)
           AND ($4::text IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5
        """,  # noqa: S608 -- only our own columns are put in
        merchant,
        mode,
        state,
        after,
        limit + 1,
    )
    return [_read(row) for row in rows[:limit]], len(rows) > limit


async def find(
    reader: Connection, merchant: MerchantId, mode: str, review: str, *, lock: bool = False
) -> Review | None:
    """One review, or None."""
    row = await reader.fetchrow(
        f"SELECT {_COLUMNS} FROM fraud_reviews WHERE merchant_id = $1 AND mode = $2 AND id = $3"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        mode,
        review,
    )
    return None if row is None else _read(row)


async def decide(
    tx: Connection,
    merchant: MerchantId,
    review: str,
    state: str,
    screening: str | None,
    by: str,
    note: str | None,
) -> Review:
    """Close an open review, and mark its payment; no `screening`: the payment's mark stays."""
    row = await tx.fetchrow(
        f"""
        WITH marked AS (
            UPDATE payments SET screening = $4 FROM fraud_reviews review
             WHERE $4::text IS NOT NULL AND payments.merchant_id = $1 AND review.merchant_id = $1
               AND review.id = $2 AND payments.id = review.payment_id)
        UPDATE fraud_reviews SET state = $3, decided_by = $5, note = $6, decided_at = now()
         WHERE merchant_id = $1 AND id = $2 AND state = 'open'
        RETURNING {_COLUMNS}
        """,  # noqa: S608
        merchant,
        review,
        state,
        screening,
        by,
        note,
    )
    assert row is not None, "the review row is locked by this transaction"
    return _read(row)


async def claim_expired(tx: Connection, limit: int) -> list[tuple[MerchantId, Review]]:
    """Open reviews whose time is over, locked; those another worker holds are left to it."""
    rows = await tx.fetch(
        f"""
        SELECT merchant_id, {_COLUMNS} FROM fraud_reviews
         WHERE state = 'open' AND expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        limit,
    )
    return [(MerchantId(whose), Review(*rest)) for whose, *rest in (row.values() for row in rows)]


async def reopen(tx: Connection, merchant: MerchantId, review: str) -> None:
    """Take back that time closed it, so that a person can."""
    await tx.execute(
        """
        UPDATE fraud_reviews SET state = 'open', decided_by = NULL, note = NULL, decided_at = NULL
         WHERE merchant_id = $1 AND id = $2 AND state = 'expired'
        """,
        merchant,
        review,
    )
