"""How much a merchant may ask for: per payment, per day and per month of Bangkok, by method or altogether.

What counts towards a day is what was asked for and is not lost again (failed, expired, cancelled). Two
requests at the same moment may both see the room for one: a limit bounds a risk, it is no balance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money, decimal_text
from quickkub.storage import Connection

ALL_METHODS: Final = ""


class LimitExceeded(Refusal):
    """The amount is more than this merchant may ask for, in one payment or in the day or month."""

    code, kind = "merchant_limit_exceeded", Kind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in minor units, None: none. `today` and `this_month` are what is used of it."""

    method: str
    per_payment: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    today: int | None = None
    this_month: int | None = None


def refuse_excess(limits: Sequence[Limit], amount: Money) -> None:
    """Raises LimitExceeded, with the tightest thing said first."""
    for limit in limits:
        whose = f"by {limit.method}" if limit.method else "altogether"
        if limit.per_payment is not None and amount.minor > limit.per_payment:
            most = decimal_text(Money(limit.per_payment, amount.currency))
            raise LimitExceeded(f"at most {most} in one payment {whose}", param="amount")
        for used, most_minor, when in (
            (limit.today, limit.per_day, "a day"),
            (limit.this_month, limit.per_month, "a month"),
        ):
            if used is not None and most_minor is not None and used + amount.minor > most_minor:
                most = decimal_text(Money(most_minor, amount.currency))
                raise LimitExceeded(f"at most {most} in {when} {whose}", param="amount")


def read_standing(found: Sequence[Mapping[str, Any]] | None) -> tuple[Limit, ...]:
    """The value of SQL's limits_standing()."""
    return tuple(Limit(**one) for one in found or ())


async def limits(reader: Connection, merchant: MerchantId) -> list[Limit]:
    """A merchant's limits, that of all methods first."""
    rows = await reader.fetch(
        """
        SELECT method, per_payment, per_day, per_month FROM merchant_limits
         WHERE merchant_id = $1 ORDER BY method
        """,
        merchant,
    )
    return [Limit(**row) for row in rows]


async def replace_limits(tx: Connection, merchant: MerchantId, wanted: Sequence[Limit]) -> list[Limit]:
    """All limits of a merchant at once; what is not named has none any more."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    before = await limits(tx, merchant)
    await tx.execute("DELETE FROM merchant_limits WHERE merchant_id = $1", merchant)
    await tx.executemany(
        """
        INSERT INTO merchant_limits (merchant_id, method, per_payment, per_day, per_month)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [(merchant, one.method, one.per_payment, one.per_day, one.per_month) for one in wanted],
    )
    after = await limits(tx, merchant)
    entry = Act(
        "limits.changed",
        "merchant",
        merchant,
        merchant,
        before={"limits": [view_of(one) for one in before]},
        after={"limits": [view_of(one) for one in after]},
    )
    await record(tx, entry)
    return after


def view_of(limit: Limit) -> dict[str, Any]:
    """A limit as the API shows it; all methods together are null."""
    return {
        "method": limit.method or None,
        "per_payment": limit.per_payment,
        "per_day": limit.per_day,
        "per_month": limit.per_month,
    }
