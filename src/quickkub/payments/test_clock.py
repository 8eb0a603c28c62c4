"""Time for merchants' own tests: everything that was to happen within a span is due now, in test mode only.

The rows are brought forward instead of the clock being moved, because all due times are compared with the
database's one clock (D5). What has happened keeps its time.
"""

from __future__ import annotations

from typing import Final

from quickkub.audit import Act, record
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database

ADVANCE_SECONDS_MAX: Final = 400 * 86_400

_BROUGHT_FORWARD: Final = (
    "UPDATE payments SET due_at = due_at - $2, expires_at = expires_at - $2, hold_until = hold_until - $2"
    " WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE attempts SET next_check_at = next_check_at - $2, lease_until = lease_until - $2"
    " WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE instructions SET next_check_at = next_check_at - $2, lease_until = lease_until - $2"
    " WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE disputes SET next_check_at = next_check_at - $2, respond_by = respond_by - $2"
    " WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE amount_claims SET free_from = free_from - $2 WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE unapplied SET due_at = due_at - $2 WHERE merchant_id = $1 AND mode = 'test'",
    "UPDATE inbox SET due_at = due_at - $2, lease_until = lease_until - $2"
    " FROM provider_accounts a WHERE inbox.merchant_id = $1 AND a.merchant_id = inbox.merchant_id"
    " AND a.id = inbox.account_id AND a.mode = 'test'",
    "UPDATE webhook_deliveries d SET next_try_at = next_try_at - $2, lease_until = lease_until - $2"
    " FROM events e WHERE d.merchant_id = $1 AND e.merchant_id = d.merchant_id AND e.id = d.event_id"
    " AND e.mode = 'test'",
    "UPDATE idempotency_keys SET busy_until = busy_until - $2 WHERE merchant_id = $1 AND mode = 'test'",
)


async def seconds_ahead(db: Database, merchant: MerchantId) -> int:
    """How far the test clock has been moved ahead in all."""
    async with db.read() as reader:
        found: int = await reader.fetchval("SELECT test_clock_seconds FROM merchants WHERE id = $1", merchant)
    return found


async def advance(db: Database, merchant: MerchantId, seconds: int) -> int:
    """Let `seconds` pass for the merchant's test mode. Returns how far the clock is ahead now."""
    async with db.transaction() as tx:
        for sql in _BROUGHT_FORWARD:
            shift = sql.replace("$2", "make_interval(secs => $2)")
            await tx.execute(shift, merchant, seconds)
        ahead: int = await tx.fetchval(
            "UPDATE merchants SET test_clock_seconds = test_clock_seconds + $2 WHERE id = $1"
            " RETURNING test_clock_seconds",
            merchant,
            seconds,
        )
        act = Act(
            "test_clock.advanced",
            "test_clock",
            merchant,
            merchant=merchant,
            mode="test",
            after={"advanced_seconds": seconds, "seconds_ahead": ahead},
        )
        await record(tx, act)
    return ahead
