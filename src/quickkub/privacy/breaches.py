"""Breaches of personal data, with a clock: the regulator hears within 72 hours (PDPA s.37 (4))."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from quickkub.audit import Act, current_actor, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import new_id
from quickkub.privacy.office import BreachNotFound, BreachUnreported
from quickkub.storage import Connection, Row

HOURS: Final = 72


async def open_breach(
    tx: Connection, title: str, known_at: datetime | None, *, high_risk: bool, people: int | None
) -> dict[str, Any]:
    """From `known_at` (now, if not said) the clock runs."""
    row = await tx.fetchrow(
        """
        INSERT INTO breaches (id, title, known_at, due_at, high_risk, people, opened_by)
        SELECT $1, $2, known, known + interval '72 hours', $4, $5, $6
          FROM (SELECT coalesce($3::timestamptz, now()) AS known) said
        RETURNING *, due_at - now() AS remaining
        """,
        new_id("brc"),
        title,
        known_at,
        high_risk,
        people,
        _by(),
    )
    assert row is not None, "an insert returns its row"
    after = {"title": title, "due_at": rfc3339(row["due_at"]), "high_risk": high_risk, "people": people}
    await record(tx, Act("breach.opened", "breach", row["id"], after=after))
    return view_of(row, [])


async def note(tx: Connection, breach: str, text: str) -> None:
    """What was found or done; notes are only added. Raises BreachNotFound."""
    await _open_row(tx, breach)
    await tx.execute(
        "INSERT INTO breach_notes (breach_id, id, note, written_by) VALUES ($1, $2, $3, $4)",
        breach,
        new_id("brn"),
        text,
        _by(),
    )
    await record(tx, Act("breach.noted", "breach", breach, after={"letters": len(text)}))


async def report(tx: Connection, breach: str, reported_at: datetime | None) -> dict[str, Any]:
    """The regulator was told. Raises BreachNotFound."""
    await _open_row(tx, breach)
    await tx.execute(
        "UPDATE breaches SET reported_at = coalesce($2, now()) WHERE id = $1", breach, reported_at
    )
    shown = await get(tx, breach)
    after = {"reported_at": shown["reported_at"], "in_time": shown["in_time"]}
    await record(tx, Act("breach.reported", "breach", breach, after=after))
    return shown


async def close(tx: Connection, breach: str, *, not_reported_because: str | None = None) -> dict[str, Any]:
    """It is over: reported, or no risk for anybody and why. Raises BreachNotFound, BreachUnreported."""
    row = await _open_row(tx, breach)
    if row["reported_at"] is None and not not_reported_because:
        raise BreachUnreported("report it, or say why nobody is at risk")
    await tx.execute(
        "UPDATE breaches SET closed_at = now(), not_reported_because = $2 WHERE id = $1",
        breach,
        not_reported_because,
    )
    after = {"not_reported_because": not_reported_because}
    await record(tx, Act("breach.closed", "breach", breach, after=after))
    return await get(tx, breach)


async def get(reader: Connection, breach: str) -> dict[str, Any]:
    """One breach with its notes. Raises BreachNotFound."""
    row = await reader.fetchrow("SELECT *, due_at - now() AS remaining FROM breaches WHERE id = $1", breach)
    if row is None:
        raise BreachNotFound("there is no such breach", param="id")
    notes = await reader.fetch("SELECT * FROM breach_notes WHERE breach_id = $1 ORDER BY id", breach)
    return view_of(row, notes)


async def listed(reader: Connection) -> list[dict[str, Any]]:
    """All of them, newest first, without notes."""
    rows = await reader.fetch("SELECT *, due_at - now() AS remaining FROM breaches ORDER BY id DESC")
    return [view_of(row, []) for row in rows]


def view_of(row: Row, notes: list[Row]) -> dict[str, Any]:
    """As it is shown, with what is left of the clock."""
    remaining: timedelta = row["remaining"]
    return {
        "id": row["id"],
        "object": "breach",
        "title": row["title"],
        "known_at": rfc3339(row["known_at"]),
        "due_at": rfc3339(row["due_at"]),
        "minutes_left": None if row["reported_at"] or row["closed_at"] else remaining // timedelta(minutes=1),
        "high_risk": row["high_risk"],
        "people": row["people"],
        "reported_at": rfc3339(row["reported_at"]) if row["reported_at"] else None,
        "in_time": None if row["reported_at"] is None else row["reported_at"] <= row["due_at"],
        "closed_at": rfc3339(row["closed_at"]) if row["closed_at"] else None,
        "not_reported_because": row["not_reported_because"],
        "notes": [_note(one) for one in notes],
    }


def _note(row: Row) -> dict[str, Any]:
    return {"at": rfc3339(row["written_at"]), "by": row["written_by"], "note": row["note"]}


async def _open_row(tx: Connection, breach: str) -> Row:
    row: Row | None = await tx.fetchrow(
        "SELECT * FROM breaches WHERE id = $1 AND closed_at IS NULL FOR UPDATE", breach
    )
    if row is None:
        raise BreachNotFound("there is no such breach, or it is closed", param="id")
    return row


def _by() -> str:
    actor = current_actor()
    return actor.id or actor.kind.value
