"""A pytest plugin that writes down which tests failed where, and which QuickKub they were run against.

An exit code alone would not do: a test that could not start also ends with 1, and an import from somewhere
else than the copy would let every variant pass for the real thing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

import pytest

REPORT: Final = "QUICKKUB_VARIANT_REPORT"
"""The variable that names the file to write to."""

_ended: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test's own words count; trouble before or after it is none of its judgement."""
    if report.when == "call":
        _ended[report.nodeid] = report.outcome
    elif report.failed:
        _ended[report.nodeid] = "error"


def pytest_sessionfinish() -> None:
    """Write the report."""
    package = sys.modules.get("quickkub")
    found = {"tests": _ended, "package": getattr(package, "__file__", None)}
    Path(os.environ[REPORT]).write_text(json.dumps(found), encoding="utf-8")
