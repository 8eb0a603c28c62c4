"""API keys over HTTP: nobody becomes stronger by making one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import new_id
from quickkub.merchants.keys import KeyKind
from quickkub.merchants.scopes import PEOPLE_ONLY, SECRET
from quickkub.storage import Database
from tests.support.api import Client, key_for
from tests.support.shop import open_shop

KEYS = "/v1/api_keys"


async def makes(shop: Client, *scopes: str, **more: Any) -> Client:
    """A client with a new restricted key of the shop's."""
    told = await shop.posts(KEYS, {"scopes": list(scopes), **more})
    assert told.status == 201, told.body
    return shop.with_key(told.json["key"])


def in_an_hour() -> str:
    return rfc3339(datetime.now(UTC) + timedelta(hours=1))


async def test_a_restricted_key_does_what_it_was_given_and_nothing_else(shop: Client) -> None:
    reader = await makes(shop, "payments:read", name="reports")
    assert (await reader.gets("/v1/payments")).status == 200
    assert (await reader.posts("/v1/payments", {})).no == (403, "permission_missing", "Authorization")
    assert (await reader.gets("/v1/refunds")).no == (403, "permission_missing", "Authorization")


async def test_a_key_is_shown_in_the_answer_that_made_it_and_never_again(shop: Client) -> None:
    made = (await shop.posts(KEYS, {"scopes": ["payments:read"], "name": "ร้านส้มตำ"})).json
    assert made["key"].startswith("qk_test_rk_")
    listed = (await shop.gets(KEYS)).json["data"]
    assert listed[0] == {name: value for name, value in made.items() if name != "key"}
    assert (listed[0]["prefix"], listed[0]["last_four"]) == ("qk_test_rk_", made["key"][-4:])
    assert listed[0]["created_by"] == listed[1]["id"]


async def test_a_key_cannot_make_a_key_with_more_than_its_own_scopes(shop: Client) -> None:
    maker = await makes(shop, "keys:write", "payments:read", "checkout:read", "tokens:write")
    assert (await makes(maker, "payments:read")).key is not None
    more = {"scopes": ["payments:read", "refunds:write"]}
    assert (await maker.posts(KEYS, more)).no == (403, "scope_exceeded", "scopes")
    assert (await maker.posts(KEYS, {"kind": "secret"})).no == (403, "scope_exceeded", "scopes")
    assert (await maker.posts(KEYS, {"kind": "publishable"})).status == 201


async def test_rolling_a_stronger_key_is_no_way_to_become_stronger(shop: Client) -> None:
    maker = await makes(shop, "keys:write", "keys:read")
    strongest = (await maker.gets(KEYS)).json["data"][-1]["id"]
    assert (await maker.posts(f"{KEYS}/{strongest}/roll")).no == (403, "scope_exceeded", "scopes")


async def test_a_key_bound_to_networks_and_time_hands_both_bounds_on(shop: Client) -> None:
    ends = in_an_hour()
    maker = await makes(shop, "keys:write", "payments:read", networks=["127.0.0.0/8"], expires_at=ends)
    wish = {"scopes": ["payments:read"], "networks": ["127.0.0.1/32"], "expires_at": ends}
    assert (await maker.posts(KEYS, wish | {"networks": []})).no == (403, "scope_exceeded", "networks")
    assert (await maker.posts(KEYS, wish | {"networks": ["::/0"]})).no == (403, "scope_exceeded", "networks")
    assert (await maker.posts(KEYS, wish | {"expires_at": None})).no == (403, "scope_exceeded", "expires_at")
    assert (await maker.posts(KEYS, wish)).status == 201


@pytest.mark.parametrize("scope", sorted(PEOPLE_ONLY))
async def test_no_key_is_given_what_takes_a_person(same_shop: Client, scope: str) -> None:
    assert (await same_shop.posts(KEYS, {"scopes": [scope]})).no == (400, "scope_unknown", "scopes")
    assert scope not in SECRET


@pytest.mark.parametrize(
    ("wish", "no"),
    [
        ({}, (400, "scope_unknown", "scopes")),
        ({"scopes": ["payments:all"]}, (400, "scope_unknown", "scopes")),
        ({"scopes": ["merchants:write"]}, (400, "scope_unknown", "scopes")),
        ({"kind": "secret", "scopes": ["payments:read"]}, (400, "scope_unknown", "scopes")),
        ({"scopes": ["payments:read"], "networks": ["10.0.0.1/8"]}, (400, "network_invalid", "networks.0")),
        ({"scopes": ["payments:read"], "networks": ["fe80::1%eth0"]}, (400, "network_invalid", "networks.0")),
        ({"scopes": ["payments:read"], "expires_at": "2020-01-01T00:00:00Z"}, (400, None, "expires_at")),
        ({"scopes": ["payments:read"], "expires_at": "tomorrow"}, (400, None, "expires_at")),
        ({"scopes": ["payments:read"], "name": "a\u202eb"}, (400, None, "name")),
    ],
)
async def test_wishes_that_make_no_sense_are_refused(same_shop: Client, wish: Any, no: Any) -> None:
    told = (await same_shop.posts(KEYS, wish)).no
    assert told == no or (no[1] is None and (told[0], told[2]) == (no[0], no[2]))


async def test_a_key_works_only_from_its_networks(shop: Client) -> None:
    here = await makes(shop, "payments:read", networks=["::ffff:127.0.0.0/104"])
    elsewhere = await makes(shop, "payments:read", networks=["192.0.2.0/24", "2001:db8::/32"])
    assert (await here.gets("/v1/payments")).status == 200
    assert (await elsewhere.gets("/v1/payments")).no == (403, "key_not_permitted", "Authorization")


async def test_an_expired_key_is_like_no_key(shop: Client) -> None:
    wish = {"scopes": ["payments:read"], "expires_at": in_an_hour()}
    made = (await shop.posts(KEYS, wish)).json
    async with shop.shop.db.transaction() as tx:
        await tx.execute("UPDATE api_keys SET expires_at = now() WHERE id = $1", made["id"])
    assert (await shop.with_key(made["key"]).gets("/v1/payments")).no == (401, "key_refused", "Authorization")


async def test_a_rolled_key_and_its_successor_both_work_for_the_overlap(shop: Client) -> None:
    old = (await shop.posts(KEYS, {"scopes": ["payments:read"], "name": "till"})).json
    told = await shop.posts(f"{KEYS}/{old['id']}/roll")
    assert told.status == 201
    assert {name: told.json[name] for name in ("name", "scopes", "kind")} == {
        "name": "till",
        "scopes": ["payments:read"],
        "kind": "restricted",
    }
    for key in (old["key"], told.json["key"]):
        assert (await shop.with_key(key).gets("/v1/payments")).status == 200
    (shown,) = [one for one in (await shop.gets(KEYS)).json["data"] if one["id"] == old["id"]]
    assert shown["rolled_to"] == told.json["id"]
    ends = datetime.fromisoformat(shown["revoked_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < ends <= timedelta(hours=24)
    assert (await shop.posts(f"{KEYS}/{old['id']}/roll")).no == (409, "key_ended", "id")


async def test_a_key_rolled_without_overlap_ends_at_once(shop: Client) -> None:
    old = (await shop.posts(KEYS, {"scopes": ["payments:read"]})).json
    new = (await shop.posts(f"{KEYS}/{old['id']}/roll", {"overlap_seconds": 0})).json
    assert (await shop.with_key(old["key"]).gets("/v1/payments")).status == 401
    assert (await shop.with_key(new["key"]).gets("/v1/payments")).status == 200


async def test_revoking_twice_is_the_same_as_once(shop: Client) -> None:
    made = (await shop.posts(KEYS, {"scopes": ["payments:read"]})).json
    first = await shop.posts(f"{KEYS}/{made['id']}/revoke")
    assert first.status == 200 and first.json["revoked_at"] is not None
    assert (await shop.posts(f"{KEYS}/{made['id']}/revoke")).json == first.json
    rows = await shop.shop.rows(
        "SELECT action FROM audit_logs WHERE resource_id = $1 ORDER BY id", made["id"]
    )
    assert [row["action"] for row in rows] == ["key.created", "key.revoked"]


async def test_every_act_on_a_key_names_the_key_and_the_address_that_did_it(shop: Client) -> None:
    made = await shop.posts(KEYS, {"scopes": ["payments:read"]}, **{"User-Agent": "till/1.0"})
    (entry,) = await shop.shop.rows("SELECT * FROM audit_logs WHERE action = 'key.created'")
    assert entry["resource_id"] == made.json["id"]
    assert (entry["actor_kind"], entry["actor_id"]) == ("key", made.json["created_by"])
    assert (entry["ip_address"], entry["user_agent"]) == ("127.0.0.1", "till/1.0")
    assert entry["request_id"] == made.headers["x-request-id"]
    assert made.json["key"][11:] not in str(dict(entry))


async def test_the_last_use_is_written_at_most_once_a_minute(shop: Client) -> None:
    made = (await shop.posts(KEYS, {"scopes": ["payments:read"]})).json
    assert made["last_used_at"] is None
    await shop.with_key(made["key"]).gets("/v1/payments")
    first = await shop.shop.rows("SELECT last_used_at, xmin::text FROM api_keys WHERE id = $1", made["id"])
    assert first[0]["last_used_at"] is not None
    shop.services.keys.forget()
    await shop.with_key(made["key"]).gets("/v1/payments")
    assert first == await shop.shop.rows(
        "SELECT last_used_at, xmin::text FROM api_keys WHERE id = $1", made["id"]
    )


async def test_keys_of_other_merchants_and_of_the_other_mode_are_not_there(
    shop: Client, database: Database
) -> None:
    mine = (await shop.posts(KEYS, {"scopes": ["payments:read"]})).json["id"]
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    for client in (other, live):
        for act in ("roll", "revoke"):
            assert (await client.posts(f"{KEYS}/{mine}/{act}")).no == (404, "key_not_found", "id")
            assert (await client.posts(f"{KEYS}/{new_id('key')}/{act}")).no == (404, "key_not_found", "id")
        assert mine not in {one["id"] for one in (await client.gets(KEYS)).json["data"]}


async def test_a_publishable_key_sees_what_a_payer_may_see(shop: Client, database: Database) -> None:
    key = shop.with_key(await key_for(database, shop.shop.merchant, kind=KeyKind.PUBLISHABLE))
    assert (await key.gets("/v1/payment_methods")).status == 200
    assert (await key.gets(KEYS)).no == (403, "permission_missing", "Authorization")
