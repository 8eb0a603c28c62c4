"""SQL of the watch over payers' pages."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final

from quickkub.storage import Connection

_NEWEST: Final = """
SELECT newest.checkout_token
  FROM merchants m
 CROSS JOIN unnest(ARRAY['live', 'test']) AS asked (mode)
 CROSS JOIN LATERAL (
       SELECT p.id, p.checkout_token
         FROM (SELECT merchant_id, id, checkout_token FROM payments
                WHERE merchant_id = m.id AND mode = asked.mode ORDER BY id DESC LIMIT 20) p
        WHERE p.checkout_token IS NOT NULL
          AND (SELECT next_action ->> 'type' FROM attempts
                WHERE merchant_id = p.merchant_id AND payment_id = p.id
                ORDER BY created_at DESC, id DESC LIMIT 1) IS DISTINCT FROM 'form_post'
        ORDER BY p.id DESC LIMIT 1) newest
 ORDER BY newest.id DESC LIMIT 1
"""
# A page with a provider's form has that provider in its policy; all others are alike.


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of one look."""

    address: str
    outcome: str
    pages: list[str]
    answers: int
    different: int
    differences: list[str]
    unreached: str | None
    seen_at: datetime


async def payment_to_look_at(reader: Connection) -> str | None:
    """The token of the newest payment with a page like all others, or None. Looking changes nothing in it."""
    found: str | None = await reader.fetchval(_NEWEST)
    return found


async def now(tx: Connection) -> datetime:
    """The database's time."""
    found: datetime = await tx.fetchval("SELECT clock_timestamp()")
    return found


async def add(tx: Connection, watch: str, row: Row) -> None:
    """Write down a look; rows are only added."""
    await tx.execute(
        """
        INSERT INTO page_watches (id, address, outcome, pages, answers, different, differences, unreached,
                                  seen_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        watch,
        *astuple(row),
    )
