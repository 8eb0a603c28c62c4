"""A small checkout in a temporary folder, with violations planted in it, for the tests of the checks."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tools.tree import PACKAGE


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write these files below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return root


def plant_room(root: Path, files: dict[str, str]) -> Path:
    """The same, with names relative to src/quickkub and an `__init__.py` in every folder on the way."""
    plant(root, {f"{PACKAGE}/{name}": text for name, text in files.items()})
    for folder in [root / PACKAGE, *(path for path in (root / PACKAGE).rglob("*") if path.is_dir())]:
        if not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text('"""Planted."""\n', encoding="utf-8")
    return root
