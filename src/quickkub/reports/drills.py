"""Restores that were tried, as rows that are only added to (security-reliability 9; PCI DSS 4.0.1, 12.10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import new_id
from quickkub.storage import Connection

RPO_SECONDS_MAX: Final = 300
"""What may be lost: five minutes (security-reliability 9)."""

RTO_SECONDS_MAX: Final = 3_600
"""How long it may take: an hour (security-reliability 9)."""

MEASURED: Final = "measured"
TOLD: Final = "told"


class DrillUnclear(Refusal):
    """What is told of a restore drill cannot have happened like that."""

    code, kind = "restore_drill_unclear", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Drill:
    """A restore that was tried. What it did not come to is None.

    `how`: `measured` by this program, or `told` by whoever did it with other tools. `restored_to` is the
    last commit that came back; `rpo_seconds` is how much later the database was lost, `rto_seconds` how long
    it took until the copy was up and every invariant was checked; `broken` counts rows that break one.
    """

    how: str
    by_whom: str
    backup_at: datetime | None
    restored_to: datetime | None
    rpo_seconds: int | None
    rto_seconds: int | None
    invariants: int
    broken: int
    note: str | None = None
    failed: bool = False

    @property
    def passed(self) -> bool:
        """It came back whole, and nothing in it was broken."""
        return not self.failed and self.broken == 0 and self.invariants > 0 and self.rto_seconds is not None

    def over_target(self) -> list[str]:
        """Which of the two targets it missed."""
        missed = []
        if self.rpo_seconds is not None and self.rpo_seconds > RPO_SECONDS_MAX:
            missed.append(f"RPO {self.rpo_seconds} s is over the target of {RPO_SECONDS_MAX} s")
        if self.rto_seconds is not None and self.rto_seconds > RTO_SECONDS_MAX:
            missed.append(f"RTO {self.rto_seconds} s is over the target of {RTO_SECONDS_MAX} s")
        return missed


def refuse_unclear(drill: Drill, now: datetime) -> None:
    """Raises DrillUnclear."""
    if drill.backup_at is not None and drill.restored_to is not None and drill.restored_to < drill.backup_at:
        raise DrillUnclear("nothing is restored to a time before its backup", param="restored_to")
    if any(moment is not None and moment > now for moment in (drill.backup_at, drill.restored_to)):
        raise DrillUnclear("is yet to come", param="restored_to")


async def write(tx: Connection, drill: Drill) -> str:
    """Write it down, with an audit entry; returns its id. Raises DrillUnclear."""
    refuse_unclear(drill, await tx.fetchval("SELECT clock_timestamp()"))
    id_ = new_id("rdr")
    outcome = "passed" if drill.passed else "failed"
    await tx.execute(
        """
        INSERT INTO restore_drills (id, outcome, how, by_whom, backup_at, restored_to, rpo_seconds,
                                    rto_seconds, invariants, broken, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        id_,
        outcome,
        drill.how,
        drill.by_whom,
        drill.backup_at,
        drill.restored_to,
        drill.rpo_seconds,
        drill.rto_seconds,
        drill.invariants,
        drill.broken,
        drill.note,
    )
    after = {
        "how": drill.how,
        "backup_at": rfc3339(drill.backup_at) if drill.backup_at else None,
        "restored_to": rfc3339(drill.restored_to) if drill.restored_to else None,
        "rpo_seconds": drill.rpo_seconds,
        "rto_seconds": drill.rto_seconds,
        "invariants": drill.invariants,
        "broken": drill.broken,
    }
    act = Act(
        "restore_drill.ended",
        "restore_drill",
        id_,
        outcome="done" if drill.passed else "failed",
        after=after,
    )
    await record(tx, act)
    return id_
