"""SQL of second factors and recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from quickkub.storage import Connection, Row


async def standing(reader: Connection, user_id: str) -> Row:
    """When the second factor was confirmed, and how many recovery codes are left."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT (SELECT confirmed_at FROM second_factors WHERE user_id = $1) AS confirmed_at,
               (SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS codes_left
        """,
        user_id,
    )
    assert row is not None, "a SELECT without FROM has one row"
    return row


async def is_on(reader: Connection, user_id: str) -> bool:
    """Whether there is a confirmed secret."""
    found = await reader.fetchval(
        "SELECT 1 FROM second_factors WHERE user_id = $1 AND secret IS NOT NULL", user_id
    )
    return found is not None


async def set_pending(tx: Connection, user_id: str, sealed: bytes) -> None:
    """A secret to be confirmed, in place of one before it."""
    await tx.execute(
        """
        INSERT INTO second_factors (user_id, pending, pending_at) VALUES ($1, $2, now())
        ON CONFLICT (user_id) DO UPDATE SET pending = $2, pending_at = now()
        """,
        user_id,
        sealed,
    )


async def lock_pending(tx: Connection, user_id: str) -> bytes | None:
    """The secret to be confirmed; it waits an hour at most."""
    sealed: bytes | None = await tx.fetchval(
        """
        SELECT pending FROM second_factors
         WHERE user_id = $1 AND pending_at > now() - interval '1 hour' FOR UPDATE
        """,
        user_id,
    )
    return sealed


async def set_secret(tx: Connection, user_id: str, sealed: bytes, step: int) -> None:
    """The confirmed secret; the code that confirmed it is spent."""
    await tx.execute(
        """
        UPDATE second_factors SET secret = $2, confirmed_at = now(), pending = NULL, pending_at = NULL,
                                  last_counter = $3
         WHERE user_id = $1
        """,
        user_id,
        sealed,
        step,
    )


async def secret(tx: Connection, user_id: str) -> Row | None:
    """The confirmed secret, sealed, and when it was confirmed."""
    return await tx.fetchrow(
        "SELECT secret, confirmed_at FROM second_factors WHERE user_id = $1 AND secret IS NOT NULL", user_id
    )


async def use_step(tx: Connection, user_id: str, confirmed_at: datetime, step: int) -> bool:
    """Spend a step and all before it. False when somebody was faster, or the secret was replaced."""
    found = await tx.fetchval(
        """
        UPDATE second_factors SET last_counter = $3
         WHERE user_id = $1 AND confirmed_at = $2 AND last_counter < $3 RETURNING user_id
        """,
        user_id,
        confirmed_at,
        step,
    )
    return found is not None


async def remove(tx: Connection, user_id: str) -> bool:
    """No second factor, no recovery codes. False when no confirmed one was there."""
    found = await tx.fetchval(
        """
        WITH codes AS (DELETE FROM recovery_codes WHERE user_id = $1)
        DELETE FROM second_factors WHERE user_id = $1 AND secret IS NOT NULL RETURNING user_id
        """,
        user_id,
    )
    return found is not None


async def replace_codes(tx: Connection, user_id: str, hashes: Sequence[bytes]) -> None:
    """These codes and no others."""
    await tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await tx.execute(
        "INSERT INTO recovery_codes (user_id, hash) SELECT $1, unnest($2::bytea[])", user_id, list(hashes)
    )


async def use_code(tx: Connection, user_id: str, code_hash: bytes) -> bool:
    """Spend a code. False when it is none, or somebody was faster."""
    found = await tx.fetchval(
        """
        UPDATE recovery_codes SET used_at = now()
         WHERE user_id = $1 AND hash = $2 AND used_at IS NULL RETURNING user_id
        """,
        user_id,
        code_hash,
    )
    return found is not None
