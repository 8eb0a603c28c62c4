"""Card QR (QR CS): made with an invoice of ours, asked for by the bank's own id (pack 4.1, 6, 7.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    CallbackNews,
    Declined,
    Exchange,
    Failure,
    Forged,
    Order,
    Paid,
    Receipt,
    Request,
    Token,
    Unknown,
    Waiting,
)
from quickkub.connectors.providers.scb import errors, wire
from quickkub.connectors.providers.scb.asking import with_token
from quickkub.connectors.reading import (
    Garbled,
    Json,
    an_object,
    currency_at,
    instant_at,
    money_at,
    optional_text,
    text_at,
)
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

NO_RECORD_AFTER: Final = timedelta(minutes=2)
"""How long after its end a card QR without a record is over (pack 11)."""

CARD_MINUTES_MAX: Final = 99_999
_EXPIRED: Final = Declined(Failure.EXPIRED, "", "the card QR has ended and SCB has no record of a payment")


def lacks(account: Account) -> str:
    """The first setting without which no card QR can be made; empty when all is there."""
    return next((name for name in ("merchant_id", "terminal_id") if not setting(account, name)), "")


def create(account: Account, order: Order) -> Exchange:
    """A QR for cards, payable once and until `csExtExpiryTime`."""
    if missing := lacks(account):
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
    said = wire.read((yield from with_token(lambda token: _creates(account, token, order))))
    if not said.is_success:
        return errors.conclude(said.status, said.code)
    found = an_object(said.data, "data")
    _refuse_another(found, account, order)
    if (code := text_at(found, "responseCode")) != "000":
        return Unknown(f"SCB made the card QR with the response code {code[:10]!r}")
    return Waiting(Action(ActionKind.DISPLAY_QR, text_at(found, "qrRawData")), text_at(found, "qrCodeId"))


def inquire(account: Account, order: Order) -> Exchange:
    """The bank answers with a record once it is paid, and only to its own id.

    A card QR whose creation lost its answer has no id we know. Nobody was ever shown it, so it is over when
    it has ended.
    """
    is_over = order.now >= order.expires_at + NO_RECORD_AFTER
    code = order.provider_reference
    if not code:
        cause = "the answer with the card QR was lost, and SCB can only be asked by the id in it"
        return _EXPIRED if is_over else Unknown(cause)
    said = wire.read((yield from with_token(lambda token: _asks(account, token, code))))
    if said.is_not_found(account):
        return _EXPIRED if is_over else Waiting(provider_reference=code)
    if not said.is_success:
        return errors.conclude(said.status, said.code)
    found = an_object(said.data, "data")
    if text_at(found, "qrId") != code:
        raise Garbled("the bank answers about another card QR than we asked")
    about = (text_at(found, "merchantId"), text_at(found, "invoice"))
    if about != (setting(account, "merchant_id"), order.reference):
        raise Garbled("the bank answers about another merchant or invoice than we asked")
    return Paid((_receipt(found, _record_time(found)),), code)


def news_in(account: Account, said: Json) -> CallbackNews:
    """A card confirmation, of a card QR or of a card in SCB EASY.

    A card QR's time is Greenwich time without saying so (pack 14.4); the other says Bangkok's.

    Raises Forged for another merchant than the account's, Garbled for what cannot be read.
    """
    merchant = text_at(said, "merchantId")
    zone = UTC if said.get("paymentMethod") == "QRCS" else BANGKOK
    receipt = _receipt(said, instant_at(said, "transactionDateandTime", zone))
    reference = text_at(said, "invoice")
    if merchant != setting(account, "merchant_id"):
        raise Forged("the confirmation is for another card merchant")
    key = receipt.transaction_id
    return CallbackNews(key, reference, receipt, provider_reference=optional_text(said, "qrId"))


def is_news(said: Json) -> bool:
    """Whether a confirmation is about a card: those name a card merchant and no payee (pack 6)."""
    return bool(said.get("merchantId")) and not said.get("payeeProxyId")


def _creates(account: Account, token: Token, order: Order) -> Request:
    body: dict[str, Any] = {
        "qrType": "CS",
        "amount": decimal_text(order.amount),
        "merchantId": setting(account, "merchant_id"),
        "terminalId": setting(account, "terminal_id"),
        "invoice": order.reference,
        "csExtExpiryTime": str(_minutes_left(order)),
    }
    return wire.posts("/v1/payment/qrcode/create", wire.headers(account, token), body)


def _minutes_left(order: Order) -> int:
    """Whole minutes until the order ends, a begun one counted."""
    seconds = int((order.expires_at - order.now).total_seconds())
    return min(max(-(-seconds // 60), 1), CARD_MINUTES_MAX)


def _asks(account: Account, token: Token, code: str) -> Request:
    path = f"/v1/payment/qrcode/creditcard/{quote(code, safe='')}"
    return Request("GET", path, headers=wire.headers(account, token), asks_only=True)


def _refuse_another(found: Json, account: Account, order: Order) -> None:
    """Raises Garbled unless the QR is for what we asked (P12)."""
    made = (
        text_at(found, "merchantId"),
        text_at(found, "invoice"),
        money_at(found, "amount", currency_at(found, "currencyCode")),
    )
    if made != (setting(account, "merchant_id"), order.reference, order.amount):
        raise Garbled("the card QR is for another merchant, invoice or amount than we asked")


def _receipt(found: Json, paid_at: datetime) -> Receipt:
    named = {"card": _masked(found), "scheme": optional_text(found, "channelCode")}
    return Receipt(
        text_at(found, "transactionId"),
        money_at(found, "amount", currency_at(found, "currencyCode")),
        paid_at,
        {name: value for name, value in named.items() if value},
    )


def _masked(found: Json) -> str:
    """The payer's card number if the bank masked it; a whole one is not ours to keep."""
    number = optional_text(found, "consumerPAN")
    return number if re.search(r"[xX*]{4}", number) else ""


def _record_time(found: Json) -> datetime:
    """`20260115 10:33:12`, Bangkok time. Raises Garbled."""
    text = text_at(found, "transactionDateandTime")
    if not re.fullmatch(r"[0-9]{8} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise Garbled("transactionDateandTime is not a time")
    try:
        return datetime.strptime(text, "%Y%m%d %H:%M:%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled("transactionDateandTime is not a time") from None
