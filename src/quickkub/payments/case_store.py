"""Cases: what waits for a person, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row
from quickkub.storage.outbox import Event, emit

COLUMNS: Final = """
    merchant_id, id, mode, kind, payment_id, receipt_id, state, details, resolution, resolved_by, version,
    opened_at, closed_at, now() AS seen_at
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A row of `cases`. `receipt` is set when it is about money that is nobody's."""

    merchant: MerchantId
    id: str
    mode: str
    kind: str
    payment: str | None
    receipt: str | None
    state: str
    details: Mapping[str, Any]
    resolution: str | None
    resolved_by: str | None
    version: int
    opened_at: datetime
    closed_at: datetime | None
    # The start of the transaction that read it, by the database's clock.
    seen_at: datetime


def _read(row: Row) -> Case:
    return Case(
        merchant=MerchantId(row["merchant_id"]),
        id=row["id"],
        mode=row["mode"],
        kind=row["kind"],
        payment=row["payment_id"],
        receipt=row["receipt_id"],
        state=row["state"],
        details=row["details"],
        resolution=row["resolution"],
        resolved_by=row["resolved_by"],
        version=row["version"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        seen_at=row["seen_at"],
    )


def case_view(case: Case) -> dict[str, Any]:
    """The case object of the API."""
    return {
        "id": case.id,
        "object": "case",
        "mode": case.mode,
        "kind": case.kind,
        "payment": case.payment,
        "receipt": case.receipt,
        "status": case.state,
        "details": dict(case.details),
        "resolution": case.resolution,
        "resolved_by": case.resolved_by,
        "opened_at": rfc3339(case.opened_at),
        "closed_at": rfc3339(case.closed_at) if case.closed_at else None,
        "version": case.version,
    }


async def open_case(
    tx: Connection,
    merchant: MerchantId,
    *,
    case_id: str,
    mode: str,
    kind: str,
    fact: str,
    payment: str | None,
    details: Mapping[str, Any],
    receipt: str | None = None,
) -> bool:
    """Put something before a person, once per fact. False: the case is there already."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO cases (merchant_id, id, mode, kind, fact, payment_id, details, receipt_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (merchant_id, kind, fact) DO NOTHING
        RETURNING {COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        merchant,
        case_id,
        mode,
        kind,
        fact,
        payment,
        dict(details),
        receipt,
    )
    if row is None:
        return False
    await _announce(tx, _read(row), "opened")
    return True


async def is_open_about(reader: Connection, merchant: MerchantId, receipt: str) -> bool:
    """Whether a person has a movement of money before them."""
    return bool(
        await reader.fetchval(
            "SELECT 1 FROM cases WHERE merchant_id = $1 AND receipt_id = $2 AND state = 'open' LIMIT 1",
            merchant,
            receipt,
        )
    )


async def find(
    reader: Connection, merchant: MerchantId, mode: str, case: str, *, lock: bool = False
) -> Case | None:
    row = await reader.fetchrow(
        f"SELECT {COLUMNS} FROM cases WHERE merchant_id = $1 AND mode = $2 AND id = $3"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        merchant,
        mode,
        case,
    )
    return _read(row) if row else None


async def page(
    reader: Connection, merchant: MerchantId, mode: str, limit: int, starting_after: str | None
) -> tuple[list[Case], bool]:
    """One page, newest first, and whether there are more."""
    rows = await reader.fetch(
        f"""
        SELECT {COLUMNS} FROM cases
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4
        """,  # noqa: S608
        merchant,
        mode,
        starting_after,
        limit + 1,
    )
    return [_read(row) for row in rows[:limit]], len(rows) > limit


async def close(tx: Connection, case: Case, resolution: str, by: str) -> Case:
    """Write down what was decided, and tell of it."""
    row = await tx.fetchrow(
        f"""
        UPDATE cases SET state = 'closed', closed_at = now(), resolution = $3, resolved_by = $4,
               version = version + 1
         WHERE merchant_id = $1 AND id = $2 AND state = 'open'
        RETURNING {COLUMNS}
        """,  # noqa: S608
        case.merchant,
        case.id,
        resolution,
        by,
    )
    assert row is not None, "the case row is locked by this transaction"
    closed = _read(row)
    await _announce(tx, closed, "closed")
    return closed


async def _announce(tx: Connection, case: Case, kind: str) -> None:
    await emit(
        tx,
        Event(
            merchant=case.merchant,
            mode=case.mode,
            type=f"case.{kind}",
            object_id=case.id,
            version=case.version,
            data={"object": case_view(case)},
        ),
    )
