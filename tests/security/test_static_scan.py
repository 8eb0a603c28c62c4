"""The source, looked over by a scanner, and the libraries, compared with known weaknesses.

What is found has to be mended, or excepted in docs/security/exceptions.toml with a reason and a last day: an
exception is a debt, and this test collects it.
"""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
EXCEPTIONS: Final = ROOT / "docs/security/exceptions.toml"
DAYS_MAX: Final = 400
KNOWN: Final[frozenset[str]] = frozenset()
"""Known weaknesses of libraries that are excepted, by their ids."""

AUDIT_SECONDS: Final = 120


@dataclass(frozen=True)
class Excused:
    """One line of the list."""

    id: str
    place: str
    reason: str
    until: date

    def covers(self, finding: Mapping[str, Any]) -> bool:
        return self.id == finding["id"] and fnmatch.fnmatch(finding["place"], self.place)


@cache
def exceptions() -> tuple[Excused, ...]:
    read = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    return tuple(Excused(**one) for one in read["exception"])


@pytest.fixture(scope="module")
def findings() -> list[dict[str, Any]]:
    """What bandit says about everything that is shipped."""
    told = subprocess.run(
        [sys.executable, "-m", "bandit", "--recursive", "src", "--format", "json", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(told.stdout)
    assert said["errors"] == []
    assert said["metrics"]["_totals"]["loc"] > 30_000
    return [
        {
            "id": one["test_id"],
            "place": one["filename"],
            "line": one["line_number"],
            "text": one["issue_text"],
        }
        for one in said["results"]
    ]


def test_every_finding_of_the_scanner_is_mended_or_excepted(
    findings: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    open_ = [
        f"{one['place']}:{one['line']} {one['id']} {one['text']}"
        for one in findings
        if not any(excused.covers(one) for excused in exceptions())
        and not (one["id"] == "B608" and holds_constants_only(ROOT / one["place"], one["line"]))
    ]
    with capsys.disabled():
        print(f"\nbandit: {len(findings)} findings, {len(open_)} open, {len(exceptions())} exceptions")
    assert open_ == []


def test_no_exception_is_older_than_its_last_day_or_given_for_ever() -> None:
    today = datetime.now(UTC).date()
    assert [one for one in exceptions() if one.until < today] == []
    assert [one for one in exceptions() if one.until > today + timedelta(days=DAYS_MAX)] == []


def test_an_exception_has_a_reason_that_is_a_sentence_and_excuses_something(
    findings: list[dict[str, Any]],
) -> None:
    for one in exceptions():
        assert len(one.reason.split()) >= 5 and one.reason.endswith("."), one
        assert one.id in KNOWN or any(one.covers(finding) for finding in findings), one


def holds_constants_only(path: Path, line: int) -> bool:
    """Whether all that is put into the SQL texts at this line are words of our own.

    Those are constants (written LIKE_THIS), a choice between two texts, and whatever is put together while a
    module is loaded, when nobody has asked for anything yet. Values always go by `$1`.
    """
    module = ast.parse(path.read_text(encoding="utf-8"))
    if any(isinstance(one, ast.Assign | ast.AnnAssign) and _covers(one, line) for one in module.body):
        return True
    joined = [one for one in ast.walk(module) if isinstance(one, ast.JoinedStr) and _covers(one, line)]
    return bool(joined) and all(_is_ours(part) for one in joined for part in _parts(one))


def _covers(node: ast.stmt | ast.expr, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _parts(text: ast.JoinedStr) -> Iterator[ast.expr]:
    return (part.value for part in text.values if isinstance(part, ast.FormattedValue))


def _is_ours(part: ast.expr) -> bool:
    match part:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.Constant():
            return True
        case ast.IfExp(body=one, orelse=other):
            return _is_ours(one) and _is_ours(other)
        case _:
            return False


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ('f"SELECT {_COLUMNS} FROM t WHERE id = $1"', True),
        ('f"SELECT {store.COLUMNS} FROM t"', True),
        ("f\"SELECT * FROM t WHERE id = '{name}'\"", False),
        ('f"SELECT {_COLUMNS} FROM {table}"', False),
        ('f"SELECT {columns()} FROM t"', False),
        ('"SELECT * FROM " + table', False),
        ("f\"SELECT 1 {'FOR UPDATE' if name else ''}\"", True),
        ("f\"SELECT 1 {name if name else ''}\"", False),
    ],
)
def test_what_counts_as_sql_of_constants(tmp_path: Path, code: str, verdict: bool) -> None:
    (tmp_path / "x.py").write_text(f"def read(table, name):\n    return {code}\n", encoding="utf-8")
    assert holds_constants_only(tmp_path / "x.py", 2) is verdict


# --- libraries ---


class CannotAsk(Exception):
    """The database of known weaknesses does not answer."""


def weaknesses(stdout: str, stderr: str) -> list[str]:
    """What pip-audit found. Raises CannotAsk when it could look up nothing, or not everything."""
    try:
        told = json.loads(stdout)["dependencies"]
    except ValueError:
        raise CannotAsk((stderr.strip().splitlines() or ["it said nothing"])[-1][:200]) from None
    if unknown := [one["name"] for one in told if "skip_reason" in one]:
        raise CannotAsk(f"{len(unknown)} of {len(told)} libraries are not known to it")
    return [f"{one['name']} {one['version']}: {bad['id']}" for one in told for bad in one["vulns"]]


def test_no_library_has_a_known_weakness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asks the world outside, so only where it is told to (CI, or QUICKKUB_AUDIT_LIBRARIES=1)."""
    try:
        if not (os.environ.get("CI") or os.environ.get("QUICKKUB_AUDIT_LIBRARIES")):
            raise CannotAsk("set QUICKKUB_AUDIT_LIBRARIES=1 to let it ask outside")
        assert weaknesses(*audit(tmp_path)) == []
    except CannotAsk as reason:
        notice = f"known weaknesses of libraries were NOT looked up: {reason}"
        with capsys.disabled():
            print(f"\nNOTICE: {notice}")
        pytest.skip(notice)


def audit(cache: Path) -> tuple[str, str]:
    excused = [word for one in exceptions() if one.id in KNOWN for word in ("--ignore-vuln", one.id)]
    command = ["pip_audit", "--requirement", "requirements/runtime.txt", "--disable-pip", "--require-hashes"]
    looks = ["--progress-spinner", "off", "--timeout", "10", "--format", "json", "--cache-dir", str(cache)]
    try:
        told = subprocess.run(
            [sys.executable, "-m", *command, *looks, *excused],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=AUDIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotAsk(f"no answer within {AUDIT_SECONDS} seconds") from None
    return told.stdout, told.stderr


def test_what_could_not_be_looked_up_is_never_taken_for_sound() -> None:
    good = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-2026-1"}]}
    unknown = {"name": "c", "skip_reason": "Dependency not found"}
    assert weaknesses(json.dumps({"dependencies": [good]}), "") == []
    assert weaknesses(json.dumps({"dependencies": [good, bad]}), "") == ["b 2: PYSEC-2026-1"]
    for stdout, stderr in (
        ("", "ConnectionError: no route"),
        (json.dumps({"dependencies": [good, unknown]}), ""),
    ):
        with pytest.raises(CannotAsk):
            weaknesses(stdout, stderr)
