"""Rewrite docs/generated from the code: `python -m tools.generate_docs`; `--check` only says what is stale.

A page is a function that returns its text. To add one, write the function and give it a line in GENERATORS.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import quickkub
from quickkub.kernel.errors import Refusal, all_refusals
from tools.tree import ROOT

_WRITTEN: Final = "<!-- Written by `make docs` from the code; an edit here is lost. -->\n\n"


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
    """The page of all ways QuickKub says no."""
    rows = [
        f"| `{one.code}` | {one.kind.value} | {_first_line(one)} | `{one.__module__}.{one.__qualname__}` |"
        for one in house_refusals()
    ]
    return (
        _WRITTEN + "# Refusals\n\n"
        "Every way QuickKub says no. `code` never changes once released: programs decide by it, and people\n"
        "read `detail`. The HTTP answer is a problem document (RFC 9457).\n\n"
        "| code | status | when | class |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _first_line(one: type[Refusal]) -> str:
    return " ".join((one.__doc__ or "").strip().split("\n\n")[0].split()).replace("|", "\\|")


GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "docs/generated/refusals.md": refusals,
}


def stale(root: Path) -> list[str]:
    """The pages that are not what the code says now."""
    return [
        path
        for path, generate in GENERATORS.items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != generate()
    ]


def main(arguments: list[str]) -> int:
    """Rewrite what is stale, or with `--check` say so and end with 1."""
    behind = stale(ROOT)
    for path in behind:
        if "--check" in arguments:
            print(f"{path} is not what the code says; run `make docs` and commit it")
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(GENERATORS[path](), encoding="utf-8")
            print(f"wrote {path}")
    return 1 if behind and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
