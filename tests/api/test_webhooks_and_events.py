"""Endpoints, events and deliveries over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.kernel.ids import new_id
from tests.support.api import Client

HOOKS = "/v1/webhook_endpoints"
HERE = "http://127.0.0.1:9/hook"


async def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(shop: Client) -> None:
    made = (await shop.posts(HOOKS, {"url": HERE, "events": ["payment.succeeded"]})).json
    assert made["secret"].startswith("whsec_")
    looked_at = (await shop.gets(f"{HOOKS}/{made['id']}")).json
    assert looked_at == {name: value for name, value in made.items() if name != "secret"}
    assert (await shop.gets(HOOKS)).json["data"] == [looked_at]


async def test_making_an_endpoint_needs_no_idempotency_key(shop: Client) -> None:
    assert (await shop.asks("POST", HOOKS, words={"url": HERE})).status == 201


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, (400, "parameter_missing", "url")),
        ({"url": "ftp://x.example/"}, (422, "webhook_url_refused", "url")),
        ({"url": 5}, (400, "parameter_invalid", "url")),
        ({"url": HERE, "events": ["payment.exploded"]}, (400, "event_type_unknown", "events")),
        ({"url": HERE, "events": "payment.succeeded"}, (400, "parameter_invalid", "events")),
        ({"url": HERE, "secret": "mine"}, (400, "parameter_unknown", "secret")),
        ({"url": HERE, "description": "a\u0000"}, (400, "parameter_invalid", "description")),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(
    same_shop: Client, words: dict[str, Any], said: tuple[int, str, str]
) -> None:
    assert (await same_shop.posts(HOOKS, words)).no == said


async def test_an_endpoint_is_changed_and_disabled(shop: Client) -> None:
    made = (await shop.posts(HOOKS, {"url": HERE})).json
    path = f"{HOOKS}/{made['id']}"
    changed = (await shop.posts(path, {"events": ["payment.failed"], "description": "till 3"})).json
    assert (changed["events"], changed["description"], changed["url"]) == (["payment.failed"], "till 3", HERE)
    assert (await shop.posts(path, {"status": "disabled"})).json["status"] == "disabled"
    assert (await shop.posts(path, {"status": "deleted"})).no == (400, "parameter_invalid", "status")


async def test_a_deleted_endpoint_is_gone(shop: Client) -> None:
    made = (await shop.posts(HOOKS, {"url": HERE})).json
    gone = await shop.asks("DELETE", f"{HOOKS}/{made['id']}")
    assert gone.json == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
    assert (await shop.asks("DELETE", f"{HOOKS}/{made['id']}")).code == "webhook_endpoint_not_found"


async def test_a_new_secret_is_shown_once_and_both_sign_for_a_while(shop: Client) -> None:
    made = (await shop.posts(HOOKS, {"url": HERE})).json
    rotated = (await shop.posts(f"{HOOKS}/{made['id']}/rotate_secret")).json
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"] is not None


async def test_every_change_of_a_payment_is_an_event(shop: Client) -> None:
    payment = await shop.charges()
    newest, oldest = (await shop.gets("/v1/events")).json["data"]
    assert (newest["type"], oldest["type"]) == ("payment.requires_action", "payment.created")
    assert newest["data"]["object"] == payment
    assert (await shop.gets(f"/v1/events/{newest['id']}")).json == newest


async def test_events_are_paged_and_chosen_by_type(shop: Client) -> None:
    for _ in range(3):
        await shop.charges()
    everything = [one["id"] for one in (await shop.gets("/v1/events?limit=100")).json["data"]]
    page = (await shop.gets(f"/v1/events?limit=2&starting_after={everything[1]}")).json
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (everything[2:4], True)
    made = (await shop.gets("/v1/events?type=payment.created")).json["data"]
    assert [one["type"] for one in made] == ["payment.created"] * 3


async def test_an_event_is_replayed_to_those_who_want_it(shop: Client) -> None:
    payment_event = await _an_event(shop)
    wants = (await shop.posts(HOOKS, {"url": HERE, "events": ["payment.requires_action"]})).json["id"]
    other = (await shop.posts(HOOKS, {"url": HERE, "events": ["payment.failed"]})).json["id"]
    told = await shop.asks("POST", f"/v1/events/{payment_event}/replay")
    assert told.json == {"object": "event_replay", "event": payment_event, "deliveries": 1}
    assert (await shop.posts(f"/v1/events/{payment_event}/replay", {"endpoint": other})).json[
        "deliveries"
    ] == 1
    rows = (await shop.gets("/v1/webhook_deliveries")).json["data"]
    assert {(one["event"], one["endpoint"], one["status"]) for one in rows} == {
        (payment_event, wants, "pending"),
        (payment_event, other, "pending"),
    }


async def _an_event(shop: Client) -> str:
    await shop.charges()
    return str((await shop.gets("/v1/events")).json["data"][0]["id"])


@pytest.mark.parametrize("endpoint", ["we_1", new_id("we")], ids=["odd", "unknown"])
async def test_a_replay_to_an_endpoint_that_is_not_there_is_refused(shop: Client, endpoint: str) -> None:
    event = await _an_event(shop)
    told = await shop.posts(f"/v1/events/{event}/replay", {"endpoint": endpoint})
    assert told.code == "webhook_endpoint_not_found"


async def test_dead_letters_of_all_endpoints_are_listed_page_by_page_and_sent_again(shop: Client) -> None:
    endpoints = [(await shop.posts(HOOKS, {"url": HERE})).json["id"] for _ in range(2)]
    for _ in range(2):
        await shop.charges()
    async with shop.shop.db.transaction() as tx:
        await tx.execute(
            "UPDATE webhook_deliveries SET state = 'dead', next_try_at = NULL, last_error = 'away'"
        )
    seen: list[str] = []
    more, cursor = True, ""
    while more:
        page = (await shop.gets(f"/v1/webhook_deliveries?state=dead&limit=3{cursor}")).json
        seen += [one["id"] for one in page["data"]]
        more, cursor = page["has_more"], f"&starting_after={page['data'][-1]['id']}"
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen, reverse=True)
    again = await shop.posts(f"{HOOKS}/{endpoints[0]}/redeliver_dead")
    assert again.json["deliveries"] == 4
    dead = (await shop.gets("/v1/webhook_deliveries?state=dead")).json["data"]
    assert {one["endpoint"] for one in dead} == {endpoints[1]}
    assert (await shop.gets(f"/v1/webhook_deliveries?state=dead&endpoint={endpoints[0]}")).json["data"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [("state=lost", "state"), ("endpoint=x", "endpoint"), ("starting_after=evt_1.we_2", "starting_after")],
)
async def test_a_question_about_deliveries_that_cannot_be_meant_is_refused(
    same_shop: Client, query: str, param: str
) -> None:
    assert (await same_shop.gets(f"/v1/webhook_deliveries?{query}")).no == (400, "parameter_invalid", param)
