"""The krungsri app's deep link (bay.md part B): an assumed contract, off by default."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.connectors.contract import (
    Account,
    Declined,
    Failure,
    Order,
    Outcome,
    Paid,
    Receipt,
    Request,
    Waiting,
    unexpected,
)
from quickkub.connectors.providers.bay import wire
from quickkub.connectors.providers.bay.manifest import PORTAL
from quickkub.connectors.providers.bay.wire import Misfit
from quickkub.connectors.reading import Garbled, Json, Unexpected, instant_at, optional_text, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.money import decimal_text

CREATE_PATH: Final = "/native/deeplink/payment/generate"
INQUIRY_PATH: Final = "/native/deeplink/payment/inquiry"

_APP_LINK: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[!-~]+", re.IGNORECASE)
# The link is put before a payer as something to open; these would run in our own page instead.
_NOT_LINKS: Final = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})


def require_enabled(account: Account) -> None:
    """Raises Misfit where the account has not switched it on."""
    if not is_on(account, "app.enabled"):
        raise Misfit("app.enabled is off: the deep link's fields are not public")
    if not setting(account, "biller_id"):
        raise Misfit("the account has no biller_id")


def creates(account: Account, order: Order) -> Request:
    body = {
        "billerId": setting(account, "biller_id"),
        "reference1": order.reference,
        "reference2": wire.reference2(account, order),
        "amount": decimal_text(order.amount),
        "currencyCode": order.amount.currency.code,
        "callbackUrl": order.return_url,
        "notifyUrl": account.callback_url,
        "expiryMinutes": str(_minutes(account, order)),
    }
    path = setting(account, "app.create_path", CREATE_PATH)
    return _posts(account, path, {n: v for n, v in body.items() if v}, order.now, asks_only=False)


def _minutes(account: Account, order: Order) -> int:
    """Until the order ends, in whole minutes upwards, and not longer than the account says."""
    seconds = int((order.expires_at - order.now).total_seconds())
    return min(max(-(-seconds // 60), 1), int(setting(account, "app.expiry_minutes", "15")))


def asks(account: Account, order: Order, number: str) -> Request:
    path = setting(account, "app.inquiry_path", INQUIRY_PATH)
    return _posts(account, path, {"referenceNumber": number}, order.now, asks_only=True)


def _posts(
    account: Account, path: str, body: Mapping[str, str], now: datetime, *, asks_only: bool
) -> Request:
    """The headers of the QR API, without `sign`, below another address."""
    return Request(
        "POST",
        path,
        headers=wire.headers(account, now),
        body=json.dumps(body, ensure_ascii=False).encode(),
        deadline_seconds=wire.DEADLINE_SECONDS,
        asks_only=asks_only,
        host=PORTAL,
    )


@dataclass(frozen=True, slots=True)
class AppLink:
    """The link the payer opens, and the bank's number of it."""

    number: str
    url: str


def link_in(data: Json) -> AppLink:
    """Raises Garbled."""
    url = text_at(data, "deeplinkUrl")
    shape = _APP_LINK.fullmatch(url)
    if shape is None or shape[1].lower() in _NOT_LINKS:
        raise Garbled("deeplinkUrl is not an app link")
    return AppLink(text_at(data, "referenceNumber"), url)


_ENDED: Final = {
    "FAILED": Declined(Failure.DECLINED, "FAILED", "the payment in the krungsri app failed"),
    "CANCELLED": Declined(Failure.PAYER_CANCELLED, "CANCELLED", "the payer cancelled in the krungsri app"),
    "EXPIRED": Declined(Failure.EXPIRED, "EXPIRED", "the deep link has expired"),
}


def standing(data: Json, order: Order, number: str) -> Outcome:
    """The states of a deep link. Raises Garbled."""
    status = text_at(data, "transactionStatus")
    if optional_text(data, "referenceNumber") not in ("", number):
        raise Garbled("the answer is about another deep link")
    if optional_text(data, "reference1") not in ("", order.reference):
        raise Unexpected("the deep link is of another reference")
    if status == "PENDING":
        return Waiting(provider_reference=number)
    if status in _ENDED:
        return _ENDED[status]
    if status != "SUCCESS":
        return unexpected(f"Krungsri names the state {status[:20]!r}, which we do not know", number)
    receipt = receipt_in(data, number)
    if receipt.amount != order.amount:
        raise Unexpected("the payer paid another amount than the link is for")
    return Paid((receipt,), number)


def receipt_in(data: Json, number: str) -> Receipt:
    """The movement of an inquiry or callback. Raises Garbled."""
    if optional_text(data, "currencyCode") not in ("", "THB"):
        raise Unexpected("the payment is in another currency")
    return Receipt(number, wire.amount_at(data, "amount"), instant_at(data, "transactionDateTime"))
