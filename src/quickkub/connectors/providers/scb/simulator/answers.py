"""The bank's envelope: every answer has a status with a code, and refusals have nothing else (pack 2, 10)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from quickkub.connectors.providers.scb.simulator.qr_text import rebuilt

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

TEXTS: Final[dict[tuple[int, int], str]] = {
    (400, 1101): "Missing required parameters",
    (400, 1102): "Invalid parameter value",
    (400, 1103): "Empty text is not allowed",
    (404, 1104): "No such record",
    (400, 1105): "Unknown field name",
    (400, 1111): "Duplicate of an existing entry",
    (501, 4101): "Channel is not supported",
    (400, 8101): "Invalid response from downstream service",
    (400, 8102): "Payment system error",
    (400, 9100): "Required header is missing",
    (401, 9100): "Credentials are missing",
    (401, 9300): "Token is invalid or has expired",
    (401, 9500): "Invalid API key or secret",
    (403, 9503): "No right to this API",
    (404, 9900): "No such API",
    (405, 9900): "Method is not supported",
    (415, 9900): "Content type is not supported",
    (429, 9900): "Too many requests",
    (500, 9700): "Generic error",
    (503, 9900): "Service is unavailable",
}


class Refused(Exception):
    """The bank says no."""

    def __init__(self, status: int, code: int, about: str = "") -> None:
        text = TEXTS[status, code]
        super().__init__(f"{text}: {about}" if about else text)
        self.status, self.code = status, code


def success(data: Any, *, status: int = 200, description: str = "Success") -> web.Response:
    """`{"status": {"code": 1000, …}, "data": …}`; Decimals are written as numbers."""
    return _answer(status, {"status": {"code": 1000, "description": description}, "data": data})


def success_without_data() -> web.Response:
    """Success, and the key `data` is not there."""
    return _answer(200, {"status": {"code": 1000, "description": "Success"}})


def refusal(refused: Refused) -> web.Response:
    return _answer(refused.status, refusal_body(refused.code, str(refused)))


def refusal_body(code: int, description: str) -> dict[str, Any]:
    return {"status": {"code": code, "description": description}}


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(body=_JSON.encode(body), status=status, content_type="application/json")


def trouble(status: int) -> bytes:
    """The body of a failure of the whole service."""
    code = {500: 9700, 503: 9900, 429: 9900}[status]
    return _JSON.encode(refusal_body(code, TEXTS[status, code]))


def distort(body: bytes, what: str) -> bytes:
    """The same answer with one baht more in every amount, or in dollars."""
    value = json.loads(body, parse_float=Decimal)
    return _JSON.encode(_other_amount(value) if what == "wrong_amount" else _other_currency(value))


def _other_amount(value: Any) -> Any:
    match value:
        case dict():
            return {key: _more(key, inner) for key, inner in value.items()}
        case list():
            return [_other_amount(inner) for inner in value]
        case _:
            return value


def _more(key: str, value: Any) -> Any:
    if key == "qrRawData":
        return rebuilt(value, lambda amount: f"{Decimal(amount) + 1:f}")
    if key.lower().endswith("amount") and isinstance(value, str | int | Decimal) and str(value):
        more = Decimal(str(value)) + 1
        return f"{more:f}" if isinstance(value, str) else more
    return _other_amount(value)


def _other_currency(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: "840" if key in ("currencyCode", "currency") else _other_currency(inner)
                for key, inner in value.items()
            }
        case list():
            return [_other_currency(inner) for inner in value]
        case _:
            return value
