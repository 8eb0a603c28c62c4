"""Counters: what a window covers, what is unknown, and that two payments at once see each other."""

from __future__ import annotations

import asyncio

from quickkub.fraud.model import Action
from quickkub.fraud.velocity_store import prune
from tests.storage.fraud.conftest import Guarded, at_least, rule


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
