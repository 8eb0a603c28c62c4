"""SQL for API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.merchants.networks import Network
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
    name: str = "",
    scopes: Sequence[str] = (),
    networks: Sequence[Network] = (),
    created_by: str | None = None,
) -> None:
    """Write a key's hash and what it may do."""
    await tx.execute(
        """
        INSERT INTO api_keys (merchant_id, id, mode, kind, hash, last_four, expires_at, name, scopes,
                              networks, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        merchant,
        key_id,
        mode,
        kind,
        key_hash,
        last_four,
        expires_at,
        name,
        list(scopes),
        list(networks),
        created_by,
    )


async def find_key(reader: Connection, key_hash: bytes) -> Row | None:
    """The key with this hash and its merchant's state, revoked and expired ones included."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT k.merchant_id, k.id, k.mode, k.kind, k.scopes, k.networks, k.rate_per_second, k.rate_burst,
               k.expires_at, k.revoked_at, m.state AS merchant_state,
               k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' AS use_is_news
          FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
         WHERE k.hash = $1
        """,
        key_hash,
    )
    return row


async def note_use(connection: Connection, merchant: MerchantId, key_id: str) -> None:
    """The key was used just now; once a minute is enough."""
    await connection.execute(
        """
        UPDATE api_keys SET last_used_at = now()
         WHERE merchant_id = $1 AND id = $2
           AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
        """,
        merchant,
        key_id,
    )


_KEY_COLUMNS: Final = """id, mode, kind, last_four, name, scopes, networks, created_at, created_by,
    expires_at, revoked_at, last_used_at, rolled_to"""


async def list_keys(
    reader: Connection, merchant: MerchantId, mode: str, after: str | None, limit: int
) -> list[Row]:
    """Keys of one mode, newest first, below the id `after`."""
    found: list[Row] = await reader.fetch(
        f"""
        SELECT {_KEY_COLUMNS} FROM api_keys
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        mode,
        after,
        limit,
    )
    return found


async def key_by_id(
    tx: Connection, merchant: MerchantId, mode: str, key_id: str, *, lock: bool = False
) -> Row | None:
    """One key; `lock` keeps it as it is until the transaction ends."""
    row: Row | None = await tx.fetchrow(
        f"""
        SELECT {_KEY_COLUMNS} FROM api_keys
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 -- only our own words are put in
        merchant,
        mode,
        key_id,
    )
    return row


async def mode_of_key(reader: Connection, merchant: MerchantId, key_id: str) -> str | None:
    """The mode of a merchant's key."""
    mode: str | None = await reader.fetchval(
        "SELECT mode FROM api_keys WHERE merchant_id = $1 AND id = $2", merchant, key_id
    )
    return mode


async def set_rate(
    tx: Connection, merchant: MerchantId, key_id: str, per_second: int | None, burst: int | None
) -> bool:
    """A key's own rate, or None twice. False: there is no such key."""
    done: str = await tx.execute(
        "UPDATE api_keys SET rate_per_second = $3, rate_burst = $4 WHERE merchant_id = $1 AND id = $2",
        merchant,
        key_id,
        per_second,
        burst,
    )
    return done == "UPDATE 1"


async def count_usable_keys(tx: Connection, merchant: MerchantId, mode: str) -> int:
    """Keys that are neither revoked nor expired; two that are made at once are counted one after another."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    count: int = await tx.fetchval(
        """
        SELECT count(*) FROM api_keys
         WHERE merchant_id = $1 AND mode = $2 AND (revoked_at IS NULL OR revoked_at > now())
           AND (expires_at IS NULL OR expires_at > now())
        """,
        merchant,
        mode,
    )
    return count


async def hand_over(
    tx: Connection, merchant: MerchantId, key_id: str, successor: str, overlap_seconds: int
) -> None:
    """The old key works on for the overlap, unless it ends sooner by itself."""
    await tx.execute(
        """
        UPDATE api_keys
           SET rolled_to = $3,
               revoked_at = least(coalesce(revoked_at, 'infinity'), now() + make_interval(secs => $4))
         WHERE merchant_id = $1 AND id = $2
        """,
        merchant,
        key_id,
        successor,
        overlap_seconds,
    )


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
