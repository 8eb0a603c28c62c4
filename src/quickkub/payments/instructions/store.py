"""SQL for instructions."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Doing
from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.attempt_store import JITTER
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import UNDER_WAY, InstructionState
from quickkub.storage import Connection, Row

COLUMNS: Final = """
    merchant_id, id, mode, payment_id, attempt_id, provider, account_id, doing, amount, currency, state,
    reference,
    provider_reference, transaction_id, refund_id, is_last, reason, failure_code, checks, lease_token,
    created_at
"""


def read(row: Row) -> Told:
    return Told(
        merchant=MerchantId(row["merchant_id"]),
        id=row["id"],
        mode=row["mode"],
        payment=PaymentId(row["payment_id"]),
        attempt=AttemptId(row["attempt_id"]),
        provider=row["provider"],
        account=row["account_id"],
        doing=Doing(row["doing"]),
        amount=Money(row["amount"], CURRENCIES[row["currency"]]),
        state=InstructionState(row["state"]),
        reference=row["reference"],
        provider_reference=row["provider_reference"],
        transaction_id=row["transaction_id"],
        refund=row["refund_id"],
        is_last=row["is_last"],
        reason=row["reason"],
        failure_code=row["failure_code"],
        checks=row["checks"],
        lease_token=row["lease_token"],
        created_at=row["created_at"],
    )


async def insert(tx: Connection, told: Told, check_seconds: int) -> Told | None:
    """Write the intent before any call. None: the payment is being voided or called off already."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO instructions (merchant_id, id, mode, payment_id, attempt_id, provider, account_id, doing,
        amount,
                                  currency, reference, transaction_id, refund_id, is_last, reason,
                                  next_check_at,
                                  told_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                now() + make_interval(secs => $16), CASE WHEN $16 > 0 THEN now() END)
        ON CONFLICT (merchant_id, payment_id, doing) WHERE doing IN ('void', 'cancel') AND state <> 'failed'
        DO NOTHING
        RETURNING {COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        told.merchant,
        told.id,
        told.mode,
        told.payment,
        told.attempt,
        told.provider,
        told.account,
        told.doing.value,
        told.amount.minor,
        told.amount.currency.code,
        told.reference,
        told.transaction_id,
        told.refund,
        told.is_last,
        told.reason,
        check_seconds,
    )
    return read(row) if row else None


async def find(reader: Connection, merchant: MerchantId, told: str, *, lock: bool = False) -> Told | None:
    row = await reader.fetchrow(
        f"SELECT {COLUMNS} FROM instructions WHERE merchant_id = $1 AND id = $2"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        told,
    )
    return read(row) if row else None


async def find_by_name(
    reader: Connection, merchant: MerchantId, provider: str, account: str, *, ours: str, theirs: str
) -> Told | None:
    """By our reference, else by the provider's own id; an empty text names nothing."""
    row = await reader.fetchrow(
        f"""
        SELECT {COLUMNS} FROM instructions
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3
           AND (($4 <> '' AND reference = $4) OR ($5 <> '' AND provider_reference = $5))
         ORDER BY id LIMIT 1
        """,  # noqa: S608
        merchant,
        provider,
        account,
        ours,
        theirs,
    )
    return read(row) if row else None


async def of_refund(reader: Connection, merchant: MerchantId, refund: str) -> Told | None:
    """What the provider was told about a refund; None for one that a person makes."""
    row = await reader.fetchrow(
        f"SELECT {COLUMNS} FROM instructions WHERE merchant_id = $1 AND refund_id = $2",  # noqa: S608
        merchant,
        refund,
    )
    return read(row) if row else None


async def of_payment(reader: Connection, merchant: MerchantId, payment: str) -> list[Told]:
    """Everything a payment's provider was told, oldest first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM instructions WHERE merchant_id = $1 AND payment_id = $2 ORDER BY id",  # noqa: S608
        merchant,
        payment,
    )
    return [read(row) for row in rows]


async def move(
    tx: Connection,
    told: Told,
    state: InstructionState,
    *,
    evidence: str | None = None,
    provider_reference: str | None = None,
    failure_code: str | None = None,
    provider_code: str | None = None,
    check_seconds: int,
) -> Told:
    """Write a new state, and the next inquiry unless it is over."""
    row = await tx.fetchrow(
        f"""
        UPDATE instructions
           SET state = $3, updated_at = now(), checks = 0, evidence_id = coalesce($4, evidence_id),
               provider_reference = coalesce($5, provider_reference), failure_code = $6, provider_code = $7,
               next_check_at = CASE WHEN $8 THEN now() + make_interval(secs => $9 * {JITTER}) END,
               finished_at = CASE WHEN NOT $8 THEN now() END
         WHERE merchant_id = $1 AND id = $2
        RETURNING {COLUMNS}
        """,  # noqa: S608
        told.merchant,
        told.id,
        state.value,
        evidence,
        provider_reference,
        failure_code,
        provider_code,
        state in UNDER_WAY,
        check_seconds,
    )
    assert row is not None, "the instruction row is locked by this transaction"
    return read(row)


async def mark_told(tx: Connection, told: Told) -> bool:
    """Write down that the provider is about to be told. False: somebody may have told it before."""
    done: str = await tx.execute(
        """
        UPDATE instructions SET told_at = now()
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3 AND told_at IS NULL
        """,
        told.merchant,
        told.id,
        told.lease_token,
    )
    return done == "UPDATE 1"


async def claim_due(tx: Connection, limit: int, lease_seconds: int) -> list[Told]:
    """Take instructions whose inquiry is due, under a lease whose token stops a slow worker (D6)."""
    rows = await tx.fetch(
        f"""
        UPDATE instructions SET lease_until = clock_timestamp() + make_interval(secs => $2),
                                lease_token = lease_token + 1
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM instructions
                WHERE next_check_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING {COLUMNS}
        """,  # noqa: S608
        limit,
        lease_seconds,
    )
    return [read(row) for row in rows]


async def finish_check(tx: Connection, told: Told, check_seconds: int | None) -> bool:
    """Count the inquiry and set the next one, if this worker still holds the lease. False: another has it.

    `check_seconds` None only gives the lease back: the next inquiry is set already, or none is needed.
    """
    done: str = await tx.execute(
        f"""
        UPDATE instructions SET lease_until = NULL, last_check_at = now(), checks = CASE WHEN $4::int IS NULL
        THEN checks ELSE checks + 1 END,
               next_check_at = CASE WHEN $4 IS NULL OR next_check_at IS NULL THEN next_check_at
                                    ELSE now() + make_interval(secs => $4 * {JITTER}) END
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3
        """,  # noqa: S608
        told.merchant,
        told.id,
        told.lease_token,
        check_seconds,
    )
    return done == "UPDATE 1"
