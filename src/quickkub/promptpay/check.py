"""One door for any text a shop may be shown: find out what it is, read it, and refuse by name."""

from __future__ import annotations

import re
from enum import StrEnum

from quickkub.promptpay.barcode import parse_barcode
from quickkub.promptpay.envelope import PAYMENT_CRC, begins_like_payment, crc_in_place, slip_crc_width
from quickkub.promptpay.model import BankSlip, BillBarcode, PaymentQr, TrueMoneySlip
from quickkub.promptpay.parse import parse_payment
from quickkub.promptpay.slip import parse_slip

Read = PaymentQr | BankSlip | TrueMoneySlip | BillBarcode


class Op(StrEnum):
    """What a text is asked to be."""

    PAYMENT = "parse_payment"
    SLIP = "parse_slip"
    BARCODE = "parse_barcode"


class Level(StrEnum):
    """How much is let through: `always` refuses what every mode refuses, `strict` all that is not exact."""

    ALWAYS = "always"
    STRICT = "strict"


def detect(payload: str) -> Op:
    """What a text most looks like, judged by how it begins and where its checksum stands; never raises."""
    text = payload.strip()
    if text.startswith("|"):
        return Op.BARCODE
    if begins_like_payment(text) or crc_in_place(text, PAYMENT_CRC):
        return Op.PAYMENT
    # A slip opens with a template, so its first length has two places; a damaged payment's rarely does.
    if slip_crc_width(text) or re.match(r"00[1-9][0-9]", text):
        return Op.SLIP
    return Op.PAYMENT


def check(payload: str, op: Op | None = None, level: Level = Level.ALWAYS) -> Read:
    """Read `payload` as `op`, or as what it looks like. Raises QrRefusal, and nothing else, for any text."""
    strict = level is Level.STRICT
    match op or detect(payload):
        case Op.PAYMENT:
            return parse_payment(payload, strict=strict)
        case Op.SLIP:
            return parse_slip(payload, strict=strict)
        case Op.BARCODE:
            return parse_barcode(payload, strict=strict)


def parse_any(payload: str, *, strict: bool = True) -> Read:
    """`check` for callers who have no operation in mind."""
    return check(payload, None, Level.STRICT if strict else Level.ALWAYS)
