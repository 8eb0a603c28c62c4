"""A shop's rules, the time it lets pass in test mode, and what it says about payers, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from quickkub.connectors.contract import MethodOffer, Paid
from quickkub.kernel.money import Money
from quickkub.storage import Database
from tests.support.api import ORDER, Client, gateway, key_for
from tests.support.shop import MANIFEST, MadeUpBank, open_shop, receipt
from tests.support.written import columns_with, rows_of_every_table

SETTINGS, CLOCK, PAY = "/v1/settings", "/v1/test/clock", "/v1/payments"
CARD = "4111111111111111"


# --- rules about money that does not fit ---


async def test_nothing_is_tolerated_until_the_shop_says_so(shop: Client) -> None:
    at_first = (await shop.gets(SETTINGS)).json
    assert (at_first["object"], at_first["orphan_payments"]) == ("settings", "hold")
    assert (at_first["under_tolerance"], at_first["over_tolerance"]) == (0, 0)
    told = await shop.posts(SETTINGS, {"under_tolerance": 100})
    assert (told.status, told.json) == (200, at_first | {"under_tolerance": 100})
    shop.shop.bank.to_create.append(Paid((receipt(Money(14_950)),)))
    payment = await shop.charges()
    assert (payment["status"], payment["captured_amount"]) == ("succeeded", 14_950)


async def test_what_is_left_out_stays_as_it_is(shop: Client) -> None:
    await shop.posts(SETTINGS, {"over_tolerance": 500, "orphan_payments": "refund"})
    told = await shop.posts(SETTINGS, {"orphan_payments": "hold"})
    assert (told.json["over_tolerance"], told.json["orphan_payments"]) == (500, "hold")
    assert (await shop.posts(SETTINGS, {})).json == told.json == (await shop.gets(SETTINGS)).json


async def test_the_rules_of_one_shop_are_not_another_s(shop: Client, database: Database) -> None:
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    await other.posts(SETTINGS, {"under_tolerance": 100})
    assert (await shop.gets(SETTINGS)).json["under_tolerance"] == 0


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({"under_tolerance": -1}, ("parameter_invalid", "under_tolerance")),
        ({"under_tolerance": 1.0}, ("parameter_invalid", "under_tolerance")),
        ({"over_tolerance": 1_000_001}, ("parameter_invalid", "over_tolerance")),
        ({"over_tolerance": "1"}, ("parameter_invalid", "over_tolerance")),
        ({"over_tolerance": True}, ("parameter_invalid", "over_tolerance")),
        ({"orphan_payments": "keep"}, ("parameter_invalid", "orphan_payments")),
        ({"tolerance": 1}, ("parameter_unknown", "tolerance")),
    ],
    ids=str,
)
async def test_a_rule_that_cannot_be_meant_is_refused_by_name(
    same_shop: Client, words: dict[str, Any], no: tuple[str, str]
) -> None:
    before = (await same_shop.gets(SETTINGS)).json
    assert (await same_shop.posts(SETTINGS, words)).no == (400, *no)
    assert (await same_shop.gets(SETTINGS)).json == before


# --- the test clock ---


async def test_the_test_clock_lets_a_payment_expire(shop: Client) -> None:
    payment = await shop.charges(expires_in=900)
    assert (await shop.gets(CLOCK)).json == {"object": "test_clock", "seconds_ahead": 0}
    told = await shop.posts(CLOCK, {"advance_seconds": 899})
    assert (told.status, told.json["seconds_ahead"]) == (200, 899)
    await shop.shop.works()
    assert (await shop.gets(f"{PAY}/{payment['id']}")).json["status"] == "requires_action"
    assert (await shop.posts(CLOCK, {"advance_seconds": 60})).json["seconds_ahead"] == 959
    await shop.shop.works()
    assert (await shop.gets(f"{PAY}/{payment['id']}")).json["status"] == "expired"
    assert (await shop.gets("/v1/events?type=payment.expired")).json["data"][0]["data"]["object"]["id"] == (
        payment["id"]
    )


async def test_what_has_happened_keeps_its_time(shop: Client) -> None:
    shop.shop.bank.to_create.append(Paid((receipt(Money(15_000)),)))
    payment = await shop.charges()
    await shop.posts(CLOCK, {"advance_seconds": 86_400})
    after = (await shop.gets(f"{PAY}/{payment['id']}")).json
    for moment in ("created_at", "updated_at", "paid_at", "status", "version"):
        assert after[moment] == payment[moment]


async def test_time_passes_for_the_shop_that_asked_only(shop: Client, database: Database) -> None:
    payment = await shop.charges()
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    await other.posts(CLOCK, {"advance_seconds": 86_400})
    await shop.shop.works()
    assert (await shop.gets(f"{PAY}/{payment['id']}")).json == payment
    assert (await shop.gets(CLOCK)).json["seconds_ahead"] == 0


async def test_in_live_mode_time_passes_by_itself(shop: Client, database: Database) -> None:
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    payment = await shop.charges()
    assert (await live.gets(CLOCK)).no == (403, "test_mode_only", None)
    assert (await live.posts(CLOCK, {"advance_seconds": 86_400})).no == (403, "test_mode_only", None)
    await shop.shop.works()
    assert (await shop.gets(f"{PAY}/{payment['id']}")).json == payment
    assert (await shop.gets(CLOCK)).json["seconds_ahead"] == 0


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", True, None, 400 * 86_400 + 1, 2**63])
async def test_a_span_that_is_none_is_refused_by_name(same_shop: Client, seconds: Any) -> None:
    told = await same_shop.posts(CLOCK, {"advance_seconds": seconds})
    assert told.no == (400, "parameter_invalid", "advance_seconds")
    assert (await same_shop.posts(CLOCK, {})).no == (400, "parameter_missing", "advance_seconds")
    assert (await same_shop.gets(CLOCK)).json["seconds_ahead"] == 0


# --- what is said about the payer ---


@pytest.mark.parametrize(
    "number",
    [
        CARD,
        "4111-1111-1111-1111",
        "4111.1111/1111_1111",
        "378282246310005",
        "400000000000",
        "6304000000000000000",
    ],
)
async def test_a_card_s_number_is_refused_and_stands_nowhere(
    same_shop: Client, number: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = await rows_of_every_table(same_shop.shop)
    told = await same_shop.posts(PAY, ORDER | {"method": "card", "payer": {"card_token": number}})
    assert told.no == (400, "card_number_refused", "payer.card_token")
    assert await rows_of_every_table(same_shop.shop) == before
    assert await columns_with(same_shop.shop, number) == []
    assert number.encode() not in told.body and number not in "".join(capfd.readouterr())


async def test_a_provider_s_token_is_taken_and_kept_sealed(shop: Client) -> None:
    payment = await shop.charges(method="card", payer={"card_token": "tokn_test_5xuy4w91xqz7d1w9u0t"})
    assert payment["status"] == "requires_action"
    assert await columns_with(shop.shop, "tokn_test_5xuy4w91xqz7d1w9u0t") == []


async def test_what_a_method_has_to_know_of_the_payer_is_asked_for_by_name(database: Database) -> None:
    wallet = MethodOffer("truemoney", 1, 1_000_000, needs=("phone", "name"))
    bank = MadeUpBank(manifest=replace(MANIFEST, methods=(wallet,)))
    async with gateway(database, await open_shop(database, bank)) as shop:
        before = await rows_of_every_table(shop.shop)
        for payer, missing in (
            (None, "payer.phone"),
            ({}, "payer.phone"),
            ({"name": "สมชาย"}, "payer.phone"),
            ({"phone": "0812345678"}, "payer.name"),
        ):
            words = ORDER | {"method": "truemoney"} | ({} if payer is None else {"payer": payer})
            assert (await shop.posts(PAY, words)).no == (400, "payer_input_missing", missing)
        assert await rows_of_every_table(shop.shop) == before and bank.created == []
        whole = {"phone": "0812345678", "name": "สมชาย"}
        assert (await shop.charges(method="truemoney", payer=whole))["status"] == "requires_action"
        assert await columns_with(shop.shop, "0812345678") == []


@pytest.mark.parametrize(
    ("payer", "no"),
    [
        ({"phone": "812345678"}, ("parameter_invalid", "payer.phone")),
        ({"phone": "+66812345678"}, ("parameter_invalid", "payer.phone")),
        ({"phone": "๐๘๑๒๓๔๕๖๗๘"}, ("parameter_invalid", "payer.phone")),
        ({"phone": "0812345678\n"}, ("parameter_invalid", "payer.phone")),
        ({"phone": 812345678}, ("parameter_invalid", "payer.phone")),
        ({"email": "somchai"}, ("parameter_invalid", "payer.email")),
        ({"email": "a@b@c"}, ("parameter_invalid", "payer.email")),
        ({"email": "a@b.example\n"}, ("parameter_invalid", "payer.email")),
        ({"email": "a" * 200 + "@b"}, ("parameter_invalid", "payer.email")),
        ({"name": ""}, ("parameter_invalid", "payer.name")),
        ({"name": "x" * 101}, ("parameter_invalid", "payer.name")),
        ({"name": "a\u202eb"}, ("parameter_invalid", "payer.name")),
        ({"card_token": "tok 1"}, ("parameter_invalid", "payer.card_token")),
        ({"card_token": CARD + "\n"}, ("parameter_invalid", "payer.card_token")),
        ({"code": "12-34"}, ("parameter_invalid", "payer.code")),
        ({"device": "tablet"}, ("parameter_invalid", "payer.device")),
        ({"language": "de"}, ("parameter_invalid", "payer.language")),
        ({"ip": "203.0.113.9"}, ("parameter_unknown", "payer.ip")),
        ([], ("parameter_invalid", "payer")),
    ],
    ids=str,
)
async def test_what_cannot_be_true_of_a_payer_is_refused_by_name(
    same_shop: Client, payer: Any, no: tuple[str, str]
) -> None:
    before = await rows_of_every_table(same_shop.shop)
    assert (await same_shop.posts(PAY, ORDER | {"payer": payer})).no == (400, *no)
    assert await rows_of_every_table(same_shop.shop) == before


@pytest.mark.parametrize("capture", ["later", True, ""])
async def test_a_way_to_capture_that_does_not_exist_is_refused_by_name(
    same_shop: Client, capture: Any
) -> None:
    told = await same_shop.posts(PAY, ORDER | {"capture": capture})
    assert told.no == (400, "parameter_invalid", "capture")
    held = await same_shop.posts(PAY, ORDER | {"capture": "manual"})
    assert held.no == (400, "manual_capture_unsupported", "capture")
