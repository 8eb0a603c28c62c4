"""The hourly look at what has a time by law or standard, told as metrics and in the log.

Requests of people are owed within 30 days (PDPA s.30 and s.33), a breach is told to the regulator within 72
hours (PDPA s.37 (4)), payers' pages are looked at every seven days at least (PCI DSS 4.0.1, 11.6.1). What is
promised here counts, too: heads of the audit chains leave the database every hour, and the log and the books
are looked at every night (security-reliability 5.6 and 9).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.kernel.clock import rfc3339
from quickkub.storage import Database
from quickkub.storage.scope import house
from quickkub.telemetry import get_logger
from quickkub.telemetry.deadlines import DEADLINES, DRILLED, LAST_LOOK

DUTIES: Final = ("privacy_request", "breach", "page_watch", "audit_anchor", "nightly_work")
NIGHTLY: Final = ("audit_verify", "invariants", "retention")
"""Jobs of the worker that end every night; one that breaks again and again is put aside until the next."""

OVERDUE, SOON = "overdue", "soon"

_LINES_MAX: Final = 100
log = get_logger("reports")

# A breach is told of from its first hour. Where nobody looked yet, the time runs from the first merchant.
_OPEN: Final = """
SELECT duty, reference, due_at, due_at < clock_timestamp() AS overdue FROM (
    SELECT 'privacy_request' AS duty, id AS reference, due_at, interval '7 days' AS before
      FROM privacy_requests WHERE state = 'open'
     UNION ALL
    SELECT 'breach', id, due_at, interval '72 hours'
      FROM breaches WHERE reported_at IS NULL AND closed_at IS NULL
     UNION ALL
    SELECT 'page_watch', 'page_watches', seen_at + interval '7 days', interval '5 days'
      FROM (SELECT coalesce((SELECT max(seen_at) FROM page_watches WHERE unreached IS NULL),
                            (SELECT min(created_at) FROM merchants)) AS seen_at) last
     WHERE seen_at IS NOT NULL
     UNION ALL
    -- The oldest entry that losing a chain's tail could still take away: the hour, and one that was missed.
    SELECT 'audit_anchor', chain, first.sealed_at + interval '2 hours', interval '0'
      FROM (SELECT id AS chain FROM merchants UNION ALL SELECT 'platform') chains
     CROSS JOIN LATERAL (SELECT coalesce(max(length), 0) AS length FROM audit_anchors anchor
                          WHERE anchor.chain = chains.chain) anchored
     CROSS JOIN LATERAL (SELECT sealed_at FROM audit_seals seal
                          WHERE seal.chain = chains.chain AND position > anchored.length
                          ORDER BY position LIMIT 1) first
     UNION ALL
    SELECT 'nightly_work', name, ended_at + interval '36 hours', interval '0'
      FROM (SELECT nightly.name,
                   coalesce(work.finished_at, (SELECT min(created_at) FROM merchants)) AS ended_at
              FROM unnest($1::text[]) AS nightly (name) LEFT JOIN scheduled_work work USING (name)) nights
     WHERE ended_at IS NOT NULL
) owed WHERE due_at < clock_timestamp() + before
 ORDER BY due_at, reference
"""

_DRILLED: Final = """
SELECT coalesce(extract(epoch FROM max(ended_at)), 0)::bigint FROM restore_drills WHERE outcome = 'passed'
"""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One duty whose time is near (`soon`) or over (`overdue`)."""

    duty: str
    reference: str
    due_at: datetime
    standing: str


async def look_at_deadlines(db: Database) -> list[Deadline]:
    """Set the metrics and log every duty: what is overdue at level error, what is near as a warning."""
    with house():
        async with db.read() as reader:
            rows = await reader.fetch(_OPEN, list(NIGHTLY))
            drilled = await reader.fetchval(_DRILLED)
    found = [
        Deadline(row["duty"], row["reference"], row["due_at"], OVERDUE if row["overdue"] else SOON)
        for row in rows
    ]
    counted = Counter((one.duty, one.standing) for one in found)
    for duty in DUTIES:
        for standing in (OVERDUE, SOON):
            DEADLINES.labels(duty, standing).set(counted[duty, standing])
    LAST_LOOK.set_to_current_time()
    DRILLED.set(drilled)
    for one in found[:_LINES_MAX]:
        told = log.error if one.standing == OVERDUE else log.warning
        told(
            f"a duty is {one.standing}", reference=one.reference, reason=f"{one.duty}: {rfc3339(one.due_at)}"
        )
    return found
