"""The BOT bill barcode: `|`, biller id, ref1, ref2 and whole satang, with carriage returns between them.

There is no checksum in it (promptpay pack 3.4).
"""

from __future__ import annotations

import re
from typing import Final

from quickkub.kernel.money import Money
from quickkub.promptpay.amount import AMOUNT_TEXT_MAX, SATANG_MAX, baht_text
from quickkub.promptpay.findings import BILLER_ID_13_DIGITS, Findings
from quickkub.promptpay.model import BillBarcode, BillPayment
from quickkub.promptpay.references import (
    check_biller_id,
    check_reference,
    require_biller_id,
    require_reference,
)
from quickkub.promptpay.tlv import ascii_digits

PIPE: Final = "|"
SEPARATOR: Final = "\r"
_SEPARATORS: Final = 3
# What people put between the fields instead of a carriage return.
_OTHER_SEPARATOR: Final = re.compile(r"[\x00-\x0c\x0e-\x1f\x7f,;:|/\\ ]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f|]")
_NEGATIVE: Final = re.compile(r"-[0-9]+")


def parse_barcode(payload: str, *, strict: bool = True) -> BillBarcode:
    """Read a bill barcode. An amount of `0` means that the payer chooses, and gives None.

    Raises the QrRefusal named after the first fault; its `errors` has the codes of all of them.
    """
    found = Findings(strict=strict)
    barcode = _examine(payload, found)
    found.raise_if_refused()
    assert barcode is not None  # _examine gives None only together with an error
    return barcode


def build_barcode(barcode: BillBarcode) -> str:
    """The barcode's text.

    Raises BadBillerId, MissingRef1, RefTooLong, RefBadCharacter and the refusals of `baht_text`.
    """
    require_biller_id(barcode.biller_id)
    require_reference(barcode.ref1, "ref1")
    if barcode.ref2:
        require_reference(barcode.ref2, "ref2")
    satang = 0
    if barcode.amount is not None:
        baht_text(barcode.amount)  # the same bounds and currency as tag 54
        satang = barcode.amount.minor
    return SEPARATOR.join((PIPE + barcode.biller_id, barcode.ref1, barcode.ref2 or "", str(satang)))


def bill_payment_of(barcode: BillBarcode) -> BillPayment:
    """The same four fields as a tag 30 QR, which works for some billers only (pack 3.4)."""
    return BillPayment(barcode.biller_id, barcode.ref1, ref2=barcode.ref2, amount=barcode.amount)


def _examine(payload: str, found: Findings) -> BillBarcode | None:
    text = payload.lstrip()
    if not text:
        found.refuse("empty_payload")
        return None
    if text != payload:
        found.object_to("leading_whitespace")
    if not text.startswith(PIPE):
        found.refuse("not_a_barcode")
        return None
    # An empty last field would be lost to a general strip, as carriage returns are white space, too.
    fields = text[1:].split(SEPARATOR, _SEPARATORS)
    amount = fields[-1].rstrip()
    if amount != fields[-1]:
        found.object_to("trailing_whitespace")
        fields[-1] = amount
    if len(fields) <= _SEPARATORS:
        if any(_OTHER_SEPARATOR.search(field) for field in fields):
            found.refuse("barcode_wrong_separator")
        found.refuse("barcode_missing_field")
        return None
    return _examine_fields(fields[0], fields[1], fields[2], amount, found)


def _examine_fields(biller_id: str, ref1: str, ref2: str, amount: str, found: Findings) -> BillBarcode:
    if any(_CONTROL.search(field) for field in (biller_id, ref1, ref2)):
        found.refuse("barcode_wrong_separator")
    check_biller_id(biller_id or None, found, "biller id")
    if len(biller_id) == 13:  # noqa: PLR2004 - the form without the bank's suffix
        found.note(BILLER_ID_13_DIGITS)
    if ref1:
        check_reference(ref1, found, "ref1")
    else:
        found.refuse("missing_ref1", "ref1")
    check_reference(ref2, found, "ref2")
    satang = _satang(amount, found)
    return BillBarcode(biller_id, ref1, ref2 or None, Money(satang) if satang else None, found.warnings)


def _satang(text: str, found: Findings) -> int:
    """Whole satang without a decimal point; 0 together with a finding when it is not."""
    if not text:
        found.refuse("amount_empty", "amount")
    elif not ascii_digits(text):
        if len(text) > AMOUNT_TEXT_MAX:
            found.refuse("amount_too_long", "amount")
        negative = _NEGATIVE.fullmatch(text)
        found.refuse("amount_negative" if negative else "amount_bad_character", "amount")
    elif len(text.lstrip("0")) > len(str(SATANG_MAX)):
        found.refuse("amount_too_long", "amount")
    else:
        # int() refuses thousands of digits, and leading zeros are digits to it.
        return int(text.lstrip("0") or "0")
    return 0
