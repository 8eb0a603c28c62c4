"""What simulated Omise lets in, what it makes, and what it says no to, as its public documents have it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from quickkub.connectors.providers.omise.simulator import OmiseSimulator
from quickkub.connectors.simulation.run import served
from quickkub.kernel.money import baht
from quickkub.promptpay import parse_payment
from tests.support.omise_client import BACK, PUBLIC_KEY, SECRET_KEY, Client, running_omise
from tests.support.ports import free_port


@pytest.fixture
async def omise() -> AsyncIterator[Client]:
    async with running_omise() as client:
        yield client


# --- doors ---


@pytest.mark.parametrize(
    ("method", "path", "key", "no"),
    [
        ("GET", "/charges", None, (401, "authentication_failure")),
        ("GET", "/charges", "skey_test_other", (401, "authentication_failure")),
        ("GET", "/charges", PUBLIC_KEY, (403, "not_authorized")),
        ("POST", "/tokens", SECRET_KEY, (401, "authentication_failure")),
        ("GET", "/charges/chrg_test_x", SECRET_KEY, (404, "not_found")),
        ("GET", "/nothing/here", SECRET_KEY, (404, "not_found")),
    ],
)
async def test_each_door_opens_to_its_own_key_only(
    omise: Client, method: str, path: str, key: str | None, no: tuple[int, str]
) -> None:
    assert (await omise.sends(method, path, {} if method == "POST" else None, key=key)).no == no


async def test_an_error_has_the_documented_envelope(omise: Client) -> None:
    said = await omise.gets("/charges/chrg_x")
    assert said.words == {
        "object": "error",
        "location": "https://www.omise.co/api-errors#not-found",
        "code": "not_found",
        "message": "charge chrg_x was not found",
    }


async def test_a_password_beside_the_key_is_refused(omise: Client) -> None:
    said = await omise.sends("GET", "/charges", key=None, authorization="Basic c2tleV90ZXN0X3F1aWNra3ViOmE=")
    assert said.no == (401, "authentication_failure")


async def test_forms_with_brackets_and_a_slash_at_the_end_are_taken_as_php_sends_them(omise: Client) -> None:
    form = urlencode(
        {
            "amount": "10000",
            "currency": "thb",
            "source[type]": "truemoney",
            "source[phone_number]": "0812345678",
            "return_uri": BACK,
            "metadata[qk_payment]": "QK9",
            "webhook_endpoints[]": "https://shop.example.com/hook",
        }
    )
    said = await omise.posts("/charges/", form.encode(), content_type="application/x-www-form-urlencoded")
    assert (said["currency"], said["metadata"]) == ("THB", {"qk_payment": "QK9"})
    assert said["source"]["phone_number"] == "+66812345678"
    assert said["webhook_endpoints"] == ["https://shop.example.com/hook"]


async def test_a_get_may_carry_its_parameters_in_a_json_body_as_python_sends_them(omise: Client) -> None:
    for _ in range(3):
        await omise.charges()
    said = await omise.sends("GET", "/charges", {"limit": 2, "order": "reverse_chronological"})
    assert (said["total"], len(said["data"]), said["limit"]) == (3, 2, 2)
    assert (await omise.sends("GET", f"/charges/{said['data'][0]['id']}", {}))["object"] == "charge"


async def test_sources_are_made_with_either_key(omise: Client) -> None:
    words = {"type": "promptpay", "amount": 10000, "currency": "THB"}
    for key in (SECRET_KEY, PUBLIC_KEY):
        assert (await omise.posts("/sources", words, key=key))["flow"] == "offline"


async def test_the_first_answer_is_given_again_to_the_same_key_for_a_day(omise: Client) -> None:
    words = {"amount": 10000, "currency": "THB", "source": {"type": "promptpay"}}
    first = await omise.posts("/charges", words, idempotency_key="QK1")
    again = await omise.posts("/charges", words, idempotency_key="QK1")
    assert again["id"] == first["id"]
    assert (await omise.posts("/charges", {**words, "amount": 20000}, idempotency_key="QK1")).status == 409
    await omise.time_passes(25 * 3600)
    assert (await omise.posts("/charges", words, idempotency_key="QK1"))["id"] != first["id"]


async def test_a_flood_is_held_back_where_a_limit_is_set() -> None:
    async with running_omise(options={"rate_limit_per_second": 2}) as omise:
        said = [await omise.gets("/balance") for _ in range(3)]
        assert [one.status for one in said] == [200, 200, 429]
        assert said[-1].no == (429, "too_many_requests")


# --- what is made ---


async def test_a_promptpay_charge_looks_as_documented_and_its_picture_is_a_qr(omise: Client) -> None:
    said = await omise.charges(expires_at="2026-01-15T05:15:00Z")
    assert (said["net"], said["fee"], said["fee_vat"]) == (9823, 165, 12)
    assert (said["status"], said["paid"], said["expires_at"]) == ("pending", False, "2026-01-15T05:15:00Z")
    image = said["source"]["scannable_code"]["image"]
    async with omise.session.get(image["download_uri"]) as came:
        assert came.status == 200 and came.content_type == "image/svg+xml"
        assert b"<svg" in await came.read()
    async with omise.session.get(image["download_uri"] + "x") as came:
        assert came.status == 404


async def test_the_qr_can_be_read_and_paid_as_an_app_would() -> None:
    simulator = OmiseSimulator({})
    async with served(simulator, "127.0.0.1", free_port()) as url, aiohttp.ClientSession() as session:
        omise = Client(url, session)
        charge = await omise.charges(amount=12_345)
        text = simulator.item(charge["id"]).qr_text
        assert parse_payment(text).amount == baht("123.45")
        moved = await omise.control("POST", "scan", {"qr": text})
        assert (moved["ref"], moved["movements"][0]["satang"]) == (charge["id"], 12_345)
        assert (await omise.gets(f"/charges/{charge['id']}"))["paid"] is True


async def test_a_picture_may_also_be_a_png() -> None:
    async with running_omise(options={"qr_image": "png"}) as omise:
        charge = await omise.charges()
        async with omise.session.get(charge["source"]["scannable_code"]["image"]["download_uri"]) as came:
            assert (await came.read()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("source", "more", "code"),
    [
        ({"type": "internet_banking_scb"}, {}, "invalid_source"),
        ({"type": "truemoney"}, {}, "invalid_phone_number"),
        ({"type": "truemoney", "phone_number": "12"}, {}, "invalid_phone_number"),
        (
            {"type": "installment_kbank", "installment_term": 5},
            {"amount": 300_000},
            "invalid_installment_term",
        ),
        ({"type": "installment_kbank", "installment_term": 6}, {"amount": 199_999}, "invalid_amount"),
        ({"type": "mobile_banking_scb", "platform_type": "BEOS"}, {}, "bad_request"),
        ({"type": "rabbit_linepay"}, {"return_uri": None}, "bad_request"),
        ({"type": "rabbit_linepay"}, {"return_uri": "http://shop.example.com"}, "bad_request"),
        ({"type": "promptpay"}, {"amount": 1_999}, "invalid_amount"),
        ({"type": "promptpay"}, {"amount": 15_000_001}, "invalid_amount"),
        ({"type": "promptpay"}, {"amount": "10.00"}, "bad_request"),
        ({"type": "promptpay"}, {"currency": "XAU"}, "currency_not_supported"),
        ({"type": "promptpay"}, {"expires_at": "2026-01-15T04:59:59Z"}, "bad_request"),
        ({"type": "promptpay"}, {"expires_at": "soon"}, "bad_request"),
        ({"type": "promptpay"}, {"metadata": "QK1"}, "bad_request"),
        ({"type": "promptpay"}, {"webhook_endpoints": ["http://shop.example.com"]}, "bad_request"),
        ({"type": "promptpay"}, {"webhook_endpoints": [BACK, BACK, BACK]}, "bad_request"),
    ],
)
async def test_a_charge_with_something_wrong_is_refused_and_nothing_is_made(
    omise: Client, source: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    assert (await omise.charges(source, **more)).no == (400, code)
    assert (await omise.gets("/charges"))["total"] == 0


async def test_a_charge_needs_a_source_or_a_card(omise: Client) -> None:
    said = await omise.posts("/charges", {"amount": 10000, "currency": "THB"})
    assert said.no == (400, "missing_card")


async def test_a_source_is_good_for_one_charge_of_its_amount(omise: Client) -> None:
    source = await omise.posts("/sources", {"type": "promptpay", "amount": 10000, "currency": "THB"})
    assert (await omise.charges(source["id"], amount=20000)).no == (400, "invalid_amount")
    assert (await omise.charges(source["id"]))["source"]["id"] == source["id"]
    assert (await omise.charges(source["id"])).no == (400, "invalid_source")
    assert (await omise.gets(f"/sources/{source['id']}"))["charge_status"] == "pending"


async def test_a_payer_presses_a_button_on_the_page_and_is_sent_back(omise: Client) -> None:
    charge = await omise.charges({"type": "rabbit_linepay"})
    async with omise.session.get(charge["authorize_uri"]) as page:
        assert "100.00 baht" in await page.text()
    pressed = omise.session.post(charge["authorize_uri"], data={"button": "approve"}, allow_redirects=False)
    async with pressed as answer:
        assert (answer.status, answer.headers["location"]) == (303, BACK)
    assert (await omise.gets(f"/charges/{charge['id']}"))["status"] == "successful"
    # Pressing again changes nothing.
    async with omise.session.post(
        charge["authorize_uri"], data={"button": "payment_cancelled"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    assert (await omise.gets(f"/charges/{charge['id']}"))["status"] == "successful"


async def test_a_payer_who_declines_leaves_a_failed_charge(omise: Client) -> None:
    charge = await omise.charges({"type": "shopeepay"})
    await omise.session.post(
        charge["authorize_uri"], data={"button": "payment_cancelled"}, allow_redirects=False
    )
    said = await omise.gets(f"/charges/{charge['id']}")
    assert (said["status"], said["failure_code"]) == ("failed", "payment_cancelled")


@pytest.mark.parametrize(("mark", "status"), [("mark_as_paid", "successful"), ("mark_as_failed", "failed")])
async def test_test_charges_can_be_marked(omise: Client, mark: str, status: str) -> None:
    charge = await omise.charges()
    assert (await omise.posts(f"/charges/{charge['id']}/{mark}"))["status"] == status
    assert (await omise.posts(f"/charges/{charge['id']}/{mark}")).no == (400, "bad_request")


async def test_a_charge_ends_when_its_time_is_over_and_cannot_be_paid_then(omise: Client) -> None:
    charge = await omise.charges(expires_at="2026-01-15T05:15:00Z")
    await omise.time_passes(900)
    said = await omise.gets(f"/charges/{charge['id']}")
    assert (said["status"], said["expired"], said["expired_at"]) == ("expired", True, "2026-01-15T05:15:00Z")
    async with omise.session.post(f"{omise.url}/_sim/payments/QK1/pay", json={}) as came:
        assert came.status == 409


async def test_a_search_finds_by_metadata_and_description_and_may_lag_behind() -> None:
    async with running_omise(options={"search_lag_seconds": 60}) as omise:
        charge = await omise.charges(description="Order 77", metadata={"qk_payment": "QK77"})
        assert (await omise.gets("/search?scope=charge&query=QK77"))["total"] == 0
        await omise.time_passes(60)
        for query in ("QK77", "order+77", charge["id"]):
            found = await omise.gets(f"/search?scope=charge&query={query}")
            assert [row["id"] for row in found["data"]] == [charge["id"]]
        assert (await omise.gets("/search?scope=charge&filters[amount]=1"))["total"] == 0
        assert (await omise.gets("/search?scope=moon")).no == (400, "bad_request")


async def test_a_list_is_cut_by_time_and_place(omise: Client) -> None:
    ids = []
    for _ in range(3):
        ids.append((await omise.charges())["id"])
        await omise.time_passes(60)
    said = await omise.gets("/charges?from=2026-01-15T05:00:30Z&to=2026-01-15T05:01:30Z")
    assert [row["id"] for row in said["data"]] == [ids[1]]
    said = await omise.gets("/charges?offset=1&limit=1&order=reverse_chronological")
    assert [row["id"] for row in said["data"]] == [ids[1]]
    assert (await omise.gets("/charges?limit=101")).no == (400, "bad_request")
    assert (await omise.gets("/charges?from=yesterday")).no == (400, "bad_request")


async def test_what_an_account_can_do_is_read_with_the_public_key(omise: Client) -> None:
    said = await omise.gets("/capability", key=PUBLIC_KEY)
    names = {method["name"] for method in said["payment_methods"]}
    assert {"card", "promptpay", "truemoney", "installment_kbank", "bill_payment_tesco_lotus"} <= names
    assert said["limits"]["charge_amount"]["min"] == 2000
    (kbank,) = [m for m in said["payment_methods"] if m["name"] == "installment_kbank"]
    assert kbank["installment_terms"] == [3, 6, 10]


async def test_two_shops_do_not_see_each_other_s_charges(omise: Client) -> None:
    charge = await omise.charges()
    await omise.control("POST", "apps", {"secret_key": "skey_test_two", "public_key": "pkey_test_two"})
    assert (await omise.gets(f"/charges/{charge['id']}", key="skey_test_two")).no == (404, "not_found")
    assert (await omise.gets("/charges", key="skey_test_two"))["total"] == 0
