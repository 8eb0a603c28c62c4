"""Which name a fault gets when several would do: the order of the checks is part of the contract (pack 8)."""

# ruff: noqa: RUF001 - digits of other scripts that look like ours are what is tested

from __future__ import annotations

import pytest

from quickkub.promptpay import BY_CODE, Level, Op, PaymentQr, QrRefusal, check, parse_payment
from quickkub.promptpay.model import QrKind
from tests.unit.promptpay.material import MOBILE_100, bill, qr, seal, tlv


def errors_of(text: str, op: Op = Op.PAYMENT, level: Level = Level.ALWAYS) -> tuple[str, ...]:
    """The codes a text is refused with."""
    with pytest.raises(QrRefusal) as refused:
        check(text, op, level)
    return refused.value.errors


def warnings_of(text: str) -> tuple[str, ...]:
    return parse_payment(text).warnings


@pytest.mark.parametrize(
    ("cut_at", "error"),
    [
        (len(MOBILE_100) - 1, "truncated_tlv"),  # inside the checksum
        (len(MOBILE_100) - 4, "truncated_tlv"),  # before its value
        (len(MOBILE_100) - 6, "truncated_tlv"),  # inside its header
        (len(MOBILE_100) - 8, "crc_missing"),  # before it
        (len(MOBILE_100) - 9, "value_overrun"),  # inside the country
        (14, "truncated_tlv"),  # inside a header
        (6, "crc_missing"),
    ],
)
def test_a_cut_text_is_told_where_it_ends(cut_at: int, error: str) -> None:
    assert errors_of(MOBILE_100[:cut_at])[0] == error


@pytest.mark.parametrize("size", range(len(MOBILE_100)))
def test_no_beginning_of_a_text_is_taken_for_the_whole(size: int) -> None:
    structural = {"empty_payload", "truncated_tlv", "value_overrun", "crc_missing"}
    assert errors_of(MOBILE_100[:size])[0] in structural


@pytest.mark.parametrize("at", range(len(MOBILE_100)))
def test_a_changed_character_never_passes(at: int) -> None:
    other = "8" if MOBILE_100[at] != "8" else "3"
    assert errors_of(MOBILE_100[:at] + other + MOBILE_100[at + 1 :])


def test_a_wrong_checksum_comes_before_what_else_is_wrong_and_both_are_told() -> None:
    broken = qr(t54="0", t58="SG")
    assert errors_of(broken[:-4] + "0000") == ("bad_crc", "country_not_th", "amount_zero")


def test_white_space_comes_first_in_strict_mode() -> None:
    assert errors_of(" " + qr(t54="0"), level=Level.STRICT) == ("leading_whitespace", "amount_zero")


def test_a_length_beyond_the_end_of_the_text_is_told_before_its_stale_checksum() -> None:
    assert errors_of(MOBILE_100.replace("5802TH", "5899TH")) == ("value_overrun", "bad_crc")


def test_a_wrong_length_that_stays_inside_the_text_is_first_of_all_a_wrong_checksum() -> None:
    assert errors_of(MOBILE_100.replace("5802TH", "5803TH"))[0] == "bad_crc"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (seal(MOBILE_100), "crc_not_last"),
        (MOBILE_100[:-8] + "6305F142A", "crc_wrong_length"),
        (MOBILE_100[:-8] + "6300", "crc_wrong_length"),
        (MOBILE_100[:-4] + "+F14", "bad_crc"),
        (MOBILE_100[:-4] + "F１42", "bad_crc"),
        ("https://example.com/pay", "non_digit_id"),
        ("   ", "empty_payload"),
    ],
)
def test_the_checksum_is_looked_for_in_its_place(text: str, error: str) -> None:
    assert errors_of(text)[0] == error


@pytest.mark.parametrize(
    ("tag", "value", "error"),
    [
        ("t29", "0016A0000006770101110113006681234567", "bad_sub_tlv"),
        ("t29", "0016A000000677010111" + "0113006681234567๘", "bad_mobile"),
        ("t29", "0016A000000677010111" + "0213123456789012３", "bad_national_id"),
        ("t29", "0016A000000677010111" + "0315004999000288505" + "01130066812345678", "multiple_proxies"),
        ("t29", "0016A000000677010111", "missing_proxy"),
        ("t29", "0016A000000677010111" + "01130066812345678" * 2, "duplicate_id"),
        ("t29", "0016A000000677010111" + "0403014", "bad_bank_account"),
        ("t29", "0016A000000677010111" + "040301A", "bad_sending_bank"),
        ("t29", "0016A000000677010114" + "01130066812345678" + "051112345678901", "ota_bad_length"),
        ("t30", "0016A000000677010111" + "01130066812345678", "unknown_aid"),
        ("t32", "0016A000000677010111" + "01130066812345678", "unknown_aid"),
        ("t26", "01041234", "missing_aid"),
        ("t54", "๑๐๐", "amount_bad_character"),
        ("t54", "１００", "amount_bad_character"),
        ("t54", "+1.00", "amount_bad_character"),
        ("t54", ".50", "amount_bad_character"),
        ("t54", ".", "amount_bad_character"),
        ("t54", "1.000", "amount_too_many_decimals"),
        ("t54", "-0.00", "amount_negative"),
        ("t54", "0.", "amount_zero"),
        ("t54", "00000000000.00", "amount_too_long"),
        ("t53", "", "currency_not_thb"),
        ("t53", "764 ", "currency_not_thb"),
        ("t58", "th", "country_not_th"),
        ("t00", "1", "unknown_payload_format"),
        ("t01", "", "unknown_point_of_initiation"),
        ("t59", "A" * 26, "name_too_long"),
        ("t59", "ร้านกาแฟ", "name_bad_character"),
        ("t59", "SHOP\x00", "name_bad_character"),
        ("t60", "A" * 16, "city_too_long"),
        ("t62", "07", "bad_sub_tlv"),
        ("t64", "0002TH0199ร้าน", "bad_sub_tlv"),
        ("t80", "0004", "bad_sub_tlv"),
    ],
)
def test_each_field_refuses_by_its_own_name(tag: str, value: str, error: str) -> None:
    assert errors_of(qr(**{tag: value}))[0] == error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (bill(ref1="A" * 21), "ref_too_long"),
        (bill(ref1=""), "missing_ref1"),
        (bill(ref1="ใบแจ้งหนี้"), "ref_bad_character"),
        (bill(ref1="INV\x001"), "ref_bad_character"),
        (bill(biller="01055512345670"), "bad_biller_id"),
        (bill(biller="๐๑๐๕๕๕๑๒๓๔๕๖๗๐๐"), "bad_biller_id"),
        (bill(t62=tlv(("07", "A" * 21))), "ref_too_long"),
    ],
)
def test_a_bill_refuses_in_every_mode(text: str, error: str) -> None:
    assert errors_of(text)[0] == error


@pytest.mark.parametrize("reference", ["inv001", "INV 001", "INV-001", "a/b"])
def test_a_reference_no_bank_takes_passes_in_lenient_mode_only(reference: str) -> None:
    text = bill(ref1=reference)
    assert parse_payment(text, strict=False).warnings == ("ref_bad_character",)
    assert errors_of(text, level=Level.STRICT) == ("ref_bad_character",)


def test_reference_3_is_held_to_the_same_alphabet() -> None:
    text = bill(t62=tlv(("07", "term 1")))
    assert errors_of(text, level=Level.STRICT) == ("ref_bad_character",)


def test_a_prompt_for_the_terminal_is_no_reference() -> None:
    assert warnings_of(bill(t62=tlv(("07", "***")))) == ()


def test_a_lone_surrogate_has_no_checksum() -> None:
    assert errors_of(qr(t59="A\ud800"))[0] == "bad_crc"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (qr(t01="11"), "static_with_amount"),
        (qr(t54=None), "dynamic_without_amount"),
        (qr(t55="01"), "tip_present"),
        (qr(t65="ABC"), "unknown_object"),
        (qr(t85="not a template"), "unknown_object"),
        (qr(t81="zz"), "unknown_object"),
        (qr(t29="0016A00000067701011102131111111111111"), "check_digit_mismatch"),
        (qr(t29="0016A0000006770101110413014123456789" + "0"), "bank_account_proxy"),
        (qr(t54="9999999999999"), "amount_above_maximum"),
        (qr(t52="12"), "unreadable_object"),
        (qr(t62=tlv(("01", "A" * 26))), "unreadable_object"),
        (qr(t64=tlv(("00", "TH"))), "unreadable_object"),
        (qr(t80=tlv(("00", "X"))), "unreadable_object"),
        (bill(biller="0105551234567"), "biller_id_13_digits"),
        (bill(t29="0016A00000067701011101130066812345678"), "two_receivers"),
    ],
)
def test_what_moves_no_money_is_only_remarked(text: str, warning: str) -> None:
    assert warnings_of(text) == (warning,)


def test_a_qr_without_a_label_is_ordinary() -> None:
    assert warnings_of(qr(t01=None)) == warnings_of(qr(t01=None, t54=None)) == ()


def test_the_check_digit_of_a_real_id_is_right() -> None:
    assert warnings_of(qr(t29="0016A00000067701011102130105540087061")) == ()


def test_both_receivers_are_told_when_a_qr_has_both() -> None:
    both = parse_payment(bill(t29="0016A00000067701011101130066812345678"))
    assert both.kind is QrKind.CREDIT_TRANSFER
    assert (both.proxy and both.proxy.id, both.ref1) == ("0812345678", "INV1")


@pytest.mark.parametrize(
    "changes",
    [
        {"t53": "840"},
        {"t58": "SG"},
        {"t53": "840", "t58": "SG"},
        {"t53": "840", "t58": "SG", "t29": None},
        {"t53": "840", "t58": "SG", "t29": "0016a000000677010111" + "01130066812345678"},
    ],
)
def test_only_a_qr_that_claims_nothing_thai_is_foreign(changes: dict[str, str | None]) -> None:
    assert "emv" not in errors_of(qr(**changes))


def test_a_foreign_qr_keeps_its_amount_as_text() -> None:
    foreign = parse_payment(qr(t53="840", t58="SG", t29="0010D123456789", t54="1.234"))
    assert (foreign.kind, foreign.amount, foreign.value("54")) == (QrKind.EMV, None, "1.234")


def test_every_refusal_is_one_of_the_table() -> None:
    assert all(code == cls.code and issubclass(cls, QrRefusal) for code, cls in BY_CODE.items())


def test_a_refusal_says_where_it_is() -> None:
    with pytest.raises(QrRefusal) as refused:
        parse_payment(qr(t54="0"))
    assert (refused.value.param, refused.value.detail) == ("54", "Zero (tag 54).")


def test_a_huge_text_is_answered_at_once() -> None:
    assert errors_of(seal("0002" + "01" * 3_000_000))[0] in BY_CODE
    assert errors_of("5" * 3_000_000)[0] in BY_CODE


def test_a_text_of_thousands_of_equal_objects_is_a_repetition() -> None:
    assert errors_of(seal("000201" + "5303764" * 50_000))[0] == "duplicate_id"


def test_a_result_is_the_same_whichever_way_it_was_read() -> None:
    assert isinstance(check(MOBILE_100), PaymentQr)
    assert check(MOBILE_100) == check(MOBILE_100, Op.PAYMENT, Level.STRICT) == parse_payment(MOBILE_100)
