"""An export: entries as lines of JSON or CSV, with a count and a digest that prove the file later.

Handing the log out is an act of its own and is written into it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from quickkub.audit.chain import FIELDS
from quickkub.audit.model import Act
from quickkub.audit.reading import chain_of, for_export
from quickkub.audit.store import record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database

COLUMNS: Final = ("chain", "position", *FIELDS, "previous_hash", "hash")
FORMATS: Final = ("csv", "jsonl")
_FORMULA: Final = frozenset("=+-@\t\r")
"""A cell that begins so is a formula to a spreadsheet, whoever wrote it into the log."""


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Exported:
    """How many entries there were, and the SHA-256 of what was written."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What to export. `merchant` None is the platform unless `everything`; `since` is in, `until` is not."""

    merchant: MerchantId | None
    everything: bool
    since: datetime | None
    until: datetime | None
    format: str


async def export(db: Database, wish: Wish, sink: Sink) -> Exported:
    """Write the entries on one snapshot, and the act of it into the chain they are from."""
    digest, rows = hashlib.sha256(), 0

    def put(data: bytes) -> None:
        digest.update(data)
        sink.write(data)

    if wish.format == "csv":
        put(csv_line(COLUMNS))
    chain = None if wish.everything else chain_of(wish.merchant)
    async with db.transaction() as tx:
        await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await tx.execute("SET LOCAL statement_timeout = 0")
        async for entry in for_export(tx, chain, wish.since, wish.until):
            put(_as_csv(entry) if wish.format == "csv" else _as_json(entry))
            rows += 1
        done = Exported(rows, digest.hexdigest())
        await record(tx, _act(wish, done))
    return done


def _act(wish: Wish, done: Exported) -> Act:
    return Act(
        "audit_log.exported",
        "audit_log",
        None,
        merchant=wish.merchant,
        after={
            "everything": wish.everything,
            "from": rfc3339(wish.since) if wish.since else None,
            "to": rfc3339(wish.until) if wish.until else None,
            "format": wish.format,
            "entries": done.rows,
            "sha256": done.sha256,
        },
    )


def _as_json(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _as_csv(entry: Mapping[str, Any]) -> bytes:
    details = json.dumps(entry["details"], ensure_ascii=False, separators=(",", ":"))
    return csv_line([entry[name] if name != "details" else details for name in COLUMNS])


def csv_line(cells: Sequence[object]) -> bytes:
    """One line of RFC 4180, in UTF-8; cells that would be formulas begin with an apostrophe."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in _FORMULA else text
