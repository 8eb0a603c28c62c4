"""Slip mini-QRs of banks and of TrueMoney: keys to ask with, proof of nothing (promptpay pack 3.1, 3.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from quickkub.promptpay.crc import checksum
from quickkub.promptpay.envelope import (
    CRC_CHARACTERS,
    CRC_LENGTH,
    PAYMENT_CRC,
    SLIP_CRC,
    begins_like_payment,
    crc_in_place,
    read_envelope,
    slip_crc_width,
    trim,
)
from quickkub.promptpay.errors import (
    BadDate,
    BadSendingBank,
    FieldBadCharacter,
    FieldTooLong,
    MissingTransRef,
    RefBadCharacter,
    RefTooLong,
)
from quickkub.promptpay.fields import THAILAND
from quickkub.promptpay.findings import UNKNOWN_OBJECT, UNREADABLE_OBJECT, Findings
from quickkub.promptpay.model import BankSlip, TrueMoneySlip
from quickkub.promptpay.tlv import Objects, first_values, printable_ascii, put, put_all, walk

API_ID: Final = "000001"
TRUEMONEY_MARKER: Final = "01"
TRANS_REF_MAX: Final = 25
EVENT_MAX: Final = 25

_BANK_CODE: Final = re.compile(r"[0-9]{3}")
_TRANS_REF: Final = re.compile(r"[0-9A-Za-z]+")
_EIGHT_DIGITS: Final = re.compile(r"[0-9]{8}")

Part = Mapping[str, str]


def parse_slip(payload: str, *, strict: bool = True) -> BankSlip | TrueMoneySlip:
    """Read a slip mini-QR. Lenient mode restores leading zeros that some bank apps drop from the checksum.

    A genuine slip QR can stand on an edited picture: only the bank's own record settles a payment (pack 6.3).
    Raises the QrRefusal named after the first fault; its `errors` has the codes of all of them.
    """
    found = Findings(strict=strict)
    slip = _examine(payload, found)
    found.raise_if_refused()
    assert slip is not None  # _examine gives None only together with an error
    return slip


def _examine(payload: str, found: Findings) -> BankSlip | TrueMoneySlip | None:
    text = trim(payload, found)
    if not text:
        return None
    if text.startswith("|") or (begins_like_payment(text) and crc_in_place(text, PAYMENT_CRC)):
        found.refuse("not_a_slip")
        return None
    truemoney = _is_truemoney(text)
    whole_text = _with_whole_crc(text, found)
    walked = read_envelope(whole_text, SLIP_CRC, found, any_case=truemoney)
    if whole_text != text and "bad_crc" in found.errors:
        found.refuse("truncated_tlv", SLIP_CRC)  # the padding repaired nothing
    root = first_values(walked.objects)
    if "00" not in root:
        if walked.whole:
            found.refuse("not_a_slip")
        return None
    if next(iter(root)) != "00":
        found.object_to("first_object_not_00")
    part = _open_template(root["00"], found)
    if part is None:
        return None
    objects = (*walked.objects, (SLIP_CRC, whole_text[-CRC_CHARACTERS:]))
    if truemoney:
        return _examine_truemoney(part, objects, found)
    return _examine_bank(part, objects, found, whole=walked.whole)


def _is_truemoney(text: str) -> bool:
    """Both markers are `01`; one of them alone is not enough."""
    outer = first_values(walk(text, len(text)).objects)
    part = first_values(walk(outer.get("00", ""), len(outer.get("00", ""))).objects)
    return part.get("00") == TRUEMONEY_MARKER == part.get("01")


def _with_whole_crc(text: str, found: Findings) -> str:
    """Pad a shortened checksum back to four characters; strict mode refuses one as cut off."""
    width = slip_crc_width(text)
    if width in {0, CRC_CHARACTERS}:
        return text
    padded = text[:-width] + text[-width:].rjust(CRC_CHARACTERS, "0")
    found.object_to("truncated_tlv", SLIP_CRC)
    return padded


def _open_template(value: str, found: Findings) -> Part | None:
    walked = walk(value, len(value))
    if any(fault.code != "duplicate_id" for fault in walked.faults):
        found.refuse("bad_sub_tlv", "00")
    for fault in walked.faults:
        found.refuse(fault.code, "00")
    return None if walked.faults else first_values(walked.objects)


def _examine_bank(part: Part, objects: Objects, found: Findings, *, whole: bool) -> BankSlip:
    root = first_values(objects)
    api, bank, reference = part.get("00"), part.get("01", ""), part.get("02", "")
    if api is None:
        found.refuse("not_a_slip", "00")
    elif api != API_ID:
        found.refuse("unknown_slip_api", "00-00")
    if not _BANK_CODE.fullmatch(bank):
        found.refuse("bad_sending_bank", "00-01")
    if not reference:
        found.refuse("missing_trans_ref", "00-02")
    elif len(reference) > TRANS_REF_MAX:
        found.refuse("ref_too_long", "00-02")
    if reference and not _TRANS_REF.fullmatch(reference):
        found.refuse("ref_bad_character", "00-02")
    country = root.get("51")
    if country is None and whole:
        found.object_to("missing_country")
    elif country is not None and country != THAILAND:
        found.refuse("country_not_th", "51")
    if part.keys() - {"00", "01", "02"} or root.keys() - {"00", "51", SLIP_CRC}:
        found.note(UNKNOWN_OBJECT)
    return BankSlip(bank, reference, found.warnings, objects)


def _examine_truemoney(part: Part, objects: Objects, found: Findings) -> TrueMoneySlip:
    event, transaction, day = part.get("02", ""), part.get("03", ""), part.get("04", "")
    if not transaction:
        found.refuse("missing_trans_ref", "00-03")
    elif not printable_ascii(transaction):
        found.refuse("ref_bad_character", "00-03")
    # One library writes YYYYMMDD, so an order of day and year that is not ours refuses nothing.
    if not event or not printable_ascii(event) or not _EIGHT_DIGITS.fullmatch(day):
        found.note(UNREADABLE_OBJECT)
    if part.keys() - {"00", "01", "02", "03", "04"} or first_values(objects).keys() - {"00", SLIP_CRC}:
        found.note(UNKNOWN_OBJECT)
    return TrueMoneySlip(event, transaction, day, found.warnings, objects)


def slip_date(slip: TrueMoneySlip) -> date | None:
    """The day of a TrueMoney slip read as DDMMYYYY, or None when it is no such day."""
    text = slip.date
    if not _EIGHT_DIGITS.fullmatch(text):
        return None
    try:
        return date(int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return None


def build_slip(slip: BankSlip) -> str:
    """The mini-QR of a bank slip, for tests and simulators.

    Raises BadSendingBank, MissingTransRef, RefTooLong, RefBadCharacter.
    """
    if not _BANK_CODE.fullmatch(slip.sending_bank):
        raise BadSendingBank(param="sending_bank")
    if not slip.trans_ref:
        raise MissingTransRef(param="trans_ref")
    if len(slip.trans_ref) > TRANS_REF_MAX:
        raise RefTooLong("a transaction reference has at most 25 characters", param="trans_ref")
    if not _TRANS_REF.fullmatch(slip.trans_ref):
        raise RefBadCharacter("a transaction reference is ASCII letters and digits", param="trans_ref")
    inner = put_all((("00", API_ID), ("01", slip.sending_bank), ("02", slip.trans_ref)))
    text = put("00", inner) + put("51", THAILAND) + SLIP_CRC + CRC_LENGTH
    return text + checksum(text)


def build_truemoney_slip(slip: TrueMoneySlip) -> str:
    """TrueMoney's slip QR, for tests and simulators: no country, checksum in lower case.

    Raises FieldTooLong, FieldBadCharacter, MissingTransRef, RefBadCharacter, BadDate.
    """
    if not slip.transaction_id:
        raise MissingTransRef(param="transaction_id")
    if not printable_ascii(slip.transaction_id):
        raise RefBadCharacter("a transaction id is printable ASCII", param="transaction_id")
    if not 0 < len(slip.event_type) <= EVENT_MAX:
        raise FieldTooLong("an event type has 1 to 25 characters", param="event_type")
    if not printable_ascii(slip.event_type):
        raise FieldBadCharacter(param="event_type")
    if slip_date(slip) is None:
        raise BadDate(param="date")
    marker = TRUEMONEY_MARKER
    inner = put_all(
        (
            ("00", marker),
            ("01", marker),
            ("02", slip.event_type),
            ("03", slip.transaction_id),
            ("04", slip.date),
        )
    )
    text = put("00", inner) + SLIP_CRC + CRC_LENGTH
    return text + checksum(text).lower()
