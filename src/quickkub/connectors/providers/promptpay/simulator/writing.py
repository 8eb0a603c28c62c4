"""Notices and statements as the merchant's feed writes them: signed JSON; the same gone wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.promptpay.simulator.book import PAYER_NAME, Entry
from quickkub.connectors.providers.promptpay.simulator.register import Receiving
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

Json = dict[str, Any]

HEADER: Final = "x-promptpay-signature"


class Refused(Exception):
    """The feed says no."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def line(entry: Entry) -> Json:
    """One movement; what there is not is left out."""
    words = {
        "type": entry.kind,
        "transaction_id": entry.transaction_id,
        "amount": decimal_text(entry.amount),
        "currency": "THB",
        "time": entry.at.astimezone(BANGKOK).isoformat(timespec="seconds"),
        "receiver": entry.receiving.id,
        "sending_bank": entry.bank,
        "sender_name": PAYER_NAME,
        "reference": entry.reference,
        "reverses": entry.reverses,
    }
    return {name: value for name, value in words.items() if value}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def dumped(words: Json) -> bytes:
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def headers(receiving: Receiving, body: bytes) -> dict[str, str]:
    return {"content-type": "application/json", HEADER: signature(receiving.secret, body)}


def answer(receiving: Receiving, words: Json) -> web.Response:
    body = dumped(words)
    return web.Response(body=body, headers=headers(receiving, body))


def refusal(refused: Refused) -> web.Response:
    return web.json_response({"error": str(refused)}, status=refused.status)


def trouble(status: int) -> bytes:
    """The body of a failure of the whole feed."""
    return dumped({"error": f"the feed is out of order ({status})"})


def distorted(words: Json, what: str) -> Json:
    """Every line one baht more, or in dollars."""
    lines = [
        {**one, "amount": _more(one["amount"])} if what == "wrong_amount" else {**one, "currency": "USD"}
        for one in words.get("lines", [])
    ]
    return {**words, "lines": lines} if "lines" in words else words


def _more(amount: str) -> str:
    whole, _, fraction = amount.partition(".")
    return f"{int(whole) + 1}.{fraction}"
