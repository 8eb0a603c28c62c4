"""What may not be in a committed file, and what must be there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.planted import plant, plant_room
from tools import check_hygiene, check_vendored
from tools.tree import ROOT, tracked

ROOM = '"""VAT and withholding tax as functions over money. This room never reads a clock or a database."""\n'
DECISION = "# 1. Title\n\n## Context\n\n## Decision\n\n## Consequences\n\n## Considered\n"
LATER = "TO" + "DO"


def broken(root: Path, files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in check_hygiene.check(plant(root, files))]


def test_this_house_is_clean() -> None:
    assert check_hygiene.check(ROOT) + check_vendored.check(ROOT) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"pip install --index-url https://py{'pi.org'}/simple x", "registry's address"),
        (f"https://files.python{'hosted.org'}/packages", "registry's address"),
        ("see " + "/home" + "/somchai/quickkub", "path of one machine"),
        ("cd " + "/ro" + "ot/quickkub", "path of one machine"),
        (f"# {LATER}: later", "do it now"),
    ],
)
def test_a_line_that_belongs_to_one_machine_or_to_later_is_refused(
    line: str, says: str, tmp_path: Path
) -> None:
    (found,) = broken(tmp_path, {"docs/guide/start.md": f"Start.\n{line}\n"})
    assert found.startswith("docs/guide/start.md:2: ")
    assert says in found


def test_ordinary_addresses_and_paths_are_let_through(tmp_path: Path) -> None:
    files = {"docs/guide/start.md": "https://api.example.com/home/x and /var/lib/quickkub and src/work/x\n"}
    assert broken(tmp_path, files) == []


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    text = "[a](start.md) [b](#part) [c](https://a.b/x) [d](../guide/start.md#first)\n[e](gone.md#part)\n"
    (found,) = broken(tmp_path, {"docs/guide/start.md": text})
    assert found.startswith("docs/guide/start.md:2: links to gone.md, which is not there")


def test_a_decision_without_its_headings_or_with_a_taken_number_is_refused(tmp_path: Path) -> None:
    files = {
        "docs/decisions/0001-money.md": DECISION,
        "docs/decisions/0001-again.md": DECISION.replace("## Considered\n", ""),
        "docs/decisions/floors.md": DECISION,
    }
    said = broken(tmp_path, files)
    assert any("lacks `## Considered`" in line for line in said)
    assert any("number 0001 is taken" in line for line in said)
    assert any("floors.md" in line and "NNNN-what-we-decided.md" in line for line in said)


def test_a_changelog_fragment_says_its_kind_in_its_name(tmp_path: Path) -> None:
    files = {"changelog.d/README.md": "", "changelog.d/qr.fixed.md": "", "changelog.d/qr.md": ""}
    (found,) = broken(tmp_path, files)
    assert found.startswith("changelog.d/qr.md:1: ")


def test_a_room_opens_with_what_it_is_for_and_what_it_will_never_do(tmp_path: Path) -> None:
    plant_room(tmp_path, {"tax/__init__.py": ROOM, "tax/vat.py": "", "fraud/rules.py": ""})
    (found,) = broken(tmp_path, {})
    assert found.startswith("src/quickkub/fraud/__init__.py:1: open with a paragraph")


ASSET = b"function htmx(){}"
LISTING = f"""
[[asset]]
file = "htmx.min.js"
name = "htmx"
version = "2.0.4"
licence = "0BSD"
licence_file = "htmx.LICENSE.txt"
sha256 = "{hashlib.sha256(ASSET).hexdigest()}"
"""


def vendor(root: Path, asset: bytes = ASSET, listing: str = LISTING) -> list[str]:
    folder = root / "src/quickkub/web/vendored"
    plant(folder, {"VENDORED.toml": listing, "htmx.LICENSE.txt": "Zero-Clause BSD"})
    (folder / "htmx.min.js").write_bytes(asset)
    return [finding.message for finding in check_vendored.check(root)]


def test_a_brought_in_file_as_listed_is_let_through(tmp_path: Path) -> None:
    assert vendor(tmp_path) == []


def test_a_brought_in_file_that_changed_is_refused(tmp_path: Path) -> None:
    (message,) = vendor(tmp_path, asset=ASSET + b" ")
    assert "is not what was listed" in message


def test_a_brought_in_file_without_a_licence_is_refused(tmp_path: Path) -> None:
    (message,) = vendor(tmp_path, listing=LISTING.replace('licence = "0BSD"', ""))
    assert message == "htmx.min.js lacks licence"


def test_a_brought_in_file_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    said = vendor(tmp_path, listing="")
    assert said == ["came from elsewhere; list it in VENDORED.toml beside it, with its licence"]


def test_without_git_every_file_counts_but_what_tools_leave_behind(tmp_path: Path) -> None:
    files = {
        "src/a.py": "",
        ".ci/run": "",
        ".mypy_cache/x.json": "",
        ".venv/bin/x": "",
        "src/__pycache__/a.pyc": "",
    }
    plant(tmp_path, files)
    assert [path.relative_to(tmp_path).as_posix() for path in tracked(tmp_path)] == [".ci/run", "src/a.py"]
