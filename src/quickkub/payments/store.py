"""SQL for payments. Everything is asked by merchant first."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import ListQuery, Payment
from quickkub.payments.states import PaymentState
from quickkub.storage import Connection, Row

PAYMENT_COLUMNS: Final = """
    merchant_id, id, mode, amount, currency, state, method, captured_amount, refunded_amount, reference,
    description, metadata, return_url, checkout_token, failure_code, version, expires_at,
    expires_at <= clock_timestamp() AS time_is_up, created_at, updated_at, paid_at
"""


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
