"""The intent of a payment in one statement: key, payment, attempt, event and deliveries, or nothing at
all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from quickkub.kernel.ids import new_id
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.store import PAYMENT_COLUMNS, read_payment
from quickkub.storage import Connection
from quickkub.storage.idempotency import BUSY_SECONDS, CLAIM, Once
from quickkub.storage.outbox import DELIVERIES, Event

_RFC3339: Final = """'YYYY-MM-DD"T"HH24:MI:SS"Z"'"""

# The database's clock says when the payment was made and when it expires (D5), so the times of the event are
# filled in here.
_SAY: Final = f"""
WITH claimed AS ({CLAIM}),
payment AS (
    INSERT INTO payments (merchant_id, id, mode, amount, currency, state, method, reference, description,
                          metadata, return_url, checkout_token, capture_later, payer, expires_at, due_at,
                          added_amount)
    SELECT $1, $6, $2, $8::bigint, $9, 'created', $10, $11, $12, $13::jsonb, $14, $15,
           $16::boolean, $17::bytea,
           now() + make_interval(secs => $18), now() + make_interval(secs => $18), $28
      FROM claimed
    RETURNING {PAYMENT_COLUMNS}
), attempt AS (
    INSERT INTO attempts (merchant_id, id, payment_id, mode, provider, account_id, amount, currency, state,
                          reference, why, next_check_at)
    SELECT $1, $19, $6, $2, $20, $21, $8, $9, 'created', $22, $23::jsonb, now() + make_interval(secs => $24)
      FROM claimed
), event AS (
    INSERT INTO events (merchant_id, id, mode, type, object_id, object_version, data)
    SELECT $1, $25, $2, $26, $6, 1, jsonb_build_object('object', $27::jsonb || jsonb_build_object(
               'created_at', to_char(created_at AT TIME ZONE 'UTC', {_RFC3339}),
               'updated_at', to_char(updated_at AT TIME ZONE 'UTC', {_RFC3339}),
               'expires_at', to_char(expires_at AT TIME ZONE 'UTC', {_RFC3339})))
      FROM payment
    RETURNING merchant_id, id, mode, type
), deliveries AS ({DELIVERIES})
SELECT * FROM payment
"""  # noqa: S608 -- only our own columns and fragments are put in


async def say(
    connection: Connection,
    once: Once,
    payment: Payment,
    attempt: Attempt,
    news: Event,
    why: dict[str, Any],
    *,
    life_seconds: int,
    check_seconds: int,
) -> tuple[Payment, Attempt] | None:
    """Write the intent before any call. None: the key is taken, and nothing was written."""
    row = await connection.fetchrow(
        _SAY,
        once.merchant,
        once.mode,
        once.operation,
        once.key,
        once.fingerprint,
        payment.id,
        BUSY_SECONDS,
        payment.amount.minor,
        payment.amount.currency.code,
        payment.method,
        payment.reference,
        payment.description,
        dict(payment.metadata),
        payment.return_url,
        payment.checkout_token,
        payment.capture_later,
        payment.sealed_payer,
        life_seconds,
        attempt.id,
        attempt.provider,
        attempt.account,
        attempt.reference,
        why,
        check_seconds,
        new_id("evt"),
        news.type,
        news.data["object"],
        payment.added,
    )
    if row is None:
        return None
    said = read_payment(row)
    return said, replace(attempt, created_at=said.created_at)
