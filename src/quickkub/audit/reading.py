"""SQL for reading entries: lists for the API, streams for exports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.audit.chain import PLATFORM, plain
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

_ROWS_AT_ONCE: Final = 500

_LIST: Final = """
SELECT * FROM audit_logs
 WHERE chain = $1 AND ($2::text IS NULL OR mode IS NULL OR mode = $2)
   AND ($3::text IS NULL OR action = $3)
   AND ($4::text IS NULL OR resource_type = $4)
   AND ($5::text IS NULL OR resource_id = $5)
   AND ($6::text IS NULL OR actor_id = $6)
   AND ($7::timestamptz IS NULL OR created_at >= $7)
   AND ($8::timestamptz IS NULL OR created_at < $8)
   AND ($9::text IS NULL OR id < $9)
 ORDER BY id DESC LIMIT $10
"""

_EXPORT: Final = """
SELECT seal.position, seal.previous_hash, seal.hash, entry.*
  FROM audit_logs entry
  LEFT JOIN audit_seals seal ON seal.chain = entry.chain AND seal.entry_id = entry.id
 WHERE ($1::text IS NULL OR entry.chain = $1)
   AND ($2::timestamptz IS NULL OR entry.created_at >= $2)
   AND ($3::timestamptz IS NULL OR entry.created_at < $3)
 ORDER BY entry.chain, seal.position NULLS LAST, entry.id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a chain; what is None does not matter. `since` is in, `until` is not."""

    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def entries(
    reader: Connection, chain: str, mode: str | None, wanted: Wanted, *, before: str | None, limit: int
) -> list[Row]:
    """A chain's entries, newest first, from the entry `before` back: of `mode` (None: any) and of none."""
    return await reader.fetch(
        _LIST,
        chain,
        mode,
        wanted.action,
        wanted.resource_type,
        wanted.resource_id,
        wanted.actor,
        wanted.since,
        wanted.until,
        before,
        limit,
    )


async def entry_of(reader: Connection, chain: str | None, mode: str | None, entry: str) -> Row | None:
    """One entry of a chain (None: of any) that a caller of this mode may see, or None."""
    return await reader.fetchrow(
        """
        SELECT * FROM audit_logs
         WHERE id = $2 AND ($1::text IS NULL OR chain = $1)
           AND ($3::text IS NULL OR mode IS NULL OR mode = $3)
        """,
        chain,
        entry,
        mode,
    )


async def for_export(
    tx: Connection, chain: str | None, since: datetime | None, until: datetime | None
) -> AsyncIterator[dict[str, Any]]:
    """Entries with their seals, chain by chain, oldest first; `chain` None: all of them.

    Someone who has the lines of a whole chain can compute its hashes again.
    """
    async for row in tx.cursor(_EXPORT, chain, since, until, prefetch=_ROWS_AT_ONCE):
        seal = {
            "chain": row["chain"],
            "position": row["position"],
            "previous_hash": row["previous_hash"].hex() if row["previous_hash"] else None,
            "hash": row["hash"].hex() if row["hash"] else None,
        }
        yield plain(row) | seal


def chain_of(merchant: MerchantId | None) -> str:
    """The chain a merchant's entries are in; None is the platform."""
    return merchant or PLATFORM
