"""Reads the whole of the books and tells what is not as it must be; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.ledger.checks import CHECKS, GUARDS, TABLES, Check
from quickkub.storage import Connection, Database

KEPT_MAX: Final = 100
"""Violations of one check that are kept for showing; the rest is only counted, so memory stays bounded."""

_ROWS_AT_ONCE: Final = 200


class NoBooks(Refusal):
    """The database has no tables of the ledger."""

    code, kind = "ledger_missing", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be. `what` is the id of the object, `merchant` is None for a guard."""

    invariant: str
    merchant: MerchantId | None
    what: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: rows it went through, how many break it, and the first of those."""

    check: Check
    rows: int
    broken: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All checks at one moment."""

    findings: tuple[Finding, ...]

    @property
    def broken(self) -> int:
        """How many violations there are; 0 when the books are in order."""
        return sum(finding.broken for finding in self.findings)

    @property
    def violations(self) -> list[Violation]:
        """The violations that were kept."""
        return [violation for finding in self.findings for violation in finding.violations]


async def verify(database: Database) -> Report:
    """Run every check of the books. See `inspect`."""
    return await inspect(database, CHECKS, TABLES)


async def inspect(database: Database, checks: Sequence[Check], tables: Sequence[str]) -> Report:
    """Run checks on one snapshot, so that money booked meanwhile is not half seen; `tables` are counted.

    The checks are aggregates in the database and what they return is read through a cursor: memory here does
    not grow with the books. Raises NoBooks, DatabaseAway.
    """
    async with database.transaction() as tx:
        await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await tx.execute("SET LOCAL statement_timeout = 0")
        if not await tx.fetchval("SELECT to_regclass('entries') IS NOT NULL"):
            raise NoBooks("this database has no ledger; `quickkub db migrate` makes the tables")
        rows = {table: int(await tx.fetchval(f"SELECT count(*) FROM {table}")) for table in tables}  # noqa: S608
        rows["guards"] = len(GUARDS)
        return Report(tuple([await _run(tx, check, rows[check.reads]) for check in checks]))


async def _run(tx: Connection, check: Check, rows: int) -> Finding:
    broken = 0
    kept: list[Violation] = []
    async for row in tx.cursor(check.sql, *check.args, prefetch=_ROWS_AT_ONCE):
        broken += 1
        if len(kept) < KEPT_MAX:
            kept.append(Violation(check.invariant, row["merchant_id"], row["what"], row["details"]))
    return Finding(check, rows, broken, tuple(kept))
