"""From an event to a merchant's server: signed, tried again, given up where everybody can see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import standardwebhooks

from quickkub.storage import Database
from quickkub.storage.outbox import emit
from quickkub.webhooks import claims, endpoints, event_store, store
from quickkub.webhooks.endpoints import Changes
from quickkub.webhooks.schedule import DELAYS
from quickkub.webhooks.verify import verify, verify_compatible
from tests.support.receiver import HangsUp, Receiver, Says, receiving
from tests.support.webhooks import Kiosk, open_kiosk


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_a_webhook_is_signed_in_both_forms_and_verifies_with_the_public_library(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    _, secret = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    assert await kiosk.delivers() == 1
    [request] = receiver.requests
    now = kiosk.clock.now().timestamp()
    assert verify(request.headers, request.body, [secret.reveal()], now) == event
    verify_compatible(request.headers, request.body, [secret.reveal()], now)
    told = standardwebhooks.Webhook(secret.reveal()).verify(request.body, request.headers)
    assert (told["id"], told["type"], told["api_version"]) == (event, "payment.succeeded", "2026-11-23")


async def test_the_body_is_the_event_as_the_api_shows_it(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    await kiosk.delivers()
    told = json.loads(receiver.requests[0].body)
    assert told["data"]["object"]["description"] == "กาแฟเย็น ☕"
    assert told["mode"] == "test" and told["id"] == event


async def test_what_was_delivered_is_not_delivered_again(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    assert [await kiosk.delivers(), await kiosk.delivers()] == [1, 0]
    row = await kiosk.delivery(event, endpoint)
    assert (row["state"], row["tries"], row["last_status"], row["last_answer"]) == (
        "delivered",
        1,
        200,
        "thank you",
    )


async def test_a_receiver_that_answers_500_gets_it_again_with_the_same_id_and_the_same_bytes(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.will(Says(500, b"database is down"), HangsUp())
    for _ in range(3):
        await kiosk.delivers()
        await kiosk.time_passes(minutes=1)
    assert receiver.ids == [event] * 3
    assert len({request.body for request in receiver.requests}) == 1
    assert (await kiosk.delivery(event, endpoint))["state"] == "delivered"


async def test_it_is_not_tried_again_before_its_time(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    await kiosk.happens()
    receiver.usual = Says(500)
    await kiosk.delivers()
    await kiosk.time_passes(seconds=3.9)
    assert await kiosk.delivers() == 0
    await kiosk.time_passes(seconds=2.2)
    assert await kiosk.delivers() == 1


async def test_retry_after_is_honoured(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    await kiosk.happens()
    receiver.will(Says(429, b"", {"retry-after": "600"}))
    await kiosk.delivers()
    await kiosk.time_passes(seconds=590)
    assert await kiosk.delivers() == 0
    await kiosk.time_passes(seconds=11)
    assert await kiosk.delivers() == 1


async def test_after_thirteen_tries_it_is_a_dead_letter_with_its_history(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.usual = Says(500, b"still down")
    for delay in (*DELAYS, 0):
        assert await kiosk.delivers() == 1
        await kiosk.time_passes(seconds=delay * 1.2)
    row = await kiosk.delivery(event, endpoint)
    assert (row["state"], row["tries"], row["next_try_at"]) == ("dead", 13, None)
    assert await kiosk.delivers() == 0
    async with kiosk.db.read() as reader:
        history = await store.list_tries(reader, kiosk.merchant, event, endpoint.id)
    assert [(one.status, one.answer) for one in history] == [(500, "still down")] * 13


async def test_410_disables_the_endpoint_and_makes_a_dead_letter(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.will(Says(410))
    await kiosk.delivers()
    after = await kiosk.finds(endpoint)
    assert (after.state, after.disabled_reason) == ("disabled", "gone")
    assert (await kiosk.delivery(event, endpoint))["state"] == "dead"


async def test_what_falls_due_at_a_disabled_endpoint_is_a_dead_letter_too(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    events = [await kiosk.happens() for _ in range(3)]
    receiver.will(Says(410))
    await kiosk.delivers(limit=1)
    await kiosk.delivers()
    rows = [await kiosk.delivery(event, endpoint) for event in events]
    assert [row["state"] for row in rows] == ["dead"] * 3
    assert len(receiver.requests) == 1


async def test_a_disabled_endpoint_gets_no_new_events(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    await endpoints.update(
        kiosk.db, kiosk.guard, kiosk.merchant, "test", endpoint.id, Changes(status="disabled")
    )
    await kiosk.happens()
    assert await kiosk.delivers() == 0


async def test_an_endpoint_that_fails_for_five_days_is_disabled_with_a_reason(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    receiver.usual = Says(500)
    await kiosk.happens()
    await kiosk.delivers()
    await kiosk.time_passes(days=4.9)
    await kiosk.delivers()
    assert (await kiosk.finds(endpoint)).state == "enabled"
    await kiosk.time_passes(days=0.2)
    await kiosk.delivers()
    after = await kiosk.finds(endpoint)
    assert (after.state, after.disabled_reason) == ("disabled", "failing")


async def test_one_success_in_between_starts_the_five_days_anew(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    receiver.will(Says(500), Says(200), Says(500), Says(500))
    await kiosk.happens()
    for days in (4, 4, 4, 4):
        await kiosk.delivers()
        await kiosk.happens()
        await kiosk.time_passes(days=days)
    assert (await kiosk.finds(endpoint)).state == "enabled"


async def test_a_redirect_is_not_followed_and_counts_as_a_failure(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.will(Says(307, b"", {"location": receiver.url("/elsewhere")}))
    await kiosk.delivers()
    row = await kiosk.delivery(event, endpoint)
    assert (row["state"], row["last_status"], row["last_error"]) == (
        "pending",
        307,
        "redirects are not followed",
    )
    assert [request.path for request in receiver.requests] == ["/hooks"]


async def test_only_the_types_asked_for_are_delivered(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url("/all"))
    await kiosk.listens(receiver.url("/some"), events=["payment.succeeded"])
    await kiosk.happens("payment.failed")
    await kiosk.happens("payment.succeeded")
    await kiosk.delivers()
    assert sorted(request.path for request in receiver.requests) == ["/all", "/all", "/some"]


async def test_live_events_do_not_go_to_test_endpoints(kiosk: Kiosk, receiver: Receiver) -> None:
    await kiosk.listens(receiver.url())
    kiosk.mode = "live"
    await kiosk.happens()
    assert await kiosk.delivers() == 0


@pytest.mark.parametrize(
    ("signatures", "missing"), [("standard", "x-webhook-signature"), ("compatible", "webhook-signature")]
)
async def test_an_endpoint_can_turn_one_form_off(
    kiosk: Kiosk, receiver: Receiver, signatures: str, missing: str
) -> None:
    await kiosk.listens(receiver.url(), signatures=signatures)
    await kiosk.happens()
    await kiosk.delivers()
    assert missing not in receiver.requests[0].headers


async def test_during_a_rotation_both_secrets_sign_and_afterwards_only_the_new_one(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    endpoint, old = await kiosk.listens(receiver.url())
    _, new = await endpoints.rotate_secret(kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id)
    await kiosk.happens()
    await kiosk.delivers()
    await kiosk.time_passes(hours=25)
    await kiosk.happens()
    await kiosk.delivers()
    during, after = receiver.requests
    assert _good(during.headers, during.body, old.reveal()) and _good(
        during.headers, during.body, new.reveal()
    )
    assert _good(after.headers, after.body, new.reveal())
    assert not _good(after.headers, after.body, old.reveal())


def _good(headers: dict[str, str], body: bytes, secret: str) -> bool:
    try:
        return bool(standardwebhooks.Webhook(secret).verify(body, headers))
    except standardwebhooks.WebhookVerificationError:
        return False


async def test_a_secret_that_does_not_open_is_a_failed_try_and_stops_nobody_else(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    broken, _ = await kiosk.listens(receiver.url("/broken"))
    await kiosk.listens(receiver.url("/good"))
    await kiosk.pool.execute("UPDATE webhook_endpoints SET secret = 'moved' WHERE id = $1", broken.id)
    event = await kiosk.happens()
    await kiosk.delivers()
    assert [request.path for request in receiver.requests] == ["/good"]
    assert "secret" in (await kiosk.delivery(event, broken))["last_error"]


async def test_a_dead_merchant_takes_a_few_places_and_no_more(kiosk: Kiosk, receiver: Receiver) -> None:
    dead, _ = await kiosk.listens(receiver.url("/dead"), events=["payment.failed"])
    await kiosk.listens(receiver.url("/alive"), events=["payment.succeeded"])
    for _ in range(20):
        await kiosk.happens("payment.failed")
    await kiosk.happens("payment.succeeded")
    async with kiosk.db.transaction() as tx:
        claimed = await claims.claim_due(tx, 8, 4, {})
    assert [one.endpoint for one in claimed].count(dead.id) == 4
    assert len(claimed) == 5


async def test_an_endpoint_whose_circuit_is_open_is_left_alone(kiosk: Kiosk, receiver: Receiver) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    await kiosk.happens()
    async with kiosk.db.transaction() as tx:
        assert await claims.claim_due(tx, 8, 4, {endpoint.id: 0}) == []
        assert len(await claims.claim_due(tx, 8, 4, {endpoint.id: 1})) == 1


async def test_an_event_and_its_deliveries_are_written_with_the_change_or_not_at_all(
    kiosk: Kiosk, receiver: Receiver
) -> None:
    await kiosk.listens(receiver.url())
    with pytest.raises(asyncpg.UniqueViolationError):
        async with kiosk.db.transaction() as tx:
            await emit(tx, kiosk.event("payment.succeeded", "pay_1", 1))
            await emit(tx, kiosk.event("payment.succeeded", "pay_1", 1))
    assert await kiosk.delivers() == 0


async def test_a_reader_that_follows_the_news_misses_no_event_that_commits_late(kiosk: Kiosk) -> None:
    seen = await kiosk.happens("payment.created", about="pay_0")
    slow_began, fast_done = asyncio.Event(), asyncio.Event()
    slow: list[str] = []

    async def slow_writer() -> None:
        async with kiosk.db.transaction() as tx:
            slow.append(await emit(tx, kiosk.event("payment.succeeded", "pay_slow", 1)))
            slow_began.set()
            await fast_done.wait()

    writing = asyncio.create_task(slow_writer())
    await slow_began.wait()
    fast = await kiosk.happens("payment.succeeded", about="pay_fast")
    meanwhile = await _following(kiosk, seen, skew=timedelta())
    fast_done.set()
    await writing
    assert meanwhile == []
    assert await _following(kiosk, seen, skew=timedelta(seconds=-1)) == sorted([slow[0], fast])


async def _following(kiosk: Kiosk, seen: str, skew: timedelta) -> list[str]:
    async with kiosk.db.read() as reader:
        horizon = await event_store.horizon(reader, skew)
        found = await event_store.following(
            reader, kiosk.merchant, "test", kind=None, after=seen, before=horizon, limit=10
        )
    return [event.id for event in found]
