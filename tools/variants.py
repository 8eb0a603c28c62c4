"""Try QuickKub broken on purpose: `python -m tools.variants`, or one with `--variant NAME`.

A variant is made in a temporary copy of the tree, never in the tree itself. Its named test runs there with
this interpreter and has to fail: then the variant is caught. A test that passes let it survive; anything else
(a text that no longer stands in its file, a test that could not start) means that the variant itself is
broken.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from tools.markdown import WRITTEN, table
from tools.tree import ROOT
from tools.variant_list import VARIANTS, Variant
from tools.variant_witness import REPORT

COPIED: Final = ("src", "tests", "tools", "pyproject.toml")
SECONDS_MAX: Final = 240
_SERVER: Final = "QUICKKUB_TEST_DATABASE_URL"


class Verdict(Enum):
    """CAUGHT is the only good one."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a variant, and pytest's own words for whoever has to look."""

    verdict: Verdict
    words: str


class VariantIsStale(Exception):
    """A text to be changed does not stand in its file exactly once."""


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """What tests need, in a folder of its own; caches come along, because compiling again is slow."""
    with tempfile.TemporaryDirectory(prefix="quickkub-variant-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name)
            else:
                shutil.copy2(ROOT / name, copy / name)
        # PostgreSQL's own account has to reach what tests put beside the code.
        copy.chmod(0o755)
        yield copy


@contextmanager
def spoilt(copy: Path, variant: Variant) -> Iterator[None]:
    """The variant's changes, taken back at the end. Raises VariantIsStale."""
    before = {path: (copy / path).read_text(encoding="utf-8") for path, _, _ in variant.changes}
    times = {path: (copy / path).stat() for path in before}
    try:
        for path, old, new in variant.changes:
            text = (copy / path).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise VariantIsStale(f"{path}: this stands {text.count(old)} times in it:\n{old}")
            (copy / path).write_text(text.replace(old, new), encoding="utf-8")
        yield
    finally:
        for path, text in before.items():
            (copy / path).write_text(text, encoding="utf-8")
            os.utime(copy / path, ns=(times[path].st_atime_ns, times[path].st_mtime_ns))


def try_variant(copy: Path, variant: Variant, server: str | None = None) -> Tried:
    """Spoil the copy, and run the test that has to notice. `server` names a PostgreSQL to be shared."""
    try:
        with spoilt(copy, variant):
            run = run_tests(copy, [variant.caught_by], server)
    except VariantIsStale as stale:
        return Tried(Verdict.BROKEN, str(stale))
    return _judged(copy, variant.caught_by, run)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of pytest in a copy ended, which file it took for QuickKub, and what it printed."""

    code: int | None
    tests: dict[str, str]
    package: str | None
    words: str


def run_tests(copy: Path, tests: Sequence[str], server: str | None) -> Run:
    """Run tests in a copy of the tree, against the copy. Code None: it took too long."""
    report = copy / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.variant_witness", f"--rootdir={copy}"]
    command += ["-c", str(copy / "pyproject.toml"), *tests]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(copy / "src"), str(copy)]),
        REPORT: str(report),
        "CI": "1",  # properties are searched in the same way every time
        "PYTHONDONTWRITEBYTECODE": "1",  # what is compiled of a variant must not outlive it
    }
    if server is not None:
        environment[_SERVER] = server
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Run(None, {}, None, f"no end within {SECONDS_MAX} s")
    if not report.exists():
        return Run(done.returncode, {}, None, done.stdout)
    said = json.loads(report.read_text(encoding="utf-8"))
    return Run(done.returncode, said["tests"], said["package"], done.stdout)


def is_of(copy: Path, run: Run) -> bool:
    """Whether the tests were run against the copy and not against the tree it was made from."""
    return run.package is not None and Path(run.package).resolve().is_relative_to(copy.resolve())


def _judged(copy: Path, test: str, run: Run) -> Tried:
    ends = {end for name, end in run.tests.items() if name == test or name.startswith(f"{test}[")}
    if run.code is None or not is_of(copy, run):
        return Tried(Verdict.BROKEN, run.words)
    if run.code == 0 and ends == {"passed"}:
        return Tried(Verdict.SURVIVED, run.words)
    if run.code == 1 and "failed" in ends and "error" not in ends:
        return Tried(Verdict.CAUGHT, run.words)
    return Tried(Verdict.BROKEN, run.words)


def page() -> str:
    """docs/generated/broken-variants.md."""
    rows = [
        [
            f"`{variant.name}`",
            variant.says,
            "<br>".join(f"`{path}`" for path in dict.fromkeys(path for path, _, _ in variant.changes)),
            f"`{variant.caught_by}`",
        ]
        for variant in VARIANTS
    ]
    return (
        f"# Broken variants\n\n{WRITTEN}"
        "Each line takes one guard of the money engine away, in a copy, and names the test that notices. "
        "`tests/architecture/test_broken_variants.py` makes all of them and sees each one caught; "
        "`.venv/bin/python -m tools.variants --variant NAME` tries one.\n\n"
        + table(["variant", "what is broken", "changed", "caught by"], rows)
    )


def main(arguments: list[str]) -> int:
    """Try the variants named, or all; 1 unless every one was caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", action="append", choices=[one.name for one in VARIANTS])
    parser.add_argument("--words", action="store_true", help="print what pytest said, caught or not")
    asked = parser.parse_args(arguments)
    bad = 0
    with copy_of_the_tree() as copy:
        for variant in VARIANTS:
            if asked.variant and variant.name not in asked.variant:
                continue
            tried = try_variant(copy, variant)
            print(f"{variant.name}: {tried.verdict.value}", flush=True)
            bad += tried.verdict is not Verdict.CAUGHT
            if asked.words or tried.verdict is not Verdict.CAUGHT:
                print(tried.words)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
