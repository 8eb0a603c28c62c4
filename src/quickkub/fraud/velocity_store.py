"""SQL for velocity and lists: one trip counts and reads everything a decision looks at.

The statements behind it are the functions `fraud_count` and `fraud_look` of the migration that made the
tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.fraud.facts import FACTS, Facts
from quickkub.fraud.subject import Subject
from quickkub.fraud.velocity import (
    KEEP,
    MEASURES,
    PARTNERS_MAX,
    SHARED,
    SPANS,
    WINDOWS,
    Counters,
    Partners,
    bucket,
    pairs_of,
)
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection


async def count_failure(
    tx: Connection, merchant: MerchantId, mode: str, keys: Mapping[str, bytes], at: datetime
) -> None:
    """Add a failure to the buckets of each key."""
    await tx.execute(
        """
        SELECT fraud_count($1, $2, $3, $4, array_fill(true, ARRAY[cardinality($3::text[])]), $5, $6, $7,
                           0, 0, 1, '{}', '{}', '{}', '{}', $8)
        """,
        merchant,
        mode,
        list(keys),
        list(keys.values()),
        [kind in SHARED for kind in keys],
        list(SPANS),
        [bucket(at, span) for span in SPANS],
        at,
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry that the subject stands on."""

    list: str
    kind: str
    entry: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database knows: counters, partners, the lists the subject stands on, perhaps the merchant."""

    counters: Counters
    partners: Partners
    listed: tuple[Listed, ...]
    facts: Facts | None = None


_LOOK: Final = """
SELECT counters, seen_with, listed
  FROM fraud_look($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""

_LOOK_WITH_FACTS: Final = f"""
SELECT facts.*, counters, seen_with, listed
  FROM fraud_look($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) looked
 CROSS JOIN LATERAL ({FACTS}) facts
"""  # noqa: S608 -- only our own statement is put in


async def look(
    tx: Connection,
    subject: Subject,
    keys: Mapping[str, bytes],
    wanted: Sequence[tuple[str, bytes]],
    *,
    new: Collection[str],
    with_facts: bool = False,
) -> Seen:
    """Count the subject under its `new` kinds of keys, then read everything about all of them, in one trip.

    No keys: only the lists are looked at. `with_facts`: the merchant's, too.
    """
    pairs = pairs_of(keys)
    row = await tx.fetchrow(
        _LOOK_WITH_FACTS if with_facts else _LOOK,
        subject.merchant,
        subject.mode,
        list(keys),
        list(keys.values()),
        [kind in new for kind in keys],
        [kind in SHARED for kind in keys],
        list(SPANS),
        [bucket(subject.at, span) for span in SPANS],
        subject.amount.minor,
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        [pair[2] for pair in pairs],
        [pair[3] for pair in pairs],
        subject.at,
        [window.begins(subject.at) for window in WINDOWS],
        [subject.at - window.length for window in WINDOWS],
        PARTNERS_MAX,
        [kind for kind, _ in wanted],
        [value_hash for _, value_hash in wanted],
    )
    assert row is not None, "a payment's merchant exists"
    *facts, counters, seen_with, listed = row.values()
    return Seen(
        {kind: _by_window(sums) for kind, sums in zip(keys, counters or (), strict=True)},
        {f"{pair[0]}.{pair[2]}": numbers for pair, numbers in zip(pairs, seen_with or (), strict=True)},
        tuple(Listed(*one) for one in listed or ()),
        Facts(*facts) if with_facts else None,
    )


def _by_window(numbers: Sequence[int]) -> list[list[int]]:
    width = len(MEASURES)
    return [list(numbers[start : start + width]) for start in range(0, len(numbers), width)]


async def prune(tx: Connection, limit: int) -> int:
    """Delete up to `limit` rows of each sort that no window reaches any more; returns how many went."""
    gone = 0
    for span, keep in KEEP.items():
        said: Any = await tx.execute(
            """
            DELETE FROM fraud_velocity WHERE ctid IN (
                SELECT ctid FROM fraud_velocity
                 WHERE span + 0 = $1 AND bucket < now() - $2::interval LIMIT $3)
            """,
            span,
            keep,
            limit,
        )
        gone += int(said.rsplit(maxsplit=1)[-1])
    said = await tx.execute(
        """
        DELETE FROM fraud_partners WHERE ctid IN (
            SELECT ctid FROM fraud_partners WHERE seen_at < now() - $1::interval LIMIT $2)
        """,
        WINDOWS[-1].length,
        limit,
    )
    return gone + int(said.rsplit(maxsplit=1)[-1])
