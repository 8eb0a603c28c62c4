"""Which schema this code expects, told without loading the migration runner."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def head_revision() -> str:
    """The newest migration's revision: the time in its file name, by which migrations are ordered."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.sql"))
