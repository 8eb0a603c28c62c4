"""Keys: who may ask, and that nobody learns why not."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from litestar.handlers import HTTPRouteHandler

from quickkub.api import v1
from quickkub.api.operations import OPT_KEY
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants import store
from quickkub.merchants.keys import (
    CACHE_SECONDS,
    KeyKind,
    KeyRefused,
    Keys,
    checksum,
    hash_key,
    new_key,
    open_key,
)
from quickkub.storage import Connection, Database
from tests.support.api import PEPPER, Client, gateway, key_for
from tests.support.clock import MovedClock
from tests.support.shop import open_shop

LOOK = "/v1/payments"


async def test_a_bearer_key_is_taken(same_shop: Client) -> None:
    assert (await same_shop.gets(LOOK)).status == 200


async def test_the_same_key_is_taken_as_the_user_of_basic(same_shop: Client) -> None:
    assert same_shop.key is not None
    basic = base64.b64encode(f"{same_shop.key}:".encode()).decode()
    assert (await same_shop.with_key(None).gets(LOOK, Authorization=f"Basic {basic}")).status == 200


def _retyped(key: str) -> str:
    return key[:-1] + ("A" if key[-1] != "A" else "B")


async def test_missing_mistyped_and_unknown_keys_get_the_same_answer(same_shop: Client) -> None:
    assert same_shop.key is not None
    headers = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {_retyped(same_shop.key)}"},
        {"Authorization": f"Bearer {new_key('test').reveal()}"},
        {"Authorization": f"Token {same_shop.key}"},
        {"Authorization": same_shop.key},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(f"{same_shop.key}:password".encode()).decode()},
        {"Authorization": "Basic " + base64.b64encode("ก:".encode()).decode()},
    ]
    told = [await same_shop.with_key(None).gets(LOOK, **one) for one in headers]
    assert {one.no for one in told} == {(401, "key_refused", "Authorization")}
    assert {one.json["detail"] for one in told} == {told[0].json["detail"]}
    asked, *refused = [one.headers["www-authenticate"] for one in told]
    assert asked == 'Bearer realm="quickkub"'
    assert set(refused) == {'Bearer realm="quickkub", error="invalid_token"'}, "RFC 6750 3.1"


async def test_a_publishable_key_reads_nothing_of_the_api(shop: Client, database: Database) -> None:
    key = await key_for(database, shop.shop.merchant, kind=KeyKind.PUBLISHABLE)
    assert (await shop.with_key(key).gets(LOOK)).no == (403, "permission_missing", "Authorization")
    assert (await shop.with_key(key).gets("/v1/payment_methods")).status == 200


@pytest.mark.parametrize("route", v1.ROUTES, ids=lambda route: route.opt[OPT_KEY].id)
async def test_no_operation_answers_without_a_key(same_shop: Client, route: HTTPRouteHandler) -> None:
    (path,), (method,) = route.paths, route.http_methods
    told = await same_shop.with_key(None).asks(str(method), re.sub(r"\{\w+:\w+\}", "x", path), raw=b"{")
    assert told.no == (401, "key_refused", "Authorization")


async def test_two_authorization_headers_are_refused(same_shop: Client) -> None:
    async with same_shop.session.get(
        same_shop.url + LOOK,
        headers=[("Authorization", f"Bearer {same_shop.key}"), ("Authorization", "Bearer x")],
    ) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "header_repeated")


async def test_an_expired_key_is_refused_even_when_it_was_just_remembered(database: Database) -> None:
    clock, merchant = MovedClock(), (await open_shop(database)).merchant
    keys = Keys(database, PEPPER, clock)
    async with database.transaction() as tx:
        _, key = await open_key(tx, PEPPER, merchant, "test", expires_at=clock.now() + timedelta(seconds=1))
    assert (await keys.caller(key.reveal())).merchant == merchant
    clock.moves(2)
    with pytest.raises(KeyRefused):
        await keys.caller(key.reveal())


async def test_a_revoked_key_is_refused_within_the_time_promised(database: Database) -> None:
    clock, merchant = MovedClock(), (await open_shop(database)).merchant
    keys = Keys(database, PEPPER, clock)
    async with database.transaction() as tx:
        key_id, key = await open_key(tx, PEPPER, merchant, "test")
    assert (await keys.caller(key.reveal())).key_id == key_id
    async with database.transaction() as tx:
        assert await store.revoke_key(tx, merchant, key_id)
    clock.moves(CACHE_SECONDS)
    with pytest.raises(KeyRefused):
        await keys.caller(key.reveal())


async def test_a_key_made_after_it_was_refused_works_at_once(database: Database) -> None:
    keys, merchant = Keys(database, PEPPER, MovedClock()), (await open_shop(database)).merchant
    key = new_key("test").reveal()
    with pytest.raises(KeyRefused):
        await keys.caller(key)
    async with database.transaction() as tx:
        await _insert(tx, merchant, key)
    assert (await keys.caller(key)).merchant == merchant


async def _insert(tx: Connection, merchant: MerchantId, key: str) -> None:
    await store.insert_key(
        tx,
        merchant,
        new_id("key"),
        mode="test",
        kind="sk",
        key_hash=hash_key(key, PEPPER),
        last_four=key[-4:],
        expires_at=None,
    )


async def test_a_pending_merchant_builds_in_test_mode_and_earns_nothing(
    shop: Client, database: Database
) -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE merchants SET state = 'pending'")
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    assert (await shop.gets(LOOK)).status == 200
    assert (await live.gets(LOOK)).no == (403, "merchant_inactive", None)


@pytest.mark.parametrize("state", ["suspended", "inactive"])
async def test_a_merchant_that_is_not_active_is_told_so(database: Database, state: str) -> None:
    async with gateway(database) as shop:
        async with database.transaction() as tx:
            await tx.execute("UPDATE merchants SET state = $2 WHERE id = $1", shop.shop.merchant, state)
        assert (await shop.gets(LOOK)).no == (403, "merchant_inactive", None)


async def test_the_key_is_stored_as_a_hash_and_its_last_four(shop: Client) -> None:
    assert shop.key is not None
    (row,) = await shop.shop.rows("SELECT api_keys::text AS row, last_four FROM api_keys")
    assert row["last_four"] == shop.key[-4:]
    assert shop.key[11:43] not in row["row"]


async def test_a_key_of_one_mode_never_sees_the_other(shop: Client, database: Database) -> None:
    payment = await shop.charges()
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    assert (await live.gets(f"{LOOK}/{payment['id']}")).no == (404, "payment_not_found", "id")
    assert (await live.gets(LOOK)).json["data"] == []
    assert (await live.gets("/v1/events")).json["data"] == []


async def test_foreign_and_made_up_ids_get_the_same_answer(shop: Client, database: Database) -> None:
    endpoint = (await shop.posts("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook"})).json["id"]
    payment = (await shop.charges())["id"]
    event = (await shop.gets("/v1/events")).json["data"][0]["id"]
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    for path, mine in (("payments", payment), ("events", event), ("webhook_endpoints", endpoint)):
        assert (await shop.gets(f"/v1/{path}/{mine}")).status == 200
        foreign = await other.gets(f"/v1/{path}/{mine}")
        made_up = await other.gets(f"/v1/{path}/{new_id(mine.partition('_')[0])}")
        misshapen = await other.gets(f"/v1/{path}/x")
        said = [one.json | {"request_id": ""} for one in (foreign, made_up, misshapen)]
        assert foreign.status == 404
        assert said[0] == said[1] == said[2]


async def test_nobody_cancels_replays_or_deletes_what_is_not_theirs(shop: Client, database: Database) -> None:
    endpoint = (await shop.posts("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook"})).json["id"]
    payment = (await shop.charges())["id"]
    event = (await shop.gets("/v1/events")).json["data"][0]["id"]
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    tried = [
        await other.posts(f"/v1/payments/{payment}/cancel"),
        await other.posts(f"/v1/events/{event}/replay"),
        await other.asks("DELETE", f"/v1/webhook_endpoints/{endpoint}"),
        await other.posts(f"/v1/webhook_endpoints/{endpoint}", {"status": "disabled"}),
        await other.posts(f"/v1/webhook_endpoints/{endpoint}/rotate_secret"),
        await other.posts(f"/v1/webhook_endpoints/{endpoint}/redeliver_dead"),
    ]
    assert {one.status for one in tried} == {404}
    assert (await shop.gets(f"/v1/payments/{payment}")).json["status"] == "requires_action"
    assert (await shop.gets(f"/v1/webhook_endpoints/{endpoint}")).json["status"] == "enabled"


def test_the_checksum_alone_refuses_without_a_question_to_the_database() -> None:
    key = new_key("test").reveal()
    assert checksum(_retyped(key)[:-6]) != _retyped(key)[-6:]
