"""The text inside the bank's QRs: tags 30 and 31 as in the sample, card schemes for card QR (pack A4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from quickkub.kernel.money import Money, decimal_text
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import put_all, walk

BILLER: Final = "0105558080778"
_BILL_AID: Final = "A000000677010112"
_SWITCH_AID: Final = "A000000677010113"
_CRC_OBJECT: Final = 8

SAMPLE: Final = (
    "00020101021230690016A000000677010112011301055580807780211LEX110000020313LEX026039306931590016A0000006770101"
    "1301030040211LEX110000020413LEX02603930695303764540512.815802TH6304A2C1"
)
"""The documented sample, which the exercises give."""


def thai_qr(ref1: str, ref2: str, amount: Money) -> str:
    """QR type 3."""
    bill = put_all((("00", _BILL_AID), ("01", BILLER), ("02", ref1), ("03", ref2)))
    switch = put_all((("00", _SWITCH_AID), ("01", "004"), ("02", ref1), ("04", ref2)))
    return _sealed((("30", bill), ("31", switch)), amount)


def card_qr(number: int, amount: Money) -> str:
    """QR type 4, with made-up card scheme accounts: the content of a card QR is not public."""
    return _sealed((("02", f"4{number:015d}"), ("04", f"5{number:015d}")), amount)


def _sealed(accounts: tuple[tuple[str, str], ...], amount: Money) -> str:
    tail = (("53", "764"), ("54", decimal_text(amount)), ("58", "TH"))
    body = put_all((("00", "01"), ("01", "12"), *accounts, *tail)) + "6304"
    return body + checksum(body)


def rebuilt(text: str, is_amount: bool) -> str:
    """The same QR with one baht more, or in dollars."""
    objects = walk(text, len(text) - _CRC_OBJECT).objects
    other = [
        ("54", f"{Decimal(value) + 1:f}")
        if is_amount and ident == "54"
        else ("53", "840")
        if not is_amount and ident == "53"
        else (ident, value)
        for ident, value in objects
    ]
    body = put_all(other) + "6304"
    return body + checksum(body)
