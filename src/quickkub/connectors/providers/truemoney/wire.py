"""TrueMoney's words: the RSA content signature, what is sent, and how an answer is read (pack 3, 4, 5)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from quickkub.connectors.contract import Account, Instruction, Order, Request, Response
from quickkub.connectors.reading import Garbled, Json, optional_text, read_object
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret

SUCCESS: Final = "success"
DESCRIPTION_MAX: Final = 20
KEYS_KEPT: Final = 64
PAY_SECONDS: Final = 60
"""How long a payment is waited for before it is asked about (pack 4)."""

_ASK_SECONDS: Final = 15
_SEAL: Final = "digest-alg=RSA-SHA; key-id=KEY:RSA:rsf.org; data="
_DATA: Final = re.compile(r"(?:^|;)\s*data\s*=(.+)", re.DOTALL)
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LIMITED: Final = 429
_ANSWERS: Final = frozenset({*range(200, 300), *range(400, 500)})


class BadKey(Exception):
    """A key of the account cannot be used. The text names the setting, never the key."""


# --- signatures ---


def sign(account: Account, timestamp: str, body: bytes) -> str:
    """The value of `Content-Signature`, over the time stamp and the very body (pack 3). Raises BadKey."""
    signed = _private_key(account).sign(timestamp.encode() + body, PKCS1v15(), SHA256())
    return _SEAL + base64.b64encode(signed).decode()


def is_theirs(account: Account, timestamp: str, body: bytes, header: str) -> bool:
    """Whether TrueMoney's key made this signature, whatever stands before `data=`. Raises BadKey."""
    found = _DATA.search(header)
    if found is None or not timestamp:
        return False
    try:
        signature = base64.b64decode("".join(found[1].split()), validate=True)
        _public_key(account).verify(signature, timestamp.encode() + body, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def refuse_account(account: Account) -> None:
    """Raises BadKey for the first thing without which nothing can be asked or believed."""
    if not setting(account, "merchant_id"):
        raise BadKey("merchant_id is missing")
    if not account.credentials.get("api_key"):
        raise BadKey("api_key is missing")
    _private_key(account)
    _public_key(account)


def _private_key(account: Account) -> RSAPrivateKey:
    secret = account.credentials.get("private_key")
    if not secret:
        raise BadKey("private_key is missing")
    return _loaded(secret)


@lru_cache(maxsize=KEYS_KEPT)
def _loaded(secret: Secret) -> RSAPrivateKey:
    """Checking a private key costs far more than signing with it, so that it is done once."""
    text = secret.reveal().strip()
    try:
        is_pem = text.startswith("-----")
        key = (
            load_pem_private_key(text.encode(), None)
            if is_pem
            else load_der_private_key(base64.b64decode(text, validate=True), None)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("private_key is no key") from None
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("private_key is no RSA key")
    return key


def _public_key(account: Account) -> RSAPublicKey:
    text = setting(account, "truemoney_public_key")
    try:
        is_pem = text.startswith("-----")
        key = (
            load_pem_public_key(text.encode())
            if is_pem
            else load_der_public_key(base64.b64decode(text, validate=True))
        )
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("truemoney_public_key is missing or no key") from None
    if not isinstance(key, RSAPublicKey):
        raise BadKey("truemoney_public_key is no RSA key")
    return key


# --- asking ---


def pays(account: Account, order: Order) -> Request:
    """`POST /payments`: charge the wallet behind a code (pack 5.2)."""
    shop = {
        name: value for name in ("partner_shop_id", "partner_shop_name") if (value := setting(account, name))
    }
    body: Json = {
        **_common(account, order),
        "payment_method": "BALANCE",
        "payment_code": order.payer.code,
        "description": _description(order),
        **({"metadata": shop} if shop else {}),
    }
    return _posts(account, path(account, "payments"), body, order.now, PAY_SECONDS)


def orders(account: Account, order: Order) -> Request:
    """`POST /orders`: a page, an app link and a QR to pay by (pack 5.3, ASSUMED)."""
    body: Json = {
        **_common(account, order),
        "description": _description(order),
        "return_url": order.return_url,
        **({"notify_url": account.callback_url} if account.callback_url else {}),
        "expires_in": max(int((order.expires_at - order.now).total_seconds()), 1),
    }
    return _posts(account, path(account, "orders"), body, order.now, PAY_SECONDS)


def refunds(account: Account, payment: str, instruction: Instruction) -> Request:
    """`POST /payments/{payment_id}/refunds` (pack 5.5)."""
    body = {"isv_refund_ref": instruction.reference, "request_amount": str(instruction.amount.minor)}
    address = f"{path(account, 'payments')}/{quote(payment, safe='')}/refunds"
    return _posts(account, address, body, instruction.now, PAY_SECONDS)


def asks_payment(account: Account, payment: str, now: datetime) -> Request:
    """`GET /payments/{payment_id}` (pack 5.4, ASSUMED)."""
    return _gets(account, f"{path(account, 'payments')}/{quote(payment, safe='')}", "", epoch(now))


def asks_by_reference(account: Account, reference: str, asked_at: datetime, timestamp: str) -> Request:
    """`GET /payments?isv_payment_ref=…&transaction_date=…` (pack 5.4, ASSUMED)."""
    day = asked_at.astimezone(BANGKOK).isoformat(timespec="seconds")
    query = urlencode({"isv_payment_ref": reference, "transaction_date": day})
    return _gets(account, path(account, "payments"), query, timestamp)


def path(account: Account, name: str) -> str:
    """The path of one part of the API; each is a setting."""
    usual = {
        "payments": "/payments",
        "orders": "/orders",
        "auth_apply": "/oauth2/auth-apply",
        "tokens": "/oauth2/tokens",
        "codes": "/payment/codes",
    }[name]
    return setting(account, f"path_{name}", usual)


def epoch(moment: datetime) -> str:
    """Whole seconds, as payment clients send them (pack 3)."""
    return str(int(moment.timestamp()))


def written(words: Json) -> bytes:
    """Compact JSON, as it is signed and sent."""
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _common(account: Account, order: Order) -> Json:
    return {
        "isv_payment_ref": order.reference,
        "merchant_id": setting(account, "merchant_id"),
        "currency": order.amount.currency.code,
        "request_amount": str(order.amount.minor),
    }


def _description(order: Order) -> str:
    return (order.description or order.reference)[:DESCRIPTION_MAX]


def _posts(account: Account, address: str, words: Json, now: datetime, seconds: int) -> Request:
    body = written(words)
    headers = _headers(account, epoch(now), body)
    return Request("POST", address, headers=headers, body=body, deadline_seconds=seconds)


def _gets(account: Account, address: str, query: str, timestamp: str) -> Request:
    """Without a body only the time stamp is signed (pack 3, ASSUMED)."""
    return Request(
        "GET",
        address,
        headers=_headers(account, timestamp, b""),
        query_text=query,
        deadline_seconds=_ASK_SECONDS,
        asks_only=True,
    )


def _headers(account: Account, timestamp: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-API-Key": account.credentials["api_key"].reveal(),
        "X-API-Version": "1.0",
        "Timestamp": timestamp,
        "Content-Signature": sign(account, timestamp, body),
    }


# --- reading ---


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that TrueMoney wrote: HTTP status, its code and message, and what it tells."""

    status: int
    code: str
    message: str
    data: Any


def read(account: Account, answer: Response) -> Said:
    """A signed answer. Whatever is not signed by TrueMoney, or not an answer at all, proves nothing.

    Raises Garbled and BadKey.
    """
    said = read_unsigned(answer)
    timestamp, seal = answer.headers.get("timestamp", ""), answer.headers.get("content-signature", "")
    if not is_theirs(account, timestamp, answer.body, seal):
        raise Garbled("it is not signed by TrueMoney")
    return said


def read_unsigned(answer: Response) -> Said:
    """An answer of the linking calls, which are not signed; or, in a gateway's form, code and message alone.

    Raises Garbled.
    """
    if answer.status not in _ANSWERS or answer.status == _LIMITED:
        raise Garbled(f"HTTP {answer.status}")
    said = read_object(answer.body)
    envelope = said.get("status", said)
    if not isinstance(envelope, dict):
        raise Garbled("status is not an object")
    code = optional_text(envelope, "code")
    if _CODE.fullmatch(code) is None:
        raise Garbled("there is no code")
    return Said(answer.status, code, optional_text(envelope, "message")[:200], said.get("data"))


def satang_at(found: Json, name: str, *, may_be_nothing: bool = False) -> Money:
    """A whole number of satang, as number or text (pack 4). Raises Garbled."""
    value = found.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:  # noqa: PLR2004 -- digits
        value = int(value)
    if type(value) is not int or not (0 if may_be_nothing else 1) <= value <= 10**12:
        raise Garbled(f"{name} is not an amount in satang")
    return Money(value)
