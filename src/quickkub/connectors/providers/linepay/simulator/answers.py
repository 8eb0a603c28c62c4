"""How LINE Pay writes: HTTP 200 with a code, ids and amounts as numbers (pack 4); the same gone wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.kernel.money import Money

Json = dict[str, Any]

OK: Final = "0000"

MESSAGES: Final = {
    "1104": "Non-existing merchant.",
    "1105": "Merchant cannot use LINE Pay.",
    "1106": "Header information error.",
    "1124": "Amount information error (scale).",
    "1150": "Transaction record not found.",
    "1152": "There is a history of transactions with the same transactionId.",
    "1153": "The amount differs from the amount at the time of the payment request.",
    "1155": "Wrong transaction type.",
    "1159": "Payment request information is missing.",
    "1163": "The refund period has expired.",
    "1164": "Refund amount exceeded.",
    "1165": "The transaction has already been refunded.",
    "1169": "A payment method has to be selected and the password authenticated in LINE Pay.",
    "1172": "Existing same orderId.",
    "1177": "The number of records exceeds the maximum (100).",
    "1178": "The currency is not supported.",
    "1179": "The status cannot be processed.",
    "1180": "The payment time has expired.",
    "1183": "The payment amount must be greater than 0.",
    "1184": "The capture amount exceeds the authorized amount.",
    "1190": "There is no regKey.",
    "1193": "The regKey has expired.",
    "1194": "The merchant cannot use preapproved payments.",
    "1198": "The API call request has been duplicated.",
    "1199": "An internal request error has occurred.",
    "2101": "Parameter error.",
    "2102": "JSON data format error.",
    "9000": "An internal error has occurred.",
}


class Refused(Exception):
    """LINE Pay says no, with one of its codes."""

    def __init__(self, code: str, more: str = "") -> None:
        message = " ".join(filter(None, (MESSAGES.get(code, "Request refused."), more)))
        super().__init__(message)
        self.code = code


def ok(info: object = None, *, code: str = OK, message: str = "OK") -> web.Response:
    """A business answer; without `info` it has none."""
    body: Json = {"returnCode": code, "returnMessage": message}
    return answer(body if info is None else {**body, "info": info})


def refusal(code: str, message: str = "") -> web.Response:
    return answer({"returnCode": code, "returnMessage": message or MESSAGES.get(code, "Request refused.")})


def answer(body: Json, status: int = 200) -> web.Response:
    return web.Response(body=written(body).encode(), status=status, content_type="application/json")


def trouble(_: int) -> bytes:
    """The body of a failure of the whole service."""
    return written({"returnCode": "9000", "returnMessage": MESSAGES["9000"]}).encode()


def written(value: object) -> str:
    """JSON in which an amount is a number of baht, whole where it can be."""
    match value:
        case Money():
            return _number(Decimal(value.minor).scaleb(-2))
        case Decimal():
            return _number(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{written(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(written, value)) + "]"
        case datetime():
            return json.dumps(moment(value))
        case _:
            return json.dumps(value, ensure_ascii=False)


def _number(value: Decimal) -> str:
    whole = value.to_integral_value()
    return f"{whole:f}" if whole == value else f"{value:.2f}"


def moment(value: datetime) -> str:
    """`2025-01-01T05:01:30Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- gone wrong ---


def distort(body: bytes, what: str) -> bytes:
    """One baht more in every amount; or dollars, with other numbers where the answer names no currency."""
    value = json.loads(body, parse_float=Decimal)
    if what == "wrong_amount":
        return written(_amounts(value, lambda amount: amount + 1)).encode()
    if b'"currency"' in body:
        return written(_in_dollars(value)).encode()
    return written(
        _amounts(value, lambda amount: (amount * Decimal("0.03")).quantize(Decimal("0.01")))
    ).encode()


def _amounts(value: Any, change: Any) -> Any:
    match value:
        case dict():
            return {
                key: change(Decimal(inner)) if _is_amount(key, inner) else _amounts(inner, change)
                for key, inner in value.items()
            }
        case list():
            return [_amounts(inner, change) for inner in value]
        case _:
            return value


def _is_amount(key: str, value: object) -> bool:
    return key.lower().endswith("amount") and isinstance(value, int | Decimal) and value != 0


def _in_dollars(value: Any) -> Any:
    match value:
        case dict():
            return {k: "USD" if k == "currency" else _in_dollars(inner) for k, inner in value.items()}
        case list():
            return [_in_dollars(inner) for inner in value]
        case _:
            return value
