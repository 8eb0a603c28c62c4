"""SQL of retention: what is past its time, in the order of its key, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.privacy.retention_rules import Rule
from quickkub.storage import Connection, Row

_PLATFORM: Final = frozenset({"sessions"})
"""Tables whose rows belong to no merchant, so that no hold covers them."""


async def cutoff(reader: Connection, days: int) -> datetime:
    """The moment before which a record's time is over, by the database's clock (D5)."""
    moment: datetime = await reader.fetchval("SELECT now() - make_interval(days => $1)", days)
    return moment


async def due(
    tx: Connection, rule: Rule, before: datetime, after: Sequence[Any] | None, limit: int
) -> list[Row]:
    """Up to `limit` rows past their time, from the key `after` on: their keys, and `held`.

    Until the transaction ends nobody places a hold, so what is not held now is not held when it goes.
    """
    await tx.execute("LOCK TABLE legal_holds IN SHARE MODE")
    keys = ", ".join(f"t.{key}" for key in rule.keys)
    values = ", ".join(f"${number}" for number in range(3, 3 + len(rule.keys)))
    onward = f"AND ({keys}) > ({values})" if after is not None else ""
    return list(
        await tx.fetch(
            f"SELECT {keys}, {_held(rule)} AS held FROM {rule.table} t"  # noqa: S608 -- our own rules
            f" WHERE {rule.due} {onward} ORDER BY {keys} LIMIT $2 FOR UPDATE OF t SKIP LOCKED",
            before,
            limit,
            *(after or ()),
        )
    )


async def count(reader: Connection, rule: Rule, before: datetime) -> dict[str, int]:
    """How much is past its time, and how much of it a hold keeps."""
    row = await reader.fetchrow(
        f"SELECT count(*) FILTER (WHERE NOT held) AS gone, count(*) FILTER (WHERE held) AS held"  # noqa: S608
        f" FROM (SELECT {_held(rule)} AS held FROM {rule.table} t WHERE {rule.due}) past",
        before,
    )
    assert row is not None, "an aggregate has one row"
    return {"gone": row["gone"], "held": row["held"]}


async def let_go(tx: Connection, rule: Rule, keys: Sequence[Sequence[Any]]) -> int:
    """Clear or delete these rows; returns how many went."""
    which = " AND ".join(f"{key} = ${number}" for number, key in enumerate(rule.keys, start=1))
    verb = f"UPDATE {rule.table} SET {rule.sets}" if rule.sets else f"DELETE FROM {rule.table}"  # noqa: S608
    await tx.executemany(f"{verb} WHERE {which}", [tuple(one) for one in keys])
    return len(keys)


async def begin(tx: Connection, kind: str, days: int, before: datetime, *, dry_run: bool) -> str:
    """A run's row."""
    run = new_id("rtn")
    await tx.execute(
        "INSERT INTO retention_runs (id, kind, days, cutoff, dry_run) VALUES ($1, $2, $3, $4, $5)",
        run,
        kind,
        days,
        before,
        dry_run,
    )
    return run


async def progress(tx: Connection, run: str, counts: Mapping[str, Any], *, finished: bool) -> None:
    """How far it has come."""
    await tx.execute(
        """
        UPDATE retention_runs SET counts = $2, finished_at = CASE WHEN $3 THEN clock_timestamp() END
         WHERE id = $1
        """,
        run,
        dict(counts),
        finished,
    )


async def merchants_under_hold(reader: Connection, covers: Sequence[str]) -> list[MerchantId]:
    """Merchants with a standing hold of any of these kinds."""
    rows = await reader.fetch(
        "SELECT DISTINCT merchant_id FROM legal_holds WHERE lifted_at IS NULL AND covers = ANY ($1)",
        list(covers),
    )
    return [MerchantId(row["merchant_id"]) for row in rows]


async def runs(reader: Connection, limit: int) -> list[Row]:
    """The newest runs."""
    return list(await reader.fetch("SELECT * FROM retention_runs ORDER BY id DESC LIMIT $1", limit))


def _held(rule: Rule) -> str:
    return "false" if rule.table in _PLATFORM else f"is_held(t.merchant_id, {rule.about})"
