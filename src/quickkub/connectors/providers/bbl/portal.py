"""The API portal's words: token, signed messages, app-to-app, pull payment (bbl.md B1 to B3, B7)."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from quickkub.connectors.contract import Account, Order, Receipt, Request, Response, Token
from quickkub.connectors.providers.bbl import errors, signing
from quickkub.connectors.providers.bbl.manifest import PORTAL
from quickkub.connectors.providers.bbl.wire import Misfit
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    an_object,
    instant_at,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import THB, decimal_text
from quickkub.kernel.secrets import Secret

TOKEN_PATH: Final = "/oauth/accesstoken"  # noqa: S105 -- a path
PAYMENT_PATH: Final = "/v1/billpayment/apptoapp/payment"
INQUIRY_PATH: Final = "/v1/billpayment/apptoapp/inquiry"
PULL_PATH: Final = "/biller/v1/pull-payment"
TOKEN_SECONDS_USUAL: Final = 1800
TOKEN_DEADLINE_SECONDS: Final = 10
DEADLINE_SECONDS: Final = 30
SIGNATURE_LIVES: Final = timedelta(days=1)
CLOCKS_APART: Final = timedelta(minutes=5)
OWN_BANK: Final = "002"

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

_CLAIMS: Final = frozenset({"exp", "iat", "jti"})
_APP_LINK: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[!-~]+", re.IGNORECASE)
# The link is put before a payer as something to open; these would run in our own page instead.
_NOT_LINKS: Final = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")


# --- the account ---


def biller_id(account: Account) -> str:
    return setting(account, "biller_id")


def bank_key(account: Account) -> str:
    return setting(account, "bank_public_key")


def require(account: Account, *settings: str) -> None:
    """Raises Misfit, naming the first thing the account lacks for the portal."""
    for name in settings:
        if not setting(account, name):
            raise Misfit(f"the account has no {name}")
    for name in ("client_secret", "private_key"):
        if not account.credentials.get(name):
            raise Misfit(f"the account has no {name}")


# --- requests ---


def asks_token(account: Account) -> Request:
    """Basic credentials and a form (B1). Raises Misfit."""
    require(account, "client_id")
    pair = f"{setting(account, 'client_id')}:{account.credentials['client_secret'].reveal()}"
    return Request(
        "POST",
        TOKEN_PATH,
        headers={
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=b"grant_type=client_credentials",
        deadline_seconds=TOKEN_DEADLINE_SECONDS,
        asks_only=True,
        host=PORTAL,
    )


def claims_of(account: Account, body: Mapping[str, Any], now: datetime, jti: str) -> bytes:
    """The message and its exp, iat, jti as the text that is signed (B2, B9)."""
    issued = int(now.timestamp())
    proof = {"exp": issued + int(SIGNATURE_LIVES.total_seconds()), "iat": issued, "jti": jti}
    key = _nested_key(account)
    return _JSON.encode({**({key: body} if key else body), **proof})


def _nested_key(account: Account) -> str:
    mode = setting(account, "jwt_body_mode", "merged")
    return mode.removeprefix("nested:") if mode.startswith("nested:") else ""


def _posts(
    account: Account, token: Token, now: datetime, path: str, body: Mapping[str, Any], *, asks_only: bool
) -> Request:
    claims = claims_of(account, body, now, str(uuid.uuid4()))
    try:
        signature = signing.token_of(claims, account.credentials["private_key"].reveal())
    except signing.BadKey as trouble:
        raise Misfit(str(trouble)) from None
    return Request(
        "POST",
        path,
        headers={
            "authorization": f"Bearer {token.value.reveal()}",
            "content-type": "application/json",
            "Signature": signature,
        },
        body=_JSON.encode(body),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
        host=PORTAL,
    )


def creates_link(account: Account, token: Token, order: Order) -> Request:
    body = {
        "serviceCode": setting(account, "service_code"),
        "billerId": biller_id(account),
        "reference1": order.reference,
        **({"reference2": second} if (second := setting(account, "ref2")) else {}),
        "totalAmount": decimal_text(order.amount),
        "currencyCode": order.amount.currency.code,
    }
    return _posts(account, token, order.now, PAYMENT_PATH, body, asks_only=False)


def asks_link(account: Account, token: Token, order: Order) -> Request:
    body = {
        "serviceCode": setting(account, "service_code"),
        "billerId": biller_id(account),
        "reference1": order.reference,
    }
    return _posts(account, token, order.now, INQUIRY_PATH, body, asks_only=True)


def pulls(account: Account, token: Token, order: Order, trans_ref: str) -> Request:
    """Ask for a bill payment by the reference of its slip; the amount is written as a number (B7)."""
    body = {
        "billerId": biller_id(account),
        "transRef": trans_ref,
        "destBank": OWN_BANK,
        "reference1": order.reference,
        "amount": Decimal(decimal_text(order.amount)),
    }
    return _posts(account, token, order.now, PULL_PATH, body, asks_only=True)


# --- answers ---


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of the portal: HTTP status, responseCode (empty where there is none), the fields."""

    status: int
    code: str
    data: Json

    @property
    def is_success(self) -> bool:
        return self.status == errors.HTTP_OK and self.code == errors.SUCCESS


def read(answer: Response, account: Account, now: datetime) -> Heard:
    """An answer whose signature is good. Raises Garbled.

    The gateway's own errors are in no published shape and unsigned: only their HTTP status counts (B10).
    """
    if answer.status != errors.HTTP_OK:
        return Heard(answer.status, "", {})
    data = read_object(answer.body)
    signature = answer.headers.get("signature", "")
    if signature or is_on(account, "jwt_answers_signed", default=True):
        try:
            verify(account, signature, data, now)
        except (signing.BadSignature, signing.BadKey) as trouble:
            raise Garbled(f"the answer's signature: {trouble}") from None
    return Heard(answer.status, text_at(data, "responseCode"), data)


def verify(account: Account, signature: str, body: Json, now: datetime | None) -> None:
    """A message of the bank: signed by its key, not expired, and saying what the body says (B2).

    Raises BadSignature, BadKey. `now` is None for a callback, which is read without a clock; one that comes
    again is the same news by the bank's own reference, so an old message gains nothing. A life of exactly a
    day is not asked for: the published sample lives eight hours.
    """
    if not bank_key(account):
        raise signing.BadKey("the account has no bank_public_key")
    claims = signing.claims_in(signature, bank_key(account))
    expires, issued, jti = claims.get("exp"), claims.get("iat"), claims.get("jti")
    if type(expires) is not int or type(issued) is not int or expires <= issued or not isinstance(jti, str):
        raise signing.BadSignature("exp, iat or jti is missing")
    if now is not None and expires < int((now - CLOCKS_APART).timestamp()):
        raise signing.BadSignature("the signature has expired")
    key = _nested_key(account)
    try:
        signed = an_object(claims.get(key), key) if key else claims
    except Garbled:
        raise signing.BadSignature("the signed claims do not hold the message") from None
    own = {name: value for name, value in signed.items() if key or name not in _CLAIMS}
    said = {name: value for name, value in body.items() if key or name not in _CLAIMS}
    if not _equal(own, said):
        raise signing.BadSignature("what is signed is not what is said")


def _equal(left: Any, right: Any) -> bool:
    """Numbers are compared as decimals: 150.75 and "150.75" and 150.750 are one amount."""
    match left, right:
        case dict(), dict():
            return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
        case list(), list():
            return len(left) == len(right) and all(map(_equal, left, right))
        case bool(), _:
            return left is right
        case ((int() | Decimal()), _):
            return _as_number(right) == Decimal(left)
        case _, (int() | Decimal()):
            return _equal(right, left)
        case _:
            return bool(left == right)


def _as_number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def token_in(answer: Response) -> Token:
    """Raises Garbled. Without `expires_in` a token is taken to live 1800 s (B1)."""
    found = read_object(answer.body)
    lives = found.get("expires_in", TOKEN_SECONDS_USUAL)
    if re.fullmatch(r"[1-9][0-9]{0,8}", str(lives)) is None:
        raise Garbled("expires_in is not a number of seconds")
    return Token(Secret(text_at(found, "access_token")), int(str(lives)))


@dataclass(frozen=True, slots=True)
class AppLink:
    """The link the payer opens, and the bank's id of the payment where it said one."""

    url: str
    payment: str | None


def link_in(data: Json, account: Account) -> AppLink:
    """Raises Garbled."""
    url = text_at(data, setting(account, "app.link_field", "paymentUrl"))
    shape = _APP_LINK.fullmatch(url)
    if shape is None or shape[1].lower() in _NOT_LINKS:
        raise Garbled("the link is not an app link")
    return AppLink(url, optional_text(data, "paymentReferenceId") or None)


def app_receipt(data: Json, account: Account, order: Order) -> Receipt:
    """The movement behind paymentStatus `success`. Raises Garbled.

    The known fields of the inquiry name neither amount nor time: where they are missing, it is the amount the
    link was made for, which the payer cannot change, and the time of the answer (`app.inquiry_amount`).
    """
    payment = text_at(data, "paymentReferenceId")
    if order.provider_reference and payment != order.provider_reference:
        raise Unexpected("the bank names another payment than it did when the link was made")
    if optional_text(data, "reference1") not in ("", order.reference):
        raise Unexpected("the payment is of another reference")
    if optional_text(data, "currencyCode") not in ("", order.amount.currency.code):
        raise Unexpected("the payment is in another currency")
    amount = order.amount
    if "totalAmount" in data:
        amount = money_at(data, "totalAmount", THB)
    elif setting(account, "app.inquiry_amount") == "required":
        raise Garbled("the inquiry names no amount")
    if amount != order.amount:
        raise Unexpected("the payer paid another amount than the link is for")
    return Receipt(payment, amount, paid_at(data) if "transDate" in data else order.now)


def pulled_receipt(data: Json, account: Account, order: Order) -> Receipt:
    """The bill payment that was found. Raises Garbled."""
    if (text_at(data, "billerId"), text_at(data, "reference1")) != (biller_id(account), order.reference):
        raise Garbled("the payment is of another biller or reference")
    amount = money_at(data, "amount", THB)
    return Receipt(text_at(data, "bankRef"), amount, paid_at(data), _bank(data))


def paid_at(data: Json) -> datetime:
    """`transDate` and `transTime`, Bangkok time. Raises Garbled."""
    moment = f"{text_at(data, 'transDate')}T{text_at(data, 'transTime')}"
    return instant_at({"transDate, transTime": moment}, "transDate, transTime")


def _bank(data: Json) -> dict[str, str]:
    return {"bank": bank} if (bank := optional_text(data, "fromBank")) else {}
