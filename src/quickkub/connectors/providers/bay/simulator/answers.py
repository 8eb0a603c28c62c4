"""The bank's answers: its own with a returnCode, the gateway's with an error object (bay.md A8)."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from quickkub.connectors.reading import read_object
from quickkub.kernel.clock import BANGKOK
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import put_all, walk

CRC_LETTERS: Final = 8
TEXTS: Final = {
    "10000": "Success",
    "21000": "Invalid signature",
    "21001": "Invalid bizMchId",
    "21002": "Invalid biller id",
    "21004": "Page size over 30",
    "31001": "QR already scanned",
    "31002": "QR expired",
    "32201": "Transaction not found",
    "32301": "QR format error",
    "32322": "Trade closed",
    "32341": "Read detail failed",
    "32351": "Read list failed",
}
AMOUNTS: Final = frozenset({"amount", "settleAmount"})
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class No(Exception):
    """The bank says no, with HTTP 200 and a code."""

    def __init__(self, code: str) -> None:
        super().__init__(TEXTS[code])
        self.code = code


class Stopped(Exception):
    """The gateway before the bank says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def success(**more: Any) -> dict[str, Any]:
    return {"returnCode": "10000", "message": TEXTS["10000"], **more}


def written(said: Any, status: int = 200) -> web.Response:
    return web.Response(body=_JSON.encode(said), status=status, content_type="application/json")


def stopped(trouble: Stopped, now: datetime, client_id: str) -> web.Response:
    """The gateway's error object, seen on other Krungsri APIs."""
    return written(gateway_error(trouble.code, str(trouble), now, client_id), trouble.status)


def gateway_error(code: str, message: str, now: datetime, client_id: str) -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": message,
            "messageTH": "-",
            "serverDateTime": now.astimezone(BANGKOK).isoformat(timespec="milliseconds"),
            "clientTransactionID": client_id,
            "serverTransactionID": str(uuid.uuid4()),
        }
    }


def distort(body: bytes, what: str) -> bytes:
    """One baht more, or another currency: in the QR its tag 53, elsewhere a word beside the amount.

    The API has no field for a currency, so a payment in dollars could only be seen in the text.
    """
    return _JSON.encode(_other(read_object(body), more=what == "wrong_amount"))


def _other(value: Any, *, more: bool) -> Any:
    match value:
        case dict():
            return {name: _changed(name, inner, more=more) for name, inner in value.items()}
        case list():
            return [_other(inner, more=more) for inner in value]
        case _:
            return value


def _changed(name: str, value: Any, *, more: bool) -> Any:
    if name == "qrcodeContent" and value:
        return _other_qr(value, more=more)
    if name not in AMOUNTS:
        return "USD" if name == "currencyCode" and not more else _other(value, more=more)
    return f"{Decimal(str(value)) + 1:f}" if more else f"USD {value}"


def _other_qr(text: str, *, more: bool) -> str:
    objects = walk(text, len(text) - CRC_LETTERS).objects
    changed = {"54": lambda v: f"{Decimal(v) + 1:f}"} if more else {"53": lambda _: "840"}
    return sealed(put_all((tag, changed[tag](v) if tag in changed else v) for tag, v in objects))


def sealed(objects: str) -> str:
    """Objects with the checksum behind them."""
    return f"{objects}6304{checksum(objects + '6304')}"
