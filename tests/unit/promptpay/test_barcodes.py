"""The bill barcode of the Bank of Thailand."""

# ruff: noqa: RUF001 - digits of other scripts that look like ours are what is tested

from __future__ import annotations

import pytest

from quickkub.kernel.money import JPY, Money
from quickkub.promptpay import BY_CODE, BillBarcode, QrRefusal, build_barcode, parse_barcode

BARCODE = "|099400016550100\r123456789012\r670429\r364922"


def errors_of(text: str, *, strict: bool = False) -> tuple[str, ...]:
    with pytest.raises(QrRefusal) as refused:
        parse_barcode(text, strict=strict)
    return refused.value.errors


def test_the_amount_is_whole_satang() -> None:
    assert parse_barcode(BARCODE).amount == Money(364922)


def test_nought_leaves_the_amount_to_the_payer() -> None:
    assert parse_barcode("|099400016550100\r1\r\r0") == BillBarcode("099400016550100", "1")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty_payload"),
        ("\r\n", "empty_payload"),
        ("099400016550100\r1\r\r0", "not_a_barcode"),
        ("|", "barcode_missing_field"),
        ("|099400016550100\r1\r0", "barcode_missing_field"),
        ("|099400016550100,1,,0", "barcode_wrong_separator"),
        ("|099400016550100\r\n1\r\n2\r\n0", "barcode_wrong_separator"),
        ("|099400016550100|1|2|0", "barcode_wrong_separator"),
        ("|099400016550100\\r1\\r2\\r0", "barcode_wrong_separator"),
        ("|\r1\r\r0", "missing_biller_id"),
        ("|๐๙๙๔๐๐๐๑๖๕๕๐๑๐๐\r1\r\r0", "bad_biller_id"),
        ("|099400016550100\r\r\r0", "missing_ref1"),
        ("|099400016550100\r" + "A" * 21 + "\r\r0", "ref_too_long"),
        ("|099400016550100\r1\r" + "A" * 21 + "\r0", "ref_too_long"),
        ("|099400016550100\rก\r\r0", "ref_bad_character"),
        ("|099400016550100\r1\r\r", "amount_empty"),
        ("|099400016550100\r1\r\r1.00", "amount_bad_character"),
        ("|099400016550100\r1\r\r๑๐๐", "amount_bad_character"),
        ("|099400016550100\r1\r\r-1", "amount_negative"),
        ("|099400016550100\r1\r\r1000000000000", "amount_too_long"),
        ("|099400016550100\r1\r\r5\r6", "amount_bad_character"),
    ],
)
def test_what_is_no_barcode_is_refused_by_its_name(text: str, error: str) -> None:
    assert errors_of(text)[0] == error


def test_leading_noughts_of_an_amount_are_digits_however_many() -> None:
    assert parse_barcode("|099400016550100\r1\r\r" + "0" * 10_000 + "5").amount == Money(5)


def test_white_space_around_a_barcode_passes_in_lenient_mode_only() -> None:
    padded = f" {BARCODE}\n"
    assert parse_barcode(padded, strict=False) == parse_barcode(BARCODE)
    assert errors_of(padded, strict=True) == ("leading_whitespace", "trailing_whitespace")


def test_a_thirteen_digit_biller_is_remarked() -> None:
    assert parse_barcode("|0994000165501\r1\r\r0").warnings == ("biller_id_13_digits",)


@pytest.mark.parametrize(
    ("barcode", "error"),
    [
        (BillBarcode("1", "A"), "bad_biller_id"),
        (BillBarcode("099400016550100", ""), "missing_ref1"),
        (BillBarcode("099400016550100", "A", "b"), "ref_bad_character"),
        (BillBarcode("099400016550100", "A", None, Money(0)), "amount_zero"),
        (BillBarcode("099400016550100", "A", None, Money(-1)), "amount_negative"),
        (BillBarcode("099400016550100", "A", None, Money(10**12)), "amount_too_long"),
        (BillBarcode("099400016550100", "A", None, Money(1, JPY)), "currency_not_thb"),
    ],
)
def test_a_barcode_that_cannot_be_is_not_built(barcode: BillBarcode, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build_barcode(barcode)
