"""Tables as CSV and JSON, each with the SHA-256 that proves later that nobody changed it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.reports.model import Table
from quickkub.reports.words import COLUMNS

_FORMULA: Final = frozenset("=+-@\t\r\n")
"""A cell that begins so is a formula to a spreadsheet, whoever chose the text."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes under a path in the folder. `rows` is None for what is no table."""

    path: str
    body: bytes
    rows: int | None = None

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()

    def told(self) -> dict[str, Any]:
        """Its line of the manifest."""
        return {"path": self.path, "rows": self.rows, "bytes": len(self.body), "sha256": self.sha256}


def files_of(table: Table, folder: str = "tables") -> tuple[File, File]:
    """The table twice: for spreadsheets and for programs."""
    rows = len(table.rows)
    return (
        File(f"{folder}/{table.name}.csv", as_csv(table), rows),
        File(f"{folder}/{table.name}.json", as_json(table), rows),
    )


def as_csv(table: Table) -> bytes:
    """RFC 4180 in UTF-8, names of columns first; a cell that would be a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def _plain(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)  # a negative number is a number
        case _:
            text = str(cell)
            # Spreadsheets look past blanks; so do we.
            return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA else text


def as_json(table: Table) -> bytes:
    """One object: name, titles, columns with their words, the number of rows, and the rows."""
    said = {
        "name": table.name,
        "title": {"th": table.title.th, "en": table.title.en},
        "columns": [{"name": name, "th": COLUMNS[name].th, "en": COLUMNS[name].en} for name in table.columns],
        "count": len(table.rows),
        "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        **({"note": {"th": table.note.th, "en": table.note.en}} if table.note else {}),
    }
    return pretty(said)


def pretty(value: object) -> bytes:
    """JSON as people read it, ending with a line's end."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def sums(files: Sequence[File]) -> bytes:
    """What `sha256sum --check` reads."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode()
