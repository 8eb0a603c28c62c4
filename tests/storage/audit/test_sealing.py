"""Sealing: one at a time, in the order of commits, nothing skipped, nothing twice (A2, E5)."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.audit import Act, record
from quickkub.audit.sealing import seal_waiting
from quickkub.storage import DatabaseAway
from quickkub.telemetry.audit import UNSEALED_AGE
from tests.storage.audit.log import Log


async def positions(log: Log) -> list[tuple[int, str]]:
    async with log.db.read() as reader:
        rows = await reader.fetch(
            "SELECT position, entry_id FROM audit_seals WHERE chain = $1 ORDER BY position", log.merchant
        )
    return [(row["position"], row["entry_id"]) for row in rows]


async def test_an_act_that_commits_late_is_sealed_late_and_not_skipped(log: Log) -> None:
    async with log.db.transaction() as slow:
        early = await record(slow, Act("key.made", "key", None, merchant=log.merchant))
        later = await log.notes(6)
        assert early < later
        assert await log.seals() == 1
    assert await log.seals() == 1
    assert (await positions(log))[-2:] == [(6, later), (7, early)]
    assert (await log.verified()).bad == ()


async def test_an_act_that_is_rolled_back_leaves_no_entry(log: Log) -> None:
    with pytest.raises(ZeroDivisionError):
        async with log.db.transaction() as tx:
            await record(tx, Act("key.made", "key", None, merchant=log.merchant))
            raise ZeroDivisionError
    assert await log.seals() == 0
    assert (await log.verified()).entries == 7


async def test_two_sealers_at_once_make_one_chain(log: Log) -> None:
    for number in range(40):
        await log.notes(number)
    sealed = 0
    while sealed < 40:
        sealed += sum(await asyncio.gather(*(seal_waiting(log.db, 7) for _ in range(4))))
    assert sealed == 40
    assert [position for position, _ in await positions(log)] == list(range(1, 46))
    assert (await log.verified()).bad == ()


async def test_a_sealer_leaves_the_work_to_the_one_that_is_at_it(log: Log) -> None:
    await log.notes(6)
    async with log.db.transaction() as other:
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock($1)", 0x51_4B_41_55)
        assert await log.seals() == 0
    assert await log.seals() == 1


async def test_writers_do_not_wait_for_a_sealer_in_the_middle_of_its_round(log: Log) -> None:
    await log.notes(6)
    async with log.db.transaction() as sealer:
        await sealer.execute("SELECT pg_advisory_xact_lock($1)", 0x51_4B_41_55)
        await sealer.execute("DELETE FROM audit_unsealed")
        async with asyncio.timeout(5):
            assert (await log.notes(7)).startswith("aud_")


async def test_a_sealer_killed_in_the_middle_leaves_nothing_and_the_next_one_goes_on(
    log: Log,
) -> None:
    await log.notes(6)
    # Its own statement ends its session, when the seals are written and before the commit.
    await log.owner.execute(
        "CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
    )
    await log.owner.execute(
        "CREATE TRIGGER dies AFTER INSERT ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION dies()"
    )
    with pytest.raises(DatabaseAway):
        await log.seals()
    assert len(await positions(log)) == 5
    await log.owner.execute("DROP TRIGGER dies ON audit_seals")
    assert await log.seals() == 1
    assert len(await positions(log)) == 6
    assert (await log.verified()).bad == ()


async def test_batches_of_any_size_make_the_same_chain(log: Log) -> None:
    entries = [await log.notes(number) for number in range(9)]
    while await seal_waiting(log.db, 2):
        pass
    assert [entry for _, entry in (await positions(log))[5:]] == entries
    assert (await log.verified()).bad == ()


async def test_a_clock_that_steps_back_changes_no_order(log: Log) -> None:
    entries = [await log.notes(number) for number in range(3)]
    await log.owner.execute(
        "UPDATE audit_unsealed SET since = now() - interval '1 minute' WHERE entry_id = $1", entries[-1]
    )
    assert await log.seals() > 0
    assert [entry for _, entry in (await positions(log))[5:]] == entries


async def test_an_entry_nobody_can_hash_stays_unsealed_and_holds_up_no_other(log: Log) -> None:
    async with log.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO audit_logs (id, merchant_id, actor_kind, action, resource_type, outcome, details) "
            "VALUES ('aud_' || repeat('0', 32), $1, 'system', 'key.revoked', 'key', 'done', $2)",
            log.merchant,
            {"amount": 2**60},
        )
    await log.notes(6)
    assert await log.seals() == 1
    assert (await log.verified()).waiting == 1


async def test_how_long_the_oldest_entry_waits_is_a_metric(log: Log) -> None:
    await log.notes(6)
    await log.owner.execute("UPDATE audit_unsealed SET since = now() - interval '1 hour'")
    await seal_waiting(log.db, 0)
    assert 3600 <= UNSEALED_AGE._value.get() < 3660
    await log.seals()
    assert UNSEALED_AGE._value.get() == 0


async def test_a_thousand_acts_are_sealed_at_once(log: Log) -> None:
    async with log.db.transaction() as tx:
        for number in range(1000):
            await record(tx, Act("key.read", "key", str(number), merchant=log.merchant))
    assert await log.seals() == 1000
    assert (await log.verified()).bad == ()
