"""Fee plans: what a payment costs the merchant, from when on, by method.

A plan is a share of the amount (an exact decimal) and a fixed part. Plans of one method never overlap; the
database refuses it. What was valid once is not changed: a new plan begins now or later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import BadAmount, Money, Rate
from quickkub.storage import Connection, Row

ALL_METHODS: Final = ""
_DECIMALS_MAX: Final = 6
_PERCENT_MAX: Final = 100


class FeePlanOverlaps(Refusal):
    """Another plan of this method is valid in a part of this time, and begins later than this one."""

    code, kind = "fee_plan_overlaps", Kind.CONFLICT


class FeePlanInvalid(Refusal):
    """A fee plan has a share, a fixed part or a time that cannot be."""

    code, kind = "fee_plan_invalid", Kind.INVALID


@dataclass(frozen=True, slots=True)
class FeePlan:
    """One plan. `percent` is plain decimal text such as `2.65`; `until` None: until another one begins."""

    id: str
    method: str
    percent: str
    fixed_satang: int
    begins: datetime
    until: datetime | None

    def fee_of(self, amount: Money) -> Money:
        """The fee before VAT: the share, rounded half away from zero (S4), and the fixed part."""
        return Rate.percent(self.percent).of(amount) + Money(self.fixed_satang, amount.currency)


def read_percent(text: str) -> str:
    """A share of 0 to 100 with at most six decimals, without idle zeros. Raises FeePlanInvalid."""
    try:
        rate = Rate.percent(text)
    except BadAmount as trouble:
        raise FeePlanInvalid("must be a plain decimal such as 2.65", param="percent") from trouble
    if rate.numerator > rate.denominator or len(text.partition(".")[2]) > _DECIMALS_MAX:
        raise FeePlanInvalid(
            f"must be 0 to {_PERCENT_MAX} with at most {_DECIMALS_MAX} decimals", param="percent"
        )
    return _plain(Decimal(text))


async def add(
    tx: Connection,
    merchant: MerchantId,
    method: str,
    *,
    percent: str,
    fixed_satang: int,
    begins: datetime | None,
    by: str,
) -> FeePlan:
    """A plan from a moment on (None: now); the one that is valid then ends there.

    Raises FeePlanInvalid, FeePlanOverlaps.
    """
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    percent = read_percent(percent)
    now: datetime = await tx.fetchval("SELECT now()")
    starts = begins or now
    if starts < now:
        raise FeePlanInvalid("a plan begins now or later, never before", param="begins_at")
    if await _later(tx, merchant, method, starts):
        raise FeePlanOverlaps(
            "a later plan of this method is there; choose a time after it", param="begins_at"
        )
    await _end(tx, merchant, method, starts)
    row = await tx.fetchrow(
        f"""
        INSERT INTO fee_plans (merchant_id, id, method, percent, fixed_satang, valid, created_by)
        VALUES ($1, $2, $3, $4, $5, tstzrange($6, NULL), $7) RETURNING {_COLUMNS}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        new_id("fee"),
        method,
        Decimal(percent),
        fixed_satang,
        starts,
        by,
    )
    plan = _read(row)
    await record(tx, Act("fee_plan.added", "fee_plan", plan.id, merchant, after=view_of(plan)))
    return plan


async def plan_for(reader: Connection, merchant: MerchantId, method: str, at: datetime) -> FeePlan | None:
    """The plan of a payment by this method at this moment: the method's own, else that of all methods."""
    row = await reader.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM fee_plans
         WHERE merchant_id = $1 AND method IN ('', $2) AND valid @> $3::timestamptz
         ORDER BY method DESC LIMIT 1
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        method,
        at,
    )
    return None if row is None else _read(row)


async def plans(reader: Connection, merchant: MerchantId) -> list[FeePlan]:
    """All plans there were and will be, by method and time."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM fee_plans WHERE merchant_id = $1 ORDER BY method, valid",  # noqa: S608
        merchant,
    )
    return [_read(row) for row in rows]


def view_of(plan: FeePlan) -> dict[str, Any]:
    """A plan as the API shows it."""
    return {
        "id": plan.id,
        "object": "fee_plan",
        "method": plan.method or None,
        "percent": plan.percent,
        "fixed_satang": plan.fixed_satang,
        "begins_at": rfc3339(plan.begins),
        "ends_at": None if plan.until is None else rfc3339(plan.until),
    }


_COLUMNS: Final = "id, method, percent, fixed_satang, lower(valid) AS begins, upper(valid) AS until"


async def _later(tx: Connection, merchant: MerchantId, method: str, starts: datetime) -> bool:
    found: bool = await tx.fetchval(
        """
        SELECT EXISTS (SELECT FROM fee_plans WHERE merchant_id = $1 AND method = $2 AND lower(valid) >= $3)
        """,
        merchant,
        method,
        starts,
    )
    return found


async def _end(tx: Connection, merchant: MerchantId, method: str, at: datetime) -> None:
    await tx.execute(
        """
        UPDATE fee_plans SET valid = tstzrange(lower(valid), $3)
         WHERE merchant_id = $1 AND method = $2 AND valid @> $3::timestamptz
        """,
        merchant,
        method,
        at,
    )


def _read(row: Row | None) -> FeePlan:
    assert row is not None, "it was written in this transaction"
    fields = dict(row)
    return FeePlan(**{**fields, "percent": _plain(fields["percent"])})


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
