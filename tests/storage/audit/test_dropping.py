"""Old entries go as an anchored beginning of their chain, and what is left still verifies."""

from __future__ import annotations

import asyncpg
import pytest

from quickkub.audit.retention import drop_old
from tests.storage.audit.log import Log


async def grown_old(log: Log, years: int = 2) -> None:
    """The merchant's entries are this old, sealed so, and anchored; then one more act happens."""
    await log.tampered(
        f"UPDATE audit_logs SET created_at = created_at - interval '{years} years' WHERE chain = $1",
        "DELETE FROM audit_seals WHERE chain = $1",
        "INSERT INTO audit_unsealed SELECT chain, id FROM audit_logs WHERE chain = $1",
        args=(log.merchant,),
    )
    await log.seals()
    await log.is_anchored()
    await log.notes(6)
    await log.seals()


async def test_old_entries_are_dropped_and_the_rest_verifies(log: Log) -> None:
    await grown_old(log)
    assert await drop_old(log.db, 1) == 5
    await log.seals()
    found = await log.verified()
    assert found.bad == ()
    async with log.db.read() as reader:
        left = await reader.fetch("SELECT action, details FROM audit_logs WHERE chain = $1", log.merchant)
    assert [row["action"] for row in left] == ["settings.changed", "audit_log.dropped"]
    assert left[1]["details"]["after"] == {"up_to_position": 5, "entries": 5, "years": 1}


async def test_dropping_again_drops_nothing(log: Log) -> None:
    await grown_old(log)
    assert [await drop_old(log.db, 1), await drop_old(log.db, 1)] == [5, 0]


async def test_a_chain_dropped_to_its_end_goes_on(log: Log) -> None:
    await grown_old(log)
    await log.tampered(
        "DELETE FROM audit_logs USING audit_seals seal WHERE seal.position = 6 AND id = seal.entry_id",
        "DELETE FROM audit_seals WHERE position = 6",
    )
    await drop_old(log.db, 1)
    await log.notes(7)
    await log.seals()
    assert (await log.verified()).bad == ()
    await log.is_anchored()
    assert (await log.verified()).bad == ()


async def test_what_a_legal_hold_keeps_is_not_dropped(log: Log) -> None:
    await grown_old(log)
    assert await drop_old(log.db, 1, held=[log.merchant]) == 0


async def test_entries_of_this_year_are_not_dropped(log: Log) -> None:
    await log.is_anchored()
    assert await drop_old(log.db, 1) == 0
    with pytest.raises(ValueError, match="a year"):
        await drop_old(log.db, 0)
    with pytest.raises(asyncpg.CheckViolationError, match="kept for a year"):
        async with log.db.transaction() as tx:
            await tx.execute("SELECT audit_drop($1, 5)", log.merchant)


async def test_what_is_not_anchored_is_not_dropped(log: Log) -> None:
    await grown_old(log)
    with pytest.raises(asyncpg.CheckViolationError, match="not anchored"):
        async with log.db.transaction() as tx:
            await tx.execute("SELECT audit_drop($1, 4)", log.merchant)


async def test_a_place_that_was_never_anchored_cannot_be_claimed_as_dropped(log: Log) -> None:
    """The database's own note of anchors can be forged with its guards off; the signed lines cannot."""
    await log.is_anchored()
    await log.tampered(
        "INSERT INTO audit_dropped SELECT chain, position, hash FROM audit_seals "
        "WHERE chain = $1 AND position = 3",
        "DELETE FROM audit_logs USING audit_seals seal "
        "WHERE seal.chain = $1 AND seal.position <= 3 AND id = seal.entry_id",
        "DELETE FROM audit_seals WHERE chain = $1 AND position <= 3",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified()).bad
    assert (bad.position, bad.why) == (3, "was dropped up to here, and no anchor tells of this place")


async def test_a_dropped_beginning_is_never_written_down_twice_or_taken_back(
    log: Log,
) -> None:
    await grown_old(log)
    await drop_old(log.db, 1)
    for statement in ("DELETE FROM audit_dropped", "UPDATE audit_dropped SET position = 9"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await log.owner.execute(statement)
