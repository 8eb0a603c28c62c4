"""Krungsri's connector without a wire: the pack's digests, its QR, loosely written answers, the states."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import Account, Order, Paid, Report, Waiting
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.bay import errors, sealing, states, wire
from quickkub.connectors.providers.bay.connector import CONNECTOR
from quickkub.connectors.providers.bay.lists import PAGES_MAX
from quickkub.connectors.providers.bay.manifest import MANIFEST
from quickkub.connectors.providers.bay.simulator.counter import qr_text
from quickkub.connectors.providers.bay.simulator.sealing import Seal
from quickkub.connectors.providers.bay.test_keys import TEST_PRIVATE_KEY, TEST_PUBLIC_KEY
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import Money
from quickkub.promptpay.crc import checksum
from tests.support.driving import answer, driven
from tests.support.speech.bay import opened

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
MERCHANT, BILLER, TRX = "1000000000000001", "012345678901200", "260115103000004711"
BODY = {
    "bizMchId": MERCHANT,
    "billerId": BILLER,
    "channel": "2",
    "reference1": "INV20260115001",
    "reference2": "CUST0001",
    "terminalId": "0001",
    "amount": "150.75",
    "remark": "QK",
}


def account(**settings: str) -> Account:
    return loose_account(MANIFEST, {**MANIFEST.simulator_account, **settings})


def order(**more: Any) -> Order:
    usual = Order("INV20260115001", Money(15_075), "promptpay", NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, **more)


# --- sign ---


@pytest.mark.parametrize(
    ("fields", "text", "digest"),
    [
        (
            BODY,
            "amount=150.75&billerId=012345678901200&bizMchId=1000000000000001&channel=2&reference1=INV20260115001"
            "&reference2=CUST0001&remark=QK&terminalId=0001",
            "9f3e1f3fd44e65175c5d6713e7acf58ab505dce6b54f03f49c4e0a2dc719126a",
        ),
        (
            {"bizMchId": MERCHANT, "trxId": TRX},
            "bizMchId=1000000000000001&trxId=260115103000004711",
            "9c8a83c18557778c2ed03a21899b495cd5531f26cf52a77d4427fc013efe4c8b",
        ),
        (
            {"billerId": BILLER, "bizMchId": MERCHANT, "numberPerPage": "30", "pageNumber": "1"},
            "billerId=012345678901200&bizMchId=1000000000000001&numberPerPage=30&pageNumber=1",
            "684024abb1b48a029256b53cba7e8a4e7e3323a24cb578f862242f5baee8bad9",
        ),
        (
            {"bizMchId": MERCHANT, "numberPerPage": "30", "pageNumber": "1"},
            "bizMchId=1000000000000001&numberPerPage=30&pageNumber=1",
            "5384c4b7da95977e3fc763fc010c5eb9ea83c778dafaa4f44161d195ba7d3577",
        ),
        (
            {"bizMchId": MERCHANT, "trxQr": "0002010102"},
            "bizMchId=1000000000000001&trxQr=0002010102",
            "2722a4cecf0987e3a21349831779d10fea5b3e4398699676b86561e7f5c47fad",
        ),
        (
            {"returnCode": 10000, "message": "Successful reception"},
            "message=Successful reception&returnCode=10000",
            "4f8163f1e81a0ff9275666d664ea71abe662a77837fe6429f550a0c0d1f6ba70",
        ),
    ],
)
def test_the_published_digests_come_out_to_the_letter(fields: dict[str, Any], text: str, digest: str) -> None:
    assert sealing.canonical(fields | {"sign": "anything"}) == text
    assert sealing.digest(text) == digest
    assert opened(sealing.sign_of(fields, TEST_PUBLIC_KEY)) == digest


def test_the_published_sign_opens_to_the_published_digest() -> None:
    sign = (
        "FygwdrEfigN9NAw1+3/8B0OFh9kTI12XSn9CtTKgJUTQSZ0tc9h9p/0osSZ5fTTe7IkEE5YnhuWb08NAdbghrYMC5AUEaAp9FTjdS+"
        "hxynHV2gd8moIpepSxG1pODXSb8TFVxJFxmGidD1wpfslR1X9UCC7hzjcp5EGUmsK/P6E="
    )
    assert opened(sign) == sealing.digest(sealing.canonical(BODY))
    assert Seal(TEST_PRIVATE_KEY).opens({**BODY, "sign": sign})


def test_a_sign_is_another_one_each_time_and_has_172_letters() -> None:
    first, again = (sealing.sign_of(BODY, TEST_PUBLIC_KEY) for _ in range(2))
    assert first != again and len(first) == len(again) == 172


def test_blank_fields_are_left_out_unless_the_account_says_otherwise() -> None:
    assert sealing.canonical({"b": " ", "a": "1", "c": ""}) == "a=1"
    assert sealing.canonical({"b": "", "a": "1"}, skip_empty=False) == "a=1&b="


@given(st.dictionaries(st.from_regex(r"[a-zA-Z]{1,12}", fullmatch=True), st.text(max_size=20), max_size=8))
def test_what_we_sign_the_bank_can_open_and_nothing_else(fields: dict[str, str]) -> None:
    said = {name: value for name, value in fields.items() if name != "sign"}
    names = [name.lower() for name in said]
    if len(set(names)) != len(names):
        return  # two names that differ in case only have no order; this API has none
    said["sign"] = sealing.sign_of(said, TEST_PUBLIC_KEY)
    seal = Seal(TEST_PRIVATE_KEY)
    assert seal.opens(said)
    assert not seal.opens({**said, "more": "x"})


@given(st.binary(max_size=200))
def test_no_bytes_pass_for_a_sign(raw: bytes) -> None:
    assert not Seal(TEST_PRIVATE_KEY).opens({**BODY, "sign": raw.decode("latin-1")})


# --- QR ---


def test_the_simulated_qr_is_the_published_text() -> None:
    trade = SimpleNamespace(
        merchant=SimpleNamespace(biller=BILLER),
        reference1="INV20260115001",
        reference2="CUST0001",
        amount=Money(15_075),
        number=TRX,
    )
    text = qr_text(cast(Any, trade))
    assert text == (
        "00020101021230690016A00000067701011201150123456789012000214INV202601150010308CUST000153037645406150.75"
        "5802TH62220718260115103000004711630491D0"
    )
    made = wire.qr_in({"trxId": TRX, "qrcodeContent": text}, account(ref2="CUST0001"), order())
    assert (made.trx_id, made.text) == (TRX, text)


def test_the_checksum_of_the_field_s_sample_is_the_published_one() -> None:
    text = (
        "00020101021230560016A00000067701011201151234567890223990213738382728271853037645406100.005802TH"
        "6222071818342464011737907263048EE0"
    )
    assert checksum(text[:-4]) == "8EE0"


# --- answers ---


@given(st.integers(1, 10**10))
def test_an_amount_is_read_however_it_is_written(satang: int) -> None:
    full = f"{satang // 100}.{satang % 100:02d}"
    short = full.rstrip("0").rstrip(".") if "." in full else full
    for value in (full, f" {full} ", short, Decimal(full)):
        assert wire.amount_at({"amount": value}, "amount") == Money(satang)


@pytest.mark.parametrize("value", ["", "0", "-1", "1,000.00", "1e3", "USD 1", "1.005", True, None, [], "๑"])
def test_what_is_no_amount_is_garbled(value: Any) -> None:
    with pytest.raises(Garbled):
        wire.amount_at({"amount": value}, "amount")


@pytest.mark.parametrize("value", ["", "0", "0.00", " 0.00 ", None, 0, Decimal("0.0")])
def test_a_fee_may_be_nothing(value: Any) -> None:
    assert wire.fee_at({"feeMerchant": value}) == Money(0)


def test_a_fee_has_a_blank_behind_it() -> None:
    assert wire.fee_at({"feeMerchant": "1.00 "}) == Money(100)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("XXX-X-XX302-9", "XXX-X-XX302-9"),
        ("XXXXXX8109", "XXXXXX8109"),
        ("123412341234", ""),
        ("Somchai X", ""),
    ],
)
def test_an_account_is_kept_only_as_the_bank_masked_it(said: str, kept: str) -> None:
    assert wire.masked(said) == kept


def row(**more: Any) -> dict[str, Any]:
    usual = {
        "trxId": TRX,
        "billerId": BILLER,
        "amount": "150.75",
        "datetime": 1768447992000,
        "feeMerchant": "1.00",
        "trxStatus": "1",
        "reference1": "INV20260115001",
    }
    return usual | more


@pytest.mark.parametrize("said", [1768447992000, "1768447992000"])
def test_a_record_s_time_is_true_time_in_milliseconds(said: Any) -> None:
    found = wire.transaction_in(row(datetime=said), account())
    assert found.at == datetime(2026, 1, 15, 3, 33, 12, tzinfo=UTC)


@pytest.mark.parametrize("said", ["now", True, "2026-01-15T10:33:12Z", -1, 10**20])
def test_another_time_is_garbled(said: Any) -> None:
    with pytest.raises(Garbled):
        wire.transaction_in(row(datetime=said), account())


@pytest.mark.parametrize("code", sorted(errors.MEANINGS))
def test_no_published_code_is_a_success(code: str) -> None:
    assert errors.conclude(code) is not None and code != errors.SUCCESS


@given(st.text(max_size=6))
def test_only_1_is_paid_whatever_the_account_lists(status: str) -> None:
    listed = account(**{"qr.status_map": "0=pending,2=failed"})
    assert (states.state_of(status, listed) == states.SUCCEEDED) is (status == "1")
    assert states.state_of("1", account(**{"qr.status_map": "1=failed"})) == states.SUCCEEDED


def test_a_qr_waits_until_both_order_and_qr_have_ended() -> None:
    long = account(**{"qr.ttl_seconds": "1800"})
    for minutes, waits in ((14, True), (16, True), (29, True), (30, False)):
        later = order(now=NOON + timedelta(minutes=minutes))
        assert isinstance(states.unpaid(long, later, TRX), Waiting) is waits


# --- exchanges ---


def test_every_call_has_an_id_of_its_own_and_the_key() -> None:
    ids = set()
    for _ in range(3):
        exchange = CONNECTOR.create(account(), order())
        request = cast(Any, next(exchange))
        exchange.close()
        assert request.headers["API-Key"] == "demo-krungsri-api-key"
        assert request.headers["X-Client-Transaction-DateTime"] == "2026-01-15T12:00:00.000+07:00"
        ids.add(request.headers["X-Client-Transaction-ID"])
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("description", "remark"),
    [("", "-"), ("  ", "-"), ("two\nlines", "-"), ("ก" * 60, "ก" * 50), ("QK", "QK")],
)
def test_a_remark_is_short_and_of_one_line(description: str, remark: str) -> None:
    assert wire._remark(description) == remark


def test_a_report_that_never_ends_says_that_it_is_not_whole() -> None:
    full = answer(
        200, {"returnCode": "10000", "data": {"transactions": [row(trxId=f"{n:018d}") for n in range(30)]}}
    )
    day = NOON.date()
    report, asked = driven(CONNECTOR.report(account(), day, day), [full] * PAGES_MAX)
    assert isinstance(report, Report) and not report.complete and len(asked) == PAGES_MAX
    assert len(report.lines) == 30, "a row that comes twice is one payment"


def test_a_payment_found_by_reference_has_the_bank_s_own_id() -> None:
    listed = answer(
        200, {"returnCode": "10000", "data": {"transactions": [row(reference1="X", trxId="1" * 18), row()]}}
    )
    found, _ = driven(CONNECTOR.inquire(account(), order()), [listed])
    assert isinstance(found, Paid) and found.receipts[0].transaction_id == TRX


def test_a_digest_is_encrypted_as_text_and_not_as_bytes() -> None:
    text = sealing.canonical(BODY)
    assert opened(sealing.sign_of(BODY, TEST_PUBLIC_KEY)) == hashlib.sha256(text.encode()).hexdigest()
