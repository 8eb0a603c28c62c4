"""SQL for lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from quickkub.fraud.lists import NewEntry
from quickkub.fraud.subject import Hasher
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Connection, Row

_COLUMNS: Final = "id, kind, shown, reason, expires_at, created_by, created_at"
LEGAL: Final = "legal"
AT_ONCE: Final = 10_000

Columns: TypeAlias = "tuple[list[object], ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list, without its hash."""

    list: str
    id: str
    kind: str
    shown: str
    reason: str
    expires_at: datetime | None
    created_by: str
    created_at: datetime


def _read(row: Row, which: str | None = None) -> Entry:
    values = [row[name.strip()] for name in _COLUMNS.split(",")]
    return Entry(which or row["list"], *values)


async def add(
    tx: Connection, merchant: MerchantId, mode: str, which: str, columns: Columns, by: str
) -> list[str]:
    """Put entries on a merchant's list, in one statement; those that stand there already get the new reason
    and
    expiry. Returns their ids, in no order."""
    rows = await tx.fetch(
        """
        INSERT INTO fraud_list_entries (merchant_id, mode, list, created_by, id, kind, value_hash, shown,
        reason,
                                        expires_at)
        SELECT $1, $2, $3, $4, given.* FROM unnest($5::text[], $6::text[], $7::bytea[], $8::text[],
        $9::text[],
                                                   $10::timestamptz[]) AS given
        ON CONFLICT (merchant_id, mode, list, kind, value_hash) WHERE removed_at IS NULL DO UPDATE
           SET reason = excluded.reason, expires_at = excluded.expires_at
        RETURNING id
        """,
        merchant,
        mode,
        which,
        by,
        *columns,
    )
    return [row["id"] for row in rows]


async def add_legal(tx: Connection, columns: Columns, by: str) -> list[str]:
    """The same for the platform's legal list."""
    rows = await tx.fetch(
        """
        INSERT INTO fraud_legal_entries (created_by, id, kind, value_hash, shown, reason, expires_at)
        SELECT $1, given.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[],
                                       $7::timestamptz[]) AS given
        ON CONFLICT (kind, value_hash) WHERE removed_at IS NULL DO UPDATE
           SET reason = excluded.reason, expires_at = excluded.expires_at
        RETURNING id
        """,
        by,
        *columns,
    )
    return [row["id"] for row in rows]


def in_columns(hasher: Hasher, entries: Sequence[NewEntry]) -> list[Columns]:
    """Entries as they are written, `AT_ONCE` in each statement. Hashing many takes a while: do it in a
    thread."""
    return [_columns(hasher, entries[start : start + AT_ONCE]) for start in range(0, len(entries), AT_ONCE)]


def _columns(hasher: Hasher, entries: Sequence[NewEntry]) -> Columns:
    return (
        [new_id("fle") for _ in entries],
        [one.kind for one in entries],
        [hasher.entry(one.kind, one.value) for one in entries],
        [one.shown for one in entries],
        [one.reason for one in entries],
        [one.expires_at for one in entries],
    )


async def page(
    reader: Connection, merchant: MerchantId, mode: str, which: str | None, limit: int, after: str | None
) -> tuple[list[Entry], bool]:
    """One page of what stands on a merchant's lists, newest first, and whether there is more."""
    rows = await reader.fetch(
        f"""
        SELECT list, {_COLUMNS} FROM fraud_list_entries
         WHERE merchant_id = $1 AND mode = $2 AND removed_at IS NULL AND ($3::text IS NULL OR list = $3)
           AND ($4::text IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5
        """,  # noqa: S608 -- only our own columns are put in
        merchant,
        mode,
        which,
        after,
        limit + 1,
    )
    return [_read(row) for row in rows[:limit]], len(rows) > limit


async def legal_page(reader: Connection, limit: int, after: str | None) -> tuple[list[Entry], bool]:
    """The same of the legal list."""
    rows = await reader.fetch(
        f"""
        SELECT {_COLUMNS} FROM fraud_legal_entries
         WHERE removed_at IS NULL AND ($1::text IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
        """,  # noqa: S608
        after,
        limit + 1,
    )
    return [_read(row, LEGAL) for row in rows[:limit]], len(rows) > limit


async def remove(tx: Connection, merchant: MerchantId, mode: str, entry: str, by: str) -> Entry | None:
    """Take an entry off; it stays for the understanding of old decisions. None: it is not there."""
    row = await tx.fetchrow(
        f"""
        UPDATE fraud_list_entries SET removed_at = now(), removed_by = $4
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND removed_at IS NULL
        RETURNING list, {_COLUMNS}
        """,  # noqa: S608
        merchant,
        mode,
        entry,
        by,
    )
    return None if row is None else _read(row)


async def remove_legal(tx: Connection, entry: str, by: str) -> Entry | None:
    """The same from the legal list."""
    row = await tx.fetchrow(
        f"""
        UPDATE fraud_legal_entries SET removed_at = now(), removed_by = $2
         WHERE id = $1 AND removed_at IS NULL RETURNING {_COLUMNS}
        """,  # noqa: S608
        entry,
        by,
    )
    return None if row is None else _read(row, LEGAL)
