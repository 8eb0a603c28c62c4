"""How 2C2P answers: signed where the call was signed, plain where it was plain or is nobody's (pack 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import seals
from quickkub.connectors.providers.twoctwop.simulator.register import Merchant, Options

TEXTS: Final[Mapping[str, str]] = {
    "0000": "Success",
    "0003": "Transaction is cancelled",
    "1000": "Load in webview",
    "1001": "Redirect to authenticate",
    "1002": "Open in new tab",
    "1003": "Payment slip",
    "1004": "Open app",
    "1005": "Pending for user scan QR.",
    "2000": "Transaction is completed, please do payment inquiry request for full payment information.",
    "2001": "Transaction in progress",
    "2002": "Transaction not found",
    "2003": "Failed to inquiry",
    "4005": "Do not honor",
    "4120": "Refunded",
    "4130": "Chargeback",
    "5005": "Duplicate invoice",
    "5009": "Transaction is expired",
    "5010": "Transaction is cancelled by payer",
    "5015": "Overpaid",
    "5016": "Underpaid",
    "5017": "Paid after expiry",
    "6103": "Invalid JWT",
    "6107": "Invalid merchant",
    "6108": "Invalid channel",
    "9005": "Mandatory field is missing",
    "9006": "Field is too long",
    "9008": "Invalid payment expiry",
    "9009": "Invalid amount",
    "9010": "Invalid currency code",
    "9015": "Existing Invoice Number",
    "9020": "Payment is expired",
    "9035": "Payment failed",
    "9040": "Invalid payment token",
    "9041": "Payment token is used",
    "9042": "Hash value mismatch",
    "9058": "Invalid category or group",
    "9990": "Internal error",
    "9999": "Internal error",
}


class Refused(Exception):
    """2C2P says no. `plain`: before it knows whose key to sign with."""

    def __init__(self, code: str, about: str = "", *, plain: bool = False) -> None:
        text = TEXTS[code]
        super().__init__(f"{text}: {about}" if about else text)
        self.code, self.plain = code, plain

    @property
    def words(self) -> dict[str, Any]:
        return {"respCode": self.code, "respDesc": str(self)}


def said(code: str, words: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Words with their code behind."""
    return {**(words or {}), "respCode": code, "respDesc": TEXTS[code]}


def plain(words: Mapping[str, Any]) -> web.Response:
    return web.Response(body=seals.encode(words), content_type="application/json")


def signed(words: Mapping[str, Any], merchant: Merchant, options: Options) -> web.Response:
    token = seals.signed(words, merchant.secret, badly=options.bad_signature)
    return web.Response(body=seals.encode({"payload": token}), content_type="application/json")


def refusal(refused: Refused, merchant: Merchant | None, options: Options) -> web.Response:
    if merchant is None or refused.plain or options.plain_errors:
        return plain(refused.words)
    return signed(refused.words, merchant, options)


def trouble(status: int) -> bytes:
    """The body of a failure of the whole service."""
    return seals.encode({"respCode": "9999" if status >= 500 else "9990", "respDesc": "Internal error"})  # noqa: PLR2004


def more_baht(value: Any) -> Any:
    """An amount in any of its forms with one baht more."""
    text = str(value)
    more = Decimal(text) + 1
    if not isinstance(value, str):
        return more
    return f"{more:f}".rjust(len(text), "0") if text.startswith("0000") else f"{more:f}"


def other(words: dict[str, Any], what: str) -> dict[str, Any]:
    """The same claims with another amount or currency; Do Payment's QR is rebuilt by the caller."""
    changed = dict(words)
    if what == "wrong_amount" and changed.get("amount") not in (None, ""):
        changed["amount"] = more_baht(changed["amount"])
    if what == "wrong_currency" and changed.get("currencyCode"):
        changed["currencyCode"] = "USD"
    return changed


def loads(text: bytes | str) -> Any:
    return json.loads(text, parse_float=Decimal)
