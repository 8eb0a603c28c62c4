"""SQL for API keys."""

from __future__ import annotations

from datetime import datetime

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row


async def insert_key(
    tx: Connection,
    merchant: MerchantId,
    key_id: str,
    *,
    mode: str,
    kind: str,
    key_hash: bytes,
    last_four: str,
    expires_at: datetime | None,
) -> None:
    """Write a key's hash."""
    await tx.execute(
        """
        INSERT INTO api_keys (merchant_id, id, mode, kind, hash, last_four, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        merchant,
        key_id,
        mode,
        kind,
        key_hash,
        last_four,
        expires_at,
    )


async def find_key(reader: Connection, key_hash: bytes) -> Row | None:
    """The key with this hash and its merchant's state, revoked and expired ones included."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT k.merchant_id, k.id, k.mode, k.kind, k.expires_at, k.revoked_at, m.state AS merchant_state
          FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
         WHERE k.hash = $1
        """,
        key_hash,
    )
    return row


async def revoke_key(tx: Connection, merchant: MerchantId, key_id: str) -> bool:
    """Refuse the key from now on. False: there is no such key, or it was revoked before."""
    done: str = await tx.execute(
        """
        UPDATE api_keys SET revoked_at = now()
         WHERE merchant_id = $1 AND id = $2 AND (revoked_at IS NULL OR revoked_at > now())
        """,
        merchant,
        key_id,
    )
    return done == "UPDATE 1"
