"""What all written pages are made of."""

from __future__ import annotations

from typing import Final

WRITTEN: Final = "<!-- Written by `make docs` from the code; an edit here is lost. -->\n\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"

    return line(head) + "|---" * len(head) + "|\n" + "".join(line(row) for row in rows)
