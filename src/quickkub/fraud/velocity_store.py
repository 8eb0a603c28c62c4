"""SQL for velocity and lists: one statement counts, one statement reads everything a decision looks at."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.fraud.subject import Subject
from quickkub.fraud.velocity import (
    KEEP,
    MEASURES,
    PARTNERS_MAX,
    SHARDED,
    SHARDS,
    SPANS,
    WINDOWS,
    Counters,
    Partners,
    bucket,
    pairs_of,
)
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection

# The rows are locked in the same order by everybody, so that two payments cannot wait for each other.
# Counting comes
# before reading: a payment of the same card waits here until the other one is written, and then sees it.
_COUNT: Final = """
WITH keys AS (
    SELECT * FROM unnest($3::text[], $4::bytea[], $5::smallint[]) AS given (kind, key, shard)
), spans AS (
    SELECT * FROM unnest($6::smallint[], $7::timestamptz[]) AS given (span, bucket)
), counted AS (
    INSERT INTO fraud_velocity (merchant_id, mode, kind, key, span, bucket, shard, count, amount, failures)
    SELECT $1, $2, kind, key, span, bucket, shard, $8, $9, $10 FROM keys CROSS JOIN spans
     ORDER BY kind, key, shard, span
    ON CONFLICT (merchant_id, mode, kind, key, span, bucket, shard) DO UPDATE
       SET count = fraud_velocity.count + excluded.count, amount = fraud_velocity.amount + excluded.amount,
           failures = fraud_velocity.failures + excluded.failures
)
INSERT INTO fraud_partners (merchant_id, mode, kind, key, partner_kind, partner, seen_at)
SELECT $1, $2, kind, key, partner_kind, partner, $15
  FROM unnest($11::text[], $12::bytea[], $13::text[], $14::bytea[]) AS given (kind, key, partner_kind,
  partner)
 ORDER BY kind, key, partner_kind, partner
ON CONFLICT (merchant_id, mode, kind, key, partner_kind, partner) DO UPDATE
   SET seen_at = greatest(fraud_partners.seen_at, excluded.seen_at)
"""


async def count(
    tx: Connection,
    merchant: MerchantId,
    mode: str,
    keys: Mapping[str, bytes],
    at: datetime,
    *,
    payments: int = 0,
    amount: int = 0,
    failures: int = 0,
    with_partners: Mapping[str, bytes] | None = None,
) -> None:
    """Add to the buckets of each key, and write down who was seen with whom among `with_partners`."""
    spread = secrets.randbelow(SHARDS)
    pairs = pairs_of(with_partners or {})
    await tx.execute(
        _COUNT,
        merchant,
        mode,
        list(keys),
        list(keys.values()),
        [spread if kind in SHARDED else 0 for kind in keys],
        list(SPANS),
        [bucket(at, span) for span in SPANS],
        payments,
        amount,
        failures,
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        [pair[2] for pair in pairs],
        [pair[3] for pair in pairs],
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
    """What the database knows: counters, partners, and the lists the subject stands on."""

    counters: Counters
    partners: Partners
    listed: tuple[Listed, ...]


def _sums() -> str:
    """For each window, its three measures, from the buckets of its own size."""
    within = [
        f"span = {window.span} AND bucket >= ($8::timestamptz[])[{number}]"
        for number, window in enumerate(WINDOWS, start=1)
    ]
    return ", ".join(
        f"coalesce(sum({measure}) FILTER (WHERE {condition}), 0)::bigint"
        for condition in within
        for measure in MEASURES
    )


def _times() -> str:
    return ", ".join(
        f"count(*) FILTER (WHERE seen_at >= ($9::timestamptz[])[{number}])"
        for number, _ in enumerate(WINDOWS, start=1)
    )


# Each span is read by its own range of the primary key: no bucket older than its windows is touched.
_SEE: Final = f"""
WITH keys AS (
    SELECT * FROM unnest($3::text[], $4::bytea[]) AS given (kind, key)
), counters AS (
    SELECT keys.kind, sums.numbers FROM keys CROSS JOIN LATERAL (
        SELECT ARRAY[{_sums()}] AS numbers FROM (
            SELECT span, bucket, count, amount, failures FROM fraud_velocity
             WHERE merchant_id = $1 AND mode = $2 AND kind = keys.kind AND key = keys.key
               AND span = 1 AND bucket >= ($8::timestamptz[])[3]
            UNION ALL
            SELECT span, bucket, count, amount, failures FROM fraud_velocity
             WHERE merchant_id = $1 AND mode = $2 AND kind = keys.kind AND key = keys.key
               AND span = 60 AND bucket >= ($8::timestamptz[])[4]
            UNION ALL
            SELECT span, bucket, count, amount, failures FROM fraud_velocity
             WHERE merchant_id = $1 AND mode = $2 AND kind = keys.kind AND key = keys.key
               AND span = 1440 AND bucket >= ($8::timestamptz[])[6]) buckets) sums
), partners AS (
    SELECT pairs.kind || '.' || pairs.partner_kind AS pair, times.numbers
      FROM unnest($5::text[], $6::bytea[], $7::text[]) AS pairs (kind, key, partner_kind)
     CROSS JOIN LATERAL (
        SELECT ARRAY[{_times()}] AS numbers FROM (
            SELECT seen_at FROM fraud_partners
             WHERE merchant_id = $1 AND mode = $2 AND kind = pairs.kind AND key = pairs.key
               AND partner_kind = pairs.partner_kind LIMIT {PARTNERS_MAX}) seen) times
), wanted AS (
    SELECT * FROM unnest($10::text[], $11::bytea[]) AS given (kind, value_hash)
), listed AS (
    SELECT entry.list, entry.kind, entry.id FROM wanted JOIN fraud_list_entries entry USING (kind, value_hash)
     WHERE entry.merchant_id = $1 AND entry.mode = $2 AND entry.removed_at IS NULL
       AND (entry.expires_at IS NULL OR entry.expires_at > $12::timestamptz)
    UNION ALL
    SELECT 'legal', entry.kind, entry.id FROM wanted JOIN fraud_legal_entries entry USING (kind, value_hash)
     WHERE entry.removed_at IS NULL AND (entry.expires_at IS NULL OR entry.expires_at > $12::timestamptz)
)
SELECT (SELECT jsonb_object_agg(kind, numbers) FROM counters) AS counters,
       (SELECT jsonb_object_agg(pair, numbers) FROM partners) AS partners,
       (SELECT jsonb_agg(jsonb_build_array(list, kind, id) ORDER BY id) FROM listed) AS listed
"""  # noqa: S608 -- only our own numbers and names are put in


async def see(
    tx: Connection,
    subject: Subject,
    keys: Mapping[str, bytes],
    wanted: Sequence[tuple[str, bytes]],
) -> Seen:
    """Everything the database knows about a subject, in one statement. No keys: only the lists."""
    pairs = pairs_of(keys)
    row = await tx.fetchrow(
        _SEE,
        subject.merchant,
        subject.mode,
        list(keys),
        list(keys.values()),
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        [pair[2] for pair in pairs],
        [window.begins(subject.at) for window in WINDOWS],
        [subject.at - window.length for window in WINDOWS],
        [kind for kind, _ in wanted],
        [value_hash for _, value_hash in wanted],
        subject.at,
    )
    assert row is not None, "an aggregate always has a row"
    return Seen(
        {kind: _by_window(numbers) for kind, numbers in (row["counters"] or {}).items()},
        row["partners"] or {},
        tuple(Listed(*one) for one in row["listed"] or ()),
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
                SELECT ctid FROM fraud_velocity WHERE span = $1 AND bucket < now() - $2::interval LIMIT $3)
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
