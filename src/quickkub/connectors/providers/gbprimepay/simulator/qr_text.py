"""The text inside GBPrimePay's QRs: a bill QR of one biller for all shops (pack 5.1)."""

from __future__ import annotations

from quickkub.connectors.providers.gbprimepay.simulator.book import Transaction
from quickkub.kernel.money import decimal_text
from quickkub.promptpay.aids import BILL_DOMESTIC
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import put_all

_REFERENCE_LETTERS = 18
_NAME_LETTERS = 25


def bill_qr(one: Transaction) -> str:
    """The real sample is what this gives for its values, checksum `746D`."""
    bill = put_all(
        (
            ("00", BILL_DOMESTIC),
            ("01", one.shop.biller),
            ("02", one.digits.rjust(_REFERENCE_LETTERS, "0")),
            ("03", one.reference.rjust(_REFERENCE_LETTERS, "0")),
        )
    )
    return _sealed((("00", "01"), ("01", "12"), ("30", bill)), one)


def card_qr(one: Transaction) -> str:
    """EMVCo's form of a QR for card schemes; GBPrimePay's own is not public."""
    schemes = (("02", "4" + one.digits), ("04", "5" + one.digits))
    return _sealed((("00", "01"), ("01", "12"), *schemes, ("52", "7399")), one)


def _sealed(head: tuple[tuple[str, str], ...], one: Transaction) -> str:
    text = put_all(
        (
            *head,
            ("53", "764"),
            ("54", decimal_text(one.amount)),
            ("58", "TH"),
            ("59", one.shop.name[:_NAME_LETTERS]),
        )
    )
    return f"{text}6304{checksum(text + '6304')}"
