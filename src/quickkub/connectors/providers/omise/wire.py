"""Omise's words: which requests there are, and how answers are told from errors (pack 2, 4)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from quickkub.connectors.contract import Account, Declined, Failure, Instruction, Order, Request, Response
from quickkub.connectors.providers.omise import methods
from quickkub.connectors.providers.omise.manifest import MANIFEST
from quickkub.connectors.reading import Garbled, Json, optional_text, read_object, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import rfc3339

VERSION: Final = "2019-05-29"
"""The dated version whose field names are read here; without the header the account's own would be spoken."""

PAYMENT_MARK: Final = "qk_payment"
REFUND_MARK: Final = "qk_refund"
"""Names in the metadata under which our references stand (pack 13)."""

ACTS_SECONDS: Final = 18
ASKS_SECONDS: Final = 8
"""Together less than anybody who waits for a new payment is kept waiting."""

PAGE: Final = 100
WINDOW: Final = timedelta(minutes=10)
"""A charge whose answer was lost was made within this time of its order, clocks that differ included."""

DESCRIPTION_MAX: Final = 255
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,80}")
_TOKEN: Final = re.compile(r"tokn_[A-Za-z0-9_]{1,80}")
_TEST_KEY: Final = re.compile(r"[sp]key_test_")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: Omise's error code, empty when it is none, and the words."""

    status: int
    code: str
    words: Json


def read(answer: Response) -> Said:
    """An object of Omise's, or its error: told by `object`, as its own libraries do. Raises Garbled."""
    words = read_object(answer.body)
    if words.get("object") == "error":
        return Said(answer.status, text_at(words, "code"), words)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's successes
        raise Garbled(f"HTTP {answer.status} without an error object")
    return Said(answer.status, "", words)


def refuse_account(account: Account) -> Declined | None:
    """Why this account cannot be used: no key, or one of the other mode, whose money is not what it seems."""
    secret = account.credentials.get("secret_key")
    if not secret:
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "the account has no secret_key")
    if (_TEST_KEY.match(secret.reveal()) is None) is (account.mode == "test"):
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the key is not one of {account.mode} mode")
    return None


def refuse_order(account: Account, order: Order) -> Declined | None:
    """Why this order cannot be asked for at all."""
    if order.method == methods.CARD:
        if _TOKEN.fullmatch(order.payer.card_token) is None:
            return Declined(Failure.REQUEST_REFUSED, "", "a card is charged by a token of Omise's")
        return None
    source = methods.SOURCES.get(order.method)
    if source is None:
        return Declined(Failure.REQUEST_REFUSED, "", f"Omise has no source for {order.method[:40]!r}")
    if source in methods.TERMS and _term(account) not in methods.TERMS[source]:
        months = ", ".join(str(term) for term in methods.TERMS[source])
        return Declined(
            Failure.PROVIDER_MISCONFIGURED, "", f"installment_term is one of {months} for {source}"
        )
    return None


# --- charges ---


def creates_charge(account: Account, order: Order) -> Request:
    """Source or card in one step, with our reference in the metadata (pack 4.3)."""
    body: Json = {
        "amount": order.amount.minor,
        "currency": order.amount.currency.code,
        "description": _description(order),
        "metadata": {PAYMENT_MARK: order.reference},
    }
    body |= _card(account, order) if order.method == methods.CARD else _source(account, order)
    if order.method in methods.OFFLINE:
        body["expires_at"] = rfc3339(order.expires_at)
    elif order.return_url:
        body["return_uri"] = order.return_url
    if is_on(account, "webhook_per_charge", default=True) and account.callback_url.startswith("https://"):
        body["webhook_endpoints"] = [account.callback_url]
    return _acts(account, "POST", "/charges", body, order.reference)


def _card(account: Account, order: Order) -> Json:
    body: Json = {"card": order.payer.card_token, "capture": not order.capture_later}
    kind = setting(account, "authorization_type", "pre_auth")
    if order.capture_later and kind != "none":
        body["authorization_type"] = kind
    if order.payer.ip:
        body["ip"] = order.payer.ip
    return body


def _source(account: Account, order: Order) -> Json:
    source: Json = {"type": methods.SOURCES[order.method]}
    if source["type"].startswith("mobile_banking_"):
        source["platform_type"] = "WEB"
    if source["type"] == "truemoney":
        source["phone_number"] = order.payer.phone
    if source["type"] in methods.TERMS:
        source["installment_term"] = _term(account)
        source["zero_interest_installments"] = is_on(account, "zero_interest_installments")
    return {"source": source}


def _term(account: Account) -> int:
    text = setting(account, "installment_term", "6")
    return int(text) if text.isascii() and text.isdigit() else 0


def _description(order: Order) -> str:
    """With our reference in it: a search looks into descriptions, too."""
    more = f": {order.description}" if order.description else ""
    return f"QuickKub {order.reference}{more}"[:DESCRIPTION_MAX]


def asks_charge(account: Account, charge: str) -> Request:
    return _asks(account, f"/charges/{an_id(charge)}")


def searches_charge(account: Account, reference: str) -> Request:
    return _asks(account, "/search", {"scope": "charge", "query": reference})


def lists_charges(account: Account, first: datetime, last: datetime, offset: int) -> Request:
    return _lists(account, "/charges", first, last, offset)


def asks_picture(account: Account, address: str) -> Request:
    """A picture behind a link that needs no key (pack 11.8). Raises Garbled for a link that leads elsewhere.

    Only the path of the link is used, at the account's own address: an answer cannot make us call a stranger.
    """
    base = urlsplit(setting(account, "base_url", MANIFEST.live_base_url))
    ours = {base.netloc, urlsplit(MANIFEST.live_base_url).netloc}
    parts = urlsplit(address)
    if parts.netloc not in ours or parts.fragment or not parts.path.startswith("/"):
        raise Garbled("the picture is not at Omise's address")
    path = parts.path.removeprefix(base.path.rstrip("/")) if parts.netloc == base.netloc else parts.path
    return Request(
        "GET",
        path,
        headers={"accept": "image/svg+xml, image/png"},
        query_text=parts.query,
        deadline_seconds=ASKS_SECONDS,
        asks_only=True,
    )


# --- instructions ---


def captures(account: Account, charge: str, instruction: Instruction, *, part: bool) -> Request:
    body = {"capture_amount": instruction.amount.minor} if part else None
    return _acts(account, "POST", f"/charges/{an_id(charge)}/capture", body, instruction.reference)


def reverses(account: Account, charge: str, instruction: Instruction) -> Request:
    return _acts(account, "POST", f"/charges/{an_id(charge)}/reverse", None, instruction.reference)


def expires(account: Account, charge: str, instruction: Instruction) -> Request:
    return _acts(account, "POST", f"/charges/{an_id(charge)}/expire", None, instruction.reference)


def refunds(account: Account, charge: str, instruction: Instruction) -> Request:
    body = {"amount": instruction.amount.minor, "metadata": {REFUND_MARK: instruction.reference}}
    return _acts(account, "POST", f"/charges/{an_id(charge)}/refunds", body, instruction.reference)


def asks_refund(account: Account, charge: str, refund: str) -> Request:
    return _asks(account, f"/charges/{an_id(charge)}/refunds/{an_id(refund)}")


def lists_refunds(account: Account, charge: str, offset: int) -> Request:
    page = {"limit": str(PAGE), "offset": str(offset)}
    return _asks(account, f"/charges/{an_id(charge)}/refunds", page)


# --- disputes, reports, the check ---


def asks_dispute(account: Account, dispute: str) -> Request:
    return _asks(account, f"/disputes/{an_id(dispute)}")


def contests_dispute(account: Account, dispute: str, text: str) -> Request:
    return _acts(account, "PATCH", f"/disputes/{an_id(dispute)}", {"message": text})


def accepts_dispute(account: Account, dispute: str) -> Request:
    return _acts(account, "PATCH", f"/disputes/{an_id(dispute)}/accept", None)


def hands_in(account: Account, dispute: str, file: tuple[str, str, bytes], boundary: str) -> Request:
    """A document as multipart, in the field `file` (pack 4.9)."""
    name, kind, data = file
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{_plain(name)}"\r\n'
        f"content-type: {_plain(kind) or 'application/octet-stream'}\r\n\r\n"
    )
    headers = _headers(_key(account)) | {"content-type": f"multipart/form-data; boundary={boundary}"}
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    return Request(
        "POST",
        f"/disputes/{an_id(dispute)}/documents",
        headers=headers,
        body=body,
        deadline_seconds=ACTS_SECONDS,
    )


def lists_transactions(account: Account, first: datetime, last: datetime, offset: int) -> Request:
    return _lists(account, "/transactions", first, last, offset)


def asks_balance(account: Account) -> Request:
    return _asks(account, "/balance")


def asks_capability(account: Account, public_key: str) -> Request:
    return Request(
        "GET", "/capability", headers=_headers(public_key), deadline_seconds=ASKS_SECONDS, asks_only=True
    )


# --- parts ---


def an_id(text: str) -> str:
    """An id that can stand in a path as it is. Raises Garbled."""
    if _ID.fullmatch(text) is None:
        raise Garbled("that is no id of Omise's")
    return text


def marked(said: Mapping[str, Any], mark: str) -> str:
    """Our reference in the metadata; empty when it is not there. Raises Garbled when it is no text."""
    metadata = said.get("metadata")
    return optional_text(metadata, mark) if isinstance(metadata, dict) else ""


def _acts(account: Account, method: str, path: str, body: Json | None, once: str = "") -> Request:
    headers = _headers(_key(account))
    if body is not None:
        headers["content-type"] = "application/json"
    if once and is_on(account, "idempotency_key", default=True):
        headers["idempotency-key"] = once
    words = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Request(method, path, headers=headers, body=words, deadline_seconds=ACTS_SECONDS)


def _asks(account: Account, path: str, query: Mapping[str, str] | None = None) -> Request:
    return Request(
        "GET",
        path,
        headers=_headers(_key(account)),
        query=query or {},
        deadline_seconds=ASKS_SECONDS,
        asks_only=True,
    )


def _lists(account: Account, path: str, first: datetime, last: datetime, offset: int) -> Request:
    query = {
        "from": rfc3339(first),
        "to": rfc3339(last),
        "limit": str(PAGE),
        "offset": str(offset),
        "order": "chronological",
    }
    return _asks(account, path, query)


def _key(account: Account) -> str:
    return account.credentials["secret_key"].reveal()


def _headers(key: str) -> dict[str, str]:
    """The key is the user of HTTP Basic, without a password (pack 2)."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    return {"authorization": f"Basic {basic}", "omise-version": VERSION}


def _plain(text: str) -> str:
    """Text that cannot end a header of a part."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in '"\\')[:150]
