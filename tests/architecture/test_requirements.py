"""The pins cover what is asked for, and nothing is used that is not asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.planted import plant
from tools import check_requirements
from tools.tree import ROOT

HASH = " \\\n    --hash=sha256:" + "0" * 64 + "\n"
RUNTIME = f"aiohttp==3.14.5{HASH}editables==0.6{HASH}hatchling==1.33.0{HASH}"
FILES = {
    "pyproject.toml": """\
        [build-system]
        requires = ["hatchling"]
        [project]
        dependencies = ["aiohttp>=3.14,<4"]
        """,
    "requirements/bootstrap.in": "uv  # installs the rest\n",
    "requirements/runtime.in": "editables\n",
    "requirements/dev.in": "pytest\n",
    "requirements/bootstrap.txt": f"uv==0.13.9{HASH}",
    "requirements/runtime.txt": RUNTIME,
    "requirements/dev.txt": f"{RUNTIME}pytest==9.2.0{HASH}",
}


def broken(root: Path, files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in check_requirements.check(plant(root, FILES | files))]


def test_the_pins_of_this_house_are_fresh() -> None:
    assert check_requirements.check(ROOT) == []


def test_a_fresh_set_of_pins_is_let_through(tmp_path: Path) -> None:
    assert broken(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "pyproject.toml",
            "<4",
            "<3.14.2",
            "pins aiohttp 3.14.5, but <3.14.2,>=3.14 is asked for; run `make lock`",
        ),
        ("requirements/dev.in", "pytest", "pytest\nmypy", "does not pin mypy; run `make lock`"),
        (
            "requirements/dev.txt",
            "aiohttp==3.14.5",
            "aiohttp==3.14.4",
            "has aiohttp 3.14.4, runtime has 3.14.5",
        ),
        ("requirements/bootstrap.txt", HASH, "\n", "uv has no hash"),
        ("requirements/runtime.txt", "aiohttp==", "--index-url x\naiohttp==", "never where they come from"),
    ],
)
def test_stale_or_careless_pins_are_refused(name: str, old: str, new: str, says: str, tmp_path: Path) -> None:
    said = broken(tmp_path, {name: FILES[name].replace(old, new)})
    assert any(says in line for line in said), said


def test_an_import_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    said = broken(tmp_path, {"src/quickkub/web/a.py": "import json\nimport markupsafe\nimport aiohttp\n"})
    (found,) = said
    assert found == "src/quickkub/web/a.py:2: imports markupsafe of markupsafe; " + (
        "add it to pyproject.toml and run `make lock`"
    )
