"""Answers made wrong on purpose: another amount or currency in the form each part of the bank speaks."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from quickkub.connectors.reading import read_object

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_AMOUNTS: Final = frozenset({"amount", "totalAmount", "rspAmount"})
_CURRENCIES: Final = {"currencyCode": "USD"}


def distort(body: bytes, what: str) -> bytes:
    """One baht more, or in dollars. XML and url-encoded texts of iPay, JSON of the portal."""
    text = body.decode()
    more = what == "wrong_amount"
    if text.lstrip().startswith("<"):
        if more:
            return re.sub(r"(?<=<amt>)[0-9.]+(?=</amt>)", lambda m: _plus_one(m[0]), text).encode()
        return re.sub(r"(?<=<cur>)[0-9]+(?=</cur>)", "840", text).encode()
    if text.startswith("{"):
        return _JSON.encode(_other(read_object(body), more=more))
    words = dict(parse_qsl(text, keep_blank_values=True))
    for name in ("amt", "Amt") if more else ("cur", "Cur"):
        if words.get(name):
            words[name] = _plus_one(words[name]) if more else "840"
    return urlencode(words).encode()


def _plus_one(text: str) -> str:
    return f"{Decimal(text) + 1:f}"


def _other(said: dict[str, Any], *, more: bool) -> dict[str, Any]:
    if not more:
        return {name: _CURRENCIES.get(name, value) for name, value in said.items()}
    return {
        name: (Decimal(value) + 1 if not isinstance(value, str) else _plus_one(value))
        if name in _AMOUNTS
        else value
        for name, value in said.items()
    }
