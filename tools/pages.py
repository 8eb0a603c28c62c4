"""The pages of docs/generated: each function returns the text of one, from the code and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from typing import Any

import quickkub
from quickkub.api import describe
from quickkub.kernel.errors import Refusal, all_refusals
from quickkub.kernel.states import StateTable
from quickkub.ledger.chart import chart_table
from tools.markdown import WRITTEN, table
from tools.tree import ROOT


def import_everything() -> None:
    """Import every module of the package, so that what registers itself by being imported is there."""
    for module in pkgutil.walk_packages(quickkub.__path__, "quickkub."):
        parts = module.name.split(".")
        # Alembic runs its own scripts; importing __main__ would start the command line.
        if "migrations" not in parts and parts[-1] != "__main__":
            importlib.import_module(module.name)


def house_refusals() -> list[type[Refusal]]:
    """Every refusal of the house, in the order of its code; classes made by tests are left out."""
    import_everything()
    return [one for one in all_refusals() if one is not Refusal and one.__module__.startswith("quickkub.")]


def refusals() -> str:
    """All ways QuickKub says no."""
    rows = [
        [f"`{one.code}`", str(one.kind.value), _first_line(one), f"`{one.__module__}.{one.__qualname__}`"]
        for one in house_refusals()
    ]
    return (
        WRITTEN + "# Refusals\n\n"
        "Every way QuickKub says no. `code` never changes once released: programs decide by it, and people\n"
        "read `detail`. The HTTP answer is a problem document (RFC 9457).\n\n"
        + table(["code", "status", "when", "class"], rows)
    )


def states() -> str:
    """The life of every object that has a state table, drawn."""
    import_everything()
    tables: dict[str, StateTable[Any, Any]] = {}
    for name in sorted(name for name in sys.modules if name.startswith("quickkub.")):
        found = (value for value in vars(sys.modules[name]).values() if isinstance(value, StateTable))
        tables.update({table.name: table for table in found})
    drawn = [_drawing(table) for _, table in sorted(tables.items())]
    return WRITTEN + "# States\n\nDrawn from the tables that the code moves by.\n\n" + "\n".join(drawn)


def _drawing(table: StateTable[Any, Any]) -> str:
    moves = list(table.moves())
    first = moves[0][0]
    arrows = "".join(f"    {state.value} --> {after.value}: {fact.value}\n" for state, fact, after in moves)
    return f"## {table.name}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {first.value}\n{arrows}```\n"


def chart_of_accounts() -> str:
    """Every account that can be booked to."""
    return WRITTEN + "# Chart of accounts\n\n" + chart_table()


def openapi() -> str:
    """The API for tools."""
    return describe.openapi_json()


def decisions() -> str:
    """The decisions, by number."""
    lines = []
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0]
        words = re.sub(r"^#\s*(\d+[.:]?)?\s*", "", title)
        lines.append(f"- [{path.name[:4]}](../decisions/{path.name}) {words}\n")
    return WRITTEN + "# Decisions\n\n" + "".join(lines)


def _first_line(one: type[Refusal]) -> str:
    return " ".join((one.__doc__ or "").strip().split("\n\n")[0].split())
