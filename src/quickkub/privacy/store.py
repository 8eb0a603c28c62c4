"""SQL for people's tokens, holds, erasures and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

_UNKNOWN: Final = """
SELECT t.id, t.mode, t.sealed
  FROM (SELECT id, mode, {column} AS sealed FROM {table}
         WHERE merchant_id = $1 AND {column} IS NOT NULL AND id > $2 ORDER BY id) t
 WHERE NOT EXISTS (SELECT FROM person_tokens known WHERE known.merchant_id = $1 AND known.object_id = t.id)
 LIMIT $3
"""

_SEALED_PEOPLE: Final = {"payments": "payer", "refunds": "destination"}


async def without_tokens(
    reader: Connection, merchant: MerchantId, table: str, after: str, limit: int
) -> list[Row]:
    """Payments (or refunds) with a person in them that are not indexed yet: id, mode, sealed."""
    query = _UNKNOWN.format(table=table, column=_SEALED_PEOPLE[table])
    return list(await reader.fetch(query, merchant, after, limit))


async def add_tokens(tx: Connection, merchant: MerchantId, tokens: Sequence[tuple[str, str, bytes]]) -> None:
    """Object, kind and token of each."""
    await tx.executemany(
        "INSERT INTO person_tokens (merchant_id, object_id, kind, token) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        [(merchant, *one) for one in tokens],
    )


async def objects_of(reader: Connection, merchant: MerchantId, tokens: Sequence[bytes]) -> list[str]:
    """The payments and refunds that have any of these tokens."""
    rows = await reader.fetch(
        "SELECT DISTINCT object_id FROM person_tokens WHERE merchant_id = $1 AND token = ANY ($2) ORDER BY 1",
        merchant,
        list(tokens),
    )
    return [row["object_id"] for row in rows]


async def with_companions(
    reader: Connection, merchant: MerchantId, objects: Sequence[str]
) -> dict[str, list[str]]:
    """Payments, refunds and disputes that belong together with these, by table."""
    row = await reader.fetchrow(
        """
        WITH pays AS (
            SELECT id FROM payments WHERE merchant_id = $1 AND id = ANY ($2)
            UNION SELECT payment_id FROM refunds
                   WHERE merchant_id = $1 AND id = ANY ($2) AND payment_id IS NOT NULL)
        SELECT coalesce((SELECT array_agg(id ORDER BY id) FROM pays), '{}') AS payments,
               coalesce((SELECT array_agg(id ORDER BY id) FROM refunds WHERE merchant_id = $1
                          AND (id = ANY ($2) OR payment_id IN (SELECT id FROM pays))), '{}') AS refunds,
               coalesce((SELECT array_agg(id ORDER BY id) FROM disputes WHERE merchant_id = $1
                          AND payment_id IN (SELECT id FROM pays)), '{}') AS disputes
        """,
        merchant,
        list(objects),
    )
    assert row is not None, "a select without a table has one row"
    return {name: list(row[name]) for name in ("payments", "refunds", "disputes")}


async def still_open(reader: Connection, merchant: MerchantId, objects: Sequence[str]) -> str | None:
    """One of these objects that is not at its end, or None."""
    found: str | None = await reader.fetchval(
        """
        SELECT id FROM payments WHERE merchant_id = $1 AND id = ANY ($2)
           AND state IN ('created', 'requires_action', 'processing', 'authorized')
        UNION ALL SELECT id FROM refunds WHERE merchant_id = $1 AND id = ANY ($2)
           AND state IN ('processing', 'requires_transfer')
        UNION ALL SELECT id FROM disputes WHERE merchant_id = $1 AND id = ANY ($2)
           AND state NOT IN ('won', 'lost')
        UNION ALL SELECT payment_id FROM attempts WHERE merchant_id = $1 AND payment_id = ANY ($2)
           AND state = 'unknown'
        UNION ALL SELECT id FROM instructions WHERE merchant_id = $1 AND payment_id = ANY ($2)
           AND state IN ('created', 'processing', 'unknown')
        UNION ALL SELECT told.id FROM inbox told JOIN attempts a
              ON a.merchant_id = told.merchant_id AND a.provider = told.provider
             AND a.account_id = told.account_id AND a.reference = told.reference
           WHERE told.merchant_id = $1 AND a.payment_id = ANY ($2) AND told.state = 'kept'
        LIMIT 1
        """,
        merchant,
        list(objects),
    )
    return found


async def held_because(
    reader: Connection, merchant: MerchantId, objects: Sequence[str], tokens: Sequence[bytes]
) -> str | None:
    """The id of a standing hold that covers any of these objects, or the person by a token; None for none."""
    found: str | None = await reader.fetchval(
        """
        SELECT id FROM legal_holds hold WHERE merchant_id = $1 AND lifted_at IS NULL
           AND (covers = 'merchant' OR payment_id = ANY ($2) OR token = ANY ($3)
                OR EXISTS (SELECT FROM person_tokens known
                            WHERE known.merchant_id = $1 AND known.object_id = ANY ($2)
                              AND known.token = hold.token))
         ORDER BY id LIMIT 1
        """,
        merchant,
        list(objects),
        list(tokens),
    )
    return found


async def erased_before(reader: Connection, merchant: MerchantId, tokens: Mapping[str, bytes]) -> Row | None:
    """The newest erasure of whoever has any of these tokens."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT id, pseudonym, counts, erased_at, erased_by FROM erasures WHERE merchant_id = $1
           AND (email_token = $2 OR phone_token = $3 OR name_token = $4)
         ORDER BY id DESC LIMIT 1
        """,
        merchant,
        tokens.get("email"),
        tokens.get("phone"),
        tokens.get("name"),
    )
    return row


async def add_erasure(tx: Connection, merchant: MerchantId, erasure: Mapping[str, Any]) -> Row:
    """Write the certificate; returns its time."""
    row = await tx.fetchrow(
        """
        INSERT INTO erasures (merchant_id, id, request_id, email_token, phone_token, name_token, pseudonym,
                              counts, erased_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, pseudonym, counts, erased_at, erased_by
        """,
        merchant,
        erasure["id"],
        erasure["request"],
        erasure["email"],
        erasure["phone"],
        erasure["name"],
        erasure["pseudonym"],
        erasure["counts"],
        erasure["by"],
    )
    assert row is not None, "an insert returns its row"
    written: Row = row
    return written


async def let_go(tx: Connection, merchant: MerchantId, erasure: str, objects: Sequence[str]) -> None:
    """From here on the append-only tables let go of what these objects said."""
    await tx.execute(
        """
        INSERT INTO erased_objects (merchant_id, object_id, erasure_id)
        SELECT $1, unnest($3::text[]), $2 ON CONFLICT DO NOTHING
        """,
        merchant,
        erasure,
        list(objects),
    )
