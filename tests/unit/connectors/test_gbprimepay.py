"""GBPrimePay's connector without a wire: checksums to the byte, exact amounts, webhooks, settlement lists."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Declined,
    Failure,
    Order,
    Outcome,
    Paid,
    Payer,
    RawCallback,
    ReportKind,
    Request,
    Response,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.gbprimepay import errors, keys, notices, settlement, wire
from quickkub.connectors.providers.gbprimepay.connector import CONNECTOR
from quickkub.connectors.providers.gbprimepay.manifest import MANIFEST, SIMULATED
from quickkub.connectors.providers.gbprimepay.methods import OFFERS, WAYS
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import THB, USD, Money, decimal_text

NOON: Final = datetime(2025, 1, 1, 5, 0, tzinfo=UTC)
SECRET: Final = "Qk1TestSecretKey0000000000000000"
FIELDS: Final = {
    "amount": "100.00",
    "referenceNo": "QK250101000001",
    "responseUrl": "https://pay.example.com/gbp/return",
    "backgroundUrl": "https://pay.example.com/gbp/webhook",
}
REF: Final = FIELDS["referenceNo"]


def account(**settings: str) -> Account:
    made = loose_account(MANIFEST, {**SIMULATED, **settings})
    return dataclasses.replace(made, callback_url=FIELDS["backgroundUrl"])


def order(method: str = "promptpay", satang: int = 10_000, **more: Any) -> Order:
    usual = Order(
        REF,
        Money(satang),
        method,
        NOON,
        NOON + timedelta(minutes=15),
        NOON,
        return_url=FIELDS["responseUrl"],
        payer=Payer(phone="0812345678", card_token="5ab1b3b9"),
    )
    return dataclasses.replace(usual, **more)


def answer(words: Any, status: int = 200) -> Response:
    return Response(status, {}, words.encode() if isinstance(words, str) else json.dumps(words).encode())


def driven(exchange: Any, *answers: Response) -> tuple[list[Request], Outcome]:
    """What an exchange asks, with these answers in turn, and what it concludes."""
    asked: list[Request] = []
    try:
        asked.append(next(exchange))
        for one in answers:
            asked.append(exchange.send(one))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it also asks {asked[-1].path}")


def found(**row: Any) -> Response:
    usual = {"amount": "100.00", "referenceNo": REF, "gbpReferenceNo": "gbp1", "status": "S"}
    return answer({"resultCode": "00", "txn": {**usual, **row}})


@pytest.mark.parametrize(
    ("method", "more", "expected"),
    [
        ("truemoney", {}, "4ea9ad5dc3c0b1dae4c3741938cc314ae349082824512332519c95f971ad9482"),
        ("linepay", {}, "4ea9ad5dc3c0b1dae4c3741938cc314ae349082824512332519c95f971ad9482"),
        ("shopeepay", {}, "4ea9ad5dc3c0b1dae4c3741938cc314ae349082824512332519c95f971ad9482"),
        ("atome", {}, "4ea9ad5dc3c0b1dae4c3741938cc314ae349082824512332519c95f971ad9482"),
        ("kplus", {"bankCode": "004"}, "4f16fff3084de8721296424e272b5eeca6d8e757c0f82ecb8ed988f937b97e32"),
        (
            "installment_kbank",
            {"amount": "3000.00", "bankCode": "004", "term": "3"},
            "e2642efe41b7130a29565e3ddd3b898478abe70f473d5b69b8441f1cdd45feba",
        ),
        ("wechat", {}, "0d45ce015241cca10c3fd1ee61ecfbca51281d177086b3f22c88bc7c564f5196"),
        ("alipay", {}, "0d45ce015241cca10c3fd1ee61ecfbca51281d177086b3f22c88bc7c564f5196"),
    ],
)
def test_the_published_checksums_are_reproduced(method: str, more: dict[str, str], expected: str) -> None:
    assert keys.checksum(SECRET, {**FIELDS, **more}, WAYS[method].signs) == expected


def test_the_published_basic_header_is_reproduced() -> None:
    assert keys.basic(SECRET) == "Basic UWsxVGVzdFNlY3JldEtleTAwMDAwMDAwMDAwMDAwMDA6"


def test_a_token_is_url_encoded_so_that_its_plus_stays_a_plus() -> None:
    ((request,), _) = driven(CONNECTOR.create(account(), order()), answer("invalid token"))
    assert b"token=QkTestCustomerKey%2F0123456789%2Babcdefghij%3D%3D&amount=100.00&" in request.body


@given(st.integers(100, 200_000_000))
def test_a_charge_is_written_with_exactly_two_decimals(satang: int) -> None:
    request = wire.charges(account(), order("card", satang))
    assert f'"amount":{decimal_text(Money(satang))},'.encode() in request.body


def test_no_form_or_body_holds_the_secret_key() -> None:
    for offer in OFFERS:
        exchange = CONNECTOR.create(account(), order(offer.method, max(offer.amount_min, 10_000)))
        asked, outcome = (
            driven(exchange, answer({"resultCode": "99"})) if _asks(offer.method) else driven(exchange)
        )
        shown = outcome.action.fields if isinstance(outcome, Waiting) and outcome.action else {}
        assert SECRET not in str(dict(shown)) and all(SECRET.encode() not in one.body for one in asked)
        assert all(SIMULATED["token"] not in value for value in shown.values())


def _asks(method: str) -> bool:
    return method in ("promptpay", "qr_credit", "wechat", "card")


@pytest.mark.parametrize(
    ("mode", "base", "expected"),
    [
        ("test", "", "https://api.globalprimepay.com/v2/linepay"),
        ("live", "", "https://api.gbprimepay.com/v2/linepay"),
        ("live", "http://127.0.0.1:3117/", "http://127.0.0.1:3117/v2/linepay"),
    ],
)
def test_a_form_is_posted_to_the_account_s_own_address(mode: str, base: str, expected: str) -> None:
    own = dataclasses.replace(account(**({"base_url": base} if base else {})), mode=mode)
    _, outcome = driven(CONNECTOR.create(own, order("linepay")))
    assert isinstance(outcome, Waiting) and outcome.action is not None
    assert (outcome.action.kind, outcome.action.value) == (ActionKind.FORM_POST, expected)


def test_where_the_answer_to_a_charge_was_lost_the_payer_is_sent_to_3d_secure() -> None:
    _, outcome = driven(CONNECTOR.inquire(account(), order("card")), found(status="G"))
    assert outcome == Waiting(
        Action(
            ActionKind.FORM_POST,
            "https://api.globalprimepay.com/v2/tokens/3d_secured",
            fields={"publicKey": SIMULATED["public_key"], "gbpReferenceNo": "gbp1"},
        ),
        "gbp1",
    )
    for known in (
        order("card", provider_reference="gbp1"),
        order("card", wanted=False),
        order("promptpay"),
        order("card", satang=9_999),
    ):
        _, outcome = driven(CONNECTOR.inquire(account(), known), found(status="G"))
        assert outcome == Waiting(None, "gbp1")


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"amount": Money(10_000, USD)}, Failure.CURRENCY_REFUSED),
        ({"method": "bank_transfer"}, Failure.REQUEST_REFUSED),
        ({"reference": "QK-1"}, Failure.REQUEST_REFUSED),
        ({"method": "linepay", "return_url": ""}, Failure.REQUEST_REFUSED),
        ({"method": "card", "payer": Payer()}, Failure.REQUEST_REFUSED),
        ({"method": "truemoney", "payer": Payer()}, Failure.REQUEST_REFUSED),
        ({"method": "installment_scb", "amount": Money(299_999)}, Failure.LIMIT_EXCEEDED),
    ],
)
def test_what_cannot_be_asked_is_declined_before_anything_leaves(
    change: dict[str, Any], failure: Failure
) -> None:
    asked, outcome = driven(CONNECTOR.create(account(), order(**change)))
    assert not asked and isinstance(outcome, Declined) and outcome.failure is failure


def test_a_wallet_without_an_address_for_its_webhook_is_not_asked_for_and_a_qr_is() -> None:
    deaf = dataclasses.replace(account(), callback_url="")
    _, outcome = driven(CONNECTOR.create(deaf, order("linepay")))
    assert isinstance(outcome, Declined) and outcome.failure is Failure.PROVIDER_MISCONFIGURED
    ((request,), _) = driven(CONNECTOR.create(deaf, order()), answer("invalid token"))
    assert b"backgroundUrl" not in request.body


@given(st.sampled_from(sorted(WAYS)), st.text(max_size=4))
def test_no_code_that_nobody_knows_declines_anything(method: str, code: str) -> None:
    outcome = errors.of_creation(code, "", is_card=method == "card")
    known = {*errors._QR, *errors._CARD, *errors.TEXTS}
    assert isinstance(outcome, Unknown) or code.lower() in known


@given(st.integers(1, 10**12), st.sampled_from("SGADVX"))
def test_an_inquiry_never_takes_another_amount_for_ours(satang: int, status: str) -> None:
    row = found(amount=decimal_text(Money(satang)), status=status)
    _, outcome = driven(CONNECTOR.inquire(account(), order()), row)
    assert isinstance(outcome, Paid) == (status == "S" and satang == 10_000)


@given(st.binary(max_size=200))
def test_no_webhook_breaks_the_reader(body: bytes) -> None:
    raw = RawCallback("POST", {}, {}, body)
    try:
        found = notices.read(raw).reference
    except Unreadable as refused:
        found = refused.code
    assert found, "it is read, or refused by its name"


@given(
    st.integers(1, 10**12),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 -- Bangkok's wall clock
)
def test_a_webhook_s_amount_and_time_are_read_exactly(satang: int, at: datetime) -> None:
    text = (
        f"amount={decimal_text(Money(satang))}&referenceNo=A1&gbpReferenceNo=gbp1&resultCode=00"
        f"&currencyCode=764&date={at:%d%m}{at.year:04d}&time={at:%H%M%S}&paymentType=T"
    )
    receipt = notices.read(RawCallback("POST", {}, {}, text.encode())).receipt
    assert receipt is not None and receipt.amount == Money(satang, THB)
    assert receipt.paid_at == at.replace(microsecond=0, tzinfo=UTC) - timedelta(hours=7)


HEADER: Final = "gbpReferenceNo,referenceNo,paymentType,amount,fee,vat,date,time\n"


def test_a_settlement_list_is_read_with_fees_rounded_to_the_satang() -> None:
    text = (
        HEADER
        + "gbp1,QK1,B,75.00,0.750,0.05250,15122021,133705\ngbp1,QK1,B,-75.00,0.00,0.00,16122021,000000\n"
    )
    paid, back = settlement.read(text.encode()).lines
    assert (paid.kind, paid.amount, paid.fee, paid.fee_vat) == (
        ReportKind.PAYMENT,
        Money(7500),
        Money(75),
        Money(5),
    )
    assert paid.at == datetime(2021, 12, 15, 6, 37, 5, tzinfo=UTC)
    assert (back.kind, back.amount, back.reference) == (ReportKind.REFUND, Money(-7500), "QK1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gbpReferenceNo,amount\n",
        "amount," + HEADER,
        HEADER + "gbp1,QK1,B,75.00,0.75,0.05,15122021\n",
        HEADER + "gbp1,QK1,B,75.00,0.75,0.05,15122021,133705,more\n",
        HEADER + "gbp1,QK1,B,75.001,0.75,0.05,15122021,133705\n",
        HEADER + "gbp1,QK1,B,0.00,0.75,0.05,15122021,133705\n",
        HEADER + "gbp1,QK1,B,75.00,x,0.05,15122021,133705\n",
        HEADER + "gbp1,QK1,B,75.00,0.75,0.05,31022021,133705\n",
        HEADER + ",QK1,B,75.00,0.75,0.05,15122021,133705\n",
        HEADER + "gbp1,QK1,B,75.00,0.75,0.05,15122021,133705\n" * 2,
        HEADER + 'gbp1,"QK1,B',
        "\udcff",
    ],
)
def test_a_settlement_list_with_one_bad_line_is_not_read_at_all(text: str) -> None:
    with pytest.raises(Garbled):
        settlement.read(text.encode("utf-8", "surrogateescape"))
