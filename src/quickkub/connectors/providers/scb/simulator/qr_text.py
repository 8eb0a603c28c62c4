"""The text inside the bank's QRs, in the bank's own order of objects (pack 4.1)."""

from __future__ import annotations

from collections.abc import Callable

from quickkub.kernel.money import Money, decimal_text
from quickkub.promptpay.aids import BILL_DOMESTIC
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import put, put_all, walk

_CRC_OBJECT = 8
_CITY = "BANGKOK"


def bill_qr(biller_id: str, ref1: str, ref2: str, ref3: str, amount: Money) -> str:
    """QR 30: the published example is what this gives for its values, checksum `CE18`."""
    bill = bill_content(biller_id, ref1, ref2)
    extra = put("07", ref3) if ref3 else None
    return sealed(
        put_all(
            (
                ("00", "01"),
                ("01", "12"),
                ("30", bill),
                ("52", "7011"),
                ("53", "764"),
                ("54", decimal_text(amount)),
                ("58", "TH"),
                ("60", _CITY),
                ("62", extra),
            )
        )
    )


def card_qr(
    merchant_name: str, invoice: str, terminal: str, amount: Money, number: int, bill: str | None = None
) -> str:
    """QR CS with made-up card scheme accounts, or QR PPCS when `bill` holds the content of tag 30.

    The public reference does not show the content of a card QR; this is EMVCo's form of one.
    """
    extra = put_all((("01", invoice), ("07", terminal)))
    return sealed(
        put_all(
            (
                ("00", "01"),
                ("01", "12"),
                ("02", f"4{number:015d}"),
                ("04", f"5{number:015d}"),
                ("30", bill),
                ("52", "7011"),
                ("53", "764"),
                ("54", decimal_text(amount)),
                ("58", "TH"),
                ("59", merchant_name[:25]),
                ("60", _CITY),
                ("62", extra),
            )
        )
    )


def bill_content(biller_id: str, ref1: str, ref2: str) -> str:
    """The content of tag 30."""
    return put_all((("00", BILL_DOMESTIC), ("01", biller_id), ("02", ref1), ("03", ref2 or None)))


def sealed(objects: str) -> str:
    """Objects with the checksum behind them."""
    text = objects + "6304"
    return text + checksum(text)


def rebuilt(text: str, amount: Callable[[str], str]) -> str:
    """The same QR with another amount text."""
    objects = walk(text, len(text) - _CRC_OBJECT).objects
    return sealed(put_all((tag, amount(value) if tag == "54" else value) for tag, value in objects))
