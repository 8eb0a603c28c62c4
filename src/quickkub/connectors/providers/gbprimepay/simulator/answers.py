"""How GBPrimePay writes: resultCode, amounts as numbers of baht, plain texts; the same gone wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import put_all, walk

Json = dict[str, Any]

MESSAGES: Final = {
    "00": "Success",
    "11": "Invalid referenceNo",
    "12": "Invalid gbpReferenceNo",
    "14": "Invalid amount",
    "17": "Customer Cancellation",
    "21": "Duplicate Transaction",
    "22": "Overdue",
    "30": "Format error",
    "51": "Insufficient funds",
    "54": "Expired card",
    "55": "Incorrect PIN or OTP",
    "94": "Duplicate transmission",
    "99": "System error",
}


class Refused(Exception):
    """GBPrimePay says no, in one of its ways."""

    def __init__(self, body: Json | str, status: int = 200) -> None:
        super().__init__(str(body))
        self.body, self.status = body, status


def incomplete() -> Refused:
    return Refused("Incomplete information")


def coded(code: str, message: str = "", **more: Any) -> Refused:
    """A refusal with a resultCode."""
    return Refused({**more, "resultCode": code, "resultMessage": message or MESSAGES.get(code, "Refused")})


def answer(body: Json | str, status: int = 200) -> web.Response:
    """JSON, or a plain text as many refusals are."""
    if isinstance(body, str):
        return web.Response(text=body, status=status, content_type="text/html")
    return web.Response(body=written(body).encode(), status=status, content_type="application/json")


def trouble(_: int) -> bytes:
    """The body of a failure of the whole service."""
    return written({"resultCode": "99", "resultMessage": MESSAGES["99"]}).encode()


def written(value: object) -> str:
    """JSON in which a decimal is a number with exactly its own decimals."""
    match value:
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return "{" + ",".join(f"{json.dumps(key)}:{written(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


# --- gone wrong ---


def distort(body: bytes, what: str) -> bytes:
    """One baht more everywhere; or dollars in a QR, and other numbers where no currency is named."""
    if not body.startswith(b"{"):
        return body
    value = json.loads(body, parse_float=Decimal)
    return written(_distorted(value, what)).encode()


def _distorted(value: Any, what: str) -> Any:
    match value:
        case dict():
            return {name: _field(name, one, what) for name, one in value.items()}
        case list():
            return [_distorted(one, what) for one in value]
        case _:
            return value


def _field(name: str, value: Any, what: str) -> Any:
    if name == "amount" and isinstance(value, str):
        return f"{_other(Decimal(value), what):.2f}"
    if name == "amount" and isinstance(value, int | Decimal):
        return _other(Decimal(value), what)
    if name == "qrcode" and isinstance(value, str):
        return _other_qr(value, what)
    return _distorted(value, what)


def _other(amount: Decimal, what: str) -> Decimal:
    if what == "wrong_amount":
        return amount + 1
    return (amount * Decimal("0.03")).quantize(Decimal("0.01"))


def _other_qr(text: str, what: str) -> str:
    objects = []
    for tag, value in walk(text, len(text)).objects:
        if tag == "54" and what == "wrong_amount":
            objects.append((tag, f"{Decimal(value) + 1:.2f}"))
        elif tag == "53" and what == "wrong_currency":
            objects.append((tag, "840"))
        elif tag != "63":
            objects.append((tag, value))
    head = put_all(objects) + "6304"
    return head + checksum(head)
