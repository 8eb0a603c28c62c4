"""The full examination of a payment QR: every fault that can be found, in the order of promptpay pack 8.

This is the authority. `parse.py` has a shortcut for flawless QRs that must never disagree with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.promptpay import aids, templates
from quickkub.promptpay.amount import SATANG_MAX, amount_faults, satang_of
from quickkub.promptpay.envelope import (
    CRC_CHARACTERS,
    PAYMENT_CRC,
    SLIP_CRC,
    begins_like_payment,
    crc_in_place,
    crc_value_ok,
    read_envelope,
    slip_crc_width,
    trim,
)
from quickkub.promptpay.fields import (
    BAHT,
    CITY_MAX,
    DYNAMIC,
    MCC_LENGTH,
    NAME_MAX,
    POSTAL_MAX,
    STATIC,
    THAILAND,
)
from quickkub.promptpay.findings import (
    AMOUNT_ABOVE_MAXIMUM,
    DYNAMIC_WITHOUT_AMOUNT,
    NOT_THAI_QR,
    STATIC_WITH_AMOUNT,
    TIP_PRESENT,
    UNKNOWN_OBJECT,
    UNREADABLE_OBJECT,
    Findings,
)
from quickkub.promptpay.model import PaymentQr, QrKind
from quickkub.promptpay.receivers import check_receivers, kind_of, ota_of
from quickkub.promptpay.templates import Root, Templates
from quickkub.promptpay.tlv import Objects, ascii_digits, first_values, printable_ascii, walk

_TIP_TAGS: Final = ("55", "56", "57")
_READ_TAGS: Final = frozenset(
    {"00", "01", "52", "53", "54", "58", "59", "60", "61", "62", "64", "80", aids.TRANSFER_TAG, aids.BILL_TAG}
    | {aids.INNOVATION_TAG, *_TIP_TAGS}
)


def examine(text: str, found: Findings) -> PaymentQr | None:
    """Look at everything and report to `found`. None when something refuses; the caller raises."""
    text = trim(text, found)
    if not text or _is_something_else(text, found):
        return None
    walked = read_envelope(text, PAYMENT_CRC, found)
    root = first_values(walked.objects)
    _check_format(root, found, whole=walked.whole)
    inner = _split_templates(walked.objects, found)
    foreign = walked.whole and _is_foreign(root, inner)
    proxy = biller = None
    if foreign:
        found.note(NOT_THAI_QR)
    else:
        proxy, biller = check_receivers(root, inner, found, whole=walked.whole)
        _check_currency_and_country(root, found, whole=walked.whole)
    ota = ota_of(inner.get(aids.TRANSFER_TAG, {}))
    satang = _check_amount(root, found, foreign=foreign)
    _check_texts(root, found)
    _note_details(walked.objects, inner, found, foreign=foreign)
    if found.errors:
        return None
    return PaymentQr(
        kind=QrKind.EMV if foreign else kind_of(proxy, ota),
        point_of_initiation=root.get("01"),
        amount_satang=satang,
        proxy=proxy,
        ota=ota,
        biller=biller,
        objects=(*walked.objects, (PAYMENT_CRC, text[-CRC_CHARACTERS:])),
        warnings=found.warnings,
    )


def _is_something_else(text: str, found: Findings) -> bool:
    """A slip mini-QR or a bill barcode shown where a payment QR is asked for."""
    barcode = text.startswith("|") and "\r" in text
    slip_crc = 0 if begins_like_payment(text) or crc_in_place(text, PAYMENT_CRC) else slip_crc_width(text)
    slip = slip_crc > 0
    if barcode or slip:
        found.refuse("not_a_payment")
    if slip and not crc_value_ok(text[: len(text) - slip_crc] + text[-slip_crc:].rjust(4, "0")):
        found.refuse("bad_crc", SLIP_CRC)
    return barcode or slip


def _check_format(root: Root, found: Findings, *, whole: bool) -> None:
    version = root.get("00")
    if version is None:
        if whole:
            found.refuse("missing_payload_format")
    else:
        if next(iter(root)) != "00":
            found.object_to("first_object_not_00")
        if version != "01":
            found.refuse("unknown_payload_format", "00")
    if root.get("01", STATIC) not in {STATIC, DYNAMIC}:
        found.refuse("unknown_point_of_initiation", "01")


def _split_templates(objects: Objects, found: Findings) -> Templates:
    """Sub-objects of every template by tag; one that does not split keeps what could be read of it."""
    inner: dict[str, Mapping[str, str]] = {}
    for tag, value in objects:
        if tag not in templates.NESTING_TAGS or tag in inner:
            continue
        walked = walk(value, len(value))
        broken = [fault.code for fault in walked.faults if fault.code != "duplicate_id"]
        if broken:
            found.refuse("bad_sub_tlv", tag)
        for fault in walked.faults:
            found.refuse(fault.code, tag)
        inner[tag] = first_values(walked.objects)
        if tag in templates.ACCOUNT_TAGS and "00" not in inner[tag] and not broken:
            found.refuse("missing_aid", tag)
    return inner


def _is_foreign(root: Root, inner: Templates) -> bool:
    """A QR of another country claims nothing Thai: other currency, other country, no Thai application."""
    claims = (inner[tag].get("00", "") for tag in templates.ACCOUNT_TAGS & inner.keys())
    return (
        root.get("53", BAHT) != BAHT
        and root.get("58", THAILAND) != THAILAND
        and any("02" <= tag <= "51" for tag in root)
        and not any(claim.upper().startswith(aids.THAI_PREFIX) for claim in claims)
    )


def _check_currency_and_country(root: Root, found: Findings, *, whole: bool) -> None:
    for tag, wanted, missing, wrong in (
        ("53", BAHT, "missing_currency", "currency_not_thb"),
        ("58", THAILAND, "missing_country", "country_not_th"),
    ):
        value = root.get(tag)
        if value is None and whole:
            found.object_to(missing)
        elif value is not None and value != wanted:
            found.refuse(wrong, tag)


def _check_amount(root: Root, found: Findings, *, foreign: bool) -> int | None:
    """Satang, or None without a THB amount. A fault, or a label that does not fit the amount, is reported."""
    text = root.get("54")
    if text is None:
        if root.get("01") == DYNAMIC and not foreign:
            found.note(DYNAMIC_WITHOUT_AMOUNT)
        return None
    faults = amount_faults(text, decimals=None) if foreign else amount_faults(text)
    for fault in faults:
        found.refuse(fault, "54")
    if faults or foreign:
        return None
    if root.get("01") == STATIC:
        found.note(STATIC_WITH_AMOUNT)
    satang = satang_of(text)
    if satang > SATANG_MAX:
        # 11 to 13 digits without decimals are legal on the wire; with two decimals they would not fit.
        found.note(AMOUNT_ABOVE_MAXIMUM)
    return satang


def _check_texts(root: Root, found: Findings) -> None:
    name, city = root.get("59", ""), root.get("60", "")
    if len(name) > NAME_MAX:
        found.refuse("name_too_long", "59")
    if not printable_ascii(name):
        found.refuse("name_bad_character", "59")
    if len(city) > CITY_MAX:
        found.refuse("city_too_long", "60")


def _note_details(objects: Objects, inner: Templates, found: Findings, *, foreign: bool) -> None:
    """What is odd but moves no money: warn, and leave it to the reader."""
    root = first_values(objects)
    if not foreign and any(tag in root for tag in _TIP_TAGS):
        found.note(TIP_PRESENT)
    message = root.get(templates.MESSAGE_TAG)
    unknown = root.keys() - _READ_TAGS - {PAYMENT_CRC}
    if message is not None and templates.read_message(message) is not None:
        unknown -= {templates.MESSAGE_TAG}
    if unknown and not foreign:
        found.note(UNKNOWN_OBJECT)
    mcc, city, postal = root.get("52"), root.get("60", ""), root.get("61", "")
    readable = (
        (mcc is None or (len(mcc) == MCC_LENGTH and ascii_digits(mcc)))
        and printable_ascii(city)
        and len(postal) <= POSTAL_MAX
        and printable_ascii(postal)
        and ("62" not in inner or templates.read_additional(root["62"]) is not None)
        and ("64" not in inner or templates.read_language(root["64"]) is not None)
        and ("80" not in inner or templates.read_vat(root["80"]) is not None)
    )
    if not readable:
        found.note(UNREADABLE_OBJECT)
