"""Endpoints: made, changed, given a new secret, deleted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.vault import CannotOpen
from quickkub.webhooks import endpoint_store, endpoints
from quickkub.webhooks.endpoints import Changes, endpoint_view
from quickkub.webhooks.guard import Guard, UrlRefused
from quickkub.webhooks.model import Endpoint, previous_secret_place, secret_place
from quickkub.webhooks.rules import (
    ENDPOINTS_MAX,
    DescriptionInvalid,
    EndpointNotFound,
    TooManyEndpoints,
    UnknownEventType,
)
from quickkub.webhooks.service import Webhooks
from tests.support.webhooks import Kiosk, LyingResolver, open_kiosk

URL = "http://127.0.0.1:4242/hooks"


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


async def change(kiosk: Kiosk, endpoint: str, **changes: Any) -> Endpoint:
    return await endpoints.update(kiosk.db, kiosk.guard, kiosk.merchant, "test", endpoint, Changes(**changes))


async def stored(kiosk: Kiosk, endpoint: str) -> asyncpg.Record:
    row: asyncpg.Record | None = await kiosk.pool.fetchrow(
        "SELECT * FROM webhook_endpoints WHERE id = $1", endpoint
    )
    assert row is not None
    return row


async def test_the_secret_is_shown_once_and_kept_sealed(kiosk: Kiosk) -> None:
    counter = Webhooks(kiosk.db, kiosk.vault, kiosk.guard)
    made = await counter.create_endpoint(kiosk.merchant, "test", url=URL, description="till", events=[])
    shown = await counter.endpoint(kiosk.merchant, "test", made["id"])
    assert made["secret"].startswith("whsec_") and "secret" not in shown
    assert made["secret"].encode() not in bytes((await stored(kiosk, made["id"]))["secret"])
    assert {name: value for name, value in made.items() if name != "secret"} == shown
    assert (shown["status"], shown["url"], shown["description"], shown["events"]) == (
        "enabled",
        URL,
        "till",
        [],
    )


async def test_a_sealed_secret_does_not_open_in_another_row_or_column(kiosk: Kiosk) -> None:
    endpoint, secret = await kiosk.listens(URL)
    sealed = bytes((await stored(kiosk, endpoint.id))["secret"])
    opened = kiosk.vault.open(sealed, secret_place(kiosk.merchant, endpoint.id, "test"))
    assert Secret(opened.decode()) == secret
    for place in (
        secret_place(kiosk.merchant, "we_other", "test"),
        secret_place("mer_other", endpoint.id, "test"),
        previous_secret_place(kiosk.merchant, endpoint.id, "test"),
    ):
        with pytest.raises(CannotOpen):
            kiosk.vault.open(sealed, place)


@pytest.mark.parametrize(
    ("about", "refusal"),
    [
        ({"url": "http://shop.example/"}, UrlRefused),
        ({"url": "http://10.0.0.1/"}, UrlRefused),
        ({"url": URL, "events": ["payment.paid"]}, UnknownEventType),
        ({"url": URL, "description": "a\0b"}, DescriptionInvalid),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    kiosk: Kiosk, about: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await kiosk.listens(**about)
    assert await endpoints.list_all(kiosk.db, kiosk.merchant, "test") == []


async def test_the_address_is_stored_in_its_ascii_form(kiosk: Kiosk) -> None:
    kiosk.guard = Guard(LyingResolver(["93.184.216.34"]))
    endpoint, _ = await kiosk.listens("https://ร้านกาแฟ.ไทย/hooks")
    assert endpoint.url == "https://xn--12c1ctan9ec9hrc.xn--o3cw4h/hooks"


async def test_there_is_a_limit_that_two_requests_at_once_cannot_pass(kiosk: Kiosk) -> None:
    for _ in range(ENDPOINTS_MAX - 1):
        await kiosk.listens(URL)
    async with kiosk.db.transaction() as tx:
        assert await endpoint_store.count_for_one_more(tx, kiosk.merchant, "test") == ENDPOINTS_MAX - 1
        second = asyncio.create_task(kiosk.listens(URL))
        await _somebody_waits(kiosk)
        about: dict[str, Any] = {"description": None, "events": [], "signatures": "both", "sealed": b""}
        await endpoint_store.insert(tx, kiosk.merchant, new_id("we"), mode="test", url=URL, **about)
    with pytest.raises(TooManyEndpoints):
        await second
    assert len(await endpoints.list_all(kiosk.db, kiosk.merchant, "test")) == ENDPOINTS_MAX


async def _somebody_waits(kiosk: Kiosk) -> None:
    """Until a connection waits for a lock that another one holds."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await kiosk.pool.fetchval(waits) is None:
            await asyncio.sleep(0)


async def test_only_what_is_said_changes(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL, description="till", events=["payment.failed"])
    assert await change(kiosk, endpoint.id) == endpoint
    after = await change(kiosk, endpoint.id, events=["payment.succeeded"], signatures="standard")
    assert (after.events, after.signatures, after.description) == (["payment.succeeded"], "standard", "till")
    after = await change(kiosk, endpoint.id, description="", url="http://127.0.0.1:4243/x")
    assert (after.description, after.url) == (None, "http://127.0.0.1:4243/x")


async def test_a_changed_address_is_checked_like_a_new_one(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    with pytest.raises(UrlRefused):
        await change(kiosk, endpoint.id, url="https://169.254.169.254/")
    assert (await kiosk.finds(endpoint)).url == URL


async def test_a_merchant_disables_and_enables(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    off = await change(kiosk, endpoint.id, status="disabled")
    on = await change(kiosk, endpoint.id, status="enabled")
    assert [(one.state, one.disabled_reason) for one in (off, on)] == [
        ("disabled", "by_merchant"),
        ("enabled", None),
    ]


async def test_enabling_forgets_for_how_long_it_failed(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    await kiosk.pool.execute("UPDATE webhook_endpoints SET failing_since = now()")
    assert (await change(kiosk, endpoint.id, description="x")).failing_since is not None
    assert (await change(kiosk, endpoint.id, status="enabled")).failing_since is None


async def test_a_deleted_endpoint_is_gone_and_its_secret_is_forgotten(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    await endpoints.rotate_secret(kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id)
    await endpoints.delete(kiosk.db, kiosk.merchant, "test", endpoint.id)
    for gone in (
        kiosk.finds(endpoint),
        change(kiosk, endpoint.id, status="enabled"),
        endpoints.delete(kiosk.db, kiosk.merchant, "test", endpoint.id),
        endpoints.rotate_secret(kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id),
    ):
        with pytest.raises(EndpointNotFound):
            await gone
    row = await stored(kiosk, endpoint.id)
    assert (bytes(row["secret"]), row["previous_secret"]) == (b"", None)


async def test_what_waited_for_a_deleted_endpoint_is_a_dead_letter(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    event = await kiosk.happens()
    await endpoints.delete(kiosk.db, kiosk.merchant, "test", endpoint.id)
    assert await kiosk.delivers() == 0
    row = await kiosk.delivery(event, endpoint)
    assert (row["state"], row["last_error"]) == ("dead", "the endpoint is deleted")


async def test_a_rotation_has_an_end_that_is_shown(kiosk: Kiosk) -> None:
    endpoint, old = await kiosk.listens(URL)
    rotated, new = await endpoints.rotate_secret(kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id)
    assert old != new
    assert endpoint_view(rotated)["previous_secret_until"] is not None
    await kiosk.time_passes(hours=25)
    assert endpoint_view(await kiosk.finds(endpoint))["previous_secret_until"] is None


async def test_a_leaked_secret_ends_at_once(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    await endpoints.rotate_secret(
        kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id, overlap=timedelta()
    )
    assert (await stored(kiosk, endpoint.id))["previous_secret"] is None


async def test_a_secret_that_does_not_open_can_be_replaced(kiosk: Kiosk) -> None:
    endpoint, _ = await kiosk.listens(URL)
    await kiosk.pool.execute("UPDATE webhook_endpoints SET secret = 'moved' WHERE id = $1", endpoint.id)
    await endpoints.rotate_secret(kiosk.db, kiosk.vault, kiosk.merchant, "test", endpoint.id)
    row = await stored(kiosk, endpoint.id)
    assert kiosk.vault.open(bytes(row["secret"]), secret_place(kiosk.merchant, endpoint.id, "test"))
    assert row["previous_secret"] is None


async def test_endpoints_of_one_mode_are_listed_newest_first(kiosk: Kiosk) -> None:
    made = [(await kiosk.listens(URL))[0].id for _ in range(3)]
    listed = await Webhooks(kiosk.db, kiosk.vault, kiosk.guard).endpoints(kiosk.merchant, "test")
    assert [one["id"] for one in listed] == sorted(made, reverse=True)
