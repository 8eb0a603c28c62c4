"""LINE Pay's connector without a wire: signatures to the byte, amounts, ids, and what answers may mean."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Declined,
    Failure,
    NoAnswer,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Request,
    Response,
    Unknown,
    Unreadable,
)
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.linepay import errors, wire
from quickkub.connectors.providers.linepay.connector import CONNECTOR
from quickkub.connectors.providers.linepay.manifest import MANIFEST, SIMULATED
from quickkub.kernel.money import THB, USD, Money
from quickkub.kernel.secrets import Secret

NOON: Final = datetime(2025, 1, 1, 5, 0, tzinfo=UTC)
SECRET: Final = Secret("a917ab6a2367b536f8e5a6e2977e06f4")
NONCE: Final = "4a1f5b0e-5f0a-4e0e-9a7c-1c2d3e4f5a6b"
TX: Final = 2023042201206549310
B1: Final = (
    '{"amount":100,"currency":"THB","orderId":"QK-0001","packages":[{"id":"pkg-1","amount":100,'
    '"name":"ร้านควิกคับ","products":[{"name":"กาแฟเย็น","quantity":2,"price":50}]}],"redirectUrls":'
    '{"confirmUrl":"https://pay.example.com/line/confirm","cancelUrl":"https://pay.example.com/line/cancel"}}'
)


def account(**settings: str) -> Account:
    return loose_account(MANIFEST, {**SIMULATED, **settings})


def order(**more: Any) -> Order:
    usual = Order(
        "QK0001",
        Money(10_000),
        "linepay",
        NOON,
        NOON + timedelta(minutes=15),
        NOON,
        return_url="https://pay.example.com/pay/1/back",
    )
    return dataclasses.replace(usual, **more)


def said(code: str, info: Any = None) -> Response:
    return Response(200, {}, json.dumps({"returnCode": code, "returnMessage": "", "info": info}).encode())


def driven(exchange: Any, *answers: Response | NoAnswer) -> tuple[list[Request], Outcome]:
    """What an exchange asks, with these answers in turn, and what it concludes."""
    asked: list[Request] = []
    try:
        asked.append(next(exchange))
        for answer in answers:
            lost = isinstance(answer, NoAnswer)
            asked.append(exchange.throw(answer) if lost else exchange.send(answer))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it also asks {asked[-1].path}")


@pytest.mark.parametrize(
    ("path", "words", "expected"),
    [
        ("/v3/payments/request", B1, "p0okxCUY9v9E5YbMT72GBUD8dAXOK0vuYN6JPO/bNpU="),
        (
            "/v3/payments/2023042201206549310/confirm",
            '{"amount":100,"currency":"THB"}',
            "pbJj68TFT4mQrLZBBDBG8FzprQoXuMO+SNEVKMGVXlM=",
        ),
        ("/v3/payments", "orderId=QK-0001&fields=ALL", "w+zb9vHDL2VLse/I7I6yv79M6/9l8JXMm1lbsl4Xbck="),
        ("/v3/payments", "transactionId=1%2C2", "xGIAT8k1TGbNaVfAvWGdy8uzyB2IQlVFF6JBmrsFroM="),
        (
            "/v3/payments/requests/2023042201206549310/check",
            "",
            "uNhu2C5esLLQy/fxoA9Sa7DIxJJEydcyAixYxCAvJgo=",
        ),
        (
            "/v3/payments/authorizations/2023042201206549310/void",
            "",
            "s0bHorLh9PwTJ/fDuc9THgpT+5yTDRpzn2rreneilw0=",
        ),
        (
            "/v3/payments/authorizations/2023042201206549310/void",
            "{}",
            "znOjc48GGGSmgo0HObcasjB4ogB+xHDF7Ev1JhWTk1w=",
        ),
        (
            "/v4/payments/2023042201206549310/refund",
            '{"refundAmount":40}',
            "OMmPWKhtvnmO8cUgsmRJMNZFAXFiZgyC6B59ijGbkMI=",
        ),
    ],
)
def test_the_published_signatures_are_reproduced_to_the_byte(path: str, words: str, expected: str) -> None:
    assert wire.sign(SECRET, path, words.encode(), NONCE) == expected


def test_the_published_body_is_the_one_that_is_written() -> None:
    assert hashlib.sha256(B1.encode()).hexdigest().startswith("dc8171fda3019c33bc84")
    words = json.loads(B1)
    assert wire.written(words) == B1


def test_what_is_sent_is_what_is_signed_under_a_nonce_of_its_own() -> None:
    first, second = (driven_one(CONNECTOR.create(account(), order())) for _ in range(2))
    nonces = {request.headers["X-LINE-Authorization-Nonce"] for request in (first, second)}
    assert len(nonces) == 2
    nonce = first.headers["X-LINE-Authorization-Nonce"]
    assert first.headers["X-LINE-Authorization"] == wire.sign(SECRET, first.path, first.body, nonce)
    asked = driven_one(CONNECTOR.inquire(account(), order()))
    nonce, query = asked.headers["X-LINE-Authorization-Nonce"], asked.query_text.encode()
    assert asked.headers["X-LINE-Authorization"] == wire.sign(SECRET, asked.path, query, nonce)
    assert asked.headers["Content-Type"] == "application/json"


def driven_one(exchange: Any) -> Request:
    request: Request = next(exchange)
    exchange.close()
    return request


@given(st.integers(min_value=1, max_value=10**12))
def test_an_amount_is_written_exactly_and_without_an_exponent(minor: int) -> None:
    text = wire.written(Money(minor))
    assert Decimal(text) * 100 == minor
    assert set(text) <= set("0123456789.") and len(text.partition(".")[2]) in (0, 2)


@given(st.integers(min_value=10**18, max_value=10**19 - 1))
def test_an_id_keeps_all_its_digits_as_number_or_text(number: int) -> None:
    assert wire.id_at(json.loads(f'{{"id": {number}}}'), "id") == str(number)
    assert wire.id_at({"id": str(number)}, "id") == str(number)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_payment_fail_or_succeed(body: bytes) -> None:
    _, outcome = driven(
        CONNECTOR.inquire(account(), order(provider_reference=str(TX))), Response(200, {}, body)
    )
    assert isinstance(outcome, Unknown)


@given(st.integers(min_value=100, max_value=599).filter(lambda status: status != 200))
def test_only_http_200_is_an_answer(status: int) -> None:
    answer = dataclasses.replace(said("0121"), status=status)
    _, outcome = driven(CONNECTOR.inquire(account(), order(provider_reference=str(TX))), answer)
    assert isinstance(outcome, Unknown)


@given(st.from_regex(r"[0-9]{4}", fullmatch=True).filter(lambda code: code not in errors.PROVES))
def test_a_code_outside_the_table_declines_nothing(code: str) -> None:
    assert isinstance(errors.conclude(code, ""), Unknown)


@pytest.mark.parametrize("code", sorted(errors.PROVES.keys() - {"1104", "1105", "1106", "2101", "2102"}))
def test_an_inquiry_that_is_refused_declines_no_payment(code: str) -> None:
    _, outcome = driven(CONNECTOR.inquire(account(), order(provider_reference=str(TX))), said(code))
    assert isinstance(outcome, Unknown)


@given(st.lists(st.integers(min_value=0, max_value=20_000), min_size=1, max_size=4))
def test_a_confirmation_is_a_payment_only_when_its_parts_add_up(parts: list[int]) -> None:
    info = {
        "orderId": "QK0001",
        "transactionId": TX,
        "payInfo": [{"method": "BALANCE", "amount": f"{part // 100}.{part % 100:02d}"} for part in parts],
    }
    body = json.dumps({"returnCode": "0000", "returnMessage": "OK", "info": info})
    for part in parts:  # numbers, not texts
        written = f"{part // 100}.{part % 100:02d}"
        body = body.replace(f'"{written}"', written)
    exchange = CONNECTOR.inquire(account(), order(provider_reference=str(TX)))
    _, outcome = driven(exchange, said("0110"), Response(200, {}, body.encode()))
    assert isinstance(outcome, Paid if sum(parts) == 10_000 else Unknown)


def test_a_confirmation_moves_money_and_says_so_to_the_line() -> None:
    exchange: Any = CONNECTOR.inquire(account(), order(provider_reference=str(TX)))
    check = next(exchange)
    confirm = exchange.send(said("0110"))
    assert check.asks_only and not confirm.asks_only
    assert confirm.deadline_seconds >= 40
    exchange.close()


def test_nothing_is_asked_with_another_currency_or_without_a_way_back() -> None:
    in_dollars = CONNECTOR.create(account(), order(amount=Money(100, USD)))
    without = CONNECTOR.create(account(), order(return_url=""))
    _, dollars = driven(in_dollars)
    _, nowhere = driven(without)
    assert isinstance(dollars, Declined) and dollars.failure is Failure.CURRENCY_REFUSED
    assert isinstance(nowhere, Declined) and nowhere.failure is Failure.REQUEST_REFUSED


def test_order_ids_that_are_all_taken_leave_it_unknown() -> None:
    answers = [answer for _ in range(5) for answer in (said("1172"), said("1150"))]
    asked, outcome = driven(CONNECTOR.create(account(), order()), *answers)
    ids = [json.loads(request.body)["orderId"] for request in asked if request.method == "POST"]
    assert ids == ["QK0001", "QK0001-2", "QK0001-3", "QK0001-4", "QK0001-5"]
    assert isinstance(outcome, Unknown)


def test_an_order_id_of_ours_has_no_suffix_but_a_number() -> None:
    assert wire.is_of(order(), "QK0001") and wire.is_of(order(), "QK0001-2")
    assert not any(wire.is_of(order(), other) for other in ("QK00012", "QK0001-", "QK0001-X", "QK000", ""))


def test_two_payments_of_one_id_are_nobody_s() -> None:
    row = {
        "transactionId": TX,
        "orderId": "QK0001",
        "transactionDate": "2025-01-01T05:01:30Z",
        "transactionType": "PAYMENT",
        "payStatus": "CAPTURE",
        "currency": THB.code,
        "payInfo": [{"method": "BALANCE", "amount": 100}],
    }
    exchange = CONNECTOR.inquire(account(), order(provider_reference=str(TX)))
    _, outcome = driven(exchange, said("0123"), said("0000", [row, row]))
    assert isinstance(outcome, Unknown)
    refund = {**row, "originalTransactionId": TX, "transactionId": TX + 1}
    exchange = CONNECTOR.inquire(account(), order(provider_reference=str(TX)))
    _, outcome = driven(exchange, said("0123"), said("0000", [refund, row]))
    assert isinstance(outcome, Paid), "a refund beside its payment is not a second payment"


@given(st.dictionaries(st.sampled_from(["transactionId", "orderId", "x"]), st.text(max_size=30)))
def test_any_hint_is_read_or_refused(query: dict[str, str]) -> None:
    raw = RawCallback("GET", {}, query, b"")
    try:
        news = CONNECTOR.read_callback(account(), raw)
    except Unreadable:
        return
    assert news.receipt is None and news.event_key
    assert not CONNECTOR.trusts_callbacks(account())


def test_the_secret_is_in_no_request() -> None:
    request = driven_one(CONNECTOR.create(account(), order()))
    assert SECRET.reveal() not in f"{request.headers}{request.body!r}{request.path}"
