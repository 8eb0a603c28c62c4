"""`python -m tools.check` says what is wrong, and its exit status says whether something is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.planted import plant_room
from tools import check


def test_a_broken_rule_is_printed_and_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "ROOT", plant_room(tmp_path, {"tax/vat.py": "import aiohttp\nRATE = 0.07\n"}))
    assert check.main(["doors", "money"]) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("src/quickkub/tax/vat.py:1: tax/vat.py imports aiohttp")
    assert second.startswith("src/quickkub/tax/vat.py:2: 0.07 is a float")
    assert last == "house rules (doors, money): 2 broken"


def test_a_kept_rule_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "ROOT", plant_room(tmp_path, {"tax/vat.py": ""}))
    assert check.main(["doors", "money"]) == 0
    assert "all kept" in capsys.readouterr().out


def test_a_rule_that_does_not_exist_is_not_silently_kept() -> None:
    assert check.main(["dors"]) == 2
