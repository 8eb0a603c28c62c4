"""What is refused before a QR is built, and what a built one looks like."""

# ruff: noqa: RUF001 - digits of other scripts that look like ours are what is tested

from __future__ import annotations

import pytest

from quickkub.kernel.money import JPY, Money, baht
from quickkub.promptpay import (
    BY_CODE,
    AdditionalData,
    BillPayment,
    CreditTransfer,
    Details,
    Language,
    Proxy,
    Vat,
    baht_text,
    bank_account,
    build,
    build_warnings,
    ewallet,
    mobile,
    national_id,
    parse_payment,
    read_baht,
    restate,
    tax_id,
    truemoney_wallet,
)
from quickkub.promptpay.inputs import read_input, write
from tests.unit.promptpay.material import MOBILE_100, VALID

SHOP = mobile("0812345678")
BILLER = "010555123456700"


@pytest.mark.parametrize(
    "text",
    ["0812345678", "081-234-5678", "+66 81 234 5678", "66812345678", "(081) 234.5678", "+66-81-234-5678"],
)
def test_a_mobile_number_is_understood_as_people_write_it(text: str) -> None:
    assert mobile(text) == Proxy("01", "0066812345678")


@pytest.mark.parametrize(
    "text",
    [
        "021234567",
        "0712345678",
        "+660812345678",
        "0066812345678",
        "+0812345678",
        "081234567๘",
        "０８１２３４５６７８",
        "0812345678x",
        "08123456780",
        "---",
        "0812345678\n9",
        "\x00812345678",
        "66066812345678",
    ],
)
def test_anything_else_is_no_mobile_number(text: str) -> None:
    with pytest.raises(BY_CODE["bad_mobile"]):
        mobile(text)


@pytest.mark.parametrize("make", [mobile, national_id, tax_id, ewallet, truemoney_wallet])
@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nobody_is_no_receiver(make: type[Proxy], text: str) -> None:
    with pytest.raises(BY_CODE["empty_target"]):
        make(text)  # type: ignore[call-arg]


def test_ids_keep_their_leading_nought() -> None:
    assert (tax_id("0-1055-40087-06-1").value, ewallet("004 999 000 288 505").value) == (
        "0105540087061",
        "004999000288505",
    )


@pytest.mark.parametrize("text", ["123456789012", "12345678901234", "123456789012X", "๑๒๓๔๕๖๗๘๙๐๑๒๓"])
def test_a_national_id_has_thirteen_digits(text: str) -> None:
    with pytest.raises(BY_CODE["bad_national_id"]):
        national_id(text)


@pytest.mark.parametrize(
    ("code", "account", "error"),
    [("14", "1", "bad_sending_bank"), ("014", "", "empty_target"), ("014", "12x", "bad_bank_account")],
)
def test_a_bank_account_needs_its_bank(code: str, account: str, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        bank_account(code, account)


@pytest.mark.parametrize(
    ("proxy", "error"),
    [
        (Proxy("01", "0066212345678"), "bad_mobile"),
        (Proxy("01", "0066812345678\n"), "bad_mobile"),
        (Proxy("02", "1"), "bad_national_id"),
        (Proxy("03", "1"), "bad_ewallet"),
        (Proxy("04", "1"), "bad_sending_bank"),
        (Proxy("05", "1234567890"), "missing_proxy"),
    ],
)
def test_a_proxy_made_by_hand_is_looked_at_again(proxy: Proxy, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build(CreditTransfer(proxy))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "amount_empty"),
        ("nan", "amount_not_finite"),
        ("-Infinity", "amount_not_finite"),
        ("-5", "amount_negative"),
        ("0.00", "amount_zero"),
        ("1.005", "amount_too_many_decimals"),
        ("1,000.00", "amount_bad_character"),
        ("1e3", "amount_bad_character"),
        (" 1", "amount_bad_character"),
        ("๑๐๐", "amount_bad_character"),
        ("10000000000", "amount_too_long"),
        ("9" * 5000, "amount_too_long"),
    ],
)
def test_an_amount_is_read_exactly_or_refused(text: str, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        read_baht(text)


@pytest.mark.parametrize(
    ("text", "satang"),
    [
        ("100.00", 10_000),
        ("98", 9_800),
        ("98.", 9_800),
        ("98.5", 9_850),
        ("0.29", 29),
        ("9999999999.99", 10**12 - 1),
    ],
)
def test_every_legal_way_to_write_an_amount_is_read_to_the_satang(text: str, satang: int) -> None:
    assert read_baht(text) == Money(satang)


@pytest.mark.parametrize(
    ("satang", "text"), [(1, "0.01"), (29, "0.29"), (100, "1.00"), (10**12 - 1, "9999999999.99")]
)
def test_an_amount_is_written_with_two_decimals(satang: int, text: str) -> None:
    assert baht_text(Money(satang)) == text


@pytest.mark.parametrize(
    ("money", "error"),
    [
        (Money(0), "amount_zero"),
        (Money(-1), "amount_negative"),
        (Money(10**12), "amount_too_long"),
        (Money(100, JPY), "currency_not_thb"),
    ],
)
def test_money_that_fits_no_qr_is_refused(money: Money, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build(CreditTransfer(SHOP, money))


@pytest.mark.parametrize(
    ("details", "error"),
    [
        (Details(point_of_initiation="13"), "unknown_point_of_initiation"),
        (Details(mcc="539"), "bad_mcc"),
        (Details(mcc="๕๓๙๙"), "bad_mcc"),
        (Details(merchant_name="A" * 26), "name_too_long"),
        (Details(merchant_name="ร้าน"), "name_bad_character"),
        (Details(merchant_name=""), "name_bad_character"),
        (Details(merchant_city="A" * 16), "city_too_long"),
        (Details(merchant_city="กรุงเทพ"), "city_bad_character"),
        (Details(postal_code="1" * 11), "field_too_long"),
        (Details(postal_code="๑๐๑๑๐"), "field_bad_character"),
        (Details(additional=AdditionalData(bill_number="A" * 26)), "field_too_long"),
        (Details(additional=AdditionalData(consumer_data="AMEX")), "field_too_long"),
        (Details(additional=AdditionalData(store_label="ร้าน")), "field_bad_character"),
        (
            Details(additional=AdditionalData("1" * 25, "2" * 25, "3" * 25, "4" * 25)),
            "field_too_long",
        ),
        (Details(language=Language("THA", "ร้าน")), "field_bad_character"),
        (Details(language=Language("TH", "")), "field_bad_character"),
        (Details(language=Language("TH", "ก" * 26)), "field_too_long"),
        (Details(language=Language("TH", "ร้าน", "ก" * 16)), "field_too_long"),
        (Details(language=Language("TH", "a\ud800")), "field_bad_character"),
        (Details(vat=Vat("1")), "bad_vat"),
        (Details(vat=Vat("0001", "7%")), "bad_vat"),
        (Details(vat=Vat("0001", "7", "7,00")), "bad_vat"),
        (Details(message="x" * 25), "field_too_long"),
        (Details(message="\ud800"), "field_bad_character"),
    ],
)
def test_a_text_that_does_not_fit_its_field_is_refused_and_never_cut(details: Details, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build(CreditTransfer(SHOP, baht(1), details=details))


@pytest.mark.parametrize(
    ("payment", "error"),
    [
        (BillPayment("1", "A"), "bad_biller_id"),
        (BillPayment(BILLER, ""), "missing_ref1"),
        (BillPayment(BILLER, "A" * 21), "ref_too_long"),
        (BillPayment(BILLER, "a"), "ref_bad_character"),
        (BillPayment(BILLER, "A", "b"), "ref_bad_character"),
        (BillPayment(BILLER, "A", "B", "c"), "ref_bad_character"),
        (
            BillPayment(BILLER, "A", details=Details(additional=AdditionalData(terminal_label="t-1"))),
            "ref_bad_character",
        ),
        (
            BillPayment(
                BILLER, "A", None, "X", details=Details(additional=AdditionalData(terminal_label="Y"))
            ),
            "duplicate_id",
        ),
    ],
)
def test_a_bill_that_no_bank_would_take_is_not_built(payment: BillPayment, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build(payment)


@pytest.mark.parametrize(
    ("ota", "error"), [("123456789", "ota_bad_length"), ("12345678๙0", "field_bad_character")]
)
def test_an_authorisation_has_ten_characters(ota: str, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build(CreditTransfer(SHOP, ota=ota))


def test_a_label_may_be_overridden() -> None:
    printed = CreditTransfer(SHOP, baht(59), details=Details(point_of_initiation="11"))
    assert parse_payment(build(printed)).warnings == build_warnings(printed) == ("static_with_amount",)


def test_the_builder_of_an_unwise_qr_is_told() -> None:
    assert build_warnings(CreditTransfer(bank_account("014", "1234567890"))) == ("bank_account_proxy",)
    assert build_warnings(CreditTransfer(national_id("1111111111111"))) == ("check_digit_mismatch",)
    assert build_warnings(BillPayment("0105551234567", "A")) == ("biller_id_13_digits",)
    assert build_warnings(CreditTransfer(SHOP)) == ()


def test_the_thai_name_goes_into_the_language_template_and_counts_characters() -> None:
    payload = next(v["payload"] for v in VALID if v["id"] == "edge-lang-thai")
    assert build(restate(parse_payment(payload))) == payload


def test_any_tools_qr_is_rewritten_in_our_order() -> None:
    country_first = next(v["payload"] for v in VALID if v["id"] == "brief-03")
    assert build(restate(parse_payment(country_first))) == MOBILE_100


def test_a_foreign_qr_cannot_be_rewritten() -> None:
    foreign = next(v["payload"] for v in VALID if v["id"] == "emvco-01")
    with pytest.raises(BY_CODE["missing_merchant_account"]):
        restate(parse_payment(foreign))


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ([], "bad_request_line"),
        ({}, "bad_request_line"),
        ({"kind": "cash"}, "bad_request_line"),
        ({"kind": ["slip"]}, "bad_request_line"),
        ({"kind": "credit_transfer"}, "missing_proxy"),
        ({"kind": "credit_transfer", "proxy": "email", "id": "a@b"}, "bad_request_line"),
        ({"kind": "credit_transfer", "proxy": "mobile"}, "empty_target"),
        ({"kind": "credit_transfer", "proxy": "mobile", "id": 812345678}, "bad_request_line"),
        (
            {"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "amonut": "1"},
            "bad_request_line",
        ),
        (
            {"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "amount": 1.5},
            "amount_bad_character",
        ),
        ({"kind": "credit_transfer", "proxy": "mobile", "id": "x", "amount": "0"}, "bad_mobile"),
        ({"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "vat": "7"}, "bad_request_line"),
        (
            {"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "vat": {"x": "7"}},
            "bad_request_line",
        ),
        ({"kind": "credit_transfer", "proxy": "mobile", "id": "0812345678", "tip": {}}, "tip_forbidden"),
        ({"kind": "truemoney"}, "empty_target"),
        ({"kind": "bill_payment"}, "missing_biller_id"),
        ({"kind": "bill_payment", "biller_id": BILLER}, "missing_ref1"),
        ({"kind": "bill_payment", "biller_id": BILLER, "ref1": "A", "cross_border": 1}, "bad_request_line"),
        ({"kind": "bot_barcode", "biller_id": BILLER, "ref1": "A", "amount": "x"}, "amount_bad_character"),
        ({"kind": "slip", "trans_ref": "A"}, "bad_sending_bank"),
        ({"kind": "slip", "sending_bank": "002"}, "missing_trans_ref"),
        ({"kind": "truemoney_slip"}, "missing_trans_ref"),
    ],
)
def test_an_input_that_is_none_is_refused_by_name(record: object, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        write(read_input(record))
