"""SQL for payments and attempts. Everything is asked by merchant first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.ids import AttemptId, MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import Attempt, ListQuery, Payment
from quickkub.payments.states import AttemptState, PaymentState
from quickkub.storage import Connection, Row

PAYMENT_COLUMNS: Final = """
    merchant_id, id, mode, amount, currency, state, method, captured_amount, refunded_amount, reference,
    description, metadata, return_url, checkout_token, failure_code, version, expires_at,
    expires_at <= clock_timestamp() AS time_is_up, created_at, updated_at, paid_at
"""
ATTEMPT_COLUMNS: Final = """
    merchant_id, id, payment_id, mode, provider, account_id, amount, currency, state, reference,
    provider_reference, next_action, failure_code, checks, lease_token, created_at
"""
JITTER: Final = "(0.9 + random() * 0.2)"
"""20 % spread, so that attempts that failed together do not come back together."""


def read_payment(row: Row) -> Payment:
    currency = CURRENCIES[row["currency"]]
    return Payment(
        merchant=MerchantId(row["merchant_id"]),
        id=PaymentId(row["id"]),
        mode=row["mode"],
        amount=Money(row["amount"], currency),
        state=PaymentState(row["state"]),
        method=row["method"],
        captured=Money(row["captured_amount"], currency),
        refunded=Money(row["refunded_amount"], currency),
        reference=row["reference"],
        description=row["description"],
        metadata=row["metadata"],
        return_url=row["return_url"],
        checkout_token=row["checkout_token"],
        failure_code=row["failure_code"],
        version=row["version"],
        expires_at=row["expires_at"],
        time_is_up=row["time_is_up"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        paid_at=row["paid_at"],
    )


def read_attempt(row: Row) -> Attempt:
    return Attempt(
        merchant=MerchantId(row["merchant_id"]),
        id=AttemptId(row["id"]),
        payment=PaymentId(row["payment_id"]),
        mode=row["mode"],
        provider=row["provider"],
        account=row["account_id"],
        amount=Money(row["amount"], CURRENCIES[row["currency"]]),
        state=AttemptState(row["state"]),
        reference=row["reference"],
        provider_reference=row["provider_reference"],
        next_action=row["next_action"],
        failure_code=row["failure_code"],
        checks=row["checks"],
        lease_token=row["lease_token"],
        created_at=row["created_at"],
    )


async def insert_payment(tx: Connection, payment: Payment, life_seconds: int) -> Payment:
    """Write a new payment; the database's clock says when it was made and when it expires (D5)."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO payments (merchant_id, id, mode, amount, currency, state, method, reference, description,
                              metadata, return_url, checkout_token, expires_at, due_at)
        VALUES ($1, $2, $3, $4, $5, 'created', $6, $7, $8, $9, $10, $11,
                now() + make_interval(secs => $12), now() + make_interval(secs => $12))
        RETURNING {PAYMENT_COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        payment.merchant,
        payment.id,
        payment.mode,
        payment.amount.minor,
        payment.amount.currency.code,
        payment.method,
        payment.reference,
        payment.description,
        dict(payment.metadata),
        payment.return_url,
        payment.checkout_token,
        life_seconds,
    )
    assert row is not None
    return read_payment(row)


async def insert_attempt(
    tx: Connection, attempt: Attempt, why: dict[str, Any], check_seconds: int
) -> Attempt:
    """Write the intent: reference and first inquiry stand before any call."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO attempts (merchant_id, id, payment_id, mode, provider, account_id, amount, currency,
                              state, reference, why, next_check_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10, now() + make_interval(secs => $11))
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608
        attempt.merchant,
        attempt.id,
        attempt.payment,
        attempt.mode,
        attempt.provider,
        attempt.account,
        attempt.amount.minor,
        attempt.amount.currency.code,
        attempt.reference,
        why,
        check_seconds,
    )
    assert row is not None
    return read_attempt(row)


async def find_payment(
    reader: Connection, merchant: MerchantId, mode: str, payment: str, *, lock: bool = False
) -> Payment | None:
    row = await reader.fetchrow(
        f"SELECT {PAYMENT_COLUMNS} FROM payments WHERE merchant_id = $1 AND mode = $2 AND id = $3"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        mode,
        payment,
    )
    return read_payment(row) if row else None


async def find_attempt(
    reader: Connection, merchant: MerchantId, attempt: str, *, lock: bool = False
) -> Attempt | None:
    row = await reader.fetchrow(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE merchant_id = $1 AND id = $2"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        attempt,
    )
    return read_attempt(row) if row else None


async def find_attempt_by_reference(
    reader: Connection, merchant: MerchantId, provider: str, account: str, reference: str
) -> Attempt | None:
    row = await reader.fetchrow(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM attempts
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND reference = $4
        """,  # noqa: S608
        merchant,
        provider,
        account,
        reference,
    )
    return read_attempt(row) if row else None


async def attempts_of(
    reader: Connection, merchant: MerchantId, payments: Sequence[str]
) -> dict[str, list[Attempt]]:
    """Attempts of several payments, oldest first, by payment id."""
    rows = await reader.fetch(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM attempts
         WHERE merchant_id = $1 AND payment_id = ANY ($2) ORDER BY id
        """,  # noqa: S608
        merchant,
        list(payments),
    )
    found: dict[str, list[Attempt]] = {payment: [] for payment in payments}
    for row in rows:
        found[row["payment_id"]].append(read_attempt(row))
    return found


async def list_payments(
    reader: Connection, merchant: MerchantId, mode: str, query: ListQuery
) -> tuple[list[Payment], bool]:
    """One page, newest first. `ending_before` pages back towards newer ones."""
    backwards = query.ending_before is not None
    order, compare = ("ASC", ">") if backwards else ("DESC", "<")
    cursor = query.ending_before or query.starting_after
    rows = await reader.fetch(
        f"""
        SELECT {PAYMENT_COLUMNS} FROM payments
         WHERE merchant_id = $1 AND mode = $2
           AND ($3::text IS NULL OR id {compare} $3)
           AND ($4::text IS NULL OR state = $4)
           AND ($5::text IS NULL OR reference = $5)
         ORDER BY id {order} LIMIT $6
        """,  # noqa: S608
        merchant,
        mode,
        cursor,
        query.status,
        query.reference,
        query.limit + 1,
    )
    page = [read_payment(row) for row in rows[: query.limit]]
    return (page[::-1] if backwards else page), len(rows) > query.limit


async def move_payment(
    tx: Connection,
    payment: Payment,
    state: PaymentState,
    *,
    captured: Money | None = None,
    paid_at: datetime | None = None,
    failure_code: str | None = None,
    due: bool,
) -> Payment:
    """Write a new state and version. `due` False: nothing is left for the worker to do about it."""
    row = await tx.fetchrow(
        f"""
        UPDATE payments
           SET state = $3, version = version + 1, updated_at = now(),
               captured_amount = coalesce($4, captured_amount), paid_at = coalesce($5, paid_at),
               failure_code = $6, due_at = CASE WHEN $7 THEN due_at END
         WHERE merchant_id = $1 AND id = $2 AND version = $8
        RETURNING {PAYMENT_COLUMNS}
        """,  # noqa: S608
        payment.merchant,
        payment.id,
        state.value,
        captured.minor if captured else None,
        paid_at,
        failure_code,
        due,
        payment.version,
    )
    assert row is not None, "the payment row is locked by this transaction"
    return read_payment(row)


async def move_attempt(
    tx: Connection,
    attempt: Attempt,
    state: AttemptState,
    *,
    next_action: dict[str, Any] | None = None,
    provider_reference: str | None = None,
    failure_code: str | None = None,
    provider_code: str | None = None,
    evidence: str | None = None,
    check_seconds: int | None,
) -> Attempt:
    """Write a new state, start counting inquiries anew, and set the next one (None: no more)."""
    row = await tx.fetchrow(
        f"""
        UPDATE attempts
           SET state = $3, updated_at = now(), checks = 0,
               next_action = coalesce($4, next_action), provider_reference = coalesce($5, provider_reference),
               failure_code = $6, provider_code = $7, evidence_id = coalesce($8, evidence_id),
               next_check_at = now() + make_interval(secs => $9 * {JITTER})
         WHERE merchant_id = $1 AND id = $2
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608
        attempt.merchant,
        attempt.id,
        state.value,
        next_action,
        provider_reference,
        failure_code,
        provider_code,
        evidence,
        check_seconds,
    )
    assert row is not None, "the attempt row is locked by this transaction"
    return read_attempt(row)


async def claim_due_attempts(tx: Connection, limit: int, lease_seconds: int) -> list[Attempt]:
    """Take attempts whose inquiry is due, under a lease whose token stops a slow worker (D6)."""
    rows = await tx.fetch(
        f"""
        UPDATE attempts SET lease_until = clock_timestamp() + make_interval(secs => $2),
                            lease_token = lease_token + 1
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM attempts
                WHERE next_check_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608
        limit,
        lease_seconds,
    )
    return [read_attempt(row) for row in rows]


async def finish_check(tx: Connection, attempt: Attempt, check_seconds: int | None) -> bool:
    """Count the inquiry and set the next one, if this worker still holds the lease. False: another has it."""
    done: str = await tx.execute(
        f"""
        UPDATE attempts SET lease_until = NULL, checks = checks + 1,
               next_check_at = now() + make_interval(secs => $4 * {JITTER})
         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3
        """,  # noqa: S608
        attempt.merchant,
        attempt.id,
        attempt.lease_token,
        check_seconds,
    )
    return done == "UPDATE 1"


async def drop_lease(tx: Connection, attempt: Attempt) -> None:
    """Give an attempt back whose state moved while we held it; its next inquiry is set already."""
    await tx.execute(
        "UPDATE attempts SET lease_until = NULL WHERE merchant_id = $1 AND id = $2 AND lease_token = $3",
        attempt.merchant,
        attempt.id,
        attempt.lease_token,
    )


async def check_now(tx: Connection, merchant: MerchantId, attempt: AttemptId) -> None:
    """Bring the next inquiry of an attempt forward."""
    await tx.execute(
        "UPDATE attempts SET next_check_at = now() WHERE merchant_id = $1 AND id = $2", merchant, attempt
    )


async def lock_due_payments(tx: Connection, limit: int) -> list[Payment]:
    """Lock payments whose time is up; those that another worker holds are left to it."""
    rows = await tx.fetch(
        f"""
        SELECT {PAYMENT_COLUMNS} FROM payments
         WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        limit,
    )
    return [read_payment(row) for row in rows]


async def postpone_payment(tx: Connection, payment: Payment, seconds: int) -> None:
    """Look at it again later: its attempt is unknown, and time alone decides nothing."""
    await tx.execute(
        "UPDATE payments SET due_at = now() + make_interval(secs => $3) WHERE merchant_id = $1 AND id = $2",
        payment.merchant,
        payment.id,
        seconds,
    )


async def keep_evidence(
    tx: Connection, attempt: Attempt, evidence_id: str, kind: str, outcome: str, sealed: bytes
) -> None:
    """Store what was said on the wire, sealed, before anything is concluded from it (P8)."""
    await tx.execute(
        """
        INSERT INTO evidence (merchant_id, id, payment_id, attempt_id, provider, kind, outcome, transcript)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        attempt.merchant,
        evidence_id,
        attempt.payment,
        attempt.id,
        attempt.provider,
        kind,
        outcome,
        sealed,
    )


async def keep_receipt(
    tx: Connection,
    attempt: Attempt,
    *,
    receipt_id: str,
    transaction_id: str,
    amount: Money,
    applied: bool,
    evidence: str,
    paid_at: datetime,
) -> bool:
    """Write a movement of money down. False: it is there already and there is nothing to do."""
    done: str = await tx.execute(
        """
        INSERT INTO receipts (merchant_id, id, mode, provider, account_id, payment_id, attempt_id,
                              transaction_id, amount, currency, applied, evidence_id, paid_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (merchant_id, provider, account_id, transaction_id) DO NOTHING
        """,
        attempt.merchant,
        receipt_id,
        attempt.mode,
        attempt.provider,
        attempt.account,
        attempt.payment,
        attempt.id,
        transaction_id,
        amount.minor,
        amount.currency.code,
        applied,
        evidence,
        paid_at,
    )
    return done == "INSERT 0 1"


async def known_transactions(tx: Connection, attempt: Attempt) -> set[str]:
    """Provider transaction ids already written down for this attempt's account and payment."""
    rows = await tx.fetch(
        """
        SELECT transaction_id FROM receipts
         WHERE merchant_id = $1 AND provider = $2 AND account_id = $3 AND payment_id = $4
        """,
        attempt.merchant,
        attempt.provider,
        attempt.account,
        attempt.payment,
    )
    return {row["transaction_id"] for row in rows}


async def open_case(
    tx: Connection,
    merchant: MerchantId,
    *,
    case_id: str,
    mode: str,
    kind: str,
    fact: str,
    payment: str | None,
    details: dict[str, Any],
) -> bool:
    """Put something before a person, once per fact. False: the case is there already."""
    done: str = await tx.execute(
        """
        INSERT INTO cases (merchant_id, id, mode, kind, fact, payment_id, details)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id, kind, fact) DO NOTHING
        """,
        merchant,
        case_id,
        mode,
        kind,
        fact,
        payment,
        details,
    )
    return done == "INSERT 0 1"


async def list_cases(
    reader: Connection, merchant: MerchantId, mode: str, limit: int, starting_after: str | None
) -> list[Row]:
    """Cases, newest first."""
    rows: list[Row] = await reader.fetch(
        """
        SELECT id, kind, payment_id, state, details, opened_at, closed_at FROM cases
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4
        """,
        merchant,
        mode,
        starting_after,
        limit,
    )
    return rows
