"""KBank's connector without a wire: K-Payment Gateway, K PLUS, slips, and the callbacks of all products."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Forged,
    NoSlip,
    Order,
    Paid,
    Slip,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.providers.kbank import kgp_wire
from quickkub.connectors.providers.kbank.connector import CONNECTOR
from quickkub.kernel.money import Money
from tests.support.kbank_words import (
    BODIES,
    NOON,
    account,
    answer,
    charge,
    driven,
    instruction,
    order,
    raw,
    refused,
    words_of,
)

# --- KGP ---


@given(st.lists(st.integers(1, 5000), max_size=6))
def test_a_list_of_refunds_is_added_up_to_the_satang(refunds: list[int]) -> None:
    listed = [{"amount": Decimal(satang) / 100} for satang in refunds]
    for info in (listed, {"refunds": listed}):
        found = kgp_wire.charge_in({**charge("Refund Sent"), "amount": None, "refund_info": info})
        assert found.sent_back == Money(sum(refunds)) and found.lists_refunds


@pytest.mark.parametrize("created", ["2026", "20261315103000123", "2026011510300012x", "20260115103000123Z"])
def test_a_time_that_is_none_makes_a_charge_unreadable(created: str) -> None:
    outcome, _ = driven(
        CONNECTOR.inquire(account(), order(method="card", provider_reference="chrg_test_1")),
        [answer(200, charge("Authorized", created=created))],
    )
    assert isinstance(outcome, Unknown)


def test_an_unpaid_qr_may_be_written_in_other_assumed_words() -> None:
    kgp = account(promptpay_by="kgp", **{"kgp.unpaid_status": "waiting/Created"})
    asked = order(provider_reference="chrg_test_1")
    for said in (charge("Created", "waiting"), charge("", "waiting")):
        outcome, _ = driven(CONNECTOR.inquire(kgp, asked), [answer(200, said)])
        assert isinstance(outcome, Waiting)


def test_a_card_charge_without_a_state_is_never_paid() -> None:
    asked = order(method="card", provider_reference="chrg_test_1")
    outcome, _ = driven(CONNECTOR.inquire(account(), asked), [answer(200, charge(""))])
    assert isinstance(outcome, Unknown)


def test_a_void_that_cannot_be_told_is_not_followed_by_a_refund() -> None:
    asked = order(method="card", provider_reference="chrg_test_1")
    for came in (answer(500, {}), answer(200, charge("Authorized")), answer(200, b"<html>")):
        outcome, sent = driven(CONNECTOR.instruct(account(), asked, instruction()), [came])
        assert isinstance(outcome, Unknown) and len(sent) == 1


# --- K PLUS and slips ---


def kplus_order(satang: int, **more: Any) -> Order:
    return order(method="kplus", amount=Money(satang), **more)


@pytest.mark.parametrize(
    ("form", "written"), [("minor12", "000000005050"), ("minor", "5050"), ("decimal", "50.50")]
)
def test_kplus_amounts_are_written_as_the_switch_says(form: str, written: str) -> None:
    asked = account(**{"kplus.amount_format": form})
    _, (made,) = driven(CONNECTOR.create(asked, kplus_order(5050)), [refused("general_error")])
    assert words_of(made)["totalAmount"] == written and made.host == "kplus"


@given(st.integers(100, 200_000_000), st.integers(100, 200_000_000))
def test_a_kplus_payment_is_only_the_amount_that_was_asked(asked: int, said: int) -> None:
    for written in (said, f"{said}.0", f"{said:012d}", Decimal(said) * 10 / 10):
        body = {
            "partnerId": "PTR1051673",
            "statusCode": "00",
            "paymentStatus": "PAID",
            "paymentRefernceId": "26440009",
            "paymentDt": "2026-01-15T10:32:00.000",
            "totalAmount": f"#{written}#" if isinstance(written, Decimal) else written,
            "currencyCode": "THB",
        }
        text = json.dumps(body).replace('"#', "").replace('#"', "")
        found = kplus_order(asked, provider_reference="KMC1")
        outcome, _ = driven(CONNECTOR.inquire(account(), found), [answer(200, text.encode())])
        assert isinstance(outcome, Paid) == (asked == said), written


def test_a_kplus_time_that_cannot_be_read_is_when_we_learned_of_it() -> None:
    body = {
        "partnerId": "PTR1051673",
        "statusCode": "00",
        "paymentStatus": "PAID",
        "paymentRefernceId": "26440009",
        "paymentDt": "15/01/2569",
        "totalAmount": "5000",
        "currencyCode": "THB",
    }
    found = kplus_order(5000, provider_reference="KMC1")
    outcome, _ = driven(CONNECTOR.inquire(account(), found), [answer(200, body)])
    assert isinstance(outcome, Paid) and outcome.receipts[0].paid_at == NOON


@given(st.text(max_size=6), st.text(max_size=30))
def test_slip_keys_of_no_bank_are_not_asked_for(bank: str, ref: str) -> None:
    outcome, asked = driven(CONNECTOR.verify_slip(account(), bank, ref), [answer(500, {})])
    is_one = re.fullmatch("[0-9]{3}", bank) and re.fullmatch("[A-Za-z0-9]{1,25}", ref)
    assert isinstance(outcome, NoSlip) is not bool(is_one) and bool(asked) is bool(is_one)


SLIP = {
    "transRef": "019182105907167129",
    "sendingBank": "004",
    "transDate": "20260115",
    "transTime": "10:32:00",
    "amount": 1.00,
    "sender": {},
    "receiver": {},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"transDate": "20261315"},
        {"transTime": "25:00:00"},
        {"transTime": "1:2:3"},
        {"amount": "1.005"},
        {"amount": -1},
        {"sender": None},
        {"sendingBank": "014"},
    ],
)
def test_a_slip_that_cannot_be_read_proves_nothing(wrong: dict[str, Any]) -> None:
    for data, kind in ((SLIP, Slip), ({**SLIP, **wrong}, Unknown)):
        came = answer(200, {"rqUID": "0" * 32, "statusCode": "0000", "data": data})
        outcome, _ = driven(CONNECTOR.verify_slip(account(), "004", "019182105907167129"), [came])
        assert isinstance(outcome, kind), outcome


# --- callbacks ---


@given(BODIES)
def test_a_callback_out_of_the_blue_is_refused_or_claims_nothing(body: dict[str, Any]) -> None:
    try:
        news = CONNECTOR.read_callback(account(), raw(body))
    except (Forged, Unreadable):
        return
    assert news.receipt is None


def test_a_charge_in_clear_is_no_way_around_the_checksum() -> None:
    both = {
        **charge("Authorized"),
        "partnerTxnUid": "QK2601150001",
        "partnerId": "PTR1051673",
        "statusCode": "00",
    }
    with pytest.raises(Forged):
        CONNECTOR.read_callback(account(), raw(both))


def test_the_bank_s_certificate_can_be_demanded() -> None:
    strict = account(**{"qr.callback_require_client_cert": "on"})
    said = {"partnerTxnUid": "QK2601150001", "partnerId": "PTR1051673", "statusCode": "00"}
    news = CONNECTOR.read_callback(strict, raw(said, headers={"x-ssl-client-verify": "SUCCESS"}))
    assert news.reference == "QK2601150001"
    with pytest.raises(Forged):
        CONNECTOR.read_callback(strict, raw(said, headers={"x-ssl-client-verify": "NONE"}))


def test_no_callback_is_ever_believed() -> None:
    assert CONNECTOR.trusts_callbacks(account()) is False
