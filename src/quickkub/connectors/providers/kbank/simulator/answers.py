"""How each product answers: business answers, the API manager's errors, KGP's error object (pack A11, B9)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from quickkub.connectors.providers.kbank.simulator.qr_text import rebuilt

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

TEXTS: Final = {
    "EMA": ("authentication_error", "Authentication failed"),
    "EMPM": ("authentication_error", "Partner and merchant do not belong together"),
    "EMBR": ("bad_request", "Request is invalid"),
    "EMDR": ("duplicate_request", "Partner transaction id is already used"),
    "EMICC": ("invalid_currency_code", "Currency code is invalid"),
    "EMITDNE": ("invalid_origPartnerTxnUid", "Original transaction does not exist"),
    "EMITA": ("invalid_txn_amount", "Transaction amount is invalid"),
    "EMITF": ("invalid_txn_amount", "Transaction amount format is invalid"),
    "EMIQR": ("invalid_qr_type", "QR type is invalid"),
    "EMIR": ("invalid_reference1", "Reference1 is invalid"),
    "EMQRC": ("qr_cancelled", "QR is already cancelled"),
    "EMQRP": ("qr_paid", "QR is already paid"),
    "EMQRE": ("qr_expired", "QR is already expired"),
    "EMQRNCC": ("qr_no_credit_card", "Merchant has no credit card QR"),
    "EMQRNECC": ("qr_not_enable_credit_card", "Credit card QR is not enabled"),
    "EMQRVOTCH": ("qr_void", "Transaction cannot be voided through this channel"),
    "EMSET": ("settlement_error", "Transaction is already settled"),
    "EMSMSG": ("settlement_error", "Manual settlement is closed from 22:00 to 02:30"),
}
"""`errorCode` and the text before the short code in brackets, by that short code."""

GATEWAY: Final = {
    400: "Invalid Request Format",
    404: "Invalid Path",
    405: "The method is not allowed",
    429: "Rate limit quota violation",
    500: "Backend Server Error",
    503: "Backend Server Error",
}


class Refused(Exception):
    """The bank says no, by the short code of its table."""

    def __init__(self, short: str) -> None:
        super().__init__(short)
        self.short = short


class AtTheGate(Exception):
    """The API manager says no, before the bank sees the request."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or GATEWAY[status])
        self.status, self.message = status, message or GATEWAY[status]


class KgpRefused(Exception):
    """KGP says no: an error object. Its codes are not public; these are the simulator's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def said(body: dict[str, Any], status: int = 200) -> web.Response:
    """A JSON answer; a Decimal is written as a number with its decimals."""
    return web.Response(body=_JSON.encode(body), status=status, content_type="application/json")


def encoded(body: dict[str, Any]) -> bytes:
    return _JSON.encode(body)


def business(asked: dict[str, Any], **more: Any) -> web.Response:
    """Success: what is echoed of the request, and what it asked for."""
    ok = {"statusCode": "00", "errorCode": None, "errorDesc": None}
    return said({**_echo(asked), **ok, **more})


def refusal(asked: dict[str, Any], short: str, status: int) -> web.Response:
    """`statusCode` 10 with the word and a text that ends with the short code in brackets (pack A11)."""
    code, text = TEXTS[short]
    return said(
        {**_echo(asked), "statusCode": "10", "errorCode": code, "errorDesc": f"{text} ({short})"}, status
    )


def _echo(asked: dict[str, Any]) -> dict[str, Any]:
    return {"partnerTxnUid": asked.get("partnerTxnUid"), "partnerId": asked.get("partnerId")}


def gate(refused: AtTheGate) -> web.Response:
    return said({"code": "openapi_error", "message": refused.message}, refused.status)


def kgp_error(refused: KgpRefused) -> web.Response:
    body = {"object": "error", "failure_code": refused.code, "failure_message": refused.message}
    return said(body, refused.status)


def trouble(status: int) -> bytes:
    """The body of a failure of the whole service."""
    return encoded({"code": "openapi_error", "message": GATEWAY[status]})


_AMOUNTS: Final = frozenset({"txnAmount", "amount", "totalAmount", "settlementAmount"})
_CURRENCIES: Final = frozenset({"txnCurrencyCode", "currency", "currencyCode", "settlementCurrencyCode"})


def distort(body: bytes, what: str) -> bytes:
    """The same answer with another amount or in dollars, in the product's own form. Nothing is signed."""
    value = json.loads(body, parse_float=Decimal)
    return _JSON.encode(_changed(value, what == "wrong_amount"))


def _changed(value: Any, is_amount: bool) -> Any:
    match value:
        case dict():
            return {key: _one(key, inner, is_amount) for key, inner in value.items()}
        case list():
            return [_changed(inner, is_amount) for inner in value]
        case _:
            return value


def _one(key: str, value: Any, is_amount: bool) -> Any:
    if key == "qrCode" and isinstance(value, str):
        return rebuilt(value, is_amount)
    if is_amount and key in _AMOUNTS and isinstance(value, str | int | Decimal) and str(value):
        more = Decimal(str(value)) + 1
        return f"{more:f}".zfill(len(value)) if isinstance(value, str) else more
    if not is_amount and key in _CURRENCIES:
        return "USD"
    return _changed(value, is_amount)
