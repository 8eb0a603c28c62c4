"""A float cannot hold ten satang, so it is kept out of every room that touches money."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.planted import plant_room
from tools import check_money
from tools.tree import ROOT


def broken(root: Path, name: str, text: str) -> list[str]:
    return [finding.message for finding in check_money.check(plant_room(root, {name: text}))]


def test_this_house_keeps_floats_away_from_money() -> None:
    assert check_money.check(ROOT) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("FEE = 0.0265", "0.0265 is a float"),
        ("def net(amount: float) -> int: ...", "float near money"),
        ("def net(amount: int) -> float: ...", "float near money"),
        ("def net(amount=1.5): ...", "1.5 is a float"),
        ("fee = float(text)", "float near money"),
        ("fee = amount * 265 / 10_000", "true division"),
        ("amount /= 100", "true division"),
        ("fee = round(amount * rate)", "round_half_up"),
        ("fee = Decimal.from_float(rate)", "from_float"),
        ("if fee > 0.5: ...", "0.5 is a float"),
        ("charge(amount=150.0, timeout_seconds=3)", "150.0 is a float"),
    ],
)
def test_a_float_is_refused_in_a_room_that_touches_money(line: str, says: str, tmp_path: Path) -> None:
    (message,) = broken(tmp_path, "ledger/recipes.py", line + "\n")
    assert says in message


def test_a_providers_json_is_read_without_floats(tmp_path: Path) -> None:
    wire = "connectors/providers/scb/wire.py"
    (message,) = broken(tmp_path, wire, "answer = json.loads(body)\n")
    assert "parse_float" in message
    assert broken(tmp_path, wire, "answer = json.loads(body, parse_float=str)\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "timeout_seconds = 1.5",
        "def wait(delay: float = 0.5) -> None: ...",
        "def elapsed_seconds() -> float: ...",
        "await wait_for(answer, timeout=2.5)",
        "left = deadline - clock.monotonic() / 2",
        "text = (FOLDER / 'chart.sql').read_text()",
        "text = (folder / name).read_text()",
        "share = 0.5  # not money: how often a velocity rule is sampled",
        "# not money: how often a velocity rule is sampled\nshare = 0.5",
        "half = amount // 2",
    ],
)
def test_seconds_paths_and_excused_lines_are_let_through(line: str, tmp_path: Path) -> None:
    assert broken(tmp_path, "payments/flow.py", line + "\n") == []


def test_an_excuse_without_a_reason_excuses_nothing(tmp_path: Path) -> None:
    assert broken(tmp_path, "payments/flow.py", "share = 0.5  # not money:\n") != []


def test_rooms_without_money_may_use_floats(tmp_path: Path) -> None:
    assert broken(tmp_path, "telemetry/metrics.py", "BUCKETS = (0.005, 0.01)\n") == []
