"""Rewrite docs/generated from the code: `python -m tools.generate_docs`; `--check` only says what is stale.

To add a page, write its function in tools/pages.py, or a file beside it, and give it a line here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools import (
    asvs,
    generate_classification,
    generate_coverage,
    generate_fraud,
    generate_page_manifest,
    generate_permissions,
    generate_providers,
    pages,
    variants,
)
from tools.tree import ROOT

GENERATORS: Final[dict[str, Callable[[], str]]] = {
    "docs/generated/asvs.md": asvs.page,
    "docs/generated/broken-variants.md": variants.page,
    "docs/generated/chart-of-accounts.md": pages.chart_of_accounts,
    "docs/generated/data-classification.md": generate_classification.page,
    "docs/generated/decisions.md": pages.decisions,
    "docs/generated/fraud-rules.md": generate_fraud.page,
    "docs/generated/page-manifest.md": generate_page_manifest.page,
    "docs/generated/openapi.json": pages.openapi,
    "docs/generated/permissions.md": generate_permissions.page,
    "docs/generated/provider-coverage.md": generate_coverage.page,
    "docs/generated/providers.md": generate_providers.page,
    "docs/generated/refusals.md": pages.refusals,
    "docs/generated/states.md": pages.states,
    # The package carries this one, so that a running gateway can show it.
    asvs.SHIPPED: asvs.shipped,
}


def stale(root: Path) -> list[str]:
    """The pages that are not what the code says now, and files in their folder that no page is written to."""
    behind = [path for path, generate in GENERATORS.items() if _text(root / path) != generate()]
    strays = [path.relative_to(root).as_posix() for path in (root / "docs/generated").glob("*")]
    return sorted(behind + [path for path in strays if path not in GENERATORS])


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def rewrite(root: Path) -> list[str]:
    """Bring every stale page up to date, and remove strays. Gives the paths touched."""
    touched = stale(root)
    for path in touched:
        if path in GENERATORS:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(GENERATORS[path](), encoding="utf-8")
        else:
            (root / path).unlink()
    return touched


def main(arguments: list[str]) -> int:
    """Rewrite what is stale, or with `--check` say so and end with 1."""
    if "--check" in arguments:
        behind = stale(ROOT)
        for path in behind:
            print(f"{path} is not what the code says; run `make docs` and commit it")
        return 1 if behind else 0
    for path in rewrite(ROOT):
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
