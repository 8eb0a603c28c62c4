"""Assemble changelog.d/ into release notes: `python -m tools.changelog [version]`.

Without a version the notes are printed. With one they go to the top of CHANGELOG.md and the fragments,
which have done their work, are removed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.tree import ROOT

KINDS: Final = ("security", "added", "changed", "fixed", "removed")
_TITLE: Final = "# Changes\n"


def fragments(root: Path) -> dict[str, list[Path]]:
    """The fragment files of each kind, by name."""
    folder = root / "changelog.d"
    return {kind: sorted(folder.glob(f"*.{kind}.md")) for kind in KINDS}


def notes(root: Path, heading: str) -> str:
    """The notes of one release: a section per kind that has something, a line per fragment."""
    text = f"## {heading}\n"
    for kind, files in fragments(root).items():
        if files:
            lines = [" ".join(file.read_text(encoding="utf-8").split()) for file in files]
            text += f"\n### {kind.capitalize()}\n" + "".join(f"- {line}\n" for line in lines)
    return text


def release(root: Path, version: str, day: str) -> None:
    """Put the notes at the top of CHANGELOG.md and remove the fragments."""
    path = root / "CHANGELOG.md"
    before = path.read_text(encoding="utf-8").removeprefix(_TITLE) if path.exists() else ""
    path.write_text(f"{_TITLE}\n{notes(root, f'{version} ({day})')}{before}", encoding="utf-8")
    for files in fragments(root).values():
        for file in files:
            file.unlink()


def main(arguments: list[str]) -> None:
    """Print, or write and remove."""
    if arguments:
        release(ROOT, arguments[0], datetime.now(UTC).date().isoformat())
        print("wrote CHANGELOG.md")
    else:
        print(notes(ROOT, "Coming"), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
