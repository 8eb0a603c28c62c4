"""SQL of an export: a person's rows, in the words that mean something to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

_ROWS: Final = {
    "payments": """
        SELECT id, mode, amount, currency, state, method, reference, description, metadata, return_url, payer,
               refunded_amount, created_at, paid_at
          FROM payments WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id""",
    "refunds": """
        SELECT id, mode, payment_id, amount, currency, state, reason, note, way, destination, metadata,
               created_at, finished_at
          FROM refunds WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id""",
    "disputes": """
        SELECT id, mode, payment_id, amount, currency, state, reason, created_at, closed_at
          FROM disputes WHERE merchant_id = $1 AND id = ANY ($2) ORDER BY id""",
    "cases": """
        SELECT id, mode, kind, payment_id, state, details, resolution, opened_at, closed_at
          FROM cases WHERE merchant_id = $1 AND payment_id = ANY ($2) ORDER BY id""",
    "fraud_decisions": """
        SELECT id, mode, payment_id, stage, score, action, decided_at
          FROM fraud_decisions WHERE merchant_id = $1 AND payment_id = ANY ($2) ORDER BY id""",
    "events": """
        SELECT id, mode, type, object_id, data, created_at
          FROM events WHERE merchant_id = $1 AND object_id = ANY ($2) ORDER BY id""",
}


async def rows_of(
    reader: Connection, merchant: MerchantId, objects: Mapping[str, Sequence[str]]
) -> dict[str, list[Row]]:
    """What is held about these objects, by kind."""
    every = [one for ids in objects.values() for one in ids]
    return {name: list(await reader.fetch(sql, merchant, every)) for name, sql in _ROWS.items()}
