"""SQL for payments. Everything is asked by merchant first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from quickkub.kernel.ids import MerchantId, PaymentId, new_id
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import ListQuery, Payment
from quickkub.payments.states import PaymentState
from quickkub.storage import Connection, Row
from quickkub.storage.outbox import DELIVERIES, Event

PAYMENT_COLUMNS: Final = """
    merchant_id, id, mode, amount, currency, state, method, captured_amount, refunded_amount,
    authorized_amount,
    capturing_amount, refunding_amount, disputed_amount, capture_later, hold_open, hold_until, payer,
    reference, description, metadata, return_url, checkout_token, failure_code, version, expires_at,
    expires_at <= clock_timestamp() AS time_is_up, created_at, updated_at, paid_at, now() AS seen_at,
    added_amount, screening
"""


def columns_of(table: str) -> str:
    """The same columns of a table by another name."""
    names = (part.strip() for part in PAYMENT_COLUMNS.split(","))
    return ", ".join(name if "now()" in name else f"{table}.{name}" for name in names)


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
        authorized=Money(row["authorized_amount"], currency),
        capturing=Money(row["capturing_amount"], currency),
        refunding=Money(row["refunding_amount"], currency),
        disputed=Money(row["disputed_amount"], currency),
        capture_later=row["capture_later"],
        hold_open=row["hold_open"],
        hold_until=row["hold_until"],
        sealed_payer=row["payer"],
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
        seen_at=row["seen_at"],
        added=row["added_amount"],
        screening=row["screening"],
    )


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


@dataclass(frozen=True, slots=True)
class Change:
    """What changes about a payment's money. Whole numbers are minor units to add; None leaves a value
    alone."""

    captured: int = 0
    capturing: int = 0
    refunded: int = 0
    refunding: int = 0
    disputed: int = 0
    short: int = 0
    authorized: int | None = None
    hold_open: bool | None = None
    hold_until: datetime | None = None
    paid_at: datetime | None = None


NO_CHANGE: Final = Change()


def moved(payment: Payment, state: PaymentState, change: Change, failure_code: str | None) -> Payment:
    """The payment as the same transaction is about to write it."""

    def more(amount: Money, minor: int) -> Money:
        return Money(amount.minor + minor, amount.currency)

    captured = more(payment.captured, change.captured)
    authorized = change.authorized if change.authorized is not None else payment.authorized.minor
    return replace(
        payment,
        state=state,
        version=payment.version + 1,
        updated_at=payment.seen_at,
        failure_code=failure_code,
        captured=captured,
        capturing=more(payment.capturing, change.capturing),
        refunded=more(payment.refunded, change.refunded),
        refunding=more(payment.refunding, change.refunding),
        disputed=more(payment.disputed, change.disputed),
        authorized=Money(max(authorized, captured.minor), captured.currency),
        hold_open=payment.hold_open if change.hold_open is None else change.hold_open,
        hold_until=change.hold_until or payment.hold_until,
        paid_at=payment.paid_at or change.paid_at,
    )


_MOVE_AND_TELL: Final = f"""
WITH moved AS (
    UPDATE payments
       SET state = $3, version = version + 1, updated_at = now(), failure_code = $4,
           due_at = CASE WHEN $5 THEN due_at END, paid_at = coalesce(paid_at, $7),
           captured_amount = captured_amount + $8, capturing_amount = capturing_amount + $9,
           refunded_amount = refunded_amount + $10, refunding_amount = refunding_amount + $11,
           disputed_amount = disputed_amount + $12, short_amount = short_amount + $16,
           authorized_amount = greatest(coalesce($13, authorized_amount), captured_amount + $8),
           hold_open = coalesce($14, hold_open), hold_until = coalesce($15, hold_until)
     WHERE merchant_id = $1 AND id = $2 AND version = $6
    RETURNING merchant_id, id, mode, version
), event AS (
    INSERT INTO events (merchant_id, id, mode, type, object_id, object_version, data)
    SELECT merchant_id, $17, mode, $18, id, version, $19::jsonb FROM moved
    RETURNING merchant_id, id, mode, type
), deliveries AS ({DELIVERIES})
SELECT version FROM moved
"""  # noqa: S608 -- only our own fragment is put in


async def move_and_tell(
    tx: Connection, before: Payment, after: Payment, change: Change, event: Event, *, due: bool
) -> None:
    """Write state, money, a new version and the event that tells of it, in one statement (E1).

    `due` False: the worker has nothing left to do about its expiry.
    """
    version = await tx.fetchval(
        _MOVE_AND_TELL,
        before.merchant,
        before.id,
        after.state.value,
        after.failure_code,
        due,
        before.version,
        change.paid_at,
        change.captured,
        change.capturing,
        change.refunded,
        change.refunding,
        change.disputed,
        change.authorized,
        change.hold_open,
        change.hold_until,
        change.short,
        new_id("evt"),
        event.type,
        dict(event.data),
    )
    assert version == after.version, "the payment row is locked by this transaction"


async def reserve_capture(
    tx: Connection, merchant: MerchantId, mode: str, payment: str, amount: Money
) -> Payment | None:
    """Count a capture before the provider is told (P2).

    None: there is no such payment, nothing is held, or not so much. The limit stands in the statement itself,
    so that two captures at once cannot both see room for themselves.
    """
    row = await tx.fetchrow(
        f"""
        UPDATE payments SET capturing_amount = capturing_amount + $4, updated_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND currency = $5 AND hold_open
           AND $4 <= authorized_amount - captured_amount - capturing_amount
        RETURNING {PAYMENT_COLUMNS}
        """,  # noqa: S608
        merchant,
        mode,
        payment,
        amount.minor,
        amount.currency.code,
    )
    return read_payment(row) if row else None


async def close_hold(tx: Connection, merchant: MerchantId, mode: str, payment: str) -> Payment | None:
    """From now on nothing of the hold is captured. None: nothing is held, or a capture of it is under way."""
    row = await tx.fetchrow(
        f"""
        UPDATE payments SET hold_open = false, updated_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND hold_open AND capturing_amount = 0
        RETURNING {PAYMENT_COLUMNS}
        """,  # noqa: S608
        merchant,
        mode,
        payment,
    )
    return read_payment(row) if row else None


async def reserve_refund(
    tx: Connection, merchant: MerchantId, mode: str, payment: str, amount: Money
) -> Payment | None:
    """Count a refund before anybody is told (P3, P4). None: there is no such payment or not so much left."""
    row = await tx.fetchrow(
        f"""
        UPDATE payments SET refunding_amount = refunding_amount + $4, updated_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND currency = $5
           AND $4 <= captured_amount - refunded_amount - refunding_amount - disputed_amount
        RETURNING {PAYMENT_COLUMNS}
        """,  # noqa: S608
        merchant,
        mode,
        payment,
        amount.minor,
        amount.currency.code,
    )
    return read_payment(row) if row else None


async def takes_other_amounts(reader: Connection, merchant: MerchantId, payment: str) -> bool:
    """Whether another amount than the asked one may be this payment's: it is captured in parts, or the
    merchant
    tolerates a difference."""
    takes: bool = await reader.fetchval(
        """
        SELECT payments.capture_later OR merchants.under_tolerance + merchants.over_tolerance > 0
          FROM payments JOIN merchants ON merchants.id = payments.merchant_id
         WHERE payments.merchant_id = $1 AND payments.id = $2
        """,
        merchant,
        payment,
    )
    return takes


@dataclass(frozen=True, slots=True)
class Overdue:
    """A payment whose time is up, by name."""

    merchant: MerchantId
    mode: str
    id: PaymentId


async def claim_overdue(connection: Connection, limit: int, lease_seconds: int) -> list[Overdue]:
    """Take payments whose time is up; those that another worker holds are left to it."""
    rows = await connection.fetch(
        """
        UPDATE payments SET lease_until = clock_timestamp() + make_interval(secs => $2),
                            lease_token = lease_token + 1
         WHERE (merchant_id, id) IN (
               SELECT merchant_id, id FROM payments
                WHERE due_at <= clock_timestamp()
                  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING merchant_id, mode, id
        """,
        limit,
        lease_seconds,
    )
    return [Overdue(MerchantId(row["merchant_id"]), row["mode"], PaymentId(row["id"])) for row in rows]


async def postpone_payment(tx: Connection, payment: Payment, seconds: int) -> None:
    """Look at it again later: its attempt is unknown, and time alone decides nothing."""
    await tx.execute(
        "UPDATE payments SET due_at = now() + make_interval(secs => $3), lease_until = NULL"
        " WHERE merchant_id = $1 AND id = $2",
        payment.merchant,
        payment.id,
        seconds,
    )
