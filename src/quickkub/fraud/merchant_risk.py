"""What is known of a merchant's risk, and payouts stopped by order (security-reliability 6, merchant risk).

The settlement asks `payouts_stopped` before it pays out; this room stops nothing by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place, Vault


class FreezeNotFound(Refusal):
    """No standing freeze of the merchant's payouts has this id."""

    code, kind = "payout_freeze_not_found", Kind.NOT_FOUND


RISK_CLASSES: Final = ("general", "high", "prohibited")


@dataclass(frozen=True, slots=True)
class MerchantRisk:
    """How a merchant is judged. `declared_amount` is what it expects in 30 days, in satang."""

    risk_class: str
    reason: str
    category: str | None = None
    declared_amount: int | None = None
    beneficial_owners: Sequence[Mapping[str, Any]] = ()
    review_by: date | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Payouts stopped from `starts_at`, until `ends_at` or until somebody lifts it."""

    id: str
    legal_basis: str
    starts_at: datetime
    ends_at: datetime | None
    ordered_by: str
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_because: str | None


_FREEZE_COLUMNS: Final = (
    "id, legal_basis, starts_at, ends_at, ordered_by, lifted_at, lifted_by, lifted_because"
)


def _owners_place(merchant: MerchantId, judgement: str) -> Place:
    return Place("merchant_risks", "beneficial_owners", merchant, judgement)


async def judge(tx: Connection, vault: Vault, merchant: MerchantId, risk: MerchantRisk, by: str) -> int:
    """Write how the merchant is judged from now on; returns the version. The rules see it within a minute.

    Who owns the merchant is sealed: names and numbers of people, kept for ten years after it closed.
    """
    judgement, owners = new_id("mrk"), [dict(owner) for owner in risk.beneficial_owners]
    sealed = vault.seal(json.dumps(owners).encode(), _owners_place(merchant, judgement)) if owners else None
    version: int = await tx.fetchval(
        """
        INSERT INTO merchant_risks (merchant_id, id, version, risk_class, category, declared_amount,
                                    beneficial_owners, review_by, reason, created_by)
        SELECT $1, $9, coalesce(max(version), 0) + 1, $2, $3, $4, $5::bytea, $6, $7, $8
          FROM merchant_risks WHERE merchant_id = $1
        RETURNING version
        """,
        merchant,
        risk.risk_class,
        risk.category,
        risk.declared_amount,
        sealed,
        risk.review_by,
        risk.reason,
        by,
        judgement,
    )
    after = {
        "risk_class": risk.risk_class,
        "category": risk.category,
        "reason": risk.reason,
        "version": version,
    }
    await record(tx, Act("merchant_risk.judged", "merchant", merchant, merchant, after=after))
    return version


async def owners_of(reader: Connection, vault: Vault, merchant: MerchantId) -> list[dict[str, Any]]:
    """Who owns the merchant, as last judged, in full: for whoever checks merchants. Raises CannotOpen."""
    row = await reader.fetchrow(
        """
        SELECT id, beneficial_owners AS sealed FROM merchant_risks
         WHERE merchant_id = $1 ORDER BY version DESC LIMIT 1
        """,
        merchant,
    )
    if row is None or row["sealed"] is None:
        return []
    owners: list[dict[str, Any]] = json.loads(vault.open(row["sealed"], _owners_place(merchant, row["id"])))
    return owners


async def freeze_payouts(
    tx: Connection,
    merchant: MerchantId,
    *,
    legal_basis: str,
    starts_at: datetime,
    ends_at: datetime | None,
    by: str,
) -> str:
    """Stop the merchant's payouts; returns the freeze's id. Times are aware UTC."""
    freeze = new_id("frz")
    await tx.execute(
        """
        INSERT INTO payout_freezes (merchant_id, id, legal_basis, starts_at, ends_at, ordered_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        merchant,
        freeze,
        legal_basis,
        starts_at,
        ends_at,
        by,
    )
    after = {"legal_basis": legal_basis, "starts_at": starts_at.isoformat()}
    after["ends_at"] = ends_at.isoformat() if ends_at else ""
    await record(tx, Act("payouts.frozen", "payout_freeze", freeze, merchant, after=after))
    return freeze


async def lift_freeze(tx: Connection, merchant: MerchantId, freeze: str, *, because: str, by: str) -> Freeze:
    """End a freeze. Raises FreezeNotFound."""
    row = await tx.fetchrow(
        f"""
        UPDATE payout_freezes SET lifted_at = now(), lifted_by = $3, lifted_because = $4
         WHERE merchant_id = $1 AND id = $2 AND lifted_at IS NULL RETURNING {_FREEZE_COLUMNS}
        """,  # noqa: S608 -- only our own columns are put in
        merchant,
        freeze,
        by,
        because,
    )
    if row is None:
        raise FreezeNotFound("there is no such freeze", param="id")
    await record(tx, Act("payouts.unfrozen", "payout_freeze", freeze, merchant, after={"because": because}))
    return _read(row)


def _read(row: Row) -> Freeze:
    return Freeze(*row.values())


async def payouts_stopped(reader: Connection, merchant: MerchantId) -> list[Freeze]:
    """The freezes that stand now; payouts go on only when there is none."""
    rows = await reader.fetch(
        f"""
        SELECT {_FREEZE_COLUMNS} FROM payout_freezes
         WHERE merchant_id = $1 AND lifted_at IS NULL AND starts_at <= now()
           AND (ends_at IS NULL OR ends_at > now())
         ORDER BY id
        """,  # noqa: S608
        merchant,
    )
    return [_read(row) for row in rows]


async def note_payout_account_changed(tx: Connection, merchant: MerchantId, by: str) -> None:
    """Whoever changes where payouts go says so here, in the same transaction."""
    await tx.execute(
        """
        INSERT INTO payout_account_changes (merchant_id, changed_at, changed_by) VALUES ($1, now(), $2)
        ON CONFLICT DO NOTHING
        """,
        merchant,
        by,
    )
