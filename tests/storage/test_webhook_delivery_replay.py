"""Dead letters, replays, and what a merchant sees of its deliveries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from quickkub.kernel.errors import Refusal
from quickkub.storage import Database
from quickkub.webhooks import claims, endpoints, replay
from quickkub.webhooks.endpoints import Changes
from quickkub.webhooks.rules import EndpointDisabled, EndpointNotFound, EventNotFound, Verdict
from quickkub.webhooks.service import Webhooks
from tests.support.receiver import Receiver, Says, receiving
from tests.support.webhooks import Kiosk, open_kiosk


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def changed(kiosk: Kiosk, endpoint: str, **changes: Any) -> None:
    await endpoints.update(kiosk.db, kiosk.guard, kiosk.merchant, "test", endpoint, Changes(**changes))


async def replayed(kiosk: Kiosk, event: str, endpoint: str | None = None) -> int:
    return await replay.replay_event(kiosk.db, kiosk.merchant, "test", event, endpoint)


async def test_dead_letters_can_be_redelivered_with_their_own_ids(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    events = [await kiosk.happens() for _ in range(3)]
    receiver.usual = Says(410)
    await kiosk.delivers(limit=1)
    await kiosk.delivers()
    receiver.usual = Says(200)
    await changed(kiosk, endpoint.id, status="enabled")
    assert await replay.redeliver_dead(kiosk.db, kiosk.merchant, "test", endpoint.id) == 3
    await kiosk.delivers()
    assert sorted(receiver.ids[1:]) == sorted(events)


async def test_a_replay_has_the_same_id_and_the_same_bytes_and_all_its_tries(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    await kiosk.delivers()
    assert await replayed(kiosk, event) == 1
    await kiosk.delivers()
    first, second = receiver.requests
    assert receiver.ids == [event, event]
    assert first.body == second.body
    assert (await kiosk.delivery(event, endpoint))["tries"] == 1


async def test_a_replay_can_go_to_an_endpoint_that_did_not_exist_at_the_time(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    event = await kiosk.happens("payment.failed")
    late, _ = await kiosk.listens(receiver.url(), events=["payment.succeeded"])
    assert await replayed(kiosk, event) == 0
    assert await replayed(kiosk, event, late.id) == 1
    await kiosk.delivers()
    assert receiver.ids == [event]


async def test_a_delivery_that_a_worker_holds_is_left_to_it(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    [claimed] = await kiosk.claims()
    assert await replayed(kiosk, event) == 0
    async with kiosk.db.read() as connection:
        assert await claims.finish(connection, claimed, Verdict("delivered", status=200, text=""), 1)
    assert (await kiosk.delivery(event, endpoint))["state"] == "delivered"


async def test_a_replay_takes_a_dead_workers_delivery_away_from_it(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    [dead] = await kiosk.claims()
    await kiosk.time_passes(seconds=claims.LEASE_SECONDS + 1)
    assert await replayed(kiosk, event) == 1
    async with kiosk.db.read() as connection:
        assert not await claims.finish(connection, dead, Verdict("delivered", status=200, text=""), 1)


async def test_nothing_is_replayed_to_a_disabled_endpoint(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    await changed(kiosk, endpoint.id, status="disabled")
    with pytest.raises(EndpointDisabled):
        await replayed(kiosk, event, endpoint.id)
    with pytest.raises(EndpointDisabled):
        await replay.redeliver_dead(kiosk.db, kiosk.merchant, "test", endpoint.id)
    assert await replayed(kiosk, event) == 0


async def test_what_does_not_exist_is_not_replayed(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    with pytest.raises(EventNotFound):
        await replayed(kiosk, "evt_" + "0" * 32, endpoint.id)
    with pytest.raises(EndpointNotFound):
        await replayed(kiosk, event, "we_" + "0" * 32)


async def test_somebody_elses_objects_look_as_if_they_did_not_exist(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    other = await open_kiosk(kiosk.db, kiosk.pool)
    theirs = Webhooks(other.db, other.vault, other.guard)
    mine, merchant = Webhooks(kiosk.db, kiosk.vault, kiosk.guard), kiosk.merchant
    for who, mode, counter in ((other.merchant, "test", theirs), (merchant, "live", mine)):
        for refused in (
            counter.event(who, mode, event),
            counter.endpoint(who, mode, endpoint.id),
            counter.change_endpoint(who, mode, endpoint.id, Changes(status="disabled")),
            counter.delete_endpoint(who, mode, endpoint.id),
            counter.rotate_secret(who, mode, endpoint.id),
            counter.deliveries(who, mode, endpoint.id, limit=10),
            counter.delivery(who, mode, event, endpoint.id),
            counter.replay_event(who, mode, event, endpoint.id),
            counter.redeliver_dead(who, mode, endpoint.id),
        ):
            with pytest.raises(Refusal) as refusal:
                await refused
            assert refusal.value.code in ("event_not_found", "webhook_endpoint_not_found")
        assert await counter.endpoints(who, mode) == []
        assert (await counter.events(who, mode, limit=10)).items == ()
    assert (await kiosk.finds(endpoint)).state == "enabled"


async def test_a_merchant_sees_the_status_and_the_first_words_of_every_try(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.will(Says(500, b"x" * 5000), Says(200, b"ok"))
    await kiosk.delivers()
    await kiosk.time_passes(minutes=1)
    await kiosk.delivers()
    counter = Webhooks(kiosk.db, kiosk.vault, kiosk.guard)
    shown = await counter.delivery(kiosk.merchant, "test", event, endpoint.id)
    assert (shown["status"], shown["tries"], shown["last_answer"]) == ("delivered", 2, "ok")
    assert [(one["status"], one["answer"]) for one in shown["log"]] == [(500, "x" * 1024), (200, "ok")]


async def test_deliveries_are_listed_newest_event_first_a_page_at_a_time(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    for _ in range(5):
        await kiosk.happens()
    await kiosk.delivers(limit=2)
    counter = Webhooks(kiosk.db, kiosk.vault, kiosk.guard)
    seen: list[str] = []
    more = True
    while more:
        after = seen[-1] if seen else None
        page = await counter.deliveries(kiosk.merchant, "test", endpoint.id, limit=2, starting_after=after)
        seen += [item["event"] for item in page.items]
        more = page.has_more
    assert (len(seen), seen) == (5, sorted(seen, reverse=True))
    delivered = await counter.deliveries(kiosk.merchant, "test", endpoint.id, limit=10, state="delivered")
    assert len(delivered.items) == 2


async def test_events_are_listed_in_both_directions(kiosk: Kiosk) -> None:
    made = sorted(
        [await kiosk.happens(kind) for kind in ("payment.created", "payment.failed", "payment.created")]
    )
    counter = Webhooks(kiosk.db, kiosk.vault, kiosk.guard)
    newest = await counter.events(kiosk.merchant, "test", limit=2)
    older = await counter.events(kiosk.merchant, "test", limit=2, starting_after=newest.items[-1]["id"])
    assert [item["id"] for item in (*newest.items, *older.items)] == made[::-1]
    assert (newest.has_more, older.has_more) == (True, False)
    failed = await counter.events(kiosk.merchant, "test", limit=2, kind="payment.failed")
    assert [item["type"] for item in failed.items] == ["payment.failed"]
    assert (await counter.event(kiosk.merchant, "test", made[0])) == older.items[0]
    unsettled = await counter.events(kiosk.merchant, "test", limit=2, ending_before=made[0])
    assert unsettled.items == (), "events of the last two seconds are not shown to those who follow the news"


async def test_the_backlog_tells_what_waits_and_what_is_dead(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    await kiosk.happens()
    await kiosk.happens()
    receiver.will(Says(410))
    await kiosk.delivers(limit=1)
    await kiosk.time_passes(minutes=5)
    counter = Webhooks(kiosk.db, kiosk.vault, kiosk.guard)
    backlog = await counter.backlog()
    assert (backlog.pending, backlog.dead) == (1, 1)
    assert 300 <= backlog.overdue_seconds < 400
