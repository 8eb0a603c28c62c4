"""Held money and money that goes back, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from quickkub.connectors.contract import Paid, Unknown
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from quickkub.storage import Database
from tests.support.api import Client, Told, key_for
from tests.support.shop import open_shop, receipt
from tests.support.written import columns_with, rows_of_every_table

PAY = "/v1/payments"
REFUNDS = "/v1/refunds"
WHERE = {"bank": "014", "account": "1234567890", "name": "สมชาย ใจดี"}


async def held(shop: Client, method: str = "card") -> str:
    payment = await shop.charges(method=method, capture="manual")
    assert (payment["status"], payment["capture"]) == ("authorized", "manual")
    return str(payment["id"])


async def paid(shop: Client, method: str = "promptpay") -> str:
    shop.shop.bank.to_create.append(Paid((receipt(baht(150), new_id("t")),)))
    payment = await shop.charges(method=method)
    assert payment["status"] == "succeeded"
    return str(payment["id"])


async def waiting(shop: Client, **words: Any) -> str:
    """A refund that a person has to transfer."""
    told = await shop.posts(REFUNDS, {"payment": await paid(shop)} | words)
    assert told.json["status"] == "requires_transfer"
    return str(told.json["id"])


def alike(*told: Told) -> bool:
    """Whether nobody can tell these answers apart."""
    words = [(one.status, one.json | {"request_id": ""}) for one in told]
    return all(one == words[0] for one in words)


# --- captures ---


async def test_held_money_is_captured_in_parts_and_the_rest_is_let_go(shop: Client) -> None:
    payment = await held(shop)
    first = (await shop.posts(f"{PAY}/{payment}/capture", {"amount": 6_000, "final": False})).json
    assert (first["status"], first["captured_amount"], first["capturable_amount"]) == (
        "succeeded",
        6_000,
        9_000,
    )
    last = await shop.posts(f"{PAY}/{payment}/capture", {"amount": 5_000})
    assert (last.status, last.json["captured_amount"], last.json["capturable_amount"]) == (200, 11_000, 0)
    assert (await shop.gets(f"{PAY}/{payment}")).json == last.json


async def test_without_words_all_that_is_held_is_captured(shop: Client) -> None:
    payment = await held(shop)
    assert (await shop.posts(f"{PAY}/{payment}/capture")).json["captured_amount"] == 15_000


async def test_a_capture_is_told_to_the_bank_once_however_often_it_is_asked_for(shop: Client) -> None:
    path = f"{PAY}/{await held(shop)}/capture"
    first, again = (
        await shop.posts(path, {"amount": 6_000}, once="k"),
        await shop.posts(path, {"amount": 6_000}, once="k"),
    )
    assert (first.status, first.body) == (again.status, again.body)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert (await shop.posts(path, {"amount": 6_001}, once="k")).no == (
        422,
        "idempotency_key_reused",
        "Idempotency-Key",
    )
    assert len(shop.shop.bank.told) == 1


async def test_one_key_for_two_captures_at_once_is_one_capture(shop: Client) -> None:
    path = f"{PAY}/{await held(shop)}/capture"
    told = await asyncio.gather(*(shop.posts(path, {"amount": 6_000}, once="k") for _ in range(5)))
    assert {one.status for one in told} <= {200, 409}
    assert len({one.body for one in told if one.status == 200}) == 1 and len(shop.shop.bank.told) == 1


async def test_a_capture_whose_answer_is_lost_is_shown_as_under_way(shop: Client) -> None:
    payment = await held(shop)
    shop.shop.bank.to_instruct.append(Unknown("the line was cut"))
    told = await shop.posts(f"{PAY}/{payment}/capture")
    assert (told.status, told.json["status"], told.json["capturing_amount"]) == (200, "authorized", 15_000)
    assert (await shop.posts(f"{PAY}/{payment}/void")).no == (409, "nothing_to_void", None)


async def test_what_cannot_be_captured_is_refused(shop: Client) -> None:
    card, linepay, open_one = await held(shop), await held(shop, "linepay"), (await shop.charges())["id"]
    before = await rows_of_every_table(shop.shop)
    for payment, words, no in (
        (card, {"amount": 15_001}, (422, "capture_exceeds_authorized", "amount")),
        (linepay, {"amount": 14_999}, (422, "partial_capture_unsupported", "amount")),
        (linepay, {"final": False}, (422, "partial_capture_unsupported", "final")),
        (open_one, {}, (409, "nothing_to_capture", None)),
    ):
        assert (await shop.posts(f"{PAY}/{payment}/capture", words)).no == no
    assert await rows_of_every_table(shop.shop) == before and shop.shop.bank.told == []
    await shop.posts(f"{PAY}/{card}/capture")
    assert (await shop.posts(f"{PAY}/{card}/capture")).no == (409, "nothing_to_capture", None)


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({"amount": 0}, ("parameter_invalid", "amount")),
        ({"amount": -1}, ("parameter_invalid", "amount")),
        ({"amount": 60.5}, ("parameter_invalid", "amount")),
        ({"amount": "6000"}, ("parameter_invalid", "amount")),
        ({"amount": True}, ("parameter_invalid", "amount")),
        ({"amount": 10**13}, ("parameter_invalid", "amount")),
        ({"final": "no"}, ("parameter_invalid", "final")),
        ({"final": None}, ("parameter_invalid", "final")),
        ({"currency": "THB"}, ("parameter_unknown", "currency")),
        ([], ("parameter_invalid", None)),
    ],
    ids=str,
)
async def test_a_capture_that_cannot_be_meant_is_refused_by_name(
    same_shop: Client, words: Any, no: tuple[str, str | None]
) -> None:
    payment = await held(same_shop)
    before = await rows_of_every_table(same_shop.shop)
    assert (await same_shop.posts(f"{PAY}/{payment}/capture", words)).no == (400, *no)
    assert await rows_of_every_table(same_shop.shop) == before


async def test_a_void_lets_the_money_go_and_is_answered_the_same_twice(shop: Client) -> None:
    payment = await held(shop)
    first, again = [await shop.posts(f"{PAY}/{payment}/void", once="k") for _ in range(2)]
    assert (first.status, first.json["status"], first.body) == (200, "cancelled", again.body)
    assert again.headers["idempotent-replayed"] == "true" and len(shop.shop.bank.told) == 1
    assert (await shop.posts(f"{PAY}/{payment}/void")).no == (409, "nothing_to_void", None)
    assert (await shop.posts(f"{PAY}/{payment}/capture")).no == (409, "nothing_to_capture", None)


async def test_a_void_takes_no_words_and_needs_a_provider_that_can(shop: Client) -> None:
    path = f"{PAY}/{await held(shop, 'linepay')}/void"
    assert (await shop.posts(path, {"reason": "sold out"})).no == (400, "parameter_unknown", "reason")
    assert (await shop.posts(path)).no == (422, "void_unsupported", None)


# --- refunds ---


async def test_a_refund_through_the_provider_is_done_at_once(shop: Client) -> None:
    payment = await held(shop, "linepay")
    await shop.posts(f"{PAY}/{payment}/capture")
    told = await shop.posts(REFUNDS, {"payment": payment, "reason": "duplicate", "metadata": {"rma": "7"}})
    refund = told.json
    assert told.status == 201
    assert (refund["object"], refund["status"], refund["way"]) == ("refund", "succeeded", "provider")
    assert (refund["amount"], refund["reason"], refund["metadata"]) == (15_000, "duplicate", {"rma": "7"})
    assert (await shop.gets(f"{REFUNDS}/{refund['id']}")).json == refund
    assert (await shop.gets(f"{PAY}/{payment}")).json["refunded_amount"] == 15_000
    assert (await shop.posts(REFUNDS, {"payment": payment})).no == (409, "nothing_to_refund", "payment")


async def test_a_refund_is_made_once_for_one_key(shop: Client) -> None:
    words = {"payment": await paid(shop), "amount": 4_000}
    first, again = [await shop.posts(REFUNDS, words, once="k") for _ in range(2)]
    assert (first.status, first.body) == (201, again.body)
    assert again.headers["idempotent-replayed"] == "true" and await shop.shop.counts("refunds") == 1
    other = await shop.posts(REFUNDS, words | {"amount": 4_001}, once="k")
    assert other.no == (422, "idempotency_key_reused", "Idempotency-Key")


async def test_where_a_transfer_goes_to_is_shown_in_full_only_to_who_asks_for_that_refund(
    shop: Client,
) -> None:
    payment = await paid(shop)
    made = (await shop.posts(REFUNDS, {"payment": payment, "destination": WHERE})).json
    masked = WHERE | {"account": "…7890", "name": "ส*** ใ***"}
    assert (made["status"], made["destination"]) == ("requires_transfer", masked)
    assert (await shop.gets(f"{REFUNDS}/{made['id']}")).json["destination"] == WHERE
    assert (await shop.gets(REFUNDS)).json["data"][0]["destination"] == masked
    assert await columns_with(shop.shop, WHERE["account"]) == []


async def test_a_reported_transfer_ends_a_refund_once(shop: Client) -> None:
    refund, other = await waiting(shop), await waiting(shop)
    path, words = f"{REFUNDS}/{refund}/transferred", {"transfer_reference": "2026112312345678"}
    first, again = [await shop.posts(path, words, once="k") for _ in range(2)]
    assert (first.status, first.json["status"], first.body) == (200, "succeeded", again.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await shop.posts(path, words)).no == (409, "refund_not_waiting", None)
    used = await shop.posts(f"{REFUNDS}/{other}/transferred", words)
    assert used.no == (409, "transfer_already_used", "transfer_reference")
    assert (await shop.gets(f"{REFUNDS}/{other}")).json["status"] == "requires_transfer"


async def test_a_dropped_refund_gives_the_money_back_to_the_shop(shop: Client) -> None:
    refund = await waiting(shop)
    first, again = [await shop.posts(f"{REFUNDS}/{refund}/cancel", once="k") for _ in range(2)]
    assert (first.json["status"], first.body) == ("cancelled", again.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await shop.posts(f"{REFUNDS}/{refund}/cancel")).no == (409, "refund_not_waiting", None)
    payment = (await shop.gets(f"{PAY}/{first.json['payment']}")).json
    assert (payment["refunding_amount"], payment["refunded_amount"]) == (0, 0)


async def test_more_than_was_paid_never_goes_back(shop: Client) -> None:
    payment = await paid(shop)
    asked = [shop.posts(REFUNDS, {"payment": payment, "amount": 6_000}) for _ in range(6)]
    told = await asyncio.gather(*asked)
    assert sorted(one.status for one in told) == [201, 201, 422, 422, 422, 422]
    assert {one.no for one in told if one.status == 422} == {(422, "refund_exceeds_capture", "amount")}
    assert (await shop.posts(REFUNDS, {"payment": (await shop.charges())["id"]})).code == "nothing_to_refund"


async def test_refunds_are_listed_newest_first_and_found_by_payment_and_status(shop: Client) -> None:
    first, second, third = [await waiting(shop) for _ in range(3)]
    await shop.posts(f"{REFUNDS}/{second}/cancel")
    page = (await shop.gets(f"{REFUNDS}?limit=2")).json
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([third, second], True)
    rest = (await shop.gets(f"{REFUNDS}?limit=2&starting_after={second}")).json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([first], False)
    (one,) = (await shop.gets(f"{REFUNDS}?status=cancelled")).json["data"]
    assert one["id"] == second
    (found,) = (await shop.gets(f"{REFUNDS}?payment={one['payment']}")).json["data"]
    assert found == one
    assert (await shop.gets(f"{REFUNDS}?status=lost")).no == (400, "parameter_invalid", "status")
    assert (await shop.gets(f"{REFUNDS}?starting_after=pay_1")).no == (
        400,
        "parameter_invalid",
        "starting_after",
    )


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({"payment": None}, ("parameter_invalid", "payment")),
        ({"amount": 0}, ("parameter_invalid", "amount")),
        ({"amount": 1.0}, ("parameter_invalid", "amount")),
        ({"amount": False}, ("parameter_invalid", "amount")),
        ({"reason": "because"}, ("parameter_invalid", "reason")),
        ({"note": ""}, ("parameter_invalid", "note")),
        ({"note": " "}, ("parameter_invalid", "note")),
        ({"note": "x" * 501}, ("parameter_invalid", "note")),
        ({"note": "a\u202eb"}, ("parameter_invalid", "note")),
        ({"metadata": {"a": 1}}, ("parameter_invalid", "metadata")),
        ({"metadata": {"a": "\u200b"}}, ("parameter_invalid", "metadata.a")),
        ({"currency": "THB"}, ("parameter_unknown", "currency")),
        ({"destination": WHERE | {"bank": "14"}}, ("parameter_invalid", "destination.bank")),
        ({"destination": WHERE | {"bank": "๐๑๔"}}, ("parameter_invalid", "destination.bank")),
        ({"destination": WHERE | {"bank": "014\n"}}, ("parameter_invalid", "destination.bank")),
        ({"destination": WHERE | {"account": "123-4-56789-0"}}, ("parameter_invalid", "destination.account")),
        ({"destination": WHERE | {"account": "1234567890\n"}}, ("parameter_invalid", "destination.account")),
        ({"destination": WHERE | {"name": "\u2066"}}, ("parameter_invalid", "destination.name")),
        ({"destination": {"bank": "014", "name": "x"}}, ("parameter_missing", "destination.account")),
        ({"destination": WHERE | {"iban": "x"}}, ("parameter_unknown", "destination.iban")),
    ],
    ids=str,
)
async def test_a_refund_that_cannot_be_meant_is_refused_by_name(
    same_shop: Client, words: dict[str, Any], no: tuple[str, str]
) -> None:
    payment = await paid(same_shop)
    before = await rows_of_every_table(same_shop.shop)
    assert (await same_shop.posts(REFUNDS, {"payment": payment} | words)).no == (400, *no)
    assert await rows_of_every_table(same_shop.shop) == before


@pytest.mark.parametrize("number", ["", "123", "x" * 101, "a b", "T-12\n", "เลขที่1", 1234, None])
async def test_what_is_no_transfer_s_number_is_refused_by_name(same_shop: Client, number: Any) -> None:
    path = f"{REFUNDS}/{await waiting(same_shop)}/transferred"
    before = await rows_of_every_table(same_shop.shop)
    told = await same_shop.posts(path, {"transfer_reference": number})
    assert told.no == (400, "parameter_invalid", "transfer_reference")
    assert (await same_shop.posts(path, {})).no == (400, "parameter_missing", "transfer_reference")
    assert await rows_of_every_table(same_shop.shop) == before


# --- keys and owners ---


async def test_whatever_moves_money_needs_a_key(shop: Client) -> None:
    payment, refund = await held(shop), await waiting(shop)
    before = await rows_of_every_table(shop.shop)
    for path, words in (
        (f"{PAY}/{payment}/capture", {"amount": 1}),
        (f"{PAY}/{payment}/void", None),
        (REFUNDS, {"payment": payment}),
        (f"{REFUNDS}/{refund}/transferred", {"transfer_reference": "T-123"}),
        (f"{REFUNDS}/{refund}/cancel", None),
    ):
        told = await shop.asks("POST", path, words=words)
        assert told.no == (400, "idempotency_key_missing", "Idempotency-Key"), path
    assert await rows_of_every_table(shop.shop) == before


async def test_nobody_moves_or_sees_another_shop_s_money(shop: Client, database: Database) -> None:
    payment, refund, paid_one = await held(shop), await waiting(shop), await paid(shop)
    strangers = (
        shop.with_key(await key_for(database, (await open_shop(database)).merchant)),
        shop.with_key(await key_for(database, shop.shop.merchant, mode="live")),
    )
    before = await rows_of_every_table(shop.shop)
    for other in strangers:
        pay, re = new_id("pay"), new_id("re")
        for path, made_up, words in (
            (f"{PAY}/{payment}/capture", f"{PAY}/{pay}/capture", {"amount": 1}),
            (f"{PAY}/{payment}/void", f"{PAY}/{pay}/void", None),
            (
                f"{REFUNDS}/{refund}/transferred",
                f"{REFUNDS}/{re}/transferred",
                {"transfer_reference": "T-123"},
            ),
            (f"{REFUNDS}/{refund}/cancel", f"{REFUNDS}/{re}/cancel", None),
        ):
            told = await other.posts(path, words), await other.posts(made_up, words)
            assert told[0].status == 404 and alike(*told), path
        asked = [await other.posts(REFUNDS, {"payment": one}) for one in (paid_one, pay, "pay_1")]
        assert asked[0].no == (404, "payment_not_found", "id") and alike(*asked)
        seen = [await other.gets(f"{REFUNDS}/{one}") for one in (refund, re, "x")]
        assert seen[0].no == (404, "refund_not_found", "id") and alike(*seen)
        assert (await other.gets(REFUNDS)).json["data"] == []
        assert (await other.gets(f"{REFUNDS}?payment={paid_one}")).json["data"] == []
    assert await rows_of_every_table(shop.shop) == before


async def test_one_transfer_reported_for_two_refunds_at_once_ends_one_of_them(shop: Client) -> None:
    refunds = [await waiting(shop) for _ in range(4)]
    words = {"transfer_reference": "2026112312345678"}
    told = await asyncio.gather(*(shop.posts(f"{REFUNDS}/{one}/transferred", words) for one in refunds))
    assert sorted(one.status for one in told) == [200, 409, 409, 409]
    assert {one.no for one in told if one.status == 409} == {
        (409, "transfer_already_used", "transfer_reference")
    }
