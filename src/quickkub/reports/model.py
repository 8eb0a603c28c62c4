"""A report, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from quickkub.kernel.clock import rfc3339
from quickkub.reports.words import COLUMNS, Words
from quickkub.storage import Connection
from quickkub.telemetry.redaction import redact

Cell: TypeAlias = str | int | bool | None

_NO_LIMIT: Final = "SET LOCAL statement_timeout = 0"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a report is to be about: moments from `since` (in) to `until` (out), and the amount in satang from
    which a payment counts as large (AML reporting thresholds are settings: security-reliability 8).
    """

    since: datetime
    until: datetime
    threshold_satang: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. `note` says what an empty table means, or what the rows do not show."""

    name: str
    title: Words
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Words | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in COLUMNS]
        if unknown:
            raise ValueError(f"{self.name}: no words for {unknown}")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.name}: a row has not one cell for each column")


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that one query answers. `takes` are fields of the wish, in the order of $1, $2...

    `masks` turns a personal value into what may be seen of it, by column.
    """

    name: str
    title: Words
    columns: tuple[str, ...]
    sql: str
    takes: tuple[str, ...] = ()
    masks: Mapping[str, Callable[[Any], Cell]] = field(default_factory=dict)
    note: Words | None = None

    async def read(self, tx: Connection, wish: Wish) -> Table:
        """The table as the transaction sees it. A large one takes its time."""
        await tx.execute(_NO_LIMIT)
        found = await tx.fetch(self.sql, *(getattr(wish, name) for name in self.takes))
        rows = tuple(tuple(self._cell(name, row[name]) for name in self.columns) for row in found)
        return Table(self.name, self.title, self.columns, rows, self.note)

    def _cell(self, name: str, value: Any) -> Cell:
        mask = self.masks.get(name)
        return cell(mask(value) if mask is not None and value is not None else value)


def cell(value: Any) -> Cell:
    """A value as files hold it: moments in RFC 3339, lists with spaces, texts without what looks secret."""
    match value:
        case None | bool() | int():
            return value
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return " ".join(str(cell(one)) for one in value)
        case _:
            return redact(str(value))
