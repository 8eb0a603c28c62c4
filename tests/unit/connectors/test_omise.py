"""Omise's connector without a wire: what it asks, what it makes of answers, what it refuses to believe."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Authorized,
    Can,
    Checkable,
    Declined,
    DisputeDesk,
    Doing,
    Failure,
    Instructable,
    Instruction,
    NoAnswer,
    Order,
    Paid,
    Payer,
    RawCallback,
    Reporter,
    Request,
    Response,
    Unknown,
    Waiting,
)
from quickkub.connectors.providers.omise import charges, errors, methods, pictures, statement, wire
from quickkub.connectors.providers.omise.connector import CONNECTOR
from quickkub.connectors.providers.omise.manifest import MANIFEST
from quickkub.connectors.providers.omise.simulator import sources
from quickkub.connectors.providers.omise.simulator.counter import FAILURES
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import Money, baht
from tests.support.omise_client import account, unsigned

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
CHARGE = "chrg_test_5xuy4w91xqz7d1w9u0t"


def order(**more: Any) -> Order:
    usual = Order("QK0001", baht("100.00"), "linepay", NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, **more)


def said(**more: Any) -> dict[str, Any]:
    """As little of a charge as can be read."""
    return {
        "object": "charge",
        "id": CHARGE,
        "livemode": False,
        "status": "pending",
        "amount": 10_000,
        "currency": "THB",
        "paid": False,
        "authorized": False,
        "capturable": False,
        "authorize_uri": "https://pay.omise.co/payments/pay_test_1/authorize",
        "metadata": {"qk_payment": "QK0001"},
        "created_at": "2026-01-15T05:00:00Z",
        **more,
    }


PAID = {"status": "successful", "paid": True, "paid_at": "2026-01-15T05:01:00Z"}


def answer(words: Any, status: int = 200) -> Response:
    body = words if isinstance(words, bytes) else json.dumps(words).encode()
    return Response(status, {}, body)


def driven(
    exchange: Generator[Any, Any, Any], answers: Sequence[Response | NoAnswer]
) -> tuple[Any, list[Request]]:
    """The outcome when these answers come one after the other, and what was asked."""
    asked: list[Request] = []
    waiting = list(answers)
    try:
        effect = next(exchange)
        while True:
            asked.append(effect)
            given_back = waiting.pop(0)
            effect = (
                exchange.throw(given_back) if isinstance(given_back, NoAnswer) else exchange.send(given_back)
            )
    except StopIteration as end:
        return end.value, asked


def create(asked: Order, *answers: Response, at: Account | None = None) -> tuple[Any, list[Request]]:
    return driven(CONNECTOR.create(at or account(), asked), answers)


# --- what it is ---


def test_it_offers_everything_the_documents_have() -> None:
    assert isinstance(CONNECTOR, Instructable)
    assert isinstance(CONNECTOR, DisputeDesk)
    assert isinstance(CONNECTOR, Reporter)
    assert isinstance(CONNECTOR, Checkable)


def test_every_method_has_a_source_that_the_documents_know() -> None:
    offered = {offer.method for offer in MANIFEST.methods}
    assert offered == {*methods.SOURCES, methods.CARD}
    assert set(methods.SOURCES.values()) <= sources.TYPES.keys()
    for method, source in methods.SOURCES.items():
        offer, kind = MANIFEST.offer(method), sources.TYPES[source]
        assert offer is not None
        assert (offer.amount_min, offer.amount_max) == (kind.amount_min, kind.amount_max), method
        assert (method in methods.OFFLINE) == (kind.flow == "offline"), method
        assert kind.refunds or Can.REFUND not in offer.can, method


def test_instalment_terms_are_the_same_on_both_sides() -> None:
    assert {
        name.removeprefix("installment_"): terms for name, terms in methods.TERMS.items()
    } == sources.TERMS


def test_every_switch_of_a_method_is_a_field_that_is_off_by_default() -> None:
    fields = {field.name: field for field in MANIFEST.fields}
    for flag in {offer.flag for offer in MANIFEST.methods if offer.flag}:
        assert fields[flag].default == "false"
        assert MANIFEST.simulator_account[flag] == "true"


def test_every_failure_code_of_the_documents_has_a_meaning() -> None:
    assert {*errors.FAILURES, errors.OTHER_AMOUNT} == FAILURES


# --- what it asks ---


def test_the_key_is_the_user_of_basic_authentication() -> None:
    request = wire.asks_balance(account())
    assert request.headers["authorization"] == "Basic c2tleV90ZXN0X3F1aWNra3ViOg=="
    assert request.headers["omise-version"] == "2019-05-29"
    public = wire.asks_capability(account(), "pkey_test_quickkub")
    assert public.headers["authorization"] == "Basic cGtleV90ZXN0X3F1aWNra3ViOg=="


@pytest.mark.parametrize(
    ("mode", "key"), [("live", "skey_test_1"), ("test", "skey_1"), ("live", "pkey_test_1"), ("test", "")]
)
def test_a_key_of_the_other_mode_is_refused_before_anything_is_sent(mode: str, key: str) -> None:
    for exchange in (
        CONNECTOR.create(account(mode, key), order()),
        CONNECTOR.inquire(account(mode, key), order()),
        CONNECTOR.check(account(mode, key)),
    ):
        outcome, asked = driven(exchange, [])
        assert isinstance(outcome, Declined) and outcome.failure is Failure.PROVIDER_MISCONFIGURED
        assert asked == []


@pytest.mark.parametrize("token", ["", "4242424242424242", "tokn_test_1/../x", "card_test_1"])
def test_a_card_is_charged_by_a_token_and_by_nothing_else(token: str) -> None:
    outcome, asked = create(order(method="card", payer=Payer(card_token=token)))
    assert isinstance(outcome, Declined) and asked == []


def test_a_sale_by_card_is_captured_at_once_and_a_hold_is_not() -> None:
    payer = Payer(card_token="tokn_test_1")
    bodies = [
        json.loads(wire.creates_charge(at, order(method="card", payer=payer, capture_later=later)).body)
        for at, later in ((account(), False), (account(), True), (account(authorization_type="none"), True))
    ]
    assert [body["capture"] for body in bodies] == [True, False, False]
    assert [body.get("authorization_type") for body in bodies] == [None, "pre_auth", None]


def test_our_reference_stands_in_metadata_description_and_idempotency_key() -> None:
    request = wire.creates_charge(account(), order(description="กาแฟ" * 200))
    body = json.loads(request.body)
    assert body["metadata"] == {"qk_payment": "QK0001"}
    assert body["description"].startswith("QuickKub QK0001: กาแฟ") and len(body["description"]) == 255
    assert request.headers["idempotency-key"] == "QK0001"
    assert not request.asks_only


@pytest.mark.parametrize("name", ["chrg/1", "../x", "chrg 1", "", "ช"])
def test_what_is_no_id_never_becomes_part_of_a_path(name: str) -> None:
    outcome, asked = driven(CONNECTOR.inquire(account(), order(provider_reference=name or "?")), [])
    assert isinstance(outcome, Unknown) and asked == []


def test_a_document_s_name_cannot_end_its_header() -> None:
    request = wire.hands_in(account(), "dspt_1", ('a"\r\nx: y', "image/png\r\n", b"data"), "cut")
    head, _, _ = request.body.partition(b"\r\n\r\n")
    assert head.count(b"\r\n") == 2 and b'filename="ax: y"' in head


# --- what it makes of answers ---


def test_a_charge_without_3d_secure_is_final_at_once() -> None:
    outcome, _ = create(order(), answer(said(**PAID)))
    assert isinstance(outcome, Paid)
    (receipt,) = outcome.receipts
    assert (receipt.transaction_id, receipt.amount) == (CHARGE, baht("100.00"))
    assert receipt.paid_at == NOON + timedelta(minutes=1)


def test_inquiry_capture_and_callback_name_a_movement_alike() -> None:
    known = order(provider_reference=CHARGE)
    paid, _ = driven(CONNECTOR.inquire(account(), known), [answer(said(**PAID))])
    told = Instruction(Doing.CAPTURE, "QKI1", baht("100.00"), NOON, NOON, Money(0), Money(0))
    done, _ = driven(CONNECTOR.instruct(account(), known, told), [answer(said(**PAID))])
    event = {
        "object": "event",
        "id": "evnt_1",
        "key": "charge.complete",
        "livemode": False,
        "data": said(**PAID),
    }
    news = CONNECTOR.read_callback(unsigned(), RawCallback("POST", {}, {}, json.dumps(event).encode()))
    assert news.receipt is not None
    assert paid.receipts[0].transaction_id == done.transaction_id == news.receipt.transaction_id
    assert paid.receipts[0] == news.receipt


def test_a_hold_says_when_it_lapses_or_lapses_after_seven_days() -> None:
    held = {"authorized": True, "capturable": True, "authorized_at": "2026-01-15T05:00:00Z"}
    outcome, _ = create(order(), answer(said(**held)))
    assert isinstance(outcome, Authorized) and outcome.expires_at == NOON + timedelta(days=7)
    outcome, _ = create(order(), answer(said(**held, expires_at="2026-01-16T05:00:00Z")))
    assert isinstance(outcome, Authorized) and outcome.expires_at == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": 10_001},
        {"amount": "10000"},
        {"amount": 10_000.5},
        {"amount": True},
        {"amount": 0},
        {"currency": "USD"},
        {"currency": "764"},
        {"currency": None},
        {"status": "odd"},
        {"status": None},
        {"object": "source"},
        {"livemode": True},
        {"metadata": {"qk_payment": "QK0009"}},
        {"metadata": {"qk_payment": 7}},
        {"id": "chrg/1"},
        {"created_at": "yesterday"},
        {"paid": "true"},
        {**PAID, "paid": False},
        {**PAID, "captured_amount": 10_001},
        {**PAID, "paid_at": "2026-02-30T00:00:00Z"},
        {"status": "failed", "paid": True},
        {"authorize_uri": None},
        {"authorize_uri": "javascript:alert(1)"},
    ],
)
def test_an_odd_answer_to_a_creation_is_unknown(odd: dict[str, Any]) -> None:
    outcome, _ = create(order(), answer(said(**odd)))
    assert isinstance(outcome, Unknown)


def test_an_answer_with_a_key_twice_is_unknown() -> None:
    body = json.dumps(said(**PAID))[:-1] + ',"amount":20000}'
    outcome, _ = create(order(), answer(body.encode()))
    assert isinstance(outcome, Unknown)


def test_a_lost_picture_leaves_the_charge_to_be_looked_for() -> None:
    link = f"https://api.omise.co/charges/{CHARGE}/documents/docu_1/downloads/x?sig=a%2Fb"
    code = {"scannable_code": {"image": {"download_uri": link}}}
    exchange = CONNECTOR.create(account(), order(method="promptpay"))
    next(exchange)
    picture = exchange.send(answer(said(source=code)))
    assert isinstance(picture, Request)
    assert (picture.path, picture.query_text) == (
        f"/charges/{CHARGE}/documents/docu_1/downloads/x",
        "sig=a%2Fb",
    )
    assert "authorization" not in picture.headers and picture.asks_only
    with pytest.raises(NoAnswer):
        exchange.throw(NoAnswer("gone", sent=True))


def test_a_picture_below_a_base_path_is_asked_for_there() -> None:
    at = account(base_url="http://127.0.0.1:9/omise")
    assert wire.asks_picture(at, "http://127.0.0.1:9/omise/charges/1/x").path == "/charges/1/x"
    assert wire.asks_picture(at, "https://api.omise.co/charges/1/x").path == "/charges/1/x"
    with pytest.raises(Garbled):
        wire.asks_picture(at, "https://api.omise.co.example.com/charges/1/x")


@given(st.binary(max_size=300), st.sampled_from([200, 404, 500]))
def test_only_a_picture_is_shown_as_one(body: bytes, status: int) -> None:
    try:
        shown = pictures.data_uri(Response(status, {}, body))
    except Garbled:
        return
    assert status == 200 and base64.b64decode(shown.partition(",")[2]) == body


def test_a_huge_picture_is_not_kept_with_the_payment() -> None:
    with pytest.raises(Garbled):
        pictures.data_uri(Response(200, {}, b"<svg>" + b" " * pictures.PICTURE_MAX))


@given(st.integers(100, 599), st.text(max_size=30))
def test_a_failure_of_the_service_never_proves_anything(status: int, code: str) -> None:
    outcome = errors.conclude(status, code)
    if status >= 500 or status == 429:
        assert isinstance(outcome, Unknown)
    if isinstance(outcome, Declined):
        assert outcome.provider_code == code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(said(**PAID, source=1, captured_amount=1))), json_values))
def test_a_charge_is_read_in_one_way_or_not_at_all(changed: dict[str, Any]) -> None:
    words = said(**PAID) | changed
    try:
        charge = charges.charge_in(words, account())
    except Garbled:
        return
    outcome = charges.settled(charge)
    if isinstance(outcome, Paid):
        assert words["paid"] is True and words["status"] == "successful"
        assert outcome.receipts[0].amount.minor == words.get("captured_amount") or words["amount"]


@given(st.binary(max_size=200), st.integers(200, 599))
def test_noise_never_settles_a_payment(body: bytes, status: int) -> None:
    outcome, _ = create(order(), Response(status, {}, body))
    assert isinstance(outcome, Unknown)


@given(st.binary(max_size=200))
def test_noise_never_settles_an_instruction(body: bytes) -> None:
    told = Instruction(Doing.REFUND, "QKI1", baht("10.00"), NOON, NOON, baht("100.00"), Money(0))
    known = order(provider_reference=CHARGE)
    outcome, asked = driven(CONNECTOR.instruct(account(), known, told), [Response(200, {}, body)])
    assert isinstance(outcome, Unknown) and len(asked) == 1


@given(st.lists(st.sampled_from(["open", "pending", "won", "lost", "odd", ""]), min_size=1, max_size=3))
def test_a_dispute_of_an_unknown_status_is_unknown(statuses: list[str]) -> None:
    for status in statuses:
        words = {
            "object": "dispute",
            "id": "dspt_1",
            "charge": {"id": CHARGE},
            "status": status,
            "amount": 1,
            "currency": "thb",
        }
        outcome, _ = driven(CONNECTOR.inquire_dispute(account(), "dspt_1"), [answer(words)])
        assert isinstance(outcome, Unknown) == (status in ("odd", ""))


def test_days_are_those_of_bangkok() -> None:
    exchange = statement.report(account(), NOON.date(), NOON.date())
    request = next(exchange)
    assert isinstance(request, Request)
    assert (request.query["from"], request.query["to"]) == ("2026-01-14T17:00:00Z", "2026-01-15T17:00:00Z")


def test_what_waits_is_not_shown_again_once_it_is_known_or_over() -> None:
    waiting = answer(said())
    fresh, _ = driven(CONNECTOR.create(account(), order()), [waiting])
    assert isinstance(fresh, Waiting) and fresh.action is not None
    for asked in (order(provider_reference=CHARGE), order(provider_reference=CHARGE, wanted=False)):
        outcome, _ = driven(CONNECTOR.inquire(account(), asked), [waiting])
        assert outcome == Waiting(provider_reference=CHARGE)
