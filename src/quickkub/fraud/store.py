"""SQL for rule sets and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.fraud.model import NO_RULES, RuleSet
from quickkub.fraud.reading import read_rule_set, show_rule_set
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

DECISION_COLUMNS: Final = """
    id, mode, payment_id, stage, rules_version, inputs, results, score, action, decided_by, shadow_action,
    latency_us, decided_at
"""


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """A version and who made it; version 0 was made by nobody."""

    rules: RuleSet
    created_by: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of `fraud_decisions`: everything that was looked at and what came of it."""

    id: str
    mode: str
    payment: str
    stage: str
    rules_version: int
    inputs: Mapping[str, Any]
    results: Sequence[Mapping[str, Any]]
    score: int
    action: str
    decided_by: str
    shadow_action: str
    latency_us: int
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review to be opened with a decision. `reasons` are of the rules, in both languages."""

    id: str
    reasons: Sequence[Mapping[str, str]]
    hours: int
    on_expiry: str


def _read_version(row: Row) -> RulesVersion:
    return RulesVersion(read_rule_set(row["rules"], row["version"]), row["created_by"], row["created_at"])


async def newest(reader: Connection, merchant: MerchantId, mode: str, *, lock: bool = False) -> RulesVersion:
    """The rules that count now. `lock`: nobody else changes them until the end of the transaction."""
    if lock:
        await reader.execute("SELECT 1 FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    row = await reader.fetchrow(
        """
        SELECT version, rules, created_by, created_at FROM fraud_rule_sets
         WHERE merchant_id = $1 AND mode = $2 ORDER BY version DESC LIMIT 1
        """,
        merchant,
        mode,
    )
    return RulesVersion(NO_RULES, None, None) if row is None else _read_version(row)


async def of_version(
    reader: Connection, merchant: MerchantId, mode: str, version: int
) -> RulesVersion | None:
    """One version, or None when there is no such."""
    if version == 0:
        return RulesVersion(NO_RULES, None, None)
    row = await reader.fetchrow(
        """
        SELECT version, rules, created_by, created_at FROM fraud_rule_sets
         WHERE merchant_id = $1 AND mode = $2 AND version = $3
        """,
        merchant,
        mode,
        version,
    )
    return None if row is None else _read_version(row)


async def add(tx: Connection, merchant: MerchantId, mode: str, rules: RuleSet, by: str) -> RulesVersion:
    """Write a version, and switch the screening of the mode on or off with it."""
    row = await tx.fetchrow(
        """
        WITH switched AS (
            UPDATE merchants SET fraud_versions = CASE
                   WHEN $6 THEN fraud_versions || jsonb_build_object($2::text, $3::integer)
                   ELSE fraud_versions - $2::text END
             WHERE id = $1)
        INSERT INTO fraud_rule_sets (merchant_id, mode, version, rules, created_by)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING version, rules, created_by, created_at
        """,
        merchant,
        mode,
        rules.version,
        show_rule_set(rules),
        by,
        rules.runs,
    )
    assert row is not None, "an INSERT without a conflict clause returns its row"
    return _read_version(row)


_KEEP_DECISION: Final = """
WITH decision AS (
    INSERT INTO fraud_decisions (merchant_id, id, mode, payment_id, stage, rules_version, inputs, results,
    score,
                                 action, decided_by, shadow_action, latency_us, decided_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
), review AS (
    INSERT INTO fraud_reviews (merchant_id, id, mode, payment_id, decision_id, reasons, expires_at, on_expiry)
    SELECT $1, $16, $3, $4, $2, $17::jsonb, $14 + make_interval(hours => $18), $19 WHERE $16::text IS NOT NULL
    ON CONFLICT (merchant_id, payment_id) DO NOTHING
)
UPDATE payments SET screening = $15
 WHERE merchant_id = $1 AND id = $4 AND screening <> $15
   -- A later look that finds nothing takes nobody's review away; a person does.
   AND screening NOT IN ('review', 'approved', 'declined')
"""


async def keep_decision(
    tx: Connection, merchant: MerchantId, decision: Decision, screening: str, review: NewReview | None
) -> None:
    """Write a decision, the payment's mark and the review it opens, in one statement."""
    await tx.execute(
        _KEEP_DECISION,
        merchant,
        decision.id,
        decision.mode,
        decision.payment,
        decision.stage,
        decision.rules_version,
        dict(decision.inputs),
        list(decision.results),
        decision.score,
        decision.action,
        decision.decided_by,
        decision.shadow_action,
        decision.latency_us,
        decision.decided_at,
        screening,
        review.id if review else None,
        list(review.reasons) if review else [],
        review.hours if review else 0,
        review.on_expiry if review else "keep",
    )


def _read_decision(row: Row) -> Decision:
    return Decision(*row.values())


async def find_decision(
    reader: Connection, decision: str, *, merchant: MerchantId | None = None, mode: str | None = None
) -> tuple[MerchantId, Decision] | None:
    """A decision and whose it is. Without a merchant it is looked for everywhere, for commands."""
    row = await reader.fetchrow(
        f"""
        SELECT merchant_id, {DECISION_COLUMNS} FROM fraud_decisions
         WHERE id = $1 AND ($2::text IS NULL OR merchant_id = $2) AND ($3::text IS NULL OR mode = $3)
        """,  # noqa: S608 -- only our own columns are put in
        decision,
        merchant,
        mode,
    )
    if row is None:
        return None
    whose, *rest = row.values()
    return MerchantId(whose), Decision(*rest)


async def decision_before(reader: Connection, merchant: MerchantId, payment: str) -> Decision | None:
    """The decision made before the provider was asked."""
    row = await reader.fetchrow(
        f"""
        SELECT {DECISION_COLUMNS} FROM fraud_decisions
         WHERE merchant_id = $1 AND payment_id = $2 AND stage = 'before' LIMIT 1
        """,  # noqa: S608
        merchant,
        payment,
    )
    return None if row is None else _read_decision(row)


async def decisions(
    reader: Connection,
    merchant: MerchantId,
    mode: str,
    *,
    limit: int,
    starting_after: str | None,
    payment: str | None,
    action: str | None,
) -> tuple[list[Decision], bool]:
    """One page, newest first, and whether there are more."""
    rows = await reader.fetch(
        f"""
        SELECT {DECISION_COLUMNS} FROM fraud_decisions
         WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR id < $3)
           AND ($4::text IS NULL OR payment_id = $4) AND ($5::text IS NULL OR action = $5)
         ORDER BY id DESC LIMIT $6
        """,  # noqa: S608
        merchant,
        mode,
        starting_after,
        payment,
        action,
        limit + 1,
    )
    return [_read_decision(row) for row in rows[:limit]], len(rows) > limit


async def history(
    reader: Connection, merchant: MerchantId, mode: str, days: int, after: str, limit: int
) -> list[Decision]:
    """Decisions of the last days in the order they were made, so many after the one with the id."""
    rows = await reader.fetch(
        f"""
        SELECT {DECISION_COLUMNS} FROM fraud_decisions
         WHERE merchant_id = $1 AND mode = $2 AND stage = 'before' AND id > $3
           AND decided_at >= now() - make_interval(days => $4)
         ORDER BY id LIMIT $5
        """,  # noqa: S608
        merchant,
        mode,
        after,
        days,
        limit,
    )
    return [_read_decision(row) for row in rows]


async def forget_decisions(tx: Connection, months: int, limit: int) -> int:
    """Delete up to `limit` decisions older than so many months; returns how many went."""
    said: str = await tx.execute(
        """
        DELETE FROM fraud_decisions WHERE ctid IN (
            SELECT ctid FROM fraud_decisions WHERE decided_at < now() - make_interval(months => $1) LIMIT $2)
        """,
        months,
        limit,
    )
    return int(said.rsplit(maxsplit=1)[-1])
