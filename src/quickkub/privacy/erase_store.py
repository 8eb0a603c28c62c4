"""SQL of an erasure: a person's own rows, and rows of the same merchant whose words name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from quickkub.kernel.ids import MerchantId
from quickkub.privacy.classification import BY_NAME, with_words
from quickkub.privacy.model import Erasure
from quickkub.storage import Connection, Row

STATEMENT_SECONDS: Final = 300
"""Words are looked for in all rows of the merchant, which takes longer than a request usually may."""

_ANSWERS: Final = "idempotency_keys"


def _worded() -> dict[str, list[str]]:
    """Text and JSON columns in which somebody may be named, by table."""
    tables: dict[str, list[str]] = {}
    for column in with_words(Erasure.REPLACED):
        if column.table != _ANSWERS:
            tables.setdefault(column.table, []).append(column.name)
    return tables


WORDED: Final = _worded()


async def begin(tx: Connection, merchant: MerchantId) -> None:
    """One erasure of a merchant's people at a time; a hold is placed before it or after it."""
    await tx.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
    await tx.execute(f"SET LOCAL lock_timeout = '{STATEMENT_SECONDS}s'")
    await lock(tx, merchant)


async def lock(tx: Connection, merchant: MerchantId) -> None:
    """Holds and erasures of one merchant, one after the other."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('privacy ' || $1, 0))", merchant)


async def payers(tx: Connection, merchant: MerchantId, objects: Mapping[str, Sequence[str]]) -> list[Row]:
    """What is sealed of a person in their payments and refunds: table, id, mode, sealed."""
    return list(
        await tx.fetch(
            """
            SELECT 'payments' AS table, id, mode, payer AS sealed FROM payments
             WHERE merchant_id = $1 AND id = ANY ($2) AND payer IS NOT NULL
            UNION ALL
            SELECT 'refunds', id, mode, destination FROM refunds
             WHERE merchant_id = $1 AND id = ANY ($3) AND destination IS NOT NULL
            """,
            merchant,
            list(objects["payments"]),
            list(objects["refunds"]),
        )
    )


async def own_rows(tx: Connection, table: str, merchant: MerchantId, ids: Sequence[str]) -> list[Row]:
    """A person's payments or refunds, locked."""
    return list(
        await tx.fetch(
            # The table is one of two names in erase.py.
            f"SELECT * FROM {table} WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE",  # noqa: S608
            merchant,
            list(ids),
        )
    )


async def empty_payment(
    tx: Connection,
    merchant: MerchantId,
    payment: str,
    reference: str | None,
    description: str | None,
    said: Any,
) -> None:
    await tx.execute(
        """
        UPDATE payments SET payer = NULL, return_url = NULL, reference = $3, description = $4, metadata = $5
         WHERE merchant_id = $1 AND id = $2
        """,
        merchant,
        payment,
        reference,
        description,
        said,
    )


async def empty_refund(
    tx: Connection, merchant: MerchantId, refund: str, note: str | None, said: Any
) -> None:
    await tx.execute(
        """
        UPDATE refunds SET destination = NULL, note = $3, metadata = $4
         WHERE merchant_id = $1 AND id = $2
        """,
        merchant,
        refund,
        note,
        said,
    )


_PLAIN: Final = {
    "attempts.next_action": """
        UPDATE attempts SET next_action = NULL
         WHERE merchant_id = $1 AND payment_id = ANY ($2) AND next_action IS NOT NULL""",
    "attempts.form_fields": """
        UPDATE attempts SET form_fields = NULL
         WHERE merchant_id = $1 AND payment_id = ANY ($2) AND form_fields IS NOT NULL""",
    "webhook_deliveries.last_answer": """
        UPDATE webhook_deliveries d SET last_answer = NULL FROM events event
         WHERE d.merchant_id = $1 AND event.merchant_id = $1 AND event.id = d.event_id
           AND event.object_id = ANY ($2) AND d.last_answer IS NOT NULL""",
    "webhook_tries.answer": """
        UPDATE webhook_tries t SET answer = NULL FROM events event
         WHERE t.merchant_id = $1 AND event.merchant_id = $1 AND event.id = t.event_id
           AND event.object_id = ANY ($2) AND t.answer IS NOT NULL""",
    "person_tokens.token": "DELETE FROM person_tokens WHERE merchant_id = $1 AND object_id = ANY ($2)",
}


async def empty_plain(tx: Connection, merchant: MerchantId, objects: Sequence[str]) -> dict[str, int]:
    """What simply goes; how many rows of each."""
    return {name: _count(await tx.execute(sql, merchant, list(objects))) for name, sql in _PLAIN.items()}


async def empty_answers(tx: Connection, merchant: MerchantId, found_by: Sequence[str]) -> dict[str, int]:
    """What merchants' endpoints answered and named somebody in."""
    done = {}
    for table, column in (("webhook_deliveries", "last_answer"), ("webhook_tries", "answer")):
        sql = f"UPDATE {table} SET {column} = NULL WHERE merchant_id = $1 AND {column} ~* ANY ($2)"  # noqa: S608
        done[f"{table}.{column}"] = _count(await tx.execute(sql, merchant, list(found_by)))
    return done


async def told_about(tx: Connection, merchant: MerchantId, found_by: Sequence[str]) -> list[str]:
    """Objects that events name somebody in, beyond their own."""
    rows = await tx.fetch(
        "SELECT DISTINCT object_id FROM events WHERE merchant_id = $1 AND data::text ~* ANY ($2)",
        merchant,
        list(found_by),
    )
    return [row["object_id"] for row in rows]


async def rewrite_events(
    tx: Connection, merchant: MerchantId, objects: Sequence[str], how: Callable[[Any], Any]
) -> int:
    """What was told of these objects, in other words."""
    rows = await tx.fetch(
        "SELECT id, data FROM events WHERE merchant_id = $1 AND object_id = ANY ($2) FOR UPDATE",
        merchant,
        list(objects),
    )
    changed = [(merchant, row["id"], how(row["data"])) for row in rows if how(row["data"]) != row["data"]]
    await tx.executemany("UPDATE events SET data = $3 WHERE merchant_id = $1 AND id = $2", changed)
    return len(changed)


async def rewrite_words(
    tx: Connection,
    merchant: MerchantId,
    found_by: Sequence[str],
    how: Callable[[Any], Any],
    *,
    payments: Sequence[str] | None = None,
) -> dict[str, int]:
    """Rows of any table whose words are found by a pattern, in other words; how many of each column.

    `payments`: only rows about these, in tables that know their payment.
    """
    done: dict[str, int] = {}
    for table, columns in WORDED.items():
        if payments is not None and f"{table}.payment_id" not in BY_NAME:
            continue
        found = " OR ".join(f"{column}::text ~* ANY ($2)" for column in columns)
        about = "AND payment_id = ANY ($3)" if payments is not None else "AND $3::text[] IS NULL"
        rows = await tx.fetch(
            f"SELECT ctid AS row_is, {', '.join(columns)} FROM {table}"  # noqa: S608 -- from the classification
            f" WHERE merchant_id = $1 AND ({found}) {about} FOR UPDATE",
            merchant,
            list(found_by),
            payments,
        )
        for row in rows:
            changed = {name: how(row[name]) for name in columns if how(row[name]) != row[name]}
            await _write(tx, table, row["row_is"], changed)
            for name in changed:
                done[f"{table}.{name}"] = done.get(f"{table}.{name}", 0) + 1
    return done


async def _write(tx: Connection, table: str, row_is: Any, changed: Mapping[str, Any]) -> None:
    """The row is locked, so its place stays its own until it is written."""
    if not changed:
        return
    words = ", ".join(f"{name} = ${number}" for number, name in enumerate(changed, start=2))
    await tx.execute(f"UPDATE {table} SET {words} WHERE ctid = $1", row_is, *changed.values())  # noqa: S608


async def stored_answers(
    tx: Connection, merchant: MerchantId, objects: Sequence[str], found_by: Sequence[str]
) -> list[Row]:
    """Answers kept for repeats, about these objects or with words of theirs, and what the sealed
    part of each is bound to."""
    return list(
        await tx.fetch(
            """
            SELECT ctid AS row_is, answer, form_fields, operation || ' ' || key AS form_row, mode,
                   resource_id = ANY ($2) OR resource_id IN (
                       SELECT id FROM instructions WHERE merchant_id = $1 AND payment_id = ANY ($2)) AS own
              FROM idempotency_keys
             WHERE merchant_id = $1 AND answer IS NOT NULL
               AND (resource_id = ANY ($2) OR convert_from(answer, 'UTF8') ~* ANY ($3)
                    OR resource_id IN (SELECT id FROM instructions
                                        WHERE merchant_id = $1 AND payment_id = ANY ($2)))
               FOR UPDATE
            """,
            merchant,
            list(objects),
            list(found_by),
        )
    )


async def keep_answer(tx: Connection, row_is: Any, answer: bytes, form_fields: bytes | None) -> None:
    """The same answer in other words."""
    await tx.execute(
        "UPDATE idempotency_keys SET answer = $2, form_fields = $3 WHERE ctid = $1",
        row_is,
        answer,
        form_fields,
    )


async def others_forms(
    tx: Connection, merchant: MerchantId, objects: Sequence[str], found_by: Sequence[str]
) -> list[Row]:
    """Forms of other payments whose own words name the person: a provider's form repeats a description."""
    return list(
        await tx.fetch(
            """
            SELECT a.id, a.mode, a.form_fields
              FROM attempts a JOIN payments p ON p.merchant_id = a.merchant_id AND p.id = a.payment_id
             WHERE a.merchant_id = $1 AND a.form_fields IS NOT NULL AND NOT a.payment_id = ANY ($2)
               AND (p.description ~* ANY ($3) OR p.reference ~* ANY ($3))
               FOR UPDATE OF a
            """,
            merchant,
            list(objects),
            list(found_by),
        )
    )


async def keep_form(tx: Connection, merchant: MerchantId, attempt: str, form_fields: bytes) -> None:
    """The same form in other words."""
    await tx.execute(
        "UPDATE attempts SET form_fields = $3 WHERE merchant_id = $1 AND id = $2",
        merchant,
        attempt,
        form_fields,
    )


def _count(status: str) -> int:
    return int(status.rsplit(maxsplit=1)[-1])
