"""`make run` and `make test` prepare .venv themselves, and say what is missing when they cannot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.planted import plant
from tools import prepare
from tools.tree import ROOT

FILES = {
    "requirements/bootstrap.txt": "uv==1\n",
    "requirements/runtime.txt": "a==1\n",
    "requirements/dev.txt": "a==1\nb==1\n",
    "pyproject.toml": "",
    "tools/prepare.py": "",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A checkout whose environment is made by name only; the list says which kinds were installed."""
    plant(tmp_path, FILES | {".venv/bin/python": ""})
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(prepare, "STAMP", tmp_path / ".venv/prepared.json")
    monkeypatch.setattr(prepare, "is_ours", lambda: True)
    done: list[str] = []
    monkeypatch.setattr(prepare, "install", done.append)
    return done


OLD = """#!/bin/sh
[ "$1" = --version ] && echo Python 3.9.2 && exit 0
exit 1
"""


@pytest.mark.parametrize(("script", "says"), [(OLD, "Python 3.9.2"), (None, "missing")])
def test_an_old_or_missing_python_is_told_what_to_do(script: str | None, says: str, tmp_path: Path) -> None:
    python = tmp_path / "python"
    if script:
        python.write_text(script)
        python.chmod(0o755)
    command = ["make", "--no-print-directory", "prepare-runtime", f"PYTHON={python}"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert f"QuickKub needs Python 3.11 or newer; here `{python}` is {says}." in told.stderr


def test_make_help_prints_every_task_with_its_sentence() -> None:
    command = ["make", "--no-print-directory", "help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for task in ("run", "test", "check", "docs", "bench", "lock", "clean"):
        assert re.search(rf"^  make {task} +\S+ \S+", told, re.MULTILINE), f"make help is silent about {task}"


def test_a_python_without_venv_is_told_which_debian_package_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"apt-get install python3\.\d+-venv"):
        prepare.check_python()


def test_pins_are_installed_once_and_again_only_when_they_change(installed: list[str]) -> None:
    prepare.prepare("runtime")
    prepare.prepare("runtime")
    assert installed == ["runtime"]
    plant(prepare.ROOT, {"requirements/runtime.txt": "a==2\n"})
    prepare.prepare("runtime")
    assert installed == ["runtime", "runtime"]


def test_what_make_test_installed_is_enough_for_make_run_but_not_the_other_way_round(
    installed: list[str],
) -> None:
    prepare.prepare("runtime")
    prepare.prepare("dev")
    prepare.prepare("runtime")
    assert installed == ["runtime", "dev"]


def test_a_copied_checkout_is_set_up_again_because_scripts_name_the_old_place(installed: list[str]) -> None:
    prepare.prepare("runtime")
    stamp = json.loads(prepare.STAMP.read_text())
    prepare.STAMP.write_text(json.dumps(stamp | {"root": "/srv/elsewhere"}))
    prepare.prepare("runtime")
    assert installed == ["runtime", "runtime"]


def test_a_cut_off_stamp_counts_as_none(installed: list[str]) -> None:
    prepare.STAMP.write_text('{"runtime": ')
    prepare.prepare("runtime")
    assert installed == ["runtime"]
