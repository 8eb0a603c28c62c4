"""What was changed, taken out, put in or cut off is found, and the first bad row is named (A2)."""

from __future__ import annotations

import asyncpg
import pytest

from quickkub.audit.chain import link, plain
from tests.storage.audit.log import Log

CHANGE = {
    "audit_logs": "action = action",
    "audit_seals": "hash = hash",
    "audit_anchors": "length = length + 1",
}
CHANGES = {
    "details": "jsonb_set(details, '{after,under_tolerance}', '9')",
    "created_at": "created_at + interval '1 microsecond'",
    "ip_address": "'198.51.100.8'",
    "actor_id": "'usr_somebody'",
    "role": "NULL",
    "action": "'settings.read'",
    "outcome": "'failed'",
    "mode": "'live'",
    "request_id": "'req_1'",
}
ENTRY = "(SELECT entry_id FROM audit_seals WHERE chain = $1 AND position = {})"


async def test_an_untouched_log_verifies(log: Log) -> None:
    await log.is_anchored()
    found = await log.verified()
    assert (found.bad, found.chains, found.entries, found.waiting, found.beyond) == ((), 2, 7, 0, 0)


async def test_a_change_of_any_field_is_found(log: Log) -> None:
    await log.owner.execute("CREATE TABLE kept AS SELECT * FROM audit_logs")
    for column, value in CHANGES.items():
        await log.tampered(
            f"UPDATE audit_logs SET {column} = {value} WHERE id = {ENTRY.format(3)}", args=(log.merchant,)
        )
        (bad,) = (await log.verified(anchors=False)).bad
        assert (bad.chain, bad.position, bad.entry) == (log.merchant, 3, await log.entry_at(3)), column
        assert "was changed" in bad.why
        await log.tampered(
            f"UPDATE audit_logs entry SET {column} = kept.{column} FROM kept WHERE kept.id = entry.id"
        )
    assert (await log.verified(anchors=False)).bad == ()


async def test_an_entry_given_to_another_merchant_is_found(log: Log) -> None:
    await log.tampered(
        f"UPDATE audit_logs SET merchant_id = NULL WHERE merchant_id = $1 AND id = {ENTRY.format(2)}",
        args=(log.merchant,),
    )
    found = await log.verified(anchors=False)
    assert (found.bad[0].position, found.bad[0].why) == (2, "the entry was removed")
    assert "neither sealed nor waiting" in found.bad[1].why


async def test_a_removed_entry_is_found(log: Log) -> None:
    gone = await log.entry_at(2)
    await log.tampered(f"DELETE FROM audit_logs WHERE id = {ENTRY.format(2)}", args=(log.merchant,))
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.position, bad.entry, bad.why) == (2, gone, "the entry was removed")


async def test_an_entry_removed_with_its_seal_is_found(log: Log) -> None:
    await log.tampered(
        f"DELETE FROM audit_logs WHERE id = {ENTRY.format(2)}",
        "DELETE FROM audit_seals WHERE chain = $1 AND position = 2",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.position, bad.why) == (2, "is missing: the next seal is 3")


async def test_an_entry_removed_and_the_rest_moved_up_is_found(log: Log) -> None:
    await log.tampered(
        f"DELETE FROM audit_logs WHERE id = {ENTRY.format(2)}",
        "DELETE FROM audit_seals WHERE chain = $1 AND position = 2",
        "UPDATE audit_seals SET position = -position + 100 WHERE chain = $1 AND position > 2",
        "UPDATE audit_seals SET position = -position + 99 WHERE chain = $1 AND position > 50",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.position, bad.why) == (2, "does not follow the row before it")


async def test_a_removed_tail_is_found_by_the_anchor_and_only_by_it(log: Log) -> None:
    await log.is_anchored()
    await log.tampered(
        "DELETE FROM audit_logs USING audit_seals seal "
        "WHERE audit_logs.id = seal.entry_id AND seal.chain = $1 AND position > 3",
        "DELETE FROM audit_seals WHERE chain = $1 AND position > 3",
        "DELETE FROM audit_anchors WHERE chain = $1",
        args=(log.merchant,),
    )
    assert (await log.verified(anchors=False)).bad == ()
    (bad,) = (await log.verified()).bad
    assert (bad.chain, bad.position, bad.why) == (log.merchant, 4, "the tail is lost: 5 were anchored")


async def test_a_removed_chain_is_found_by_the_anchor(log: Log) -> None:
    await log.is_anchored()
    await log.tampered(
        "DELETE FROM audit_logs WHERE chain = $1",
        "DELETE FROM audit_seals WHERE chain = $1",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified()).bad
    assert (bad.chain, bad.position) == (log.merchant, 1)


async def test_two_swapped_entries_are_found(log: Log) -> None:
    """Who did one thing is made to have done the other."""
    await log.tampered(
        f"UPDATE audit_logs entry SET details = other.details FROM audit_logs other "
        f"WHERE (entry.id, other.id) IN (({ENTRY.format(2)}, {ENTRY.format(4)}), "
        f"({ENTRY.format(4)}, {ENTRY.format(2)}))",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified(anchors=False)).bad
    assert bad.position == 2


async def test_two_swapped_seals_are_found(log: Log) -> None:
    await log.tampered(
        "UPDATE audit_seals SET position = 100 - position WHERE chain = $1 AND position IN (2, 3)",
        "UPDATE audit_seals SET position = position - 95 WHERE chain = $1 AND position > 50",
        args=(log.merchant,),
    )
    assert [bad.position for bad in (await log.verified(anchors=False)).bad] == [2]


async def test_an_inserted_entry_without_a_seal_is_found(log: Log) -> None:
    await log.tampered(
        "INSERT INTO audit_logs (id, merchant_id, actor_kind, action, resource_type, outcome, details) "
        "VALUES ('aud_' || repeat('0', 32), $1, 'system', 'key.revoked', 'key', 'done', '{}')",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.entry, bad.chain) == ("aud_" + "0" * 32, log.merchant)
    assert "neither sealed nor waiting" in bad.why


async def test_an_entry_sealed_by_a_hand_that_cannot_compute_is_found(log: Log) -> None:
    await log.tampered(
        "INSERT INTO audit_seals (chain, position, entry_id, previous_hash, hash) "
        f"SELECT chain, 6, {ENTRY.format(1)} || 'x', hash, sha256('x') FROM audit_seals "
        "WHERE chain = $1 AND position = 5",
        args=(log.merchant,),
    )
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.position, bad.why) == (6, "the entry was removed")


async def test_an_entry_taken_before_it_was_sealed_is_found(log: Log) -> None:
    entry = await log.notes(6)
    await log.tampered("DELETE FROM audit_logs WHERE id = $1", args=(entry,))
    await log.seals()
    (bad,) = (await log.verified(anchors=False)).bad
    assert (bad.entry, bad.why) == (entry, "waited for its seal and is gone")


async def test_a_chain_computed_anew_from_a_changed_entry_is_found_by_the_anchor(log: Log) -> None:
    """The strongest hand: it knows how hashes are made, and makes them all."""
    await log.is_anchored()
    await log.tampered(
        f"UPDATE audit_logs SET actor_id = 'usr_other' WHERE id = {ENTRY.format(2)}", args=(log.merchant,)
    )
    await _seal_anew(log)
    assert (await log.verified(anchors=False)).bad == ()
    (bad,) = (await log.verified()).bad
    assert (bad.position, bad.why) == (5, "is not what was anchored: the chain was written anew")


async def _seal_anew(log: Log) -> None:
    async with log.db.read() as reader:
        rows = await reader.fetch(
            "SELECT entry.*, position FROM audit_seals seal JOIN audit_logs entry "
            "ON entry.id = seal.entry_id WHERE seal.chain = $1 ORDER BY position",
            log.merchant,
        )
    previous = bytes(32)
    for row in rows:
        linked = link(previous, plain(row))
        await log.tampered(
            "UPDATE audit_seals SET previous_hash = $3, hash = $4 WHERE chain = $1 AND position = $2",
            args=(log.merchant, row["position"], previous, linked),
        )
        previous = linked


@pytest.mark.parametrize("table", ["audit_logs", "audit_seals", "audit_anchors"])
async def test_not_even_the_owner_changes_a_row_while_the_triggers_stand(log: Log, table: str) -> None:
    await log.is_anchored()
    for role in ("origin", "replica"):
        for statement in (f"UPDATE {table} SET {CHANGE[table]}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with log.owner.acquire() as tx, tx.transaction():
                    await tx.execute(f"SET LOCAL session_replication_role = {role}")
                    await tx.execute(statement)
    assert (await log.verified()).bad == ()


async def test_the_gateway_s_own_sessions_cannot_drop_by_forging_what_the_rule_reads(log: Log) -> None:
    """They may make temporary tables, which PostgreSQL would find before ours."""
    with pytest.raises(asyncpg.CheckViolationError, match="not anchored"):
        async with log.db.transaction() as tx:
            for table in ("audit_seals", "audit_anchors", "audit_dropped"):
                await tx.execute(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS SELECT * FROM {table}")
            await tx.execute(
                "INSERT INTO pg_temp.audit_anchors SELECT chain, position, hash FROM audit_seals"
            )
            await tx.execute("SELECT audit_drop($1, 5)", log.merchant)
    assert (await log.verified()).bad == ()
