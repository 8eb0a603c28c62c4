"""SQL for refunds and for the money they are taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import asyncpg

from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.refunds.model import Reason, Refund, RefundQuery, RefundState, TransferUsed, Way
from quickkub.storage import Connection, Row

COLUMNS: Final = """
    merchant_id, id, mode, payment_id, unapplied_receipt_id, amount, currency, reason, note, way, state,
    destination, transfer_reference, failure_code, metadata, version, created_at, updated_at, finished_at,
    now() AS seen_at
"""


def read(row: Row) -> Refund:
    return Refund(
        merchant=MerchantId(row["merchant_id"]),
        id=row["id"],
        mode=row["mode"],
        payment=row["payment_id"],
        unapplied_receipt=row["unapplied_receipt_id"],
        amount=Money(row["amount"], CURRENCIES[row["currency"]]),
        reason=Reason(row["reason"]),
        note=row["note"],
        way=Way(row["way"]),
        state=RefundState(row["state"]),
        sealed_destination=row["destination"],
        transfer_reference=row["transfer_reference"],
        failure_code=row["failure_code"],
        metadata=row["metadata"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
        seen_at=row["seen_at"],
    )


async def insert(tx: Connection, refund: Refund) -> Refund:
    """Write a new refund; what it gives back is reserved in the same transaction."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO refunds (merchant_id, id, mode, payment_id, unapplied_receipt_id, amount, currency,
        reason,
                             note, way, state, destination, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        RETURNING {COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        refund.merchant,
        refund.id,
        refund.mode,
        refund.payment,
        refund.unapplied_receipt,
        refund.amount.minor,
        refund.amount.currency.code,
        refund.reason.value,
        refund.note,
        refund.way.value,
        refund.state.value,
        refund.sealed_destination,
        dict(refund.metadata),
    )
    assert row is not None
    return read(row)


async def find(
    reader: Connection, merchant: MerchantId, mode: str, refund: str, *, lock: bool = False
) -> Refund | None:
    row = await reader.fetchrow(
        f"SELECT {COLUMNS} FROM refunds WHERE merchant_id = $1 AND mode = $2 AND id = $3"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        mode,
        refund,
    )
    return read(row) if row else None


async def page(
    reader: Connection, merchant: MerchantId, mode: str, query: RefundQuery
) -> tuple[list[Refund], bool]:
    """One page, newest first, and whether there are more."""
    rows = await reader.fetch(
        f"""
        SELECT {COLUMNS} FROM refunds
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
           AND ($4::text IS NULL OR payment_id = $4) AND ($5::text IS NULL OR state = $5)
         ORDER BY id DESC LIMIT $6
        """,  # noqa: S608
        merchant,
        mode,
        query.starting_after,
        query.payment,
        query.status,
        query.limit + 1,
    )
    return [read(row) for row in rows[: query.limit]], len(rows) > query.limit


async def move(
    tx: Connection,
    refund: Refund,
    state: RefundState,
    *,
    way: Way | None = None,
    transfer_reference: str | None = None,
    failure_code: str | None = None,
) -> Refund:
    """Write a new state and version. Raises TransferUsed when somebody wrote the transfer down meanwhile."""
    over = state in (RefundState.SUCCEEDED, RefundState.FAILED, RefundState.CANCELLED)
    try:
        row = await tx.fetchrow(
            f"""
            UPDATE refunds SET state = $3, way = coalesce($4, way), failure_code = $5, version = version + 1,
                   transfer_reference = coalesce($6, transfer_reference), updated_at = now(),
                   finished_at = CASE WHEN $7 THEN now() END
             WHERE merchant_id = $1 AND id = $2 AND version = $8
            RETURNING {COLUMNS}
            """,  # noqa: S608
            refund.merchant,
            refund.id,
            state.value,
            way.value if way else None,
            failure_code,
            transfer_reference,
            over,
            refund.version,
        )
    except asyncpg.UniqueViolationError as taken:
        # Two refunds of two payments share no lock, only the table's word that no transfer stands for both.
        raise TransferUsed() from taken
    assert row is not None, "the refund row is locked by this transaction"
    return read(row)


async def transfer_is_used(
    reader: Connection, merchant: MerchantId, mode: str, transfer_reference: str
) -> bool:
    """Whether a transfer stands for a refund already."""
    return bool(
        await reader.fetchval(
            "SELECT 1 FROM refunds WHERE merchant_id = $1 AND mode = $2 AND transfer_reference = $3",
            merchant,
            mode,
            transfer_reference,
        )
    )


# --- where it is taken from -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """The movement to give back: the provider's id of it, and the attempt that made it."""

    receipt: str
    transaction_id: str
    payment: str | None
    attempt: str | None
    left_over: Money


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that came for a payment: the provider's id of it, and how much it was, surplus included."""

    transaction_id: str
    amount: Money


async def newest_movement(reader: Connection, merchant: MerchantId, payment: str) -> Movement | None:
    """The newest movement that is the payment's own."""
    row = await reader.fetchrow(
        """
        SELECT transaction_id, amount, currency FROM receipts
         WHERE merchant_id = $1 AND payment_id = $2 AND applied ORDER BY id DESC LIMIT 1
        """,
        merchant,
        payment,
    )
    return Movement(row["transaction_id"], Money(row["amount"], CURRENCIES[row["currency"]])) if row else None


async def find_unapplied(reader: Connection, merchant: MerchantId, receipt: str) -> Source | None:
    row = await reader.fetchrow(
        """
        SELECT u.receipt_id, u.currency, u.amount - u.refunding - u.refunded - u.accepted AS left_over,
               r.transaction_id, r.payment_id, r.attempt_id
          FROM unapplied u JOIN receipts r ON r.merchant_id = u.merchant_id AND r.id = u.receipt_id
         WHERE u.merchant_id = $1 AND u.receipt_id = $2
        """,
        merchant,
        receipt,
    )
    if row is None:
        return None
    return Source(
        receipt=row["receipt_id"],
        transaction_id=row["transaction_id"],
        payment=row["payment_id"],
        attempt=row["attempt_id"],
        left_over=Money(row["left_over"], CURRENCIES[row["currency"]]),
    )


async def reserve_unapplied(tx: Connection, merchant: MerchantId, receipt: str, amount: Money) -> bool:
    """Count a refund of money that is nobody's (P3). False: there is not so much left."""
    done: str = await tx.execute(
        """
        UPDATE unapplied SET refunding = refunding + $3, due_at = NULL
         WHERE merchant_id = $1 AND receipt_id = $2 AND currency = $4
           AND $3 <= amount - refunding - refunded - accepted
        """,
        merchant,
        receipt,
        amount.minor,
        amount.currency.code,
    )
    return done == "UPDATE 1"


async def settle_unapplied(
    tx: Connection, merchant: MerchantId, receipt: str, amount: Money, *, went_back: bool
) -> None:
    """A refund of nobody's money is over: it went back, or it is free again."""
    await tx.execute(
        """
        UPDATE unapplied SET refunding = refunding - $3, refunded = refunded + CASE WHEN $4 THEN $3 ELSE 0 END
         WHERE merchant_id = $1 AND receipt_id = $2
        """,
        merchant,
        receipt,
        amount.minor,
        went_back,
    )


async def is_undecided(tx: Connection, merchant: MerchantId, receipt: str) -> bool:
    """Whether some of this money is nobody's, with no refund under way and no rule that gives it back."""
    return bool(
        await tx.fetchval(
            """
            SELECT due_at IS NULL AND amount > refunding + refunded + accepted FROM unapplied
             WHERE merchant_id = $1 AND receipt_id = $2 FOR UPDATE
            """,
            merchant,
            receipt,
        )
    )


async def accept_unapplied(tx: Connection, merchant: MerchantId, receipt: str) -> Money | None:
    """Count all that is left of nobody's money as the merchant's. None: nothing is left."""
    row = await tx.fetchrow(
        """
        WITH before AS (
            SELECT amount - refunding - refunded - accepted AS left_over FROM unapplied
             WHERE merchant_id = $1 AND receipt_id = $2 FOR UPDATE)
        UPDATE unapplied SET accepted = accepted + before.left_over, due_at = NULL FROM before
         WHERE merchant_id = $1 AND receipt_id = $2 AND before.left_over > 0
        RETURNING before.left_over, currency
        """,
        merchant,
        receipt,
    )
    return Money(row["left_over"], CURRENCIES[row["currency"]]) if row else None


@dataclass(frozen=True, slots=True)
class Due:
    """Nobody's money that is to be given back by the merchant's rule."""

    merchant: MerchantId
    receipt: str
    mode: str

    @property
    def id(self) -> str:
        """For the log."""
        return self.receipt


async def claim_unapplied(tx: Connection, limit: int, lease_seconds: int) -> list[Due]:
    """Take money that is to be given back by rule, under a lease."""
    rows = await tx.fetch(
        """
        UPDATE unapplied SET lease_until = clock_timestamp() + make_interval(secs => $2),
                             lease_token = lease_token + 1
         WHERE (merchant_id, receipt_id) IN (
               SELECT merchant_id, receipt_id FROM unapplied
                WHERE due_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING merchant_id, receipt_id, mode
        """,
        limit,
        lease_seconds,
    )
    return [Due(MerchantId(row["merchant_id"]), row["receipt_id"], row["mode"]) for row in rows]
