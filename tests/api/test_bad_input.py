"""Bad input gets a problem with a code and the field at fault, never a 500, and nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.api import ORDER, Client

WRITTEN = ("payments", "attempts", "events", "idempotency_keys", "journals", "receipts", "evidence")


async def rows(same_shop: Client) -> dict[str, int]:
    return {table: await same_shop.shop.counts(table) for table in WRITTEN}


async def refused(same_shop: Client, raw: bytes | str, **headers: str) -> tuple[int, str, str | None]:
    """Post this order and get its problem, after a look that nothing was written."""
    before = await rows(same_shop)
    body = raw.encode() if isinstance(raw, str) else raw
    told = await same_shop.asks("POST", "/v1/payments", raw=body, headers={"Idempotency-Key": "k1"} | headers)
    assert await rows(same_shop) == before
    assert same_shop.shop.bank.created == []
    return told.no


def order(**changes: Any) -> str:
    return json.dumps(ORDER | changes)


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1.5", "1.0", "1e3", '"100"', "true", "null", str(10**13), "9" * 30]
)
async def test_an_amount_that_is_not_whole_satang_in_range_is_refused_by_name(
    same_shop: Client, amount: str
) -> None:
    raw = order(amount="AMOUNT").replace('"AMOUNT"', amount)
    assert await refused(same_shop, raw) == (400, "parameter_invalid", "amount")


async def test_nan_is_refused_by_name(same_shop: Client) -> None:
    assert await refused(same_shop, order(amount=float("nan"))) == (400, "body_malformed", "amount")


async def test_an_amount_that_fits_the_api_but_not_the_method_is_refused_by_name(same_shop: Client) -> None:
    assert await refused(same_shop, order(amount=10**12)) == (400, "amount_out_of_range", "amount")


@pytest.mark.parametrize("currency", ["XXX", "JPY"])
async def test_a_currency_that_is_unknown_or_not_taken_is_refused_by_name(
    same_shop: Client, currency: str
) -> None:
    assert await refused(same_shop, order(currency=currency)) == (400, "currency_unsupported", "currency")


@pytest.mark.parametrize("currency", ["thb", "THB ", "THB\n", "764", "", "บาท", 764, None])
async def test_what_is_no_currency_code_is_refused_by_name(same_shop: Client, currency: Any) -> None:
    assert await refused(same_shop, order(currency=currency)) == (400, "parameter_invalid", "currency")


async def test_a_method_nobody_offers_is_refused_by_name(same_shop: Client) -> None:
    assert await refused(same_shop, order(method="barter")) == (400, "method_unavailable", "method")


async def test_an_unknown_field_is_refused_by_name(same_shop: Client) -> None:
    assert await refused(same_shop, order(amuont=1)) == (400, "parameter_unknown", "amuont")


async def test_a_missing_field_is_refused_by_name(same_shop: Client) -> None:
    assert await refused(same_shop, '{"amount": 1, "currency": "THB"}') == (
        400,
        "parameter_missing",
        "method",
    )


async def test_a_key_given_twice_is_refused_by_name(same_shop: Client) -> None:
    raw = '{"amount": 100, "amount": 10000, "currency": "THB", "method": "promptpay"}'
    assert await refused(same_shop, raw) == (400, "body_malformed", "amount")


@pytest.mark.parametrize(
    ("words", "param"),
    [
        ({"reference": "a\u202eb"}, "reference"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 101}, "reference"),
        ({"reference": "a\u0000b"}, "reference"),
        ({"description": "a\u200bb"}, "description"),
        ({"metadata": {"order": 1}}, "metadata"),
        ({"metadata": {"order": "\u2066"}}, "metadata.order"),
        ({"metadata": {"k" * 41: "v"}}, "metadata"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"return_url": "https://user:pw@shop.example/"}, "return_url"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 86_401}, "expires_in"),
        ({"expires_in": 900.0}, "expires_in"),
    ],
)
async def test_a_field_out_of_its_bounds_is_refused_by_name(
    same_shop: Client, words: dict[str, Any], param: str
) -> None:
    assert await refused(same_shop, order(**words)) == (400, "parameter_invalid", param)


@pytest.mark.parametrize("raw", ["", "[]", "null", "amount=1&currency=THB", "{", '{"a": 1} x', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_refused(same_shop: Client, raw: Any) -> None:
    status, code, _ = await refused(same_shop, raw)
    assert (status, code in {"body_malformed", "parameter_invalid"}) == (400, True)


async def test_a_body_nested_too_deeply_is_refused(same_shop: Client) -> None:
    assert (await refused(same_shop, "[" * 100_000))[:2] == (400, "body_too_complex")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=tis-620"]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(same_shop: Client, media_type: str) -> None:
    said = await refused(same_shop, order(), **{"Content-Type": media_type})
    assert said == (415, "media_type_unsupported", "Content-Type")


async def test_two_media_types_are_refused(same_shop: Client) -> None:
    headers = [("Authorization", f"Bearer {same_shop.key}"), ("Idempotency-Key", "k")]
    headers += [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    url = same_shop.url + "/v1/payments"
    async with same_shop.session.post(url, data=order(), headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "header_repeated")


@pytest.mark.parametrize("path", ["/v1/events?type=%00", "/v1/webhook_deliveries?endpoint=%00"])
async def test_nul_never_reaches_the_database(same_shop: Client, path: str) -> None:
    assert (await same_shop.gets(path)).code == "parameter_invalid"


async def test_a_compressed_body_is_refused(same_shop: Client) -> None:
    said = await refused(same_shop, order(), **{"Content-Encoding": "gzip"})
    assert said == (415, "content_encoding_unsupported", "Content-Encoding")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.0",
        "limit=ten",
        "limit=%E0%B9%91",
        "limit=",
        "limit=1_0",
        "limit=%201",
    ],
)
async def test_a_page_size_that_is_none_is_refused_by_name(same_shop: Client, query: str) -> None:
    assert (await same_shop.gets(f"/v1/payments?{query}")).no == (400, "parameter_invalid", "limit")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=1&limit=2", (400, "parameter_invalid", "limit")),
        ("Limit=1", (400, "parameter_unknown", "Limit")),
        ("status=paid", (400, "parameter_invalid", "status")),
        ("starting_after=pay_1", (400, "parameter_invalid", "starting_after")),
        ("starting_after=evt_" + "0" * 32, (400, "parameter_invalid", "starting_after")),
        (
            f"starting_after=pay_{'0' * 32}&ending_before=pay_{'1' * 32}",
            (400, "parameter_invalid", "ending_before"),
        ),
        ("expand[]=everything", (400, "parameter_invalid", "expand[][0]")),
        ("expand=attempts", (400, "parameter_unknown", "expand")),
        ("reference=a%00b", (400, "parameter_invalid", "reference")),
        ("status=%00", (400, "parameter_invalid", "status")),
        ("reference=%ff", (400, "request_malformed", None)),
        ("&".join(f"a{n}=1" for n in range(200)), (400, "request_malformed", None)),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused(
    same_shop: Client, query: str, said: tuple[int, str, str | None]
) -> None:
    assert (await same_shop.gets(f"/v1/payments?{query}")).no == said


@pytest.mark.parametrize("path", ["payments", "events", "webhook_endpoints"])
@pytest.mark.parametrize(
    "name", ["x", "pay_%00", "%ff", "pay_" + "0" * 31 + "G", "..", "pay_%2e%2e", "a" * 3000]
)
async def test_what_cannot_be_an_id_is_not_found(same_shop: Client, path: str, name: str) -> None:
    told = await same_shop.gets(f"/v1/{path}/{name}")
    assert told.status in {404, 405}
    assert told.code
