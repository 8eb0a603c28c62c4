"""Providers calling: kept and answered when genuine, kept and refused when not, a case when they differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quickkub.connectors.contract import Paid
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import baht
from quickkub.kernel.tokens import new_token
from quickkub.storage.vault import Place
from tests.support.api import Client, Told
from tests.support.shop import receipt


async def calls(
    shop: Client, body: dict[str, Any] | bytes, *, token: str | None = None, **headers: str
) -> Told:
    """The made-up bank calls; it has no API key and says no content type."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/callbacks/madeup/{token or shop.shop.token}"
    return await shop.with_key(None).asks("POST", path, raw=raw, headers=headers)


async def attempt_reference(shop: Client) -> str:
    await shop.charges()
    (row,) = await shop.shop.rows("SELECT reference FROM attempts")
    return str(row["reference"])


async def test_a_genuine_callback_is_kept_answered_and_settled_by_asking_the_bank(shop: Client) -> None:
    reference = await attempt_reference(shop)
    shop.shop.bank.usual_inquiry = Paid((receipt(baht(150)),))
    told = await calls(shop, {"id": "T1", "ref": reference, "amount": "150.00"})
    assert (told.status, told.body, told.headers["content-type"]) == (200, b'{"ok":true}', "application/json")
    await shop.shop.works()
    (payment,) = (await shop.gets("/v1/payments")).json["data"]
    assert (payment["status"], payment["captured_amount"]) == ("succeeded", 15_000)


async def test_the_same_callback_three_times_is_kept_once(shop: Client) -> None:
    reference = await attempt_reference(shop)
    for _ in range(3):
        assert (await calls(shop, {"id": "T1", "ref": reference, "amount": "150.00"})).status == 200
    assert [row["times_seen"] for row in await shop.shop.rows("SELECT times_seen FROM inbox")] == [3]


async def test_a_callback_of_a_wrong_amount_is_quarantined_with_a_case(shop: Client) -> None:
    reference = await attempt_reference(shop)
    assert (await calls(shop, {"id": "T1", "ref": reference, "amount": "1.00"})).status == 200
    await shop.shop.works()
    (case,) = (await shop.gets("/v1/cases")).json["data"]
    assert (case["kind"], case["status"]) == ("callback_amount_mismatch", "open")
    assert (case["details"]["asked"], case["details"]["claimed"]) == (15_000, 100)
    assert [row["state"] for row in await shop.shop.rows("SELECT state FROM inbox")] == ["quarantined"]
    assert (await shop.gets("/v1/balance")).json["payable"] == [{"amount": 0, "currency": "THB"}]


async def test_a_callback_about_a_reference_nobody_knows_is_kept_answered_and_becomes_a_case(
    shop: Client,
) -> None:
    assert (await calls(shop, {"id": "T9", "ref": "QKNOBODY", "amount": "150.00"})).status == 200
    await shop.shop.works()
    (case,) = (await shop.gets("/v1/cases")).json["data"]
    assert (case["kind"], case["payment"]) == ("unknown_reference", None)


async def test_a_forged_callback_is_refused_and_kept(shop: Client) -> None:
    reference = await attempt_reference(shop)
    body = {"id": "T1", "ref": reference, "amount": "150.00"}
    assert (await calls(shop, body, **{"X-Forged": "1"})).no == (401, "callback_forged", None)
    (kept,) = await shop.shop.rows("SELECT id, body FROM refused_callbacks")
    place = Place("refused_callbacks", "body", shop.shop.merchant, kept["id"])
    assert json.loads(shop.shop.vault.open(kept["body"], place)) == body
    assert await shop.shop.counts("inbox") == 0


@pytest.mark.parametrize("body", [b'{"id": "T1", "ref": "Q', b"", b"\xff\x00", b"[]"])
async def test_a_truncated_callback_is_refused_and_kept(shop: Client, body: bytes) -> None:
    if body == b"[]":
        body = b'{"id": "T1"}'
    assert (await calls(shop, body)).no == (400, "callback_unreadable", None)
    assert await shop.shop.counts("refused_callbacks") == 1


async def test_an_address_nobody_was_given_is_refused_and_kept(shop: Client) -> None:
    tokens = ["guessed", new_token(shop.shop.merchant), new_token(MerchantId(new_id("mer")))]
    for token in tokens:
        assert (await calls(shop, b"{}", token=token)).no == (401, "callback_forged", None)
    assert await shop.shop.counts("refused_callbacks") == len(tokens)


async def test_a_providers_name_that_is_none_is_not_kept(shop: Client) -> None:
    """Somebody else may have put a card's number there, or a key."""
    for name in ("4242424242424242", "scb"):
        told = await shop.asks("POST", f"/callbacks/{name}/guessed", raw=b"{}")
        assert told.no == (401, "callback_forged", None)
    kept = await shop.shop.rows("SELECT provider FROM refused_callbacks ORDER BY id")
    assert [row["provider"] for row in kept] == ["unknown", "scb"]


@pytest.mark.parametrize(
    "path", ["/callbacks/%00/t", "/callbacks/madeup/%00", "/callbacks/MADE UP/t", "/callbacks/madeup"]
)
async def test_an_address_that_could_never_have_been_given_is_not_found(same_shop: Client, path: str) -> None:
    assert (await same_shop.asks("POST", path, raw=b"{}")).no == (404, "not_found", None)


async def test_a_callback_larger_than_64_kib_is_refused(same_shop: Client) -> None:
    assert (await calls(same_shop, b" " * 65_537)).no == (413, "body_too_large", None)


async def test_a_callback_by_get_says_something_or_is_refused(same_shop: Client) -> None:
    """Some providers call with GET and put their words in the address."""
    told = await same_shop.gets(f"/callbacks/madeup/{same_shop.shop.token}")
    assert told.code == "callback_unreadable"
