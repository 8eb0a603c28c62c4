"""Sealed bodies: which rows have one, what is in it, and the same row with nothing in it.

An emptied body is `{}`, sealed at its own place: it opens, is wrapped again and is counted like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quickkub.storage import Connection
from quickkub.storage.vault import Place, Vault
from quickkub.storage.vault.columns import SEALED, SealedColumn

EMPTY: Final = b"{}"
EMPTY_STORED_BYTES: Final = 92
"""Version, key, nonce, wrapped key, nonce, two bytes, tag. The tables' guards know this number, too."""

SEALED_BY_NAME: Final[Mapping[str, SealedColumn]] = {column.name: column for column in SEALED}

_OF_REFERENCE: Final = (
    "(SELECT a.payment_id FROM attempts a WHERE a.merchant_id = t.merchant_id AND a.provider = t.provider"
    " AND a.account_id = t.account_id AND a.reference = t.reference LIMIT 1)"
)


@dataclass(frozen=True, slots=True)
class Bodies:
    """A column of bodies. SQL over the row `t`: since when it is kept, the objects it is about, when it is at
    rest. `also`: what is emptied with it; `unlinked`: about nothing we know, so only its words tell."""

    name: str
    since: str
    about: str
    at_rest: str = "true"
    also: str = ""
    unlinked: str = "false"

    @property
    def column(self) -> SealedColumn:
        """Its entry in the vault's registry."""
        return SEALED_BY_NAME[self.name]


BODIES: Final = (
    Bodies(
        "evidence.transcript",
        "t.received_at",
        "ARRAY[t.payment_id, t.id]",
        unlinked="t.payment_id IS NULL",
    ),
    Bodies("slips.answer", "t.used_at", "ARRAY[t.payment_id]"),
    Bodies(
        "inbox.body",
        "t.received_at",
        f"ARRAY[{_OF_REFERENCE}, t.id]",
        "t.state <> 'kept'",
        ", headers = '{}', query = '{}'",
        unlinked=f"{_OF_REFERENCE} IS NULL",
    ),
    Bodies("disputes.evidence", "t.closed_at", "ARRAY[t.payment_id, t.id]", "t.closed_at IS NOT NULL"),
)
"""What providers said, and what was said to them."""

REFUSED: Final = Bodies(
    "refused_callbacks.body", "t.received_at", "ARRAY[t.id]", "t.merchant_id IS NOT NULL", unlinked="true"
)
"""What nobody believed. Deleted soon by housekeeping; an erasure looks into it, too."""


@dataclass(frozen=True, slots=True)
class Body:
    """One stored body: its row's key, its place, and its stored form."""

    key: tuple[str, ...]
    place: Place
    sealed: bytes


async def find(
    reader: Connection, bodies: Bodies, where: str, values: Sequence[Any], *, limit: int | None = None
) -> list[Body]:
    """Bodies that are not empty yet, in the order of their keys. `where` is SQL over `t` with its values."""
    column = bodies.column
    keys = ", ".join(f"t.{key}" for key in column.keys)
    rows = await reader.fetch(
        f"SELECT {keys}, {column.merchant} AS whose, {column.row} AS row_is, {column.mode} AS in_mode,"  # noqa: S608
        f" t.{column.column} AS sealed FROM {column.table} t"
        f" WHERE {bodies.at_rest} AND length(t.{column.column}) > {EMPTY_STORED_BYTES} AND {where}"
        f" ORDER BY {keys}" + ("" if limit is None else f" LIMIT {limit}"),
        *values,
    )
    return [
        Body(
            tuple(row[key] for key in column.keys),
            column.place(row["whose"], row["row_is"], row["in_mode"]),
            bytes(row["sealed"]),
        )
        for row in rows
    ]


async def empty(tx: Connection, vault: Vault, bodies: Bodies, found: Iterable[Body]) -> int:
    """Put nothing in their place; returns how many. The tables' guards refuse what is held or too young."""
    column = bodies.column
    keys = " AND ".join(f"{key} = ${number}" for number, key in enumerate(column.keys, start=2))
    emptied = [(vault.seal(EMPTY, body.place), *body.key) for body in found]
    await tx.executemany(
        f"UPDATE {column.table} SET {column.column} = $1{bodies.also} WHERE {keys}",  # noqa: S608 -- our names
        emptied,
    )
    return len(emptied)
