"""The Payment Gateway's words: requests we write, signed or plain, and answers we read (pack 2 to 5)."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from quickkub.connectors.contract import Account, Order, Receipt, Request, Response
from quickkub.connectors.providers.twoctwop import codes, jose
from quickkub.connectors.providers.twoctwop.settings import channel, merchant_id, secret_key, zone
from quickkub.connectors.reading import Garbled, Json, money_at, optional_text, read_object, text_at
from quickkub.connectors.switches import setting
from quickkub.kernel.money import CURRENCIES, Currency, decimal_text

DEADLINE_SECONDS: Final = 30
DESCRIPTION_MAX: Final = 250
HELD: Final = "HOLD"
"""What userDefined1 of a payment says whose money is only held; it is echoed in results (pack 4.1, 4.5)."""
_TOO_MANY: Final = 429
_CODE: Final = re.compile(r"[0-9]{4}")
_JSON: Final = msgspec.json.Encoder()


# --- requests ---------------------------------------------------------------------------------------------


def asks_token(account: Account, order: Order) -> Request:
    """`POST paymentToken`: nothing can be paid before the payer, or Do Payment, has the token (pack 4.1)."""
    claims: dict[str, Any] = {
        "merchantID": merchant_id(account),
        "invoiceNo": order.reference,
        "description": _description(order),
        "amount": decimal_text(order.amount),
        "currencyCode": order.amount.currency.code,
        "idempotencyID": order.reference,
        "paymentChannel": [channel(account, order).code],
        "paymentExpiry": order.expires_at.astimezone(zone(account)).strftime("%Y-%m-%d %H:%M:%S"),
        "locale": order.payer.language,
    }
    if order.method in ("card", "installment"):
        claims["request3DS"] = "F" if order.challenge else setting(account, "request_3ds", "Y")
    if order.capture_later:
        claims["transactionMode"] = setting(account, "preauth_mode", "A")
        claims["userDefined1"] = HELD
    if order.return_url:
        claims["frontendReturnUrl"] = order.return_url
    if account.callback_url:
        claims["backendReturnUrl"] = account.callback_url
    if who := _payer(order):
        claims["uiParams"] = {"userInfo": who}
    return _signed(account, "/paymentToken", claims)


def asks_inquiry(account: Account, invoice: str, language: str = "en") -> Request:
    """`POST paymentInquiry`: the verdict, signed (pack 4.5)."""
    claims = {"merchantID": merchant_id(account), "invoiceNo": invoice, "locale": language}
    return _signed(account, "/paymentInquiry", claims, asks_only=True)


def pays(account: Account, order: Order, token: str) -> Request:
    """`POST payment`, called Do Payment: what the payer has to do next (pack 4.3). Never a card number."""
    way = channel(account, order)
    code = {"channelCode": way.code}
    if way.agent:
        code["agentCode"] = way.agent
    if way.agent_channel:
        code["agentChannelCode"] = way.agent_channel
    data: dict[str, Any] = _payer(order)
    if order.method == "card":
        data["securePayToken"] = order.payer.card_token
    if order.method == "promptpay":
        data["qrType"] = setting(account, "qr_type", "URL")
    body: dict[str, Any] = {**_of_token(token, order), "payment": {"code": code, "data": data}}
    if order.return_url:
        body["responseReturnUrl"] = order.return_url
    if order.payer.ip:
        body["clientIP"] = order.payer.ip
    return _plain("/payment", body)


def cancels(order: Order, token: str) -> Request:
    """`POST canceltransaction`: its plain answer proves nothing, so an inquiry follows (pack 4.6)."""
    return _plain("/canceltransaction", _of_token(token, order))


def _description(order: Order) -> str:
    """HTML-encoded (pack 4.1), and never cut inside an entity."""
    text, room = "", DESCRIPTION_MAX
    for letter in order.description or order.reference:
        written = html.escape(letter)
        if len(written) > room:
            break
        text, room = text + written, room - len(written)
    return text


def _payer(order: Order) -> dict[str, str]:
    said = {"name": order.payer.name, "email": order.payer.email, "mobileNo": order.payer.phone}
    return {name: value for name, value in said.items() if value}


def _of_token(token: str, order: Order) -> dict[str, Any]:
    return {"paymentToken": token, "clientID": str(uuid.uuid4()), "locale": order.payer.language}


def _signed(account: Account, path: str, claims: Mapping[str, Any], *, asks_only: bool = False) -> Request:
    return _posts(path, {"payload": jose.sign_claims(secret_key(account), dict(claims))}, asks_only=asks_only)


def _plain(path: str, body: Mapping[str, Any]) -> Request:
    return _posts(path, body, asks_only=False)


def _posts(path: str, body: Mapping[str, Any], *, asks_only: bool) -> Request:
    return Request(
        "POST",
        path,
        headers={"content-type": "application/json"},
        body=_JSON.encode(body),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
    )


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its code and words. Only a signed one can be a result; a plain one is a hint (pack 2.1)."""

    code: str
    words: Json
    is_signed: bool

    @property
    def is_success(self) -> bool:
        return self.is_signed and self.code == codes.SUCCESS


def read(account: Account, answer: Response) -> Said:
    """An answer of paymentToken or paymentInquiry. Raises Garbled, also for a signature of somebody else."""
    body = _object(answer)
    if "payload" not in body:
        return Said(_code(body), body, is_signed=False)
    claims = jose.read_claims(secret_key(account), text_at(body, "payload"))
    return Said(_code(claims), claims, is_signed=True)


def read_plain(answer: Response) -> Said:
    """An answer of Do Payment or canceltransaction, which are never signed. Raises Garbled."""
    body = _object(answer)
    return Said(_code(body), body, is_signed=False)


def _object(answer: Response) -> Json:
    if answer.status >= 500 or answer.status == _TOO_MANY:  # noqa: PLR2004 -- HTTP's own failures
        raise Garbled(f"HTTP {answer.status}")
    return read_object(answer.body)


def _code(words: Json) -> str:
    code = text_at(words, "respCode")
    if _CODE.fullmatch(code) is None:
        raise Garbled("respCode is not four digits")
    return code


@dataclass(frozen=True, slots=True)
class PaymentToken:
    """What a payment is begun with: the token, and 2C2P's page for it."""

    value: str
    page: str


def token_in(words: Json) -> PaymentToken:
    """Raises Garbled."""
    page = text_at(words, "webPaymentUrl")
    if re.fullmatch(r"https?://[!-~]+", page) is None:
        raise Garbled("webPaymentUrl is no web address")
    return PaymentToken(text_at(words, "paymentToken"), page)


def refuse_strangers(words: Json, account: Account, invoice: str, *, named: bool) -> None:
    """Raises Garbled when the answer is about another merchant or invoice than asked.

    `named`: a result has to name its invoice; "in progress" and "not found" need not.
    """
    theirs = optional_text(words, "invoiceNo")
    if theirs != invoice and (named or theirs):
        raise Garbled("2C2P answers about another invoice than we asked")
    if optional_text(words, "merchantID") not in ("", merchant_id(account)):
        raise Garbled("2C2P answers about another merchant than we asked")


def receipt_in(words: Json, account: Account) -> Receipt:
    """A payment as a result has it: inquiry and backend notification are of one shape. Raises Garbled."""
    said = {
        "account": _masked(words),
        "scheme": optional_text(words, "paymentScheme"),
        "channel": optional_text(words, "channelCode"),
        "bank": optional_text(words, "issuerBank") or optional_text(words, "agentCode"),
    }
    return Receipt(
        transaction_id(words),
        money_at(words, "amount", currency_in(words)),
        moment(text_at(words, "transactionDateTime"), account),
        {name: value for name, value in said.items() if value},
    )


def transaction_id(words: Json) -> str:
    """2C2P's own id of the movement, which a payment action names referenceNo as well. Raises Garbled."""
    found = (optional_text(words, name) for name in ("referenceNo", "tranRef", "paymentID"))
    named = next(filter(None, found), "")
    if not named:
        raise Garbled("the result has no reference number")
    return named


def currency_in(words: Json) -> Currency:
    """By its letters (pack 3). Raises Garbled."""
    currency = CURRENCIES.get(text_at(words, "currencyCode"))
    if currency is None:
        raise Garbled("currencyCode is not a currency we know")
    return currency


def moment(text: str, account: Account) -> datetime:
    """`yyyyMMddHHmmss`, or as in some examples `ddMMyyyyHHmmss`, as aware UTC (pack 3). Raises Garbled.

    No 14 digits of this century are both: what is a year in one order is a month of 20 in the other.
    """
    if re.fullmatch(r"[0-9]{14}", text):
        for form in ("%Y%m%d%H%M%S", "%d%m%Y%H%M%S"):
            try:
                found = datetime.strptime(text, form).replace(tzinfo=zone(account))
            except ValueError:
                continue
            if found.year >= 2000:  # noqa: PLR2004 -- 2C2P is of this century
                return found.astimezone(UTC)
    raise Garbled("the time of the transaction is not a time")


def _masked(words: Json) -> str:
    """The account or card as 2C2P masked it; a whole number is not ours to keep."""
    for name in ("accountNo", "cardNo", "maskedPan"):
        if (number := optional_text(words, name)) and re.search(r"[xX*]", number):
            return number
    return ""
