"""What the simulated bank looks at before it does anything: headers, keys, tokens, rights, rate, fields."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.scb import BILLER, KEY, SECRET, Scb, running_scb
from tests.support.scb_client import Client


@pytest.mark.parametrize("header", ["resourceOwnerId", "requestUId"])
async def test_a_request_without_a_required_header_is_refused(client: Client, header: str) -> None:
    said = await client.sends("POST", "/v1/payment/qrcode/create", {}, **{header: None})
    assert said.no == (400, 9100)


async def test_a_client_that_sends_no_headers_at_all_is_told_so(client: Client) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("resourceOwnerId", "requestUId", "authorization", "content_type")
    )
    assert (await client.sends("POST", "/v1/oauth/token", {}, **nothing)).no == (400, 9100)


async def test_a_body_needs_its_content_type(client: Client) -> None:
    assert (await client.sends("POST", "/v1/oauth/token", {}, content_type=None)).no == (400, 9100)
    assert (await client.sends("POST", "/v1/oauth/token", {}, content_type="text/plain")).no == (415, 9900)


async def test_a_content_type_may_name_its_charset(client: Client) -> None:
    client.headers["content-type"] = "application/json; charset=utf-8"
    assert (await client.makes_qr()).code == 1000


@pytest.mark.parametrize("authorization", [None, "", "Bearer ", "Basic abc"])
async def test_a_request_without_credentials_is_refused(client: Client, authorization: str | None) -> None:
    said = await client.sends("GET", "/v2/transactions/x", authorization=authorization)
    assert said.no == (401, 9100)


async def test_a_token_lives_half_an_hour(client: Client, scb: Scb) -> None:
    token = (await client.logs_in()).data
    assert (token["tokenType"], token["expiresIn"]) == ("Bearer", 1800)
    assert token["expiresAt"] == 1768453200 + 1800
    await scb.time_passes(1799)
    assert (await client.asks()).code == 1000
    await scb.time_passes(1)
    assert (await client.asks()).no == (401, 9300)


async def test_a_made_up_token_is_refused(client: Client) -> None:
    assert (await client.sends("GET", "/v2/transactions/x", authorization="Bearer made-up")).no == (401, 9300)


@pytest.mark.parametrize(("key", "secret"), [("another", SECRET), (KEY, "another")])
async def test_a_wrong_key_or_secret_gets_no_token(client: Client, key: str, secret: str) -> None:
    assert (await client.logs_in(key, secret)).no == (401, 9500)


async def test_an_application_uses_only_the_apis_it_was_given(client: Client, scb: Scb) -> None:
    app = {
        "application_key": KEY,
        "application_secret": SECRET,
        "apis": ["inquiry"],
        "billers": [{"biller_id": BILLER}],
    }
    await scb.control("POST", "apps", app)
    assert (await client.makes_qr()).no == (403, 9503)
    assert (await client.asks()).code == 1000


async def test_the_sandbox_takes_any_owner_and_a_repeated_request_id_and_production_does_not(
    client: Client, scb: Scb
) -> None:
    client.headers |= {"resourceOwnerId": "anything", "requestUId": "always-the-same"}
    assert [(await client.asks()).code for _ in range(2)] == [1000, 1000]
    billers = [{"biller_id": BILLER}]
    strict = {"application_key": KEY, "application_secret": SECRET, "strict": True, "billers": billers}
    await scb.control("POST", "apps", strict)
    assert (await client.asks()).no == (401, 9500)
    client.headers["resourceOwnerId"] = KEY
    assert [(await client.asks()).no for _ in range(2)] == [(200, 1000), (400, 1102)]


async def test_more_than_five_requests_in_a_second_are_refused_per_api(client: Client, scb: Scb) -> None:
    await scb.control("POST", "options", {"rate_limit_per_second": 5})
    # So many that they cannot take as long as the limit would want, even on a busy machine.
    answers = [said.no for said in await asyncio.gather(*(client.asks() for _ in range(60)))]
    assert set(answers) == {(200, 1000), (429, 9900)} and answers.count((200, 1000)) >= 5
    assert (await client.makes_qr()).code == 1000, "another API has a rate of its own"


async def test_paths_are_the_same_below_the_sandbox_and_below_production(client: Client, scb: Scb) -> None:
    client.base_url = f"{scb.url}/partners"
    assert (await client.logs_in()).code == 1000
    assert (await client.makes_qr()).code == 1000


async def test_unknown_paths_and_methods_are_refused_in_the_bank_s_form(client: Client) -> None:
    assert (await client.sends("GET", "/v9/nothing")).no == (404, 9900)
    assert (await client.sends("GET", "/v1/payment/qrcode/create")).no == (405, 9900)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ref1": None}, 1101),
        ({"amount": None}, 1101),
        ({"ppId": None}, 1101),
        ({"ref3": None}, 1101),
        ({"qrType": None}, 1101),
        ({"ref1": ""}, 1103),
        ({"amount": ""}, 1103),
        ({"ref1": "lower"}, 1102),
        ({"ref1": "WITH-HYPHEN"}, 1102),
        ({"ref1": "WITH SPACE"}, 1102),
        ({"ref1": "A" * 21}, 1102),
        ({"ref1": "ก"}, 1102),
        ({"amount": "1.005"}, 1102),
        ({"amount": "0.00"}, 1102),
        ({"amount": "-1.00"}, 1102),
        ({"amount": "1e2"}, 1102),
        ({"amount": "10000000000.00"}, 1102),
        ({"amount": 100.0}, 1102),
        ({"ppType": "MSISDN"}, 1102),
        ({"ppId": "12345"}, 1102),
        ({"ppId": "999999999999999"}, 1102),
        ({"qrType": "XX"}, 1102),
        ({"reference1": "A"}, 1105),
        ({"refl": "A"}, 1105),
    ],
)
async def test_a_field_that_is_missing_empty_wrong_or_unknown_is_refused(
    client: Client, change: dict[str, Any], code: int
) -> None:
    assert (await client.makes_qr(**change)).no == (400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b'{"qrType": NaN}', b"\xff", b'{"a":1,"a":2}'])
async def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    assert (await client.sends("POST", "/v1/payment/qrcode/create", body)).no == (400, 1102)


async def test_a_profile_with_two_references_wants_both() -> None:
    biller = {"biller_id": BILLER, "references": 2, "prefixes": {"SCB": ""}}
    app = {"application_key": KEY, "application_secret": SECRET, "billers": [biller]}
    async with running_scb(apps=[app]) as scb:
        client = Client(scb, scb._session)
        await client.logs_in()
        assert (await client.makes_qr(ref2=None)).no == (400, 1101)
        assert (await client.makes_qr(ref2="CUST1")).code == 1000


async def test_a_customer_logs_in_and_renews(client: Client) -> None:
    keys = {"apikey": KEY, "apisecret": SECRET, "response_channel": "mobile", "endState": "mobile_app"}
    link = (await client.sends("GET", "/v2/oauth/authorize", authorization=None, **keys)).data["callbackUrl"]
    code, state = (part.partition("=")[2] for part in link.partition("?")[2].split("&"))
    login = {"applicationKey": KEY, "applicationSecret": SECRET, "authCode": code, "state": state}
    granted = (await client.sends("POST", "/v1/oauth/token", login)).data
    assert granted["refreshExpiresIn"] == 3600
    assert (await client.sends("POST", "/v1/oauth/token", login)).no == (400, 1102), "a code is good once"
    renewal = {"applicationKey": KEY, "applicationSecret": SECRET, "refreshToken": granted["refreshToken"]}
    assert (await client.sends("POST", "/v1/oauth/token/refresh", renewal)).data["accessToken"]
    assert (await client.sends("POST", "/v1/oauth/token/refresh", renewal)).no == (401, 9300)


async def test_authorize_wants_its_four_headers(client: Client) -> None:
    said = await client.sends("GET", "/v2/oauth/authorize", apikey=KEY, apisecret=SECRET)
    assert said.no == (400, 9100)
