"""SQL for disputes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from quickkub.connectors.contract import DisputeNews, DisputeState
from quickkub.disputes.model import Dispute
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import Attempt
from quickkub.storage import Connection, Row

COLUMNS: Final = """
    merchant_id, id, mode, payment_id, attempt_id, provider, account_id, provider_dispute_id, amount,
    currency,
    reason, state, respond_by, evidence, submitted_at, checks, lease_token, version, created_at, updated_at,
    closed_at
"""
CHECK_SECONDS: Final = 6 * 3600
"""How often an open dispute is asked about: its provider calls back, and days are what it takes."""


def read(row: Row) -> Dispute:
    return Dispute(
        merchant=MerchantId(row["merchant_id"]),
        id=row["id"],
        mode=row["mode"],
        payment=PaymentId(row["payment_id"]),
        attempt=AttemptId(row["attempt_id"]),
        provider=row["provider"],
        account=row["account_id"],
        provider_dispute=row["provider_dispute_id"],
        amount=Money(row["amount"], CURRENCIES[row["currency"]]),
        reason=row["reason"],
        state=DisputeState(row["state"]),
        respond_by=row["respond_by"],
        sealed_evidence=row["evidence"],
        submitted_at=row["submitted_at"],
        checks=row["checks"],
        lease_token=row["lease_token"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        closed_at=row["closed_at"],
    )


async def insert(
    tx: Connection, dispute_id: str, attempt: Attempt, news: DisputeNews, evidence: str
) -> Dispute | None:
    """Write a dispute down as open. None: it is there already."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO disputes (merchant_id, id, mode, payment_id, attempt_id, provider, account_id,
                              provider_dispute_id, amount, currency, reason, state, respond_by, evidence_id,
                              next_check_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'needs_response', $12, $13,
                now() + make_interval(secs => $14))
        ON CONFLICT (merchant_id, provider, account_id, provider_dispute_id) DO NOTHING
        RETURNING {COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        attempt.merchant,
        dispute_id,
        attempt.mode,
        attempt.payment,
        attempt.id,
        attempt.provider,
        attempt.account,
        news.dispute_id,
        news.amount.minor,
        news.amount.currency.code,
        news.reason[:200],
        news.respond_by,
        evidence,
        CHECK_SECONDS,
    )
    return read(row) if row else None


async def find_by_provider(tx: Connection, attempt: Attempt, provider_dispute: str) -> Dispute | None:
    """By the provider's id, locked."""
    row = await tx.fetchrow(
        f"""
        SELECT {COLUMNS} FROM disputes
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND provider_dispute_id = $4 FOR UPDATE
        """,  # noqa: S608
        attempt.merchant,
        attempt.provider,
        attempt.account,
        provider_dispute,
    )
    return read(row) if row else None


async def find(reader: Connection, merchant: MerchantId, mode: str, dispute: str) -> Dispute | None:
    row = await reader.fetchrow(
        f"SELECT {COLUMNS} FROM disputes WHERE merchant_id = $1 AND mode = $2 AND id = $3",  # noqa: S608
        merchant,
        mode,
        dispute,
    )
    return read(row) if row else None


async def page(
    reader: Connection,
    merchant: MerchantId,
    mode: str,
    *,
    limit: int,
    starting_after: str | None,
    payment: str | None,
) -> tuple[list[Dispute], bool]:
    """One page, newest first, and whether there are more."""
    rows = await reader.fetch(
        f"""
        SELECT {COLUMNS} FROM disputes
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
           AND ($4::text IS NULL OR payment_id = $4)
         ORDER BY id DESC LIMIT $5
        """,  # noqa: S608
        merchant,
        mode,
        starting_after,
        payment,
        limit + 1,
    )
    return [read(row) for row in rows[:limit]], len(rows) > limit


async def move(
    tx: Connection,
    dispute: Dispute,
    state: DisputeState,
    *,
    respond_by: datetime | None,
    evidence_id: str,
    sealed_evidence: bytes | None = None,
) -> Dispute:
    """Write a new state and version; a closed dispute is not asked about any more."""
    closed = state in (DisputeState.WON, DisputeState.LOST)
    row = await tx.fetchrow(
        f"""
        UPDATE disputes
           SET state = $3, version = version + 1, updated_at = now(), evidence_id = $4,
               respond_by = coalesce($8, respond_by),
               evidence = coalesce($5, evidence), submitted_at = CASE WHEN $5 IS NULL THEN submitted_at ELSE
               now() END, closed_at = CASE WHEN $6 THEN now() END,
               next_check_at = CASE WHEN NOT $6 THEN now() + make_interval(secs => $7) END
         WHERE merchant_id = $1 AND id = $2
        RETURNING {COLUMNS}
        """,  # noqa: S608
        dispute.merchant,
        dispute.id,
        state.value,
        evidence_id,
        sealed_evidence,
        closed,
        CHECK_SECONDS,
        respond_by,
    )
    assert row is not None, "the dispute row is locked by this transaction"
    return read(row)


async def claim_due(tx: Connection, limit: int, lease_seconds: int) -> list[Dispute]:
    """Take open disputes that are to be asked about, under a lease (D6)."""
    rows = await tx.fetch(
        f"""
        UPDATE disputes SET lease_until = clock_timestamp() + make_interval(secs => $2),
                            lease_token = lease_token + 1, checks = checks + 1,
                            next_check_at = now() + make_interval(secs => $3)
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM disputes
                WHERE next_check_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING {COLUMNS}
        """,  # noqa: S608
        limit,
        lease_seconds,
        CHECK_SECONDS,
    )
    return [read(row) for row in rows]
