"""What a merchant decides about money that does not fit: tolerances, and money without a payment."""

from __future__ import annotations

from dataclasses import dataclass

from quickkub.audit import Act, record
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """`under` and `over` are minor units that still count as paid; `orphans` is `hold` or `refund`.

    `unique_satang`: amounts of static PromptPay QRs are made unlike each other by some satang.
    `step_up_over`: of one payment a person gives back no more minor units than this without a step-up.
    """

    under: int
    over: int
    orphans: str
    unique_satang: bool
    step_up_over: int


def _read(row: Row) -> MoneyRules:
    return MoneyRules(
        row["under_tolerance"],
        row["over_tolerance"],
        row["orphan_rule"],
        row["unique_satang"],
        row["refund_step_up_over"],
    )


async def money_rules(reader: Connection, merchant: MerchantId) -> MoneyRules:
    """The merchant's rules as they stand."""
    row = await reader.fetchrow(
        """
        SELECT under_tolerance, over_tolerance, orphan_rule, unique_satang, refund_step_up_over
          FROM merchants WHERE id = $1
        """,
        merchant,
    )
    assert row is not None, "a key's merchant exists"
    return _read(row)


async def change_money_rules(
    tx: Connection,
    merchant: MerchantId,
    *,
    under: int | None,
    over: int | None,
    orphans: str | None,
    unique_satang: bool | None = None,
    step_up_over: int | None = None,
) -> MoneyRules:
    """Change what is said; None leaves a rule as it is. It counts for money that comes from now on."""
    before = await money_rules(tx, merchant)
    row = await tx.fetchrow(
        """
        UPDATE merchants SET under_tolerance = coalesce($2, under_tolerance),
               over_tolerance = coalesce($3, over_tolerance), orphan_rule = coalesce($4, orphan_rule),
               unique_satang = coalesce($5, unique_satang),
               refund_step_up_over = coalesce($6, refund_step_up_over)
         WHERE id = $1
        RETURNING under_tolerance, over_tolerance, orphan_rule, unique_satang, refund_step_up_over
        """,
        merchant,
        under,
        over,
        orphans,
        unique_satang,
        step_up_over,
    )
    assert row is not None, "a key's merchant exists"
    rules = _read(row)
    act = Act(
        "settings.changed",
        "settings",
        merchant,
        merchant=merchant,
        before=_said(before),
        after=_said(rules),
    )
    await record(tx, act)
    return rules


def _said(rules: MoneyRules) -> dict[str, int | str | bool]:
    """By the names of the API."""
    return {
        "under_tolerance": rules.under,
        "over_tolerance": rules.over,
        "orphan_payments": rules.orphans,
        "unique_satang": rules.unique_satang,
        "refund_step_up_over": rules.step_up_over,
    }
