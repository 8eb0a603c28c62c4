"""SQL for endpoints. Everything is asked by merchant and mode; deleted endpoints are not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.webhooks.model import Endpoint, Signatures

_COLUMNS: Final = """
    merchant_id, id, mode, url, description, events, state, disabled_reason, signatures, failing_since,
    CASE WHEN previous_secret_until > now() THEN previous_secret_until END AS previous_secret_until,
    created_at
"""


def _read(row: Row) -> Endpoint:
    return Endpoint(
        merchant=MerchantId(row["merchant_id"]),
        id=row["id"],
        mode=row["mode"],
        url=row["url"],
        description=row["description"],
        events=row["events"],
        state=row["state"],
        disabled_reason=row["disabled_reason"],
        signatures=row["signatures"],
        failing_since=row["failing_since"],
        previous_secret_until=row["previous_secret_until"],
        created_at=row["created_at"],
    )


async def count_for_one_more(tx: Connection, merchant: MerchantId, mode: str) -> int:
    """How many endpoints there are; two requests that make one wait for each other here."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    count: int = await tx.fetchval(
        "SELECT count(*) FROM webhook_endpoints WHERE merchant_id = $1 AND mode = $2 AND state <> 'deleted'",
        merchant,
        mode,
    )
    return count


async def insert(
    tx: Connection,
    merchant: MerchantId,
    endpoint: str,
    *,
    mode: str,
    url: str,
    description: str | None,
    events: Sequence[str],
    signatures: Signatures,
    sealed: bytes,
) -> Endpoint:
    """Write a new endpoint with its sealed secret."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO webhook_endpoints (merchant_id, id, mode, url, description, events, signatures, secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING {_COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        merchant,
        endpoint,
        mode,
        url,
        description,
        list(events),
        signatures,
        sealed,
    )
    assert row is not None
    return _read(row)


async def find(reader: Connection, merchant: MerchantId, mode: str, endpoint: str) -> Endpoint | None:
    """One endpoint, unless it is deleted."""
    row = await reader.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM webhook_endpoints
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND state <> 'deleted'
        """,  # noqa: S608
        merchant,
        mode,
        endpoint,
    )
    return _read(row) if row else None


async def list_all(reader: Connection, merchant: MerchantId, mode: str) -> list[Endpoint]:
    """All endpoints of a merchant in one mode, newest first; their number is bounded."""
    rows = await reader.fetch(
        f"""
        SELECT {_COLUMNS} FROM webhook_endpoints
         WHERE merchant_id = $1 AND mode = $2 AND state <> 'deleted' ORDER BY id DESC
        """,  # noqa: S608
        merchant,
        mode,
    )
    return [_read(row) for row in rows]


async def update(
    tx: Connection,
    merchant: MerchantId,
    mode: str,
    endpoint: str,
    *,
    url: str | None,
    description: str | None,
    events: Sequence[str] | None,
    signatures: Signatures | None,
    state: str | None,
) -> Endpoint | None:
    """Change what is not None. An empty description removes it; enabling forgets what went wrong."""
    row = await tx.fetchrow(
        f"""
        UPDATE webhook_endpoints
           SET url = coalesce($4, url),
               description = CASE WHEN $5::text IS NULL THEN description ELSE nullif($5, '') END,
               events = coalesce($6, events),
               signatures = coalesce($7, signatures),
               state = coalesce($8, state),
               disabled_reason = CASE WHEN coalesce($8, state) = 'disabled'
                                      THEN coalesce(disabled_reason, 'by_merchant') END,
               failing_since = CASE WHEN $8 IS DISTINCT FROM 'enabled' THEN failing_since END,
               updated_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND state <> 'deleted'
        RETURNING {_COLUMNS}
        """,  # noqa: S608
        merchant,
        mode,
        endpoint,
        url,
        description,
        None if events is None else list(events),
        signatures,
        state,
    )
    return _read(row) if row else None


async def delete(tx: Connection, merchant: MerchantId, mode: str, endpoint: str) -> bool:
    """Mark an endpoint deleted and forget its secrets; its deliveries keep a row to refer to."""
    changed: str = await tx.execute(
        """
        UPDATE webhook_endpoints
           SET state = 'deleted', disabled_reason = NULL, secret = '', previous_secret = NULL,
               previous_secret_until = NULL, updated_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND state <> 'deleted'
        """,
        merchant,
        mode,
        endpoint,
    )
    return changed == "UPDATE 1"


async def lock_secret(tx: Connection, merchant: MerchantId, mode: str, endpoint: str) -> bytes | None:
    """The sealed secret, with the row locked until it is replaced."""
    sealed = await tx.fetchval(
        """
        SELECT secret FROM webhook_endpoints
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND state <> 'deleted' FOR UPDATE
        """,
        merchant,
        mode,
        endpoint,
    )
    return None if sealed is None else bytes(sealed)


async def replace_secret(
    tx: Connection,
    merchant: MerchantId,
    endpoint: str,
    *,
    sealed: bytes,
    previous: bytes | None,
    overlap: timedelta,
) -> Endpoint:
    """Write a new secret; the one before stays good for `overlap`, unless it is None."""
    row = await tx.fetchrow(
        f"""
        UPDATE webhook_endpoints
           SET secret = $3, previous_secret = $4,
               previous_secret_until = CASE WHEN $4::bytea IS NOT NULL THEN now() + $5::interval END,
               updated_at = now()
         WHERE merchant_id = $1 AND id = $2
        RETURNING {_COLUMNS}
        """,  # noqa: S608
        merchant,
        endpoint,
        sealed,
        previous,
        overlap,
    )
    assert row is not None, "the row is locked by this transaction"
    return _read(row)
