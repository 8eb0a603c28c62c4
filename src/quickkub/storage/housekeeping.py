"""What may be forgotten, and when."""

from __future__ import annotations

from typing import Final

from quickkub.storage.database import Connection

KEY_DAYS: Final = 30
"""A key outlives every automatic retry a client may make (I3)."""

REFUSED_DAYS: Final = 30


async def forget_old(tx: Connection, limit: int) -> int:
    """Delete up to `limit` idempotency keys and refused callbacks past their time; returns how many."""
    keys: str = await tx.execute(
        """
        DELETE FROM idempotency_keys WHERE ctid IN (
            SELECT ctid FROM idempotency_keys
             WHERE created_at < now() - make_interval(days => $1) LIMIT $2)
        """,
        KEY_DAYS,
        limit,
    )
    refused: str = await tx.execute(
        """
        DELETE FROM refused_callbacks WHERE ctid IN (
            SELECT ctid FROM refused_callbacks
             WHERE received_at < now() - make_interval(days => $1) LIMIT $2)
        """,
        REFUSED_DAYS,
        limit,
    )
    return int(keys.rsplit(maxsplit=1)[-1]) + int(refused.rsplit(maxsplit=1)[-1])
