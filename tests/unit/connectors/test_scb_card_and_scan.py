"""SCB's card QR and B-scan-C without a wire: times, ends, and what proves a refund."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Declined,
    Doing,
    Done,
    Failure,
    Forged,
    Instruction,
    Order,
    Paid,
    Payer,
    RawCallback,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.providers.scb import card, scan
from quickkub.connectors.providers.scb.connector import CONNECTOR
from quickkub.connectors.reading import read_object
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import baht
from tests.support.driving import answer, driven
from tests.support.scb import BILLER, scb_account

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
MERCHANT = "111111111111111"
CODE = "20260115103000000000001"


def account(**settings: str) -> Account:
    cards = {"merchant_id": MERCHANT, "terminal_id": "T1"}
    return scb_account("https://bank.example", **{**cards, **settings})


def order(method: str, **more: Any) -> Order:
    usual = Order("QK0001", baht("100.00"), method, NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, payer=Payer(code="123456"), **more)


def refund(asked_at: datetime = NOON, **more: Any) -> Instruction:
    usual = Instruction(
        Doing.REFUND, "QKR1", baht("100.00"), asked_at, asked_at, baht("100.00"), baht("0.00")
    )
    return dataclasses.replace(usual, **more)


def record(**more: str) -> dict[str, str]:
    return {
        "transactionId": "T1",
        "amount": "100.00",
        "currencyCode": "764",
        "transactionDateandTime": "20260115 12:00:00",
        "merchantId": MERCHANT,
        "invoice": "QK0001",
        "qrId": CODE,
        "consumerPAN": "xxxxxxxxxxxx1234",
        **more,
    }


def success(data: Any) -> Any:
    return answer(200, {"status": {"code": 1000}, "data": data})


# --- card QR ---


@given(seconds=st.integers(-100, 10_000_000))
def test_a_card_qr_lives_as_many_whole_minutes_as_the_order_a_begun_one_counted(seconds: int) -> None:
    made = order("qr_credit", expires_at=NOON + timedelta(seconds=seconds))
    _, (asked,) = driven(CONNECTOR.create(account(), made), [success({})])
    minutes = int(read_object(asked.body)["csExtExpiryTime"])
    assert 1 <= minutes <= card.CARD_MINUTES_MAX
    if 0 < seconds <= 60 * card.CARD_MINUTES_MAX:
        assert 60 * (minutes - 1) < seconds <= 60 * minutes


def test_a_record_of_a_card_qr_is_read_with_its_own_amount_in_bangkok_time() -> None:
    asked = order("qr_credit", provider_reference=CODE)
    outcome, _ = driven(CONNECTOR.inquire(account(), asked), [success(record(amount="99.5"))])
    assert isinstance(outcome, Paid)
    (receipt,) = outcome.receipts
    assert (receipt.amount, receipt.paid_at) == (baht("99.50"), NOON)


@pytest.mark.parametrize(
    "odd",
    [
        {"transactionDateandTime": "2026-01-15 12:00:00"},
        {"transactionDateandTime": "20261315 12:00:00"},
        {"transactionDateandTime": ""},
        {"qrId": "another"},
        {"merchantId": "999999999999999"},
        {"currencyCode": "999"},
        {"amount": "-1"},
        {"transactionId": ""},
    ],
)
def test_a_record_that_is_odd_or_about_another_is_unknown(odd: dict[str, str]) -> None:
    asked = order("qr_credit", provider_reference=CODE)
    outcome, _ = driven(CONNECTOR.inquire(account(), asked), [success(record(**odd))])
    assert isinstance(outcome, Unknown)


def test_a_whole_card_number_is_not_kept() -> None:
    asked = order("qr_credit", provider_reference=CODE)
    number = "4" + "1" * 15
    outcome, _ = driven(CONNECTOR.inquire(account(), asked), [success(record(consumerPAN=number))])
    assert isinstance(outcome, Paid) and number not in repr(outcome)


def test_a_card_qr_with_a_bad_response_code_is_not_shown() -> None:
    made = record(qrCodeId=CODE, qrRawData="0002", responseCode="001")
    outcome, _ = driven(CONNECTOR.create(account(), order("qr_credit")), [success(made)])
    assert isinstance(outcome, Unknown)


@given(st.binary(max_size=200))
def test_whatever_bytes_call_back_are_refused_politely(body: bytes) -> None:
    with pytest.raises((Forged, Unreadable)):
        CONNECTOR.read_callback(account(), RawCallback("POST", {}, {}, body))


# --- B-scan-C ---


@given(st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True))
def test_a_scan_s_transaction_is_the_biller_and_twenty_letters_and_differs_by_reference(name: str) -> None:
    made = scan.transaction_of(account(), order("b_scan_c", reference=name))
    assert len(made) == 35 and made.startswith(BILLER)
    assert made[15:].lstrip("0") == name.lstrip("0")


def test_an_accepted_scan_is_no_payment_yet_and_a_refused_one_is_none() -> None:
    outcome, _ = driven(CONNECTOR.create(account(), order("b_scan_c")), [success({})])
    assert isinstance(outcome, Waiting)
    no = answer(403, {"status": {"code": 9503, "description": "no"}})
    outcome, _ = driven(CONNECTOR.create(account(), order("b_scan_c")), [no])
    assert isinstance(outcome, Declined) and outcome.failure is Failure.PROVIDER_MISCONFIGURED


def test_a_refund_is_asked_for_until_the_last_second_before_eleven_at_night() -> None:
    last = datetime(2026, 1, 15, 22, 59, 59, tzinfo=BANGKOK)
    outcome, asked = driven(CONNECTOR.instruct(account(), order("b_scan_c"), refund(last)), [success({})])
    assert isinstance(outcome, Done) and len(asked) == 1
    too_late = refund(last + timedelta(seconds=1))
    outcome, asked = driven(CONNECTOR.instruct(account(), order("b_scan_c"), too_late), [])
    assert isinstance(outcome, Declined) and asked == []


@pytest.mark.parametrize(("amount", "refunded"), [("99.99", "0.00"), ("100.00", "0.01")])
def test_only_all_of_a_scanned_payment_goes_back(amount: str, refunded: str) -> None:
    part = refund(amount=baht(amount), refunded=baht(refunded))
    outcome, asked = driven(CONNECTOR.instruct(account(), order("b_scan_c"), part), [])
    assert isinstance(outcome, Declined) and asked == []


@pytest.mark.parametrize("doing", [Doing.CAPTURE, Doing.VOID, Doing.CANCEL])
@pytest.mark.parametrize("method", ["promptpay", "scb_easy", "qr_credit", "b_scan_c"])
def test_what_the_bank_has_no_api_for_is_refused_without_asking(doing: Doing, method: str) -> None:
    for ask in (CONNECTOR.instruct, CONNECTOR.inquire_instruction):
        outcome, asked = driven(ask(account(), order(method), refund(doing=doing)), [])
        assert isinstance(outcome, Declined) and asked == []
