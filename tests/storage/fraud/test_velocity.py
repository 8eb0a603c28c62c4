"""Counters: what a window covers, what is unknown, and that two payments at once see each other."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from quickkub.fraud.model import Action
from quickkub.fraud.screen import Screened
from quickkub.fraud.velocity import PARTNERS_MAX
from quickkub.fraud.velocity_store import prune
from quickkub.storage import Connection
from tests.storage.fraud.conftest import Guarded, at_least, rule

_READ_HERE: Final = """
SELECT sum(seq_scan) AS scans, sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) AS rows
  FROM pg_stat_xact_user_tables WHERE relname LIKE 'fraud_%'
"""


async def test_the_payment_that_is_looked_at_is_counted_in_every_window(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 99)))
    seen = await guarded.inputs(await guarded.pays(20_000, card="c1", device="d1"))
    assert [seen[f"card.{window}.count"] for window in ("1m", "10m", "1h", "24h", "7d", "30d")] == [1] * 6
    assert seen["card.30d.amount"] == 20_000
    assert (seen["card.1h.devices"], seen["device.1h.cards"]) == (1, 1)


async def test_each_window_forgets_at_its_own_time(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 99)))
    await guarded.pays(card="c1")
    for passed, still in (
        ({"minutes": 3}, "10m"),
        ({"minutes": 20}, "1h"),
        ({"hours": 2}, "24h"),
        ({"days": 3}, "7d"),
        ({"days": 10}, "30d"),
    ):
        guarded.passes(**passed)
        seen = await guarded.inputs(await guarded.pays(card="c2", phone="0812345678"))
        assert seen["merchant.1m.count"] == 1, passed
        again = await guarded.inputs(await guarded.pays(card="c1"))
        assert again[f"card.{still}.count"] >= 2, still
        await guarded.does("DELETE FROM fraud_velocity WHERE kind = 'merchant'")


async def test_what_nobody_said_is_unknown_and_not_zero(guarded: Guarded) -> None:
    await guarded.rules(rule({"not": at_least("device.10m.count", 5)}))
    screened = await guarded.pays(card="c1")
    assert "device.10m.count" not in await guarded.inputs(screened)
    assert screened.action is Action.ALLOW
    assert (await guarded.decision(screened)).results[0]["result"] == "unknown"


async def test_the_distinct_cards_of_a_device_are_counted_once_each(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("device.1h.cards", 3)))
    told = [await guarded.pays(card=card, device="d1") for card in ("c1", "c2", "c1", "c2", "c3")]
    assert [one.action for one in told] == [Action.ALLOW] * 4 + [Action.BLOCK]


async def test_failures_count_against_everything_the_payment_was_counted_under(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("address.10m.failures", 2)))
    for card in ("c1", "c2"):
        subject = guarded.subject(card=card, address="203.0.113.9")
        async with guarded.db.transaction() as tx:
            await guarded.screen.before(tx, subject, guarded.version)
        async with guarded.db.transaction() as tx:
            await guarded.screen.failed(tx, subject)
    screened = await guarded.pays(card="c3", address="203.0.113.9")
    seen = await guarded.inputs(screened)
    assert screened.action is Action.BLOCK
    assert (seen["address.10m.failures"], seen["network.10m.failures"], seen["card.10m.failures"]) == (
        2,
        2,
        0,
    )


async def test_payments_at_the_same_moment_see_each_other(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 4)))
    told = await asyncio.gather(
        *(guarded.pays(card="c1", device=f"d{n}", address="203.0.113.9") for n in range(9))
    )
    assert sum(one.action is Action.ALLOW for one in told) == 3


async def test_one_merchant_never_counts_for_another(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 2)))
    await guarded.does("UPDATE fraud_velocity SET merchant_id = merchant_id")
    await guarded.pays(card="c1")
    await guarded.does("UPDATE fraud_velocity SET merchant_id = 'mer_' || repeat('0', 32)")
    assert (await guarded.pays(card="c1")).action is Action.ALLOW


async def test_old_buckets_are_deleted_and_newer_ones_stay(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 99)))
    await guarded.pays(card="c1")
    await guarded.does("UPDATE fraud_velocity SET bucket = now() - interval '27 hours'")
    async with guarded.db.transaction() as tx:
        await prune(tx, 100)
    async with guarded.db.read() as reader:
        spans = await reader.fetch("SELECT DISTINCT span FROM fraud_velocity")
    assert [row["span"] for row in spans] == [1440]


async def test_payments_that_only_share_a_shop_an_amount_and_an_address_never_wait_for_each_other(
    guarded: Guarded,
) -> None:
    await guarded.rules(rule(at_least("network.1m.count", 99)))
    shared: dict[str, Any] = {"address": "203.0.113.9", "reference": "counter", "bin": "411111"}

    async def payer(number: int, tx: Connection) -> Screened:
        subject = guarded.subject(card=f"c{number}", device=f"d{number}", email=f"p{number}@x.th", **shared)
        return await guarded.screen.before(tx, subject, guarded.version)

    async with guarded.db.transaction() as first, guarded.db.transaction() as second, asyncio.timeout(2):
        await payer(1, first)
        await payer(2, second)
    seen = await guarded.inputs(await guarded.pays(card="c3", **shared))
    fields = ("merchant.1m.count", "amount.1h.count", "bin.24h.count", "address.7d.count", "bin.1m.cards")
    assert [seen[field] for field in fields] == [3] * 5
    rows = await guarded.row("SELECT count(DISTINCT shard) FROM fraud_velocity WHERE kind = 'merchant'")
    assert rows[0] == 2, "the third took a row that was free again"


async def test_a_payer_waits_for_their_own_other_payment(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("card.1m.count", 2)))
    async with guarded.db.transaction() as tx:
        await guarded.screen.before(tx, guarded.subject(card="c1"), guarded.version)
        second = asyncio.create_task(guarded.pays(card="c1"))
        async with guarded.db.transaction() as watching:
            while not await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
        assert not second.done()
    assert (await second).action is Action.BLOCK


async def test_a_look_reads_its_own_rows_by_index_whatever_the_planner_believes(guarded: Guarded) -> None:
    # A session keeps the plan of its sixth look, made while the tables were as good as empty.
    await guarded.rules(rule(at_least("card.1m.count", 99)))
    for _ in range(7):
        await guarded.pays(card="c1", device="d1", address="203.0.113.9")
    await guarded.does(
        """
        INSERT INTO fraud_velocity (merchant_id, mode, kind, key, span, bucket)
        SELECT 'mer_' || repeat('0', 32), 'test', 'card', decode(md5(number::text), 'hex'), 1, $1
          FROM generate_series(1, 5000) number
        """,
        guarded.at,
    )
    async with guarded.db.transaction() as tx:
        # What the session has not told yet of earlier transactions is in these numbers, too.
        before = await tx.fetchrow(_READ_HERE)
        await guarded.screen.before(tx, guarded.subject(card="c1", device="d1"), guarded.version)
        after = await tx.fetchrow(_READ_HERE)
    assert before is not None and after is not None
    assert after["scans"] == before["scans"]
    assert 0 < after["rows"] - before["rows"] < 100


async def test_of_many_partners_the_newest_count(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("address.1m.cards", 99)))
    await guarded.pays(card="c0", address="203.0.113.9")
    await guarded.does(
        """
        INSERT INTO fraud_partners (merchant_id, mode, kind, key, partner_kind, partner, seen_at)
        SELECT merchant_id, mode, kind, key, partner_kind, decode(md5(number::text), 'hex'),
               seen_at - interval '3 days'
          FROM fraud_partners CROSS JOIN generate_series(1, $1) number
         WHERE kind = 'address' AND partner_kind = 'card'
        """,
        PARTNERS_MAX,
    )
    await guarded.pays(card="c1", address="203.0.113.9")
    seen = await guarded.inputs(await guarded.pays(card="c2", address="203.0.113.9"))
    assert (seen["address.10m.cards"], seen["address.30d.cards"]) == (3, PARTNERS_MAX)
