"""Slip mini-QRs, of banks and of TrueMoney."""

from __future__ import annotations

from datetime import date

import pytest

from quickkub.promptpay import (
    BY_CODE,
    BankSlip,
    QrRefusal,
    TrueMoneySlip,
    build_slip,
    build_truemoney_slip,
    parse_slip,
    slip_date,
)
from quickkub.promptpay.check import Op, detect
from quickkub.promptpay.describe import describe
from tests.unit.promptpay.material import MOBILE_100, seal, tlv

SLIP = "004000060000010103002021900021231231212000115102TH91049C30"
TRUEMONEY = "00480002010102010203P2P0313TXN00012345670408250120249104b425"


def slip_text(*inner: tuple[str, str], country: str | None = "TH") -> str:
    outer = tlv(("00", tlv(*inner)))
    return seal(outer + (tlv(("51", country)) if country is not None else ""), "91")


def errors_of(text: str, *, strict: bool = False) -> tuple[str, ...]:
    with pytest.raises(QrRefusal) as refused:
        parse_slip(text, strict=strict)
    return refused.value.errors


def test_a_slip_names_the_sending_bank() -> None:
    told = describe(parse_slip(SLIP))
    assert (told["sending_bank"], told["bank"], told["bank_name"]) == ("002", "BBL", "Bangkok Bank")


def test_a_bank_nobody_listed_is_no_error() -> None:
    told = describe(parse_slip(build_slip(BankSlip("999", "A1"))))
    assert (told["sending_bank"], told["bank"]) == ("999", None)


def test_the_case_of_a_reference_is_kept() -> None:
    assert parse_slip(build_slip(BankSlip("004", "aBc1"))) != BankSlip("004", "ABC1")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (MOBILE_100, "not_a_slip"),
        ("|099400016550100\r1\r\r0", "not_a_slip"),
        (seal(tlv(("51", "TH")), "91"), "not_a_slip"),
        (SLIP[:-8], "crc_missing"),
        (SLIP[:-8] + "9103C30", "crc_wrong_length"),
        (SLIP + "5303764", "crc_not_last"),
        (SLIP[:-4], "truncated_tlv"),
        (SLIP[:-1], "bad_crc"),  # padded, and still wrong
        ("", "empty_payload"),
        (slip_text(("00", "000002"), ("01", "002"), ("02", "A")), "unknown_slip_api"),
        (slip_text(("00", "000001"), ("01", "๐๐๒"), ("02", "A")), "bad_sending_bank"),
        (slip_text(("00", "000001"), ("02", "A")), "bad_sending_bank"),
        (slip_text(("00", "000001"), ("01", "002"), ("02", "")), "missing_trans_ref"),
        (slip_text(("00", "000001"), ("01", "002"), ("02", "A" * 26)), "ref_too_long"),
        (slip_text(("00", "000001"), ("01", "002"), ("02", "A-1")), "ref_bad_character"),
        (slip_text(("00", "000001"), ("01", "002"), ("02", "A"), country="SG"), "country_not_th"),
        (slip_text(("01", "002"), ("02", "A")), "not_a_slip"),
        (slip_text(("00", "000001"), ("01", "002"), ("01", "002"), ("02", "A")), "duplicate_id"),
        (seal("000201" + "5102TH", "91"), "bad_sub_tlv"),
        (slip_text(("00", "01"), ("01", "02"), ("03", "T1"), country=None), "unknown_slip_api"),
        (slip_text(("00", "01"), ("01", "01"), ("02", "P2P"), country=None), "missing_trans_ref"),
    ],
)
def test_what_is_no_slip_is_refused_by_its_name(text: str, error: str) -> None:
    assert errors_of(text)[0] == error


def test_a_cut_checksum_that_padding_does_not_mend_is_told_as_both() -> None:
    assert errors_of(SLIP[:-1]) == ("bad_crc", "truncated_tlv")
    assert errors_of(SLIP[:-1], strict=True) == ("truncated_tlv", "bad_crc")


def test_a_bank_slip_in_lower_case_is_not_exact() -> None:
    lower = SLIP[:-4] + SLIP[-4:].lower()
    assert parse_slip(lower, strict=False).warnings == ("crc_not_uppercase",)
    assert errors_of(lower, strict=True) == ("crc_not_uppercase",)


def test_truemoney_writes_its_checksum_in_lower_case_and_either_case_is_right() -> None:
    assert parse_slip(TRUEMONEY) == parse_slip(TRUEMONEY[:-4] + TRUEMONEY[-4:].upper())
    assert parse_slip(TRUEMONEY).warnings == ()


def test_the_day_of_a_truemoney_slip_is_read_when_it_is_one() -> None:
    assert slip_date(TrueMoneySlip("P2P", "T1", "25012024")) == date(2024, 1, 25)
    assert slip_date(TrueMoneySlip("P2P", "T1", "20240125")) is None
    assert slip_date(TrueMoneySlip("P2P", "T1", "")) is None


def test_a_truemoney_slip_with_odd_parts_is_read_with_a_remark() -> None:
    text = slip_text(("00", "01"), ("01", "01"), ("03", "T1"), ("07", "X"), country=None)
    assert parse_slip(text).warnings == ("unreadable_object", "unknown_object")


@pytest.mark.parametrize(
    ("slip", "error"),
    [
        (BankSlip("02", "A"), "bad_sending_bank"),
        (BankSlip("002", ""), "missing_trans_ref"),
        (BankSlip("002", "A" * 26), "ref_too_long"),
        (BankSlip("002", "A 1"), "ref_bad_character"),
    ],
)
def test_a_bank_slip_that_cannot_be_is_not_built(slip: BankSlip, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build_slip(slip)


@pytest.mark.parametrize(
    ("slip", "error"),
    [
        (TrueMoneySlip("P2P", "", "25012024"), "missing_trans_ref"),
        (TrueMoneySlip("P2P", "ธ1", "25012024"), "ref_bad_character"),
        (TrueMoneySlip("", "T1", "25012024"), "field_too_long"),
        (TrueMoneySlip("โอน", "T1", "25012024"), "field_bad_character"),
        (TrueMoneySlip("P2P", "T1", "31022024"), "bad_date"),
        (TrueMoneySlip("P2P", "T" * 80, "25012024"), "field_too_long"),
    ],
)
def test_a_truemoney_slip_that_cannot_be_is_not_built(slip: TrueMoneySlip, error: str) -> None:
    with pytest.raises(BY_CODE[error]):
        build_truemoney_slip(slip)


@pytest.mark.parametrize(
    ("text", "op"),
    [
        (SLIP, Op.SLIP),
        (SLIP[:30], Op.SLIP),
        (TRUEMONEY, Op.SLIP),
        (MOBILE_100, Op.PAYMENT),
        (MOBILE_100[:30], Op.PAYMENT),
        ("|1", Op.BARCODE),
        ("", Op.PAYMENT),
        ("anything", Op.PAYMENT),
    ],
)
def test_a_text_is_taken_for_what_it_looks_like(text: str, op: Op) -> None:
    assert detect(text) is op
