"""Tests are held to rules, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.planted import plant
from tools import check_tests
from tools.tree import ROOT


def broken(root: Path, body: str, name: str = "tests/unit/test_fee.py") -> list[str]:
    return [finding.message for finding in check_tests.check(plant(root, {name: body}))]


def test_this_house_keeps_the_rules_for_tests() -> None:
    assert check_tests.check(ROOT) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("pytest.skip()", "gives no reason"),
        ("pytest.skip('')", "gives no reason"),
        ("pytest.importorskip('segno')", "gives no reason"),
        ("@pytest.mark.skip\ndef test_a(): assert fee() == 1", "gives no reason"),
        ("@pytest.mark.skipif(True)\ndef test_a(): assert fee() == 1", "gives no reason"),
        ("@pytest.mark.xfail()\ndef test_a(): assert fee() == 1", "gives no reason"),
        ("time.sleep(1)", "sleeps and hopes"),
        ("await asyncio.sleep(0.2)", "sleeps and hopes"),
        ("assert " + "True", "asserts nothing"),
        ("def test_it_runs(): fee()", "test_it_runs asserts nothing"),
    ],
)
def test_a_test_that_proves_nothing_is_refused(body: str, says: str, tmp_path: Path) -> None:
    (message,) = broken(tmp_path, body + "\n")
    assert says in message


@pytest.mark.parametrize(
    "body",
    [
        "pytest.skip('there is no Chromium on this machine')",
        "pytest.importorskip('segno', reason='QR images are optional here')",
        "@pytest.mark.skipif(True, reason='needs Linux')\ndef test_a(): assert fee() == 1",
        "await asyncio.sleep(0)",
        "while not paid():\n    time.sleep(0.01)",
        "def test_a():\n    with pytest.raises(BadAmount):\n        fee()",
        "def test_a(): assert_balances(books())",
    ],
)
def test_an_honest_test_is_let_through(body: str, tmp_path: Path) -> None:
    assert broken(tmp_path, body + "\n") == []


def test_support_may_sleep_while_it_polls(tmp_path: Path) -> None:
    assert broken(tmp_path, "time.sleep(0.05)\n", "tests/support/waiting.py") == []
