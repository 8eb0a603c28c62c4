"""GBPrimePay's words: forms and JSON we write, answers we read (pack 2, 4, 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from quickkub.connectors.contract import Account, Order, Request, Response
from quickkub.connectors.providers.gbprimepay import errors, keys
from quickkub.connectors.providers.gbprimepay.manifest import MANIFEST
from quickkub.connectors.providers.gbprimepay.methods import WAYS, Door, Way
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import THB, Money, decimal_text
from quickkub.promptpay import QrRefusal, parse_payment
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.tlv import first_values, walk

DEADLINE_SECONDS: Final = 30
TEXT_MAX: Final = 250
THREE_D_SECURED: Final = "/v2/tokens/3d_secured"
_TOO_MANY: Final = 429
_THEIR_NUMBER: Final = re.compile(r"[A-Za-z0-9]{1,40}")
_JSON: Final = msgspec.json.Encoder()
_FORM_TYPE: Final = {"content-type": "application/x-www-form-urlencoded"}


# --- requests ---------------------------------------------------------------------------------------------


def address(account: Account, path: str) -> str:
    """Where the payer's browser posts a form: the address the line would use for this account."""
    usual = MANIFEST.live_base_url if account.mode == "live" else MANIFEST.sandbox_base_url
    return setting(account, "base_url", usual).rstrip("/") + path


def path_of(account: Account, way: Way) -> str:
    """The way's path, or the one the account names where none is public."""
    return setting(account, way.path_setting, way.path) if way.path_setting else way.path


def form_fields(account: Account, order: Order) -> dict[str, str]:
    """What the payer's browser posts, or we in its place for WeChat: public key, order, checksum."""
    way = WAYS[order.method]
    fields = {"publicKey": keys.public_key(account), "amount": decimal_text(order.amount)}
    fields["referenceNo"] = order.reference
    if way.door is Door.FORM:
        fields["responseUrl"] = order.return_url
    fields |= {"backgroundUrl": account.callback_url, **_about(order)}
    if way.bank:
        fields["bankCode"] = way.bank
    if way.has_term:
        fields["term"] = str(term(account))
    fields["checksum"] = keys.checksum(keys.secret_key(account), fields, way.signs)
    return fields


def term(account: Account) -> int:
    """Months of an instalment plan."""
    return int(setting(account, "installment_term", "6"))


def asks_qr(account: Account, order: Order) -> Request:
    """`POST /v3/qrcode/text` or `/v3/qrcredit/text` (pack 5.1, 5.2)."""
    fields = {"token": keys.customer_token(account), "amount": decimal_text(order.amount)}
    fields["referenceNo"] = order.reference
    if account.callback_url:
        fields["backgroundUrl"] = account.callback_url
    return _posts_form(WAYS[order.method].path, {**fields, **_about(order)})


def asks_wechat(account: Account, order: Order) -> Request:
    """`POST /v2/wechat/text` (pack 5.6)."""
    return _posts_form(WAYS[order.method].path, form_fields(account, order))


def charges(account: Account, order: Order) -> Request:
    """`POST /v2/tokens/charge`: the card by its token, and never a card number (pack 5.9)."""
    body: dict[str, Any] = {
        # A number with both decimals, written by hand: no float comes near it.
        "amount": msgspec.Raw(decimal_text(order.amount).encode()),
        "referenceNo": order.reference,
        **_about(order),
        "card": {"token": order.payer.card_token},
        "otp": "Y" if has_3ds(account, order) else "N",
    }
    if order.return_url:
        body["responseUrl"] = order.return_url
    if account.callback_url:
        body["backgroundUrl"] = account.callback_url
    return _posts_json("/v2/tokens/charge", keys.secret_key(account), body)


def has_3ds(account: Account, order: Order) -> bool:
    """Whether the payer of this card proves who they are, for the account's sake or the order's."""
    return order.challenge or is_on(account, "card_3ds", default=True)


def asks_status(account: Account, reference: str) -> Request:
    """`POST /v1/check_status_txn` (pack 5.10)."""
    body = {"referenceNo": reference}
    return _posts_json("/v1/check_status_txn", keys.secret_key(account), body, asks_only=True)


def asks_about_key(path: str, key: str) -> Request:
    """`GET /checkPublicKey` or `/checkPrivateKey` with the key itself (pack 1)."""
    headers = {"authorization": keys.basic(key)}
    return Request("GET", path, headers, deadline_seconds=DEADLINE_SECONDS, asks_only=True)


def asks_about_token(account: Account) -> Request:
    """`POST /checkCustomerKey` (pack 1)."""
    return _posts_form("/checkCustomerKey", {"token": keys.customer_token(account)}, asks_only=True)


def _about(order: Order) -> dict[str, str]:
    """What every request may say besides; our reference comes back in merchantDefined1 (pack 4)."""
    payer = order.payer
    said = {
        "detail": order.description or order.reference,
        "customerName": payer.name,
        "customerEmail": payer.email,
        "customerTelephone": payer.phone,
        "merchantDefined1": order.reference,
    }
    return {name: value[:TEXT_MAX] for name, value in said.items() if value}


def _posts_form(path: str, fields: Mapping[str, str], *, asks_only: bool = False) -> Request:
    return Request(
        "POST",
        path,
        _FORM_TYPE,
        body=urlencode(fields).encode(),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
    )


def _posts_json(path: str, key: str, body: Mapping[str, Any], *, asks_only: bool = False) -> Request:
    return Request(
        "POST",
        path,
        {"content-type": "application/json", "authorization": keys.basic(key)},
        body=_JSON.encode(body),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
    )


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `code` is its resultCode, one of the known plain texts, or errors.UNAUTHORISED."""

    code: str
    words: Json

    @property
    def message(self) -> str:
        return str(self.words.get("resultMessage") or "")[:200]


def read(answer: Response) -> Said:
    """Raises Garbled for failures of the whole service and for whatever has no known meaning."""
    said = _read(answer)
    return said if said.code else Said(text_at(said.words, "resultCode"), said.words)


def read_merchant(answer: Response) -> Said:
    """An answer about a key, which names the merchant and need not have a resultCode (pack 1)."""
    said = _read(answer)
    if said.code:
        return said
    code = optional_text(said.words, "resultCode")
    return Said(code or (errors.OK if merchant_in(said.words) else "no merchant"), said.words)


def _read(answer: Response) -> Said:
    """With an empty code when it is in the words. Raises Garbled."""
    if answer.status >= 500 or answer.status == _TOO_MANY:  # noqa: PLR2004 -- HTTP's own failures
        raise Garbled(f"HTTP {answer.status}")
    if answer.status in (401, 403):
        return Said(errors.UNAUTHORISED, {})
    text = answer.body.strip()
    if not text.startswith(b"{"):
        # Many refusals are plain text, with any status (pack 2).
        said = text[:60].decode("utf-8", "replace")
        if said.lower() in errors.TEXTS:
            return Said(said, {})
        raise Garbled("neither JSON nor a refusal we know")
    return Said("", read_object(answer.body))


def their_number(words: Json, order: Order) -> str:
    """gbpReferenceNo of an answer that is about this order. Raises Garbled."""
    if text_at(words, "referenceNo") != order.reference:
        raise Garbled("referenceNo is not that of the order")
    number = text_at(words, "gbpReferenceNo")
    if _THEIR_NUMBER.fullmatch(number) is None:
        raise Garbled("gbpReferenceNo is no number of GBPrimePay's")
    return number


def qr_in(words: Json, order: Order) -> str:
    """The text to draw. Raises Garbled, also when it asks for another amount than we did (P12)."""
    text = text_at(words, "qrcode")
    asked = _asked_by_bill(text) if order.method == "promptpay" else _asked_by_card_qr(text)
    if asked != order.amount:
        raise Unexpected("the QR asks for another amount than we did")
    return text


def _asked_by_bill(text: str) -> Money | None:
    try:
        return parse_payment(text, strict=False).amount
    except QrRefusal as refusal:
        raise Garbled(f"the QR cannot be read: {refusal.code}") from None


def _asked_by_card_qr(text: str) -> Money:
    """The pack shows no QR of cards, so only what EMVCo asks of every QR is looked at."""
    root = first_values(walk(text, len(text)).objects)
    if not text.isascii() or root.get("63", "").upper() != checksum(text[:-4]):
        raise Garbled("the QR cannot be read: bad_crc")
    if root.get("53") != THB.numeric:
        raise Unexpected("the QR is not in baht")
    return money_at(dict(root), "54", THB)


def wechat_in(words: Json) -> str:
    """WeChat's own link, drawn as a QR; it names no amount. Raises Garbled."""
    text = text_at(words, "wechat")
    if re.fullmatch(r"(weixin|wxp)://[!-~]{1,500}", text) is None:
        raise Garbled("wechat is no link of WeChat's")
    return text


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction under our reference."""

    number: str
    status: str
    amount: Money


def rows_in(words: Json, order: Order) -> list[Row]:
    """`txn`, or `txns` of card and token methods (pack 5.10). Raises Garbled."""
    one, several = words.get("txn"), words.get("txns")
    if (one is None) == (several is None):
        raise Garbled("the answer has neither txn nor txns, or both")
    found = [one] if several is None else several
    if not isinstance(found, list) or not found:
        raise Garbled("txns is no list of transactions")
    return [_row(row, order) for row in found]


def _row(row: object, order: Order) -> Row:
    if not isinstance(row, dict):
        raise Garbled("a transaction is no object")
    return Row(their_number(row, order), text_at(row, "status"), money_at(row, "amount", THB))


def merchant_in(words: Json) -> str:
    """The merchant a key belongs to; empty when the answer names none. Raises Garbled."""
    value = words.get("merchantId")
    return str(value) if type(value) is int else optional_text(words, "merchantId")
