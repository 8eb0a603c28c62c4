"""The nightly look, told as a metric: alarms page on any violation (security-reliability 9)."""

from __future__ import annotations

from quickkub.invariants.run import CHECKS, check_invariants
from quickkub.storage import Database
from quickkub.telemetry import get_logger
from quickkub.telemetry.invariants import LAST_LOOK, VIOLATIONS

log = get_logger("invariants")


async def look(database: Database) -> int:
    """Check everything, set the metric, log each violation. Returns how many there are."""
    report = await check_invariants(database)
    by_id = dict.fromkeys((check.invariant for check in CHECKS), 0)
    for finding in report.findings:
        by_id[finding.check.invariant] += finding.broken
    for invariant, broken in by_id.items():
        VIOLATIONS.labels(invariant).set(broken)
    LAST_LOOK.set_to_current_time()
    for violation in report.violations:
        log.error("invariant broken", invariant=violation.invariant, reference=violation.what)
    return report.broken
