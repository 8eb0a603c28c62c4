"""How money moves at simulated Omise, back and out again, and whom it tells."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.support.omise_client import (
    PREVIOUS_SECRET,
    SECRET_KEY,
    WEBHOOK_SECRET,
    Client,
    basic,
    running_omise,
)
from tests.support.stub import answering


@pytest.fixture
async def omise() -> AsyncIterator[Client]:
    async with running_omise() as client:
        yield client


# --- cards ---


async def test_a_card_is_charged_at_once(omise: Client) -> None:
    said = await omise.charges_card()
    assert (said["status"], said["paid"], said["captured_amount"]) == ("successful", True, 10_000)
    assert said["card"]["last_digits"] == "4242" and "number" not in said["card"]
    assert said["authorize_uri"] is None and said["transaction"].startswith("trxn_test_")


async def test_a_refused_card_is_a_failed_charge_with_http_200(omise: Client) -> None:
    said = await omise.charges_card("4111111111140011")
    assert (said.status, said["status"], said["failure_code"]) == (200, "failed", "insufficient_fund")


async def test_more_cards_that_fail_can_be_registered(omise: Client) -> None:
    card = {"card": "5555555555554444", "failure_code": "stolen_or_lost_card"}
    await omise.control("POST", "registrations", card)
    assert (await omise.charges_card("5555555555554444"))["failure_code"] == "stolen_or_lost_card"


async def test_a_token_is_good_once(omise: Client) -> None:
    token = await omise.tokenises()
    assert (await omise.charges(card=token["id"]))["status"] == "successful"
    assert (await omise.charges(card=token["id"])).no == (400, "used_token")
    assert (await omise.gets(f"/tokens/{token['id']}", key="pkey_test_quickkub"))["used"] is True


@pytest.mark.parametrize(
    ("number", "more", "code"),
    [
        ("4242424242424241", {}, "invalid_card"),
        ("4242", {}, "invalid_card"),
        ("4242424242424242", {"name": ""}, "invalid_card"),
        ("4242424242424242", {"expiration_year": 2025}, "invalid_card"),
        ("4242424242424242", {"expiration_month": 13}, "invalid_card"),
        ("6011000990139424", {}, "brand_not_supported"),
    ],
)
async def test_a_card_that_cannot_be_is_not_taken(
    omise: Client, number: str, more: dict[str, Any], code: str
) -> None:
    assert (await omise.tokenises(number, **more)).no == (400, code)


async def test_held_money_is_captured_once(omise: Client) -> None:
    held = await omise.charges_card(capture=False)
    assert (held["status"], held["authorized"], held["capturable"]) == ("pending", True, True)
    assert (held["reversible"], held["paid"], held["expires_at"]) == (True, False, "2026-01-22T05:00:00Z")
    said = await omise.posts(f"/charges/{held['id']}/capture")
    assert (said["status"], said["captured_amount"]) == ("successful", 10_000)
    assert (await omise.posts(f"/charges/{held['id']}/capture")).no == (400, "failed_capture")
    assert (await omise.posts(f"/charges/{held['id']}/reverse")).no == (400, "failed_void")
    assert (await omise.control("GET", "truth"))["total_satang"] == 10_000


async def test_a_part_is_captured_of_a_pre_authorisation_only(omise: Client) -> None:
    pre = await omise.charges_card(capture=False, authorization_type="pre_auth")
    said = await omise.posts(f"/charges/{pre['id']}/capture", {"capture_amount": 4_000})
    assert (said["captured_amount"], said["net"]) == (4_000, 4_000 - 146 - 10)
    final = await omise.charges_card(capture=False)
    for amount in (4_000, 10_001, 0):
        no = (await omise.posts(f"/charges/{final['id']}/capture", {"capture_amount": amount})).no
        assert no == (400, "failed_capture")


async def test_a_hold_is_let_go_by_word_or_by_time(omise: Client) -> None:
    first, second = await omise.charges_card(capture=False), await omise.charges_card(capture=False)
    said = await omise.posts(f"/charges/{first['id']}/reverse")
    assert (said["status"], said["reversed"]) == ("reversed", True)
    assert (await omise.posts(f"/charges/{first['id']}/capture")).no == (400, "failed_capture")
    await omise.time_passes(7 * 86_400)
    assert (await omise.gets(f"/charges/{second['id']}"))["status"] == "expired"


async def test_3d_secure_asks_the_payer_first() -> None:
    async with running_omise(options={"card_3ds": True}) as omise:
        charge = await omise.charges_card(capture=False)
        assert (charge["status"], charge["authorized"]) == ("pending", False)
        await omise.session.post(charge["authorize_uri"], data={"button": "approve"}, allow_redirects=False)
        said = await omise.gets(f"/charges/{charge['id']}")
        assert (said["authorized"], said["capturable"]) == (True, True)
        assert (await omise.control("GET", "truth"))["count"] == 0


# --- back ---


async def test_refunds_add_up_to_the_charge_and_no_further(omise: Client) -> None:
    charge = await omise.charges_card()
    path = f"/charges/{charge['id']}/refunds"
    first = await omise.posts(path, {"amount": 4_000, "metadata": {"qk_refund": "rf_1"}})
    assert (first["status"], first["charge"], first["metadata"]) == (
        "closed",
        charge["id"],
        {"qk_refund": "rf_1"},
    )
    assert (await omise.posts(path, {"amount": 6_001})).no == (400, "failed_refund")
    assert (await omise.posts(path, {"amount": 6_000}))["amount"] == 6_000
    assert (await omise.posts(path, {"amount": 1})).no == (400, "failed_refund")
    said = await omise.gets(f"/charges/{charge['id']}")
    assert (said["refunded_amount"], said["refundable"], said["status"]) == (10_000, False, "successful")
    assert (await omise.gets(path))["total"] == 2 and (await omise.gets("/refunds"))["total"] == 2
    truth = await omise.control("GET", "truth")
    assert (truth["total_satang"], truth["movements"][0]["refunded"]) == (0, "100.00")
    assert (await omise.gets(f"{path}/{first['id']}"))["id"] == first["id"]


@pytest.mark.parametrize("amount", [0, -1, None])
async def test_a_refund_is_of_something(omise: Client, amount: int | None) -> None:
    charge = await omise.charges_card()
    assert (await omise.posts(f"/charges/{charge['id']}/refunds", {"amount": amount})).status == 400


async def test_a_qr_is_not_given_back_unless_the_option_says_so(omise: Client) -> None:
    charge = await omise.charges()
    path = f"/charges/{charge['id']}/refunds"
    assert (await omise.posts(path, {"amount": 1_000})).no == (400, "failed_refund")
    await omise.control("POST", "payments/QK1/pay", {})
    assert (await omise.posts(path, {"amount": 1_000})).no == (400, "failed_refund")
    await omise.control("POST", "options", {"refund_offline": True})
    other = await omise.charges(metadata={"qk_payment": "QK2"})
    await omise.control("POST", "payments/QK2/pay", {})
    assert (await omise.posts(f"/charges/{other['id']}/refunds", {"amount": 1_000}))["amount"] == 1_000


async def test_a_refund_comes_out_of_the_balance() -> None:
    async with running_omise(options={"opening_balance": 0}) as omise:
        charge = await omise.charges_card()
        path = f"/charges/{charge['id']}/refunds"
        assert (await omise.posts(path, {"amount": 10_000})).no == (400, "insufficient_balance")
        assert (await omise.posts(path, {"amount": 9_609}))["amount"] == 9_609
        assert (await omise.gets("/balance"))["total"] == 0


async def test_a_dispute_goes_from_open_to_pending_to_won(omise: Client) -> None:
    charge = await omise.charges_card()
    opened = await omise.control("POST", f"movements/{charge['id']}/reverse", {})
    path = f"/disputes/{opened['dispute']}"
    assert (await omise.gets("/disputes/open"))["total"] == 1
    form = aiohttp.FormData()
    form.add_field("file", b"proof", filename="proof.png", content_type="image/png")
    headers = {"authorization": basic(SECRET_KEY)}
    async with omise.session.post(f"{omise.url}{path}/documents", data=form, headers=headers) as came:
        assert (await came.json())["filename"] == "proof.png"
    said = await omise.sends("PATCH", path, {"message": "Delivered."})
    assert (said["status"], said["documents"]["total"]) == ("pending", 1)
    assert (await omise.sends("PATCH", f"{path}/accept")).no == (400, "documents_locked")
    before = (await omise.gets("/balance"))["total"]
    await omise.control("POST", f"payments/{opened['dispute']}/end", {"state": "won"})
    assert (await omise.gets("/disputes/closed"))["data"][0]["status"] == "won"
    assert (await omise.gets("/balance"))["total"] == before + 10_000


async def test_money_goes_out_by_transfer(omise: Client) -> None:
    bank = {"brand": "bbl", "number": "1234567890", "name": "SOMCHAI"}
    recipient = await omise.posts(
        "/recipients", {"name": "Somchai", "type": "individual", "bank_account": bank}
    )
    assert (await omise.sends("PATCH", f"/recipients/{recipient['id']}/verify"))["verified"] is True
    before = (await omise.gets("/balance"))["total"]
    transfer = await omise.posts("/transfers", {"amount": 100_000, "recipient": recipient["id"]})
    path = f"/transfers/{transfer['id']}"
    assert (transfer["fee"], transfer["net"], transfer["sent"]) == (3_000, 96_790, False)
    assert (await omise.posts(f"{path}/mark_as_paid")).status == 400
    assert (await omise.posts(f"{path}/mark_as_sent"))["sent"] is True
    assert (await omise.posts(f"{path}/mark_as_paid"))["paid"] is True
    assert (await omise.gets("/balance"))["total"] == before - 100_000
    assert (await omise.sends("DELETE", path)).status == 400
    assert (await omise.posts("/transfers", {"amount": 2_999})).no == (400, "invalid_amount")
    assert (await omise.posts("/transfers", {"amount": 10**9})).no == (400, "insufficient_balance")


async def test_the_ledger_joins_to_charges_by_their_origin(omise: Client) -> None:
    charge = await omise.charges_card()
    (line,) = (await omise.gets("/transactions"))["data"]
    assert (line["key"], line["direction"], line["amount"]) == ("charge.captured.net", "credit", 9_609)
    assert (line["origin"], line["id"]) == (charge["id"], charge["transaction"])


# --- whom it tells ---


@dataclass
class Shop:
    """Hears events and answers with `status`."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        return web.Response(status=self.status)

    def keys(self) -> list[str]:
        return [json.loads(body)["key"] for _, body in self.heard]


@pytest.fixture
async def shop(omise: Client) -> AsyncIterator[Shop]:
    found = Shop()
    async with answering(found.handle) as url:
        found.url = url
        await omise.control("POST", "registrations", {"url": url})
        yield found


def marks(secret: str, headers: dict[str, str], body: bytes) -> str:
    message = headers["omise-signature-timestamp"].encode() + b"." + body
    return hmac.new(base64.b64decode(secret), message, hashlib.sha256).hexdigest()


async def test_events_are_signed_and_can_be_read_again(omise: Client, shop: Shop) -> None:
    charge = await omise.charges()
    await omise.time_passes(0)
    await omise.posts(f"/charges/{charge['id']}/mark_as_paid")
    await omise.time_passes(0)
    assert shop.keys() == ["charge.create", "charge.complete"]
    headers, body = shop.heard[-1]
    assert headers["omise-signature"] == marks(WEBHOOK_SECRET, headers, body)
    event = json.loads(body)
    assert (event["object"], event["data"]["id"], event["data"]["paid"]) == ("event", charge["id"], True)
    assert (await omise.gets(f"/events/{event['id']}"))["key"] == "charge.complete"
    assert (await omise.gets("/events?order=reverse_chronological"))["data"][0]["id"] == event["id"]


async def test_two_signatures_stand_side_by_side_while_a_secret_changes(omise: Client, shop: Shop) -> None:
    await omise.control("POST", "options", {"webhook_signing": "rotating"})
    await omise.charges()
    await omise.time_passes(0)
    headers, body = shop.heard[-1]
    both = [marks(secret, headers, body) for secret in (WEBHOOK_SECRET, PREVIOUS_SECRET)]
    assert headers["omise-signature"] == ",".join(both)


async def test_many_accounts_sign_nothing(omise: Client, shop: Shop) -> None:
    await omise.control("POST", "options", {"webhook_signing": "off"})
    await omise.charges()
    await omise.time_passes(0)
    assert "omise-signature" not in shop.heard[-1][0]


async def test_an_event_is_tried_again_after_one_five_and_thirty_minutes(omise: Client, shop: Shop) -> None:
    shop.status = 500
    await omise.charges()
    counts = []
    for seconds in (0, 60, 299, 1, 1_800, 100_000):
        await omise.time_passes(seconds)
        counts.append(shop.keys().count("charge.create"))
    assert counts == [1, 2, 2, 3, 4, 4]
    letters = (await omise.control("GET", "confirmations"))["confirmations"]
    assert letters[0]["state"] == "given_up"


async def test_a_charge_names_further_addresses_and_each_hears_once(omise: Client, shop: Shop) -> None:
    await omise.charges(webhook_endpoints=[shop.url, f"{shop.url}/other"])
    await omise.time_passes(0)
    letters = (await omise.control("GET", "confirmations"))["confirmations"]
    assert sorted(letter["url"] for letter in letters) == [shop.url, f"{shop.url}/other"]
    assert len(shop.heard) == 2


async def test_an_address_can_be_set_through_the_api(omise: Client, shop: Shop) -> None:
    said = await omise.sends("PATCH", "/account", {"webhook_uri": f"{shop.url}/new"})
    assert said["webhook_uri"] == f"{shop.url}/new"
    assert (await omise.gets("/account"))["webhook_uri"] == f"{shop.url}/new"


async def test_a_payment_may_lose_both_its_event_and_the_next_answer(omise: Client, shop: Shop) -> None:
    charge = await omise.charges()
    await omise.time_passes(0)
    await omise.control("POST", "payments/QK1/pay", {"lose_answer": True})
    await omise.time_passes(0)
    assert shop.keys() == ["charge.create"]
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session:
            session._retry_connection = False
            await Client(omise.url, session).gets(f"/charges/{charge['id']}")
    assert (await omise.gets(f"/charges/{charge['id']}"))["paid"] is True


async def test_a_button_can_be_pressed_once(omise: Client) -> None:
    charge = await omise.charges()
    for state, status in (("cancelled", 200), ("cancelled", 409), ("moonstruck", 400)):
        url = f"{omise.url}/_sim/payments/{charge['id']}/end"
        async with omise.session.post(url, json={"state": state}) as came:
            assert came.status == status
    await omise.control("POST", "reset")
    assert (await omise.gets("/charges"))["total"] == 0


@pytest.mark.parametrize(
    ("kind", "status"), [("error_500", 500), ("error_503", 503), ("limit", 429), ("empty_body", 200)]
)
async def test_a_request_can_ask_to_go_wrong(omise: Client, kind: str, status: int) -> None:
    async with omise.session.get(
        f"{omise.url}/balance",
        headers={"authorization": basic(SECRET_KEY), "x-sim-fault": kind},
    ) as came:
        assert came.status == status
        if status >= 400:
            assert (await came.json())["object"] == "error"
