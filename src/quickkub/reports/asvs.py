"""The OWASP ASVS table as it ships: which requirement is met by which code, held by which test.

Written by `make docs` from docs/security/asvs.toml, which tools/asvs.py compares with the source.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from quickkub.reports.model import Table
from quickkub.reports.words import Words

FILE: Final = Path(__file__).with_name("asvs.csv")
COLUMNS: Final = ("id", "level", "section", "status", "code", "tests", "note")


def table() -> Table:
    """All requirements of the goal, in the standard's order."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = tuple(tuple(line[name] for name in COLUMNS) for line in csv.DictReader(file))
    return Table(
        "asvs",
        Words("ตาราง OWASP ASVS 5.0.0", "OWASP ASVS 5.0.0"),
        COLUMNS,
        rows,
        Words(
            "สถานะเป็นคำประเมินของผู้พัฒนาเอง: met partly 'not yet' operator n/a",
            "The makers' own judgement; 'operator': the deployment's part; 'n/a': the note says why.",
        ),
    )
