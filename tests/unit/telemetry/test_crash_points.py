"""The places where fault tests kill a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quickkub.telemetry.crash_points import NAMES, VARIABLE, read_plan

ROOT = Path(__file__).parents[3]
MEETS_ALL = """
from quickkub.telemetry.crash_points import NAMES, crash_point
for _ in range(100):
    for name in NAMES:
        crash_point(name)
"""


def meets_all_points(plan: str | None) -> subprocess.CompletedProcess[bytes]:
    env = {name: value for name, value in os.environ.items() if name != VARIABLE}
    more = {"PYTHONPATH": str(ROOT / "src")} | ({VARIABLE: plan} if plan is not None else {})
    return subprocess.run([sys.executable, "-c", MEETS_ALL], env=env | more, capture_output=True, check=False)


def test_without_the_tests_variable_nothing_happens() -> None:
    assert meets_all_points(None).returncode == 0


def test_a_process_ends_as_by_kill_9_and_says_where(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.touch()
    ended = meets_all_points(f"{switch};41/api/1;after_commit=100")
    assert ended.returncode == -signal.SIGKILL
    assert ended.stderr == b"crash point after_commit\n"


def test_once_the_switch_is_gone_every_process_lives(tmp_path: Path) -> None:
    every = ",".join(f"{name}=1000" for name in NAMES)
    assert meets_all_points(f"{tmp_path / 'switch'};41;{every}").returncode == 0


def test_one_seed_gives_one_end(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.touch()
    plans = [read_plan(f"{switch};41/api/1;before_call=20,before_ack=20") for _ in range(2)]
    drawn = [[plan.kills_at(name) for name in ("before_call", "before_ack") * 200] for plan in plans]
    assert drawn[0] == drawn[1] and any(drawn[0])


def test_a_point_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no crash point before_lunch"):
        read_plan("/switch;41;before_lunch=5")
