"""What the payer's bank wants back, and what waits for a person, over HTTP."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest

from quickkub.connectors.contract import DisputeNews, DisputeState, Paid
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from quickkub.storage import Database
from tests.support.api import Client, Told, key_for
from tests.support.shop import open_shop, receipt
from tests.support.written import columns_with, rows_of_every_table

DISPUTES, CASES = "/v1/disputes", "/v1/cases"
PICTURE = base64.b64encode(b"\x89PNG signed for by the neighbour").decode()
EVIDENCE: dict[str, Any] = {
    "text": "ลูกค้าเซ็นรับพัสดุแล้ว\nเมื่อวันอังคาร",
    "files": [{"name": "slip.png", "media_type": "image/png", "content": PICTURE}],
}

SOMCHAI = {"bank": "promptpay", "account": "0812345678", "name": "สมชาย"}


async def disputed(client: Client) -> str:
    """A dispute about all of a paid payment."""
    shop, number = client.shop, new_id("d")
    shop.bank.to_create.append(Paid((receipt(baht(150), number),)))
    payment = await client.charges(method="card")
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.dispute = DisputeNews(number, "", baht(150), DisputeState.NEEDS_RESPONSE, "goods_not_provided")
    await shop.is_told({"id": number, "ref": attempt["reference"], "dispute": True})
    await shop.works()
    (row,) = await shop.rows("SELECT id FROM disputes WHERE provider_dispute_id = $1", number)
    return str(row["id"])


async def orphan(client: Client) -> str:
    """The case of money for a reference nobody gave out."""
    shop, number = client.shop, new_id("o")
    shop.bank.to_inquire.append(Paid((receipt(baht(99), number),)))
    await shop.is_told({"id": number, "ref": "NOBODYS", "amount": "99"})
    await shop.works()
    (row,) = await shop.rows("SELECT id FROM cases WHERE details->>'transaction_id' = $1", number)
    return str(row["id"])


def alike(*told: Told) -> bool:
    """Whether nobody can tell these answers apart."""
    words = [(one.status, one.json | {"request_id": ""}) for one in told]
    return all(one == words[0] for one in words)


# --- disputes ---


async def test_a_dispute_is_seen_listed_and_found_by_its_payment(shop: Client) -> None:
    first, second = await disputed(shop), await disputed(shop)
    dispute = (await shop.gets(f"{DISPUTES}/{second}")).json
    assert (dispute["object"], dispute["status"], dispute["amount"]) == ("dispute", "needs_response", 15_000)
    assert (dispute["provider"], dispute["reason"]) == ("madeup", "goods_not_provided")
    page = (await shop.gets(f"{DISPUTES}?limit=1")).json
    assert (page["data"], page["has_more"]) == ([dispute], True)
    rest = (await shop.gets(f"{DISPUTES}?limit=1&starting_after={second}")).json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([first], False)
    assert (await shop.gets(f"{DISPUTES}?payment={dispute['payment']}")).json["data"] == [dispute]
    payment = (await shop.gets(f"/v1/payments/{dispute['payment']}")).json
    assert (payment["disputed_amount"], payment["status"]) == (15_000, "succeeded")


async def test_evidence_is_handed_in_once_and_nobody_reads_it_in_our_tables(shop: Client) -> None:
    path = f"{DISPUTES}/{await disputed(shop)}/contest"
    first, again = [await shop.posts(path, EVIDENCE, once="k") for _ in range(2)]
    assert (first.status, first.json["status"], first.body) == (200, "under_review", again.body)
    assert first.json["submitted_at"] is not None
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.posts(path, EVIDENCE | {"text": "other words"}, once="k")
    assert other.no == (422, "idempotency_key_reused", "Idempotency-Key")
    assert (await shop.posts(path, EVIDENCE)).no == (409, "dispute_not_open", None)
    assert (
        await columns_with(shop.shop, "เซ็นรับพัสดุ") == [] and await columns_with(shop.shop, "neighbour") == []
    )


async def test_giving_in_loses_the_dispute_once(shop: Client) -> None:
    path = f"{DISPUTES}/{await disputed(shop)}/accept"
    first, again = [await shop.posts(path, once="k") for _ in range(2)]
    assert (first.status, first.json["status"], first.body) == (200, "lost", again.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await shop.posts(path)).no == (409, "dispute_not_open", None)
    assert (await shop.posts(path, {"sure": True})).no == (400, "parameter_unknown", "sure")


async def test_evidence_that_was_not_confirmed_can_be_sent_again_under_the_same_key(shop: Client) -> None:
    path = f"{DISPUTES}/{await disputed(shop)}/contest"
    before, shop.shop.bank.dispute = shop.shop.bank.dispute, None
    for _ in range(2):
        told = await shop.posts(path, EVIDENCE, once="k")
        assert told.no == (503, "evidence_not_taken", None) and int(told.headers["retry-after"]) > 0
    shop.shop.bank.dispute = before
    assert (await shop.posts(path, EVIDENCE, once="k")).json["status"] == "under_review"


async def test_evidence_is_handed_in_once_by_two_requests_at_the_same_moment(shop: Client) -> None:
    path = f"{DISPUTES}/{await disputed(shop)}/contest"
    told = await asyncio.gather(*(shop.posts(path, EVIDENCE, once="k") for _ in range(4)))
    assert {one.status for one in told} <= {200, 409}
    assert len({one.body for one in told if one.status == 200}) == 1


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({}, ("parameter_missing", "text")),
        ({"text": ""}, ("parameter_invalid", "text")),
        ({"text": "x" * 5001}, ("parameter_invalid", "text")),
        ({"text": 1}, ("parameter_invalid", "text")),
        ({"text": "a", "files": "slip.png"}, ("parameter_invalid", "files")),
        ({"text": "a", "files": EVIDENCE["files"] * 6}, ("parameter_invalid", "files")),
        ({"text": "a", "file": PICTURE}, ("parameter_unknown", "file")),
    ],
    ids=str,
)
async def test_evidence_that_cannot_be_meant_is_refused_by_name(
    same_shop: Client, words: dict[str, Any], no: tuple[str, str]
) -> None:
    await refused(same_shop, words, no)


@pytest.mark.parametrize(
    ("changes", "no"),
    [
        ({"name": "../slip.png"}, ("parameter_invalid", "files[].name")),
        ({"name": "slip.png\n"}, ("parameter_invalid", "files[].name")),
        ({"media_type": "text/html"}, ("parameter_invalid", "files[].media_type")),
        ({"content": "!!!!"}, ("parameter_invalid", "files[0].content")),
        ({"content": PICTURE[:-1]}, ("parameter_invalid", "files[0].content")),
        ({"content": ""}, ("parameter_invalid", "files[].content")),
        ({"content": "A" * 180_004}, ("parameter_invalid", "files[].content")),
    ],
    ids=lambda changes: str(changes)[:60],
)
async def test_a_file_that_cannot_be_handed_on_is_refused_by_name(
    same_shop: Client, changes: dict[str, Any], no: tuple[str, str]
) -> None:
    file = {"name": "slip.png", "media_type": "image/png", "content": PICTURE} | changes
    told = await refused(same_shop, {"text": "a", "files": [file]}, no)
    assert told.status == 400


async def refused(shop: Client, words: dict[str, Any], no: tuple[str, str]) -> Told:
    """The evidence is refused with this code and this field, and nothing is written."""
    path = f"{DISPUTES}/{await disputed(shop)}/contest"
    before = await rows_of_every_table(shop.shop)
    told = await shop.posts(path, words)
    status, code, param = told.no
    # msgspec names a list without the place in it.
    assert (status, code, (param or "").replace("[0]", "[]")) == (400, no[0], no[1].replace("[0]", "[]"))
    assert await rows_of_every_table(shop.shop) == before
    return told


async def test_where_a_provider_takes_no_evidence_the_shop_is_told_so_every_time(shop: Client) -> None:
    dispute = await disputed(shop)
    portal_only: Any = object()
    shop.services.disputes._office = replace(shop.shop.office, connector=lambda _: portal_only)
    before = await rows_of_every_table(shop.shop)
    for _ in range(2):
        told = await shop.posts(f"{DISPUTES}/{dispute}/contest", EVIDENCE, once="k")
        assert told.no == (422, "evidence_unsupported", None)
    assert await rows_of_every_table(shop.shop) == before


# --- cases ---


async def test_money_of_nobody_is_a_case_that_is_seen_and_listed(shop: Client) -> None:
    first, second = await orphan(shop), await orphan(shop)
    case = (await shop.gets(f"{CASES}/{second}")).json
    assert (case["object"], case["kind"], case["status"]) == ("case", "orphan_payment", "open")
    assert case["details"]["received"] == 9_900 and case["receipt"] is not None
    page = (await shop.gets(f"{CASES}?limit=1")).json
    assert (page["data"], page["has_more"]) == ([case], True)
    rest = (await shop.gets(f"{CASES}?limit=1&starting_after={second}")).json
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == ([first], False)


async def test_nobody_s_money_is_given_back_when_a_person_says_so(shop: Client) -> None:
    path = f"{CASES}/{await orphan(shop)}/resolve"
    words = {"decision": "refund", "note": "the customer called", "destination": SOMCHAI}
    first, again = [await shop.posts(path, words, once="k") for _ in range(2)]
    assert (first.status, first.json["status"], first.body) == (200, "closed", again.body)
    assert first.json["resolution"] == "refund: the customer called"
    assert again.headers["idempotent-replayed"] == "true"
    refund = (await shop.gets(f"/v1/refunds/{first.json['refund']}")).json
    assert refund["destination"] == SOMCHAI
    assert (refund["amount"], refund["status"]) == (9_900, "requires_transfer")
    other = await shop.posts(path, words | {"note": "other"}, once="k")
    assert other.no == (422, "idempotency_key_reused", "Idempotency-Key")
    assert (await shop.posts(path, words)).no == (409, "case_closed", None)


async def test_accepted_money_is_the_shop_s(shop: Client) -> None:
    told = await shop.posts(
        f"{CASES}/{await orphan(shop)}/resolve", {"decision": "accept", "note": "it is a tip"}
    )
    assert (told.json["status"], told.json.get("refund")) == ("closed", None)
    assert (await shop.gets("/v1/balance")).json["payable"] == [{"amount": 9_900, "currency": "THB"}]


async def test_a_case_without_money_can_be_closed_only(shop: Client) -> None:
    await shop.shop.is_told({"id": "T9", "ref": "NOBODYS", "amount": "150"})
    await shop.shop.works()
    (case,) = (await shop.gets(CASES)).json["data"]
    assert (case["kind"], case["receipt"]) == ("unknown_reference", None)
    path, before = f"{CASES}/{case['id']}/resolve", await rows_of_every_table(shop.shop)
    for decision in ("refund", "accept"):
        told = await shop.posts(path, {"decision": decision, "note": "?"})
        assert told.no == (422, "case_holds_no_money", "decision")
    assert await rows_of_every_table(shop.shop) == before
    closed = (await shop.posts(path, {"decision": "close", "note": "a test of the bank"})).json
    assert (closed["status"], closed["resolution"]) == ("closed", "close: a test of the bank")


async def test_one_person_decides_when_two_do_at_once(shop: Client) -> None:
    path = f"{CASES}/{await orphan(shop)}/resolve"
    told = await asyncio.gather(
        *(shop.posts(path, {"decision": one, "note": "me"}) for one in ("accept", "refund", "accept"))
    )
    assert sorted(one.status for one in told) == [200, 409, 409]
    assert {one.code for one in told if one.status == 409} == {"case_closed"}


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({"note": "x"}, ("parameter_missing", "decision")),
        ({"decision": "close"}, ("parameter_missing", "note")),
        ({"decision": "keep", "note": "x"}, ("parameter_invalid", "decision")),
        ({"decision": "close", "note": " "}, ("parameter_invalid", "note")),
        ({"decision": "close", "note": "x" * 501}, ("parameter_invalid", "note")),
        ({"decision": "close", "note": "a\u200bb"}, ("parameter_invalid", "note")),
        ({"decision": "refund", "note": "x", "destination": {"bank": "014"}}, ("parameter_missing", None)),
        (
            {"decision": "accept", "note": "x", "destination": SOMCHAI},
            ("parameter_invalid", "destination"),
        ),
        ({"decision": "close", "note": "x", "by": "me"}, ("parameter_unknown", "by")),
    ],
    ids=str,
)
async def test_a_decision_that_cannot_be_meant_is_refused_by_name(
    same_shop: Client, words: dict[str, Any], no: tuple[str, str | None]
) -> None:
    case = await orphan(same_shop)
    before = await rows_of_every_table(same_shop.shop)
    status, code, param = (await same_shop.posts(f"{CASES}/{case}/resolve", words)).no
    assert (status, code) == (400, no[0]) and param in (no[1], "destination.account", "destination.name")
    assert await rows_of_every_table(same_shop.shop) == before


# --- keys and owners ---


async def test_whatever_decides_about_money_needs_a_key(shop: Client) -> None:
    dispute, case = await disputed(shop), await orphan(shop)
    before = await rows_of_every_table(shop.shop)
    for path, words in (
        (f"{DISPUTES}/{dispute}/contest", EVIDENCE),
        (f"{DISPUTES}/{dispute}/accept", None),
        (f"{CASES}/{case}/resolve", {"decision": "accept", "note": "x"}),
    ):
        told = await shop.asks("POST", path, words=words)
        assert told.no == (400, "idempotency_key_missing", "Idempotency-Key"), path
    assert await rows_of_every_table(shop.shop) == before


async def test_nobody_decides_or_sees_what_is_not_theirs(shop: Client, database: Database) -> None:
    dispute, case = await disputed(shop), await orphan(shop)
    strangers = (
        shop.with_key(await key_for(database, (await open_shop(database)).merchant)),
        shop.with_key(await key_for(database, shop.shop.merchant, mode="live")),
    )
    before = await rows_of_every_table(shop.shop)
    for other in strangers:
        for base, mine, prefix in ((DISPUTES, dispute, "dp"), (CASES, case, "case")):
            seen = [await other.gets(f"{base}/{one}") for one in (mine, new_id(prefix), "x")]
            assert seen[0].status == 404 and alike(*seen)
            assert (await other.gets(base)).json["data"] == []
        for path, words in (
            ("/v1/disputes/{}/contest", EVIDENCE),
            ("/v1/disputes/{}/accept", None),
            ("/v1/cases/{}/resolve", {"decision": "accept", "note": "x"}),
        ):
            ids = (case, new_id("case"), "x") if "cases" in path else (dispute, new_id("dp"), "x")
            told = [await other.posts(path.format(one), words) for one in ids]
            assert told[0].status == 404 and alike(*told), path
    assert await rows_of_every_table(shop.shop) == before
