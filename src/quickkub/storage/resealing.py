"""Values under old keys: how many there are, wrapping them again, and trying whether values open.

Nothing is written down about how far a rotation came: the key's number stands in each value, so whatever
still names another key is what is left to do, after a kill -9 as well. Only data keys are wrapped again;
ciphertexts stay. A batch is one short statement that changes a value only if it still is what was read, so it
works beside a running gateway, and a value that was sealed anew meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from quickkub.storage.database import Connection, Database, Row
from quickkub.storage.scope import house
from quickkub.storage.vault import CannotOpen, Place, Vault
from quickkub.storage.vault.columns import SEALED, SealedColumn
from quickkub.storage.vault.sealing import VERSION

BATCH: Final = 200
UNKNOWN: Final = -1
"""Stands for the key of a value that is no sealed value of this version."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How many values of one column are sealed under each key."""

    column: SealedColumn
    values: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that does not open; `row` is its primary key, divided by slashes."""

    column: str
    number: int
    row: str


@dataclass(slots=True)
class Resealed:
    """What a rotation did: values wrapped again by column, and those it could not."""

    number: int
    done: dict[str, int] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Values wrapped again."""
        return sum(self.done.values())


@dataclass(frozen=True, slots=True)
class Tried:
    """Values of one column under one key: how many there are, how many were opened to try, which did not."""

    column: str
    number: int
    values: int
    tried: int
    unreadable: Sequence[Unreadable]


def _number(column: SealedColumn) -> str:
    """The key's number, from the first two bytes alone: a long value is not fetched for it."""
    value = f"t.{column.column}"
    return (
        f"CASE WHEN octet_length({value}) > 2 AND get_byte(substring({value} FROM 1 FOR 1), 0) = {VERSION} "
        f"THEN get_byte(substring({value} FROM 2 FOR 1), 0) ELSE {UNKNOWN} END"
    )


@asynccontextmanager
async def _whole(db: Database) -> AsyncIterator[Connection]:
    """A transaction that sees every merchant's rows, whatever the task sees, and may take its time.

    A key that seems unused because its values were not seen would be ended with them still under it.
    """
    with house():
        async with db.transaction() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            yield tx


async def usage(db: Database) -> list[Usage]:
    """Values by column and key. Reads every table with sealed columns once. Raises DatabaseAway."""
    found = []
    for column in SEALED:
        async with _whole(db) as tx:
            rows = await tx.fetch(
                f"SELECT {_number(column)} AS number, count(*) AS values FROM {column.table} t "  # noqa: S608
                f"WHERE t.{column.column} IS NOT NULL GROUP BY 1 ORDER BY 1"
            )
        found.append(Usage(column, {row["number"]: row["values"] for row in rows}))
    return found


async def reseal(
    db: Database, vault: Vault, *, batch: int = BATCH, told: Callable[[Resealed], None] | None = None
) -> Resealed:
    """Wrap every value that is not under the sealing key again; `told` is called after each batch.

    May be stopped at any point and started again. A value that does not open is left as it is and reported.
    Raises DatabaseAway.
    """
    result = Resealed(vault.sealing_number)
    for column in SEALED:
        after: tuple[str, ...] | None = None
        while rows := await _next(db, column, result.number, after, batch):
            after = _key(column, rows[-1])
            result.done[column.name] = result.done.get(column.name, 0) + await _wrap(
                db, vault, column, rows, result.unreadable
            )
            if told is not None:
                told(result)
    return result


async def _next(
    db: Database, column: SealedColumn, number: int, after: tuple[str, ...] | None, batch: int
) -> list[Row]:
    """The next values in the order of the primary key that are not under this key."""
    where = f"t.{column.column} IS NOT NULL AND {_number(column)} <> $1"
    if after is not None:
        keys, places = ", ".join(f"t.{key}" for key in column.keys), _places(len(column.keys), 3)
        where += f" AND ({keys}) > ({places})"
    async with _whole(db) as tx:
        return await tx.fetch(_select(column, where) + " LIMIT $2", number, batch, *(after or ()))


def _select(column: SealedColumn, where: str, order: str = "ASC") -> str:
    keys = ", ".join(f"t.{key} AS key_{key}" for key in column.keys)
    by = ", ".join(f"t.{key} {order}" for key in column.keys)
    return (
        f"SELECT {keys}, {column.merchant} AS at_merchant, {column.row} AS at_row, "  # noqa: S608
        f"{column.mode} AS at_mode, {_number(column)} AS number, t.{column.column} AS sealed "
        f"FROM {column.table} t WHERE {where} ORDER BY {by}"
    )


def _places(count: int, first: int) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))


def _key(column: SealedColumn, row: Row) -> tuple[str, ...]:
    return tuple(row[f"key_{key}"] for key in column.keys)


def _place(column: SealedColumn, row: Row) -> Place:
    return column.place(row["at_merchant"], row["at_row"], row["at_mode"] or "")


def _unreadable(column: SealedColumn, row: Row) -> Unreadable:
    return Unreadable(column.name, row["number"], "/".join(_key(column, row)))


async def _wrap(
    db: Database, vault: Vault, column: SealedColumn, rows: Sequence[Row], unreadable: list[Unreadable]
) -> int:
    """Write a batch. Returns how many values were still what had been read."""
    fresh: list[tuple[Row, bytes]] = []
    for row in rows:
        try:
            fresh.append((row, vault.rewrap(bytes(row["sealed"]), _place(column, row))))
        except CannotOpen:
            unreadable.append(_unreadable(column, row))
    count = len(column.keys)
    if not fresh:
        return 0
    arrays = ", ".join(f"${i + 1}::{'text' if i < count else 'bytea'}[]" for i in range(count + 2))
    names = ", ".join(column.keys)
    same = " AND ".join(f"t.{key} = new.{key}" for key in column.keys)
    keys: list[list[Any]] = [[row[f"key_{key}"] for row, _ in fresh] for key in column.keys]
    async with _whole(db) as tx:
        done: str = await tx.execute(
            f"UPDATE {column.table} t SET {column.column} = new.now_sealed "  # noqa: S608
            f"FROM unnest({arrays}) AS new ({names}, was_sealed, now_sealed) "
            f"WHERE {same} AND t.{column.column} = new.was_sealed",
            *keys,
            [row["sealed"] for row, _ in fresh],
            [sealed for _, sealed in fresh],
        )
    return int(done.rsplit(maxsplit=1)[-1])


async def try_values(db: Database, vault: Vault, *, sample: int | None) -> list[Tried]:
    """Open up to `sample` values of each column under each key, half the oldest and half the newest.

    `sample` None opens all. Raises DatabaseAway.
    """
    tried = []
    for used in await usage(db):
        for number, values in used.values.items():
            opened, bad = await _try(db, vault, used.column, number, sample)
            tried.append(Tried(used.column.name, number, values, opened, bad))
    return tried


async def _try(
    db: Database, vault: Vault, column: SealedColumn, number: int, sample: int | None
) -> tuple[int, list[Unreadable]]:
    where = f"t.{column.column} IS NOT NULL AND {_number(column)} = $1"
    seen: set[tuple[str, ...]] = set()
    bad: list[Unreadable] = []
    async with _whole(db) as tx:
        for order in ("ASC", "DESC") if sample is not None else ("ASC",):
            limit = None if sample is None else (sample + 1) // 2
            async for row in tx.cursor(_select(column, where, order) + " LIMIT $2", number, limit):
                if (key := _key(column, row)) in seen:
                    continue
                seen.add(key)
                try:
                    vault.open(bytes(row["sealed"]), _place(column, row))
                except CannotOpen:
                    bad.append(_unreadable(column, row))
    return len(seen), bad
