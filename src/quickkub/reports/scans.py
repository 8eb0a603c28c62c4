"""Two scanners over this installation: pip-audit knows weaknesses of libraries, bandit reads our code.

A scanner that is not here, does not answer or does not know a library is told as such, never as a clean one.
pip-audit asks a database of weaknesses on the internet for the names and versions of what is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeAlias

from quickkub.kernel.clock import rfc3339
from quickkub.reports.model import Cell, Table, cell
from quickkub.reports.words import Words

SECONDS_MAX: Final = 300
NOT_RUN: Final = "not run"
_WORDS_MAX: Final = 300
_PACKAGE: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. `place` is a file and line, or a library and version."""

    id: str
    severity: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanner said. `outcome`: `ran`, `partly` (`detail` says what was left out), or `not run`."""

    tool: str
    version: str | None
    outcome: str
    detail: str
    found: tuple[Found, ...] = field(default=())


Run: TypeAlias = "Callable[[list[str], Path], Awaitable[tuple[str, str]]]"
"""Runs a module of this Python in a folder; gives what it wrote. Raises TimeoutError."""


async def run_module(words: list[str], folder: Path) -> tuple[str, str]:
    """The scanner as a process of its own, ended when it takes longer than SECONDS_MAX."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode(errors="replace"), err.decode(errors="replace")


async def scan(run: Run = run_module, code: Path = _PACKAGE) -> list[Scan]:
    """Both scanners, one after the other."""
    audit = ["pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    return [
        await _one("pip-audit", run, audit, code.parent, _of_pip_audit),
        await _one(
            "bandit", run, ["bandit", "-r", code.name, "--format", "json", "-q"], code.parent, _of_bandit
        ),
    ]


def not_asked() -> list[Scan]:
    """What is told when the command was asked to leave scanners out."""
    return [Scan(tool, None, NOT_RUN, "left out by --no-scans") for tool in ("pip-audit", "bandit")]


async def _one(
    tool: str,
    run: Run,
    words: list[str],
    folder: Path,
    read: Callable[[Any], tuple[str, str, tuple[Found, ...]]],
) -> Scan:
    try:
        which = version(tool)
    except PackageNotFoundError:
        return Scan(tool, None, NOT_RUN, "not run here: not installed")
    try:
        out, err = await run(words, folder)
        outcome, detail, found = read(json.loads(out))
    except TimeoutError:
        return Scan(tool, which, NOT_RUN, f"no answer within {SECONDS_MAX} seconds")
    except (ValueError, KeyError, TypeError, AttributeError):
        # What it wrote is not what it writes when it ends well.
        said = (err.strip().splitlines() or ["it said nothing"])[-1]
        return Scan(tool, which, NOT_RUN, f"it ended without a result: {said[:_WORDS_MAX]}")
    return Scan(tool, which, outcome, detail, found)


def _of_pip_audit(said: Mapping[str, Any]) -> tuple[str, str, tuple[Found, ...]]:
    libraries = said["dependencies"]
    unknown = [str(one["name"]) for one in libraries if "skip_reason" in one]
    found = tuple(
        Found(str(bad["id"]), "", f"{one['name']} {one['version']}", _fixed(bad))
        for one in libraries
        for bad in one.get("vulns", ())
    )
    if unknown and len(unknown) == len(libraries):
        return NOT_RUN, f"it knew none of {len(libraries)} libraries: its database may be out of reach", found
    if unknown:
        told = f"{len(unknown)} of {len(libraries)} libraries are not known to it: {', '.join(unknown)}"
        return "partly", told[:_WORDS_MAX], found
    return "ran", f"{len(libraries)} libraries looked up", found


def _fixed(bad: Mapping[str, Any]) -> str:
    versions = bad.get("fix_versions") or ()
    return f"mended in {', '.join(map(str, versions))}" if versions else "no version mends it"


def _of_bandit(said: Mapping[str, Any]) -> tuple[str, str, tuple[Found, ...]]:
    found = tuple(
        Found(
            str(one["test_id"]),
            str(one["issue_severity"]).lower(),
            f"{one['filename']}:{one['line_number']}",
            str(one["issue_text"])[:_WORDS_MAX],
        )
        for one in said["results"]
    )
    lines = said["metrics"]["_totals"]["loc"]
    errors = said["errors"]
    if errors:
        return "partly", f"{lines} lines read, {len(errors)} files could not be", found
    return "ran", f"{lines} lines read", found


def tables(scans: list[Scan], now: Any) -> tuple[Table, Table]:
    """Which scanner ran, and every finding."""
    at: Cell = rfc3339(now)
    ran = tuple((one.tool, one.version, at, one.outcome, len(one.found), cell(one.detail)) for one in scans)
    found = tuple(
        (one.tool, what.id, what.severity, cell(what.place), cell(what.text))
        for one in scans
        for what in one.found
    )
    return (
        Table(
            "scans",
            Words("การสแกนส่วนประกอบและโค้ด", "Scans of components and code"),
            ("tool", "version", "occurred_at", "outcome", "count", "detail"),
            ran,
        ),
        Table(
            "scan-findings",
            Words("สิ่งที่การสแกนพบ", "What the scans found"),
            ("tool", "id", "severity", "place", "detail"),
            found,
            Words(
                "ว่าง: ไม่พบ หรือไม่ได้สแกน ดูตาราง scans; ข้อยกเว้นพร้อมเหตุผลอยู่ใน "
                "docs/security/exceptions.toml ของซอร์ส",
                "Empty: nothing was found, or nothing was run; see scans. What is left as it is has its "
                "reason and last day in docs/security/exceptions.toml of the source.",
            ),
        ),
    )
