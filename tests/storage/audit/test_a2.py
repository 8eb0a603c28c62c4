"""The nightly look finds, in SQL alone, what breaks the chains (A2)."""

from __future__ import annotations

import pytest

from quickkub.audit.retention import drop_old
from quickkub.invariants import audit_sql
from quickkub.ledger.verify import inspect
from tests.storage.audit.log import Log
from tests.storage.audit.test_dropping import grown_old

SEALS, WAITING, ANCHORS, GUARDS = (check.says for check in audit_sql.CHECKS)

DAMAGE = {
    "a seal is taken out": ("DELETE FROM audit_seals WHERE chain = $1 AND position = 3", SEALS),
    "a seal hangs on another hash": ("UPDATE audit_seals SET previous_hash = hash WHERE chain = $1", SEALS),
    "the first seal is taken out": ("DELETE FROM audit_seals WHERE chain = $1 AND position = 1", SEALS),
    "an entry is taken out": (
        "DELETE FROM audit_logs WHERE id = (SELECT min(id) FROM audit_logs WHERE chain = $1)",
        WAITING,
    ),
    "an entry has no seal and does not wait": (
        "DELETE FROM audit_unsealed WHERE chain = $1 AND since > now() - interval '1 minute'",
        WAITING,
    ),
    "nobody seals any more": (
        "UPDATE audit_unsealed SET since = now() - interval '11 minutes' WHERE chain = $1",
        WAITING,
    ),
    "an anchored tail is taken out": ("DELETE FROM audit_seals WHERE chain = $1 AND position = 5", ANCHORS),
}


async def broken(log: Log) -> set[str]:
    report = await inspect(log.db, audit_sql.CHECKS, audit_sql.TABLES)
    return {finding.check.says for finding in report.findings if finding.broken}


@pytest.fixture
async def worked(log: Log) -> Log:
    """Anchored, and with an entry that waits."""
    await log.is_anchored()
    await log.notes(6)
    return log


async def test_nothing_is_broken_in_a_log_at_work_whose_beginning_was_dropped(log: Log) -> None:
    await grown_old(log)
    await drop_old(log.db, 1)
    await log.notes(7)
    assert await broken(log) == set()


async def test_a_guard_that_was_taken_off_is_told(worked: Log) -> None:
    assert await broken(worked) == set()
    await worked.owner.execute("ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_only_added")
    assert await broken(worked) == {GUARDS}
    await worked.owner.execute("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_logs_only_added")


@pytest.mark.parametrize("name", DAMAGE)
async def test_the_look_finds_that(worked: Log, name: str) -> None:
    statement, says = DAMAGE[name]
    await worked.tampered(statement, args=(worked.merchant,))
    assert says in await broken(worked)
