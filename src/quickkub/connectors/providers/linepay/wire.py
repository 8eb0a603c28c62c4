"""LINE Pay's words: what is signed and sent, and how an answer is read (pack 3, 4)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from quickkub.connectors.contract import Account, Instruction, Order, Request, Response
from quickkub.connectors.providers.linepay.manifest import SCAN
from quickkub.connectors.reading import Garbled, Json, an_object, optional_text, read_object
from quickkub.connectors.switches import setting
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret

OK: Final = "0000"
_EMPTY: Final[Json] = {}
_CODE: Final = re.compile(r"[0-9]{4}")
_ID: Final = re.compile(r"[0-9]{1,25}")
_SUFFIX: Final = re.compile(r"-[0-9]{1,2}")
_WEB: Final = re.compile(r"https?://[^\s]{1,2000}")

_REQUEST_SECONDS: Final = 15
_READ_SECONDS: Final = 15
_CONFIRM_SECONDS: Final = 45
_CAPTURE_SECONDS: Final = 65
_REFUND_SECONDS: Final = 25
"""At least what LINE asks for: 10 s, 40 s, 60 s, 20 s (pack 5). Less makes payments nobody knows of."""


def lacks(account: Account) -> str:
    """The first thing without which nothing can be asked; empty when all is there."""
    if not setting(account, "channel_id"):
        return "channel_id"
    return "" if account.credentials.get("channel_secret") else "channel_secret"


def sign(secret: Secret, path: str, words: bytes, nonce: str) -> str:
    """`X-LINE-Authorization`: over the path, the very body or query that is sent, and the nonce (pack 3)."""
    key = secret.reveal().encode()
    message = key + path.encode() + words + nonce.encode()
    return base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()


def written(value: object) -> str:
    """Compact JSON. Money is a number of baht: whole where it can be, else with two decimals (pack 4)."""
    match value:
        case Money(minor=minor):
            baht, satang = divmod(minor, 100)
            return f"{baht}.{satang:02d}" if satang else str(baht)
        case dict():
            return (
                "{" + ",".join(f"{json.dumps(name)}:{written(inner)}" for name, inner in value.items()) + "}"
            )
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


# --- asking ---


def requests(account: Account, order: Order, reference: str) -> Request:
    """`POST /v3/payments/request`: one package with one product, and where the payer goes afterwards."""
    shop = setting(account, "shop_name") or "QuickKub"
    product = {"name": (order.description or shop)[:200], "quantity": 1, "price": order.amount}
    options: Json = {"display": {"locale": "en" if order.payer.language == "en" else "th"}}
    if order.capture_later:
        options["payment"] = {"capture": False}
    body = {
        "amount": order.amount,
        "currency": order.amount.currency.code,
        "orderId": reference,
        "packages": [{"id": "pkg-1", "amount": order.amount, "name": shop[:100], "products": [product]}],
        "redirectUrls": _redirects(account, order),
        "options": options,
    }
    return _posts(account, f"/{_version(account)}/payments/request", body, _REQUEST_SECONDS)


def _redirects(account: Account, order: Order) -> Json:
    kind = setting(account, "confirm_url_type", "CLIENT")
    confirm = account.callback_url if kind == "SERVER" else order.return_url
    urls = {"confirmUrl": confirm or order.return_url, "cancelUrl": order.return_url}
    return urls if kind == "CLIENT" else {**urls, "confirmUrlType": kind}


def checks(account: Account, transaction: str) -> Request:
    """How far the payer is (pack 5.3)."""
    return _gets(account, f"/{_version(account)}/payments/requests/{quote(transaction, safe='')}/check")


def confirms(account: Account, order: Order, transaction: str) -> Request:
    """Our word, by which money moves (pack 5.4)."""
    path = f"/{_version(account)}/payments/{quote(transaction, safe='')}/confirm"
    return _posts(account, path, _amount(order.amount), _CONFIRM_SECONDS)


def pays_by_code(account: Account, order: Order) -> Request:
    """`oneTimeKeys/pay`: charge the wallet behind the code that was scanned (pack 5.10)."""
    body = {
        **_amount(order.amount),
        "orderId": order.reference,
        "productName": (order.description or setting(account, "shop_name") or order.reference)[:200],
        "oneTimeKey": order.payer.code,
        "capture": not order.capture_later,
    }
    return _posts(account, "/v4/payments/oneTimeKeys/pay", body, _CONFIRM_SECONDS)


def asks_details(account: Account, order: Order, *, transaction: str = "", reference: str = "") -> Request:
    """What became of a finished payment, with its refunds (pack 5.8)."""
    version = "v4" if order.method == SCAN else _version(account)
    asked = {"transactionId": transaction} if transaction else {"orderId": reference}
    return _gets(account, f"/{version}/payments", {**asked, "fields": "ALL"})


def asks_about_nothing(account: Account) -> Request:
    """The details of an order id nobody has: only a channel that is known is told so (1150)."""
    return _gets(account, f"/{_version(account)}/payments", {"orderId": "QK-CHECK", "fields": "TRANSACTION"})


def captures(account: Account, order: Order, transaction: str, instruction: Instruction) -> Request:
    """Pack 5.5. What is not captured is released."""
    tail = _tail(account, order, transaction, "authorizations/", "capture")
    return _posts(account, tail, _amount(instruction.amount), _CAPTURE_SECONDS)


def voids(account: Account, order: Order, transaction: str) -> Request:
    """Pack 5.6."""
    return _posts(
        account, _tail(account, order, transaction, "authorizations/", "void"), _EMPTY, _REFUND_SECONDS
    )


def refunds(account: Account, order: Order, transaction: str, instruction: Instruction) -> Request:
    """Pack 5.7. The amount is always said, also when it is everything."""
    path = _tail(account, order, transaction, "", "refund")
    return _posts(account, path, {"refundAmount": instruction.amount}, _REFUND_SECONDS)


def _tail(account: Account, order: Order, transaction: str, before: str, what: str) -> str:
    """A scanned payment is named by our order id, an online one by LINE Pay's transaction."""
    if order.method == SCAN:
        return f"/v4/payments/orders/{quote(order.reference, safe='')}/{what}"
    return f"/{_version(account)}/payments/{before}{quote(transaction, safe='')}/{what}"


def _amount(amount: Money) -> Json:
    return {"amount": amount, "currency": amount.currency.code}


def _version(account: Account) -> str:
    return "v4" if setting(account, "api_version", "v3") == "v4" else "v3"


def _posts(account: Account, path: str, words: Json, seconds: int) -> Request:
    body = written(words).encode("utf-8", "replace")
    return Request("POST", path, headers=_headers(account, path, body), body=body, deadline_seconds=seconds)


def _gets(account: Account, path: str, words: Json = _EMPTY) -> Request:
    query = urlencode(words)
    headers = _headers(account, path, query.encode())
    return Request(
        "GET",
        path,
        headers=headers,
        query_text=query,
        deadline_seconds=_READ_SECONDS,
        asks_only=True,
    )


def _headers(account: Account, path: str, words: bytes) -> dict[str, str]:
    nonce = str(uuid.uuid4())
    device = setting(account, "device_profile_id")
    return {
        "Content-Type": "application/json",
        "X-LINE-ChannelId": setting(account, "channel_id"),
        "X-LINE-Authorization-Nonce": nonce,
        "X-LINE-Authorization": sign(account.credentials["channel_secret"], path, words, nonce),
        **({"X-LINE-MerchantDeviceProfileId": device} if device and "/oneTimeKeys/" in path else {}),
    }


# --- reading ---


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its code, LINE Pay's own text, and what it tells."""

    code: str
    message: str
    info: Any

    def object(self) -> Json:
        """`info` as an object. Raises Garbled."""
        return an_object(self.info, "info")


def read(answer: Response) -> Said:
    """Business answers, good or bad, are HTTP 200; anything else proves nothing (pack 4). Raises Garbled."""
    if answer.status != 200:  # noqa: PLR2004 -- HTTP's OK
        raise Garbled(f"HTTP {answer.status}")
    said = read_object(answer.body)
    code = said.get("returnCode")
    if not isinstance(code, str) or _CODE.fullmatch(code) is None:
        raise Garbled("returnCode is not a code")
    return Said(code, optional_text(said, "returnMessage")[:200], said.get("info"))


def id_at(found: Json, name: str) -> str:
    """An id of 19 digits, written as a number or as text; kept as text (pack 4). Raises Garbled."""
    value = found.get(name)
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise Garbled(f"{name} is not an id")
    return text


def is_of(order: Order, order_id: str) -> bool:
    """Whether an order id is the reference of this order, with or without a suffix of ours."""
    return order_id.startswith(order.reference) and (
        order_id == order.reference or _SUFFIX.fullmatch(order_id[len(order.reference) :]) is not None
    )


def without_suffix(order_id: str) -> str:
    """The reference in an order id: references have no hyphen."""
    return order_id.partition("-")[0]


def web_address(found: Json, name: str) -> str:
    """Raises Garbled."""
    text = optional_text(found, name)
    if _WEB.fullmatch(text) is None:
        raise Garbled(f"{name} is not an address")
    return text
