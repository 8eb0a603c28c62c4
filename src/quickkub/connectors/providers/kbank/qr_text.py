"""What a QR text says about currency and amount, whatever schemes it carries (EMVCo; pack A4, D3)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.reading import Garbled, Unexpected
from quickkub.kernel.money import THB, BadAmount, Money, read_decimal
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import first_values, walk

_CRC_LETTERS: Final = 4
_CRC_OBJECT: Final = "6304"

SAMPLE: Final = (
    "00020101021230690016A000000677010112011301055580807780211LEX110000020313LEX026039306931590016A0000006770101"
    "1301030040211LEX110000020413LEX02603930695303764540512.815802TH6304A2C1"
)
"""The documented example, which the sandbox gives whatever amount it is asked for (pack A4)."""


def check_qr(text: str, asked: Money, *, is_test: bool) -> str:
    """The text, if it is a whole QR in baht that asks for `asked` (P12). Raises Garbled.

    Only a test account is given the bank's documented sample, which asks for another amount.
    """
    body, crc = text[:-_CRC_LETTERS], text[-_CRC_LETTERS:]
    if not (text.isascii() and text.isprintable() and body.endswith(_CRC_OBJECT)):
        raise Garbled("qrCode is no EMV text")
    if checksum(body) != crc.upper():
        raise Garbled("qrCode has a wrong checksum")
    walked = walk(text, len(text))
    if walked.faults or not walked.whole:
        raise Garbled("qrCode cannot be split")
    values = first_values(walked.objects)
    if values.get("53") != THB.numeric:
        raise Unexpected("qrCode is not in baht")
    if is_test and text == SAMPLE:
        return text
    try:
        amount = read_decimal(values.get("54", ""), THB)
    except BadAmount:
        raise Garbled("qrCode names no amount") from None
    if amount != asked:
        raise Unexpected("qrCode asks for another amount than we did")
    return text
