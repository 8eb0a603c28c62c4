"""Where a payer may be sent back to, over HTTP: the merchant's list, and what is asked of it."""

from __future__ import annotations

import pytest

from quickkub.storage import Database
from tests.support.api import ORDER, Client, key_for
from tests.support.shop import open_shop

SETTINGS, PAY = "/v1/settings", "/v1/payments"
THANKS = "https://shop.example/thanks?order=7"


async def test_a_listed_address_is_taken_and_what_is_below_it(shop: Client) -> None:
    told = await shop.posts(
        SETTINGS, {"return_addresses": ["https://Shop.example:443/", "https://b.example/x/"]}
    )
    assert told.json["return_addresses"] == ["https://shop.example", "https://b.example/x"]
    assert (await shop.gets(SETTINGS)).json == told.json == (await shop.posts(SETTINGS, {})).json
    made = await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")
    assert (made.status, made.json["return_url"]) == (201, THANKS)


async def test_an_address_that_is_not_listed_makes_no_payment_and_the_answer_says_how_to_list_it(
    shop: Client,
) -> None:
    for listed in (["https://b.example"], ["https://shop.example/other"]):
        await shop.posts(SETTINGS, {"return_addresses": listed})
        refused = await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")
        error = refused.json
        assert (refused.status, error["code"], error["param"]) == (
            422,
            "return_address_not_listed",
            "return_url",
        )
        assert "/v1/settings" in error["detail"] and "merchant return-addresses" in error["detail"]
    assert await shop.shop.counts("payments") == 0


async def test_test_mode_knows_the_developers_own_machine_besides(shop: Client) -> None:
    await shop.posts(SETTINGS, {"return_addresses": ["https://b.example"]})
    made = await shop.posts(PAY, {**ORDER, "return_url": "http://localhost:3000/back"}, once="K1")
    assert made.status == 201


async def test_a_first_try_in_test_mode_needs_no_list(shop: Client) -> None:
    made = await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")
    assert (made.status, made.json["return_url"]) == (201, THANKS)


async def test_a_repeat_is_answered_as_before_whatever_the_list_is_now(shop: Client) -> None:
    await shop.posts(SETTINGS, {"return_addresses": ["https://shop.example"]})
    first = await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")
    await shop.posts(SETTINGS, {"return_addresses": ["https://b.example"]})
    again = await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")
    assert (again.status, again.json) == (201, first.json)


async def test_one_merchants_list_is_not_another_s(shop: Client, database: Database) -> None:
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    await other.posts(SETTINGS, {"return_addresses": ["https://shop.example"]})
    await shop.posts(SETTINGS, {"return_addresses": ["https://b.example"]})
    assert (await shop.posts(PAY, {**ORDER, "return_url": THANKS}, once="K1")).status == 422


@pytest.mark.parametrize(
    "entry",
    ["http://shop.example", "https://*.example", "https://a@b.example", "https://a.example/?x=1", "a"],
)
async def test_what_is_no_entry_is_refused_by_its_number_and_nothing_changes(
    shop: Client, entry: str
) -> None:
    before = (await shop.posts(SETTINGS, {"return_addresses": ["https://shop.example"]})).json
    refused = await shop.posts(
        SETTINGS, {"under_tolerance": 7, "return_addresses": ["https://a.example", entry]}
    )
    error = refused.json
    assert (refused.status, error["code"], error["param"]) == (
        400,
        "return_address_invalid",
        "return_addresses[1]",
    )
    assert (await shop.gets(SETTINGS)).json == before


async def test_a_change_of_the_list_is_audited_with_what_was_and_what_is(shop: Client) -> None:
    await shop.posts(SETTINGS, {"return_addresses": ["https://a.example"]})
    await shop.posts(SETTINGS, {"return_addresses": ["https://b.example"]})
    rows = await shop.shop.rows(
        "SELECT details FROM audit_logs WHERE action = 'return_addresses.changed' ORDER BY id"
    )
    changes = [(row["details"]["before"], row["details"]["after"]) for row in rows]
    assert changes == [
        ({"return_addresses": []}, {"return_addresses": ["https://a.example"]}),
        ({"return_addresses": ["https://a.example"]}, {"return_addresses": ["https://b.example"]}),
    ]
