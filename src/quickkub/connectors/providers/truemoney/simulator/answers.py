"""How TrueMoney writes: an envelope with a code, amounts in satang (pack 4); and the same gone wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.clock import BANGKOK

Json = dict[str, Any]

MESSAGES: Final = {
    "success": "Success",
    "invalid_payment_code": "Invalid payment code",
    "insufficient_fund": "Insufficient fund",
    "payment_code_expired": "Payment code expired",
    "payment_not_found": "Payment not found",
    "internal_error": "Internal error",
}


class Refused(Exception):
    """TrueMoney says no."""

    def __init__(self, code: str, more: str = "", status: int = 400) -> None:
        super().__init__(more or message_of(code))
        self.code, self.status = code, status


def message_of(code: str) -> str:
    return MESSAGES.get(code, code.replace("_", " ").capitalize())


def envelope(data: object, code: str = "success", message: str = "") -> bytes:
    """Compact, as it is signed."""
    return dumped({"status": {"code": code, "message": message or message_of(code)}, "data": data})


def dumped(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def local(moment: datetime) -> str:
    """`2025-01-01T12:00:01+07:00`."""
    return moment.astimezone(BANGKOK).isoformat(timespec="seconds")


def trouble(_: int) -> bytes:
    """The body of a failure of the whole service."""
    return envelope(None, "internal_error")


def distort(body: bytes, what: str) -> bytes:
    """One baht more in every amount, or dollars."""
    return dumped(_changed(json.loads(body, parse_float=str), what))


def _changed(value: Any, what: str) -> Any:
    match value:
        case dict():
            return {key: _other(key, inner, what) for key, inner in value.items()}
        case list():
            return [_changed(inner, what) for inner in value]
        case _:
            return value


def _other(key: str, value: Any, what: str) -> Any:
    if key == "currency" and what == "wrong_currency":
        return "USD"
    if key == "amount" and what == "wrong_amount":
        return value + 100 if isinstance(value, int) else str(int(value) + 100)
    return _changed(value, what)
