"""What a merchant says about itself: its particulars, and how it looks to payers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.storage import Connection, Row

PARTICULARS: Final = (
    "name",
    "name_th",
    "legal_name",
    "registration_number",
    "business_kind",
    "address",
    "email",
    "phone",
    "website",
)
BRANDING: Final = ("display_name", "colour", "support_email", "support_phone")
_OWN: Final = (*PARTICULARS, *BRANDING)
_ALL: Final = f"id, state, state_reason, tier, created_at, payouts_held_until, {', '.join(_OWN)}"


async def profile(reader: Connection, merchant: MerchantId) -> dict[str, Any]:
    """A merchant as shown. Raises MerchantNotFound."""
    return view_of(await _row(reader, merchant))


async def change(tx: Connection, merchant: MerchantId, said: Mapping[str, str | None]) -> dict[str, Any]:
    """Change what is said, by the names above; None empties. Raises MerchantNotFound."""
    assert said.keys() <= frozenset(_OWN), "only what a merchant says about itself"
    before = await _row(tx, merchant, lock=True)
    changed = {name: value for name, value in said.items() if before[name] != value}
    if not changed:
        return view_of(before)
    columns = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, start=2))
    await tx.execute(
        f"UPDATE merchants SET {columns} WHERE id = $1",  # noqa: S608 -- names of the list above
        merchant,
        *changed.values(),
    )
    was = {name: before[name] for name in changed}
    await record(tx, Act("merchant.changed", "merchant", merchant, merchant, before=was, after=changed))
    return view_of(await _row(tx, merchant))


async def set_tier(tx: Connection, merchant: MerchantId, tier: str) -> dict[str, Any]:
    """Put a merchant into a tier. Raises MerchantNotFound."""
    before = await _row(tx, merchant, lock=True)
    await tx.execute("UPDATE merchants SET tier = $2 WHERE id = $1", merchant, tier)
    entry = Act(
        "merchant.tier_changed",
        "merchant",
        merchant,
        merchant,
        before={"tier": before["tier"]},
        after={"tier": tier},
    )
    await record(tx, entry)
    return view_of(await _row(tx, merchant))


async def merchants(
    reader: Connection, *, state: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """All merchants, for the platform: newest first, below the id `after`."""
    rows = await reader.fetch(
        f"""
        SELECT {_ALL} FROM merchants
         WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,  # noqa: S608 -- only our own column names are put in
        state,
        after,
        limit,
    )
    return [view_of(row) for row in rows]


def view_of(row: Row) -> dict[str, Any]:
    """A merchant as the API shows it."""
    held = row["payouts_held_until"]
    return {
        "id": row["id"],
        "object": "merchant",
        "status": row["state"],
        "status_reason": row["state_reason"],
        "tier": row["tier"],
        **{name: row[name] for name in PARTICULARS},
        "branding": {name: row[name] for name in BRANDING},
        "payouts_held_until": None if held is None else rfc3339(held),
        "created_at": rfc3339(row["created_at"]),
    }


async def _row(reader: Connection, merchant: MerchantId, *, lock: bool = False) -> Row:
    row: Row | None = await reader.fetchrow(
        f"SELECT {_ALL} FROM merchants WHERE id = $1 {'FOR UPDATE' if lock else ''}",  # noqa: S608
        merchant,
    )
    if row is None:
        raise MerchantNotFound
    return row
