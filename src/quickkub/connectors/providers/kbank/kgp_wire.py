"""The K-Payment Gateway's words: requests with a key, charge objects, the webhook's checksum (pack B)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from quickkub.connectors.contract import Account, Order, Request, Response
from quickkub.connectors.providers.kbank.manifest import ALIPAY, KGP
from quickkub.connectors.providers.kbank.words import baht_number, encoded, secret
from quickkub.connectors.reading import (
    Garbled,
    Json,
    an_object,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import CURRENCIES, THB, Money

SECONDS: Final = 30
HTTP_OK: Final = 200
DESCRIPTION_MAX: Final = 255
SECRET_KEY: Final = "kgp.secret_key"  # noqa: S105 -- the name of the credential, not its value

_CREATED: Final = re.compile(r"[0-9]{17}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_WEB: Final = re.compile(r"https?://[!-~]+")
AUTHORIZED_WORDS: Final = frozenset({"Authorized", "Auhtorized"})
"""The second is how one official sample spells it (pack B8)."""


# --- requests ---------------------------------------------------------------------------------------------


def creates_charge(account: Account, order: Order) -> Request:
    """A charge of a card token, or of Alipay; 3-D Secure is asked for by a `redirect_url` (pack B4)."""
    body: dict[str, Any] = {
        **_asked(order),
        "source_type": "alipay" if order.method == ALIPAY else "card",
        "ref_1": order.reference,
    }
    if order.method != ALIPAY:
        body |= {"mode": "token", "token": order.payer.card_token, "save_card": False}
    where = {"mid": setting(account, "kgp.mid"), "tid": setting(account, "kgp.tid")}
    if additional := {name: value for name, value in where.items() if value}:
        body["additional_data"] = additional
    return _sends(account, "POST", "/card/v2/charge", body)


def creates_order(account: Account, order: Order) -> Request:
    """The order behind a QR; nobody can pay it before its QR is made (pack B6)."""
    return _sends(
        account, "POST", "/qr/v2/order", {**_asked(order), "source_type": "qr", "ref_1": order.reference}
    )


def creates_picture(account: Account, order: Order, order_id: str) -> Request:
    body = {"order_id": order_id, **_asked(order), "sof": "ThaiQR", "metadata": []}
    return _sends(account, "POST", "/qr/v2/qr", body)


def asks(account: Account, path: str, name: str) -> Request:
    """`GET` of a charge, QR or order by its id or by our reference."""
    return _sends(account, "GET", f"{path}/{quote(name, safe='')}", asks_only=True)


def tells(account: Account, path: str, name: str, what: str, body: Mapping[str, Any]) -> Request:
    """`POST …/void`, `…/refund` or `…/cancel` of a charge or QR."""
    return _sends(account, "POST", f"{path}/{quote(name, safe='')}/{what}", body)


def _asked(order: Order) -> dict[str, Any]:
    return {
        "amount": baht_number(order.amount),
        "currency": order.amount.currency.code,
        "description": (order.description or order.reference)[:DESCRIPTION_MAX],
        "reference_order": order.reference,
    }


def _sends(
    account: Account,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    asks_only: bool = False,
) -> Request:
    headers = {"x-api-key": secret(account, SECRET_KEY)}
    if body is not None:
        headers["content-type"] = "application/json"
    return Request(
        method,
        path,
        headers,
        body=b"" if body is None else encoded(body),
        deadline_seconds=SECONDS,
        asks_only=asks_only,
        host=KGP,
    )


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status and object. An error object comes with a status of 4xx (pack B4, B9)."""

    status: int
    body: Json

    @property
    def is_error(self) -> bool:
        return self.status != HTTP_OK or self.body.get("object") == "error"

    @property
    def code(self) -> str:
        return _words(self.body, "failure_code", "code")

    @property
    def text(self) -> str:
        return _words(self.body, "failure_message", "message")


def _words(body: Json, *names: str) -> str:
    return next((str(body[name])[:200] for name in names if body.get(name) not in (None, "")), "")


def read(answer: Response) -> Said:
    """Raises Garbled."""
    return Said(answer.status, read_object(answer.body))


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge, QR or order as KGP has it. `made_at` is None where the answer names no time.

    `sent_back` is what `refund_info` adds up to, None when it does not say. Only a list of refunds proves
    that one is missing (`lists_refunds`): a single amount may be the sum or the last one.
    """

    id: str
    state: str
    status: str
    amount: Money | None
    reference: str
    made_at: datetime | None
    redirect_url: str
    was_approved: bool
    failure_code: str
    failure_message: str
    sent_back: Money | None
    lists_refunds: bool
    source: Mapping[str, str]

    @property
    def is_success(self) -> bool:
        return self.status.lower() == "success"


def charge_in(body: Json) -> Charge:
    """Any object of a charge; names of the id as liberal as pack B7. Raises Garbled."""
    source = body.get("source")
    held = source if isinstance(source, dict) else {}
    currency = optional_text(body, "currency") or THB.code
    if currency not in CURRENCIES:
        raise Garbled("currency is not one we know")
    return Charge(
        id=charge_id(body),
        state=optional_text(body, "transaction_state"),
        status=text_at(body, "status"),
        amount=money_at(body, "amount", CURRENCIES[currency]) if body.get("amount") is not None else None,
        reference=optional_text(body, "reference_order"),
        made_at=_created(body),
        redirect_url=_web_address(body),
        was_approved=bool(optional_text(body, "approval_code")),
        failure_code=_words(body, "failure_code"),
        failure_message=_words(body, "failure_message"),
        sent_back=_sent_back(body.get("refund_info")),
        lists_refunds=_list_of(body.get("refund_info")) is not None,
        source={
            name: value
            for name, key in (("brand", "brand"), ("card", "card_masking"), ("bank", "issuer_bank"))
            if (value := optional_text(held, key)) and (name != "card" or re.search(r"[xX*]", value))
        },
    )


def charge_id(body: Json) -> str:
    """Raises Garbled."""
    for name in ("id", "objectId", "chargeId"):
        if found := optional_text(body, name):
            return found
    raise Garbled("the charge has no id")


def _created(body: Json) -> datetime | None:
    """`yyyyMMddHHmmssSSS` in Bangkok as aware UTC; None when it is absent. Raises Garbled."""
    text = optional_text(body, "created")
    if not text:
        return None
    if _CREATED.fullmatch(text) is None:
        raise Garbled("created is not a time")
    try:
        moment = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=BANGKOK)
        return (moment + timedelta(milliseconds=int(text[14:]))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled("created is not a time") from None


def _web_address(body: Json) -> str:
    address = optional_text(body, "redirect_url")
    if address and _WEB.fullmatch(address) is None:
        raise Garbled("redirect_url is not a web address")
    return address


def _sent_back(info: Any) -> Money | None:
    """The sum of `refund_info`, whose form is not public: a list of refunds, or one object with an amount.

    An object may hold the list beside its sum; the list is exact, so it is preferred. Raises Garbled.
    """
    refunds = _list_of(info)
    if refunds is not None:
        amounts = [money_at(an_object(one, "refund_info"), "amount", THB) for one in refunds]
        return Money(sum(amount.minor for amount in amounts))
    if isinstance(info, dict) and info.get("amount") is not None:
        return money_at(info, "amount", THB)
    return None


def _list_of(info: Any) -> list[Any] | None:
    """The list of refunds, wherever `refund_info` has it; None when there is none."""
    if isinstance(info, list):
        return info
    if isinstance(info, dict):
        return next((value for value in info.values() if isinstance(value, list)), None)
    return None


def picture_in(body: Json) -> str:
    """The QR of `POST /qr/v2/qr` as a `data:` address; it comes as plain base64 of a PNG. Raises Garbled."""
    text = text_at(body, "image_with_base64")
    if _BASE64.fullmatch(text) is None:
        raise Garbled("image_with_base64 is not base64")
    return f"data:image/png;base64,{text}"


# --- the webhook ------------------------------------------------------------------------------------------


def checksum(body: Json, key: str) -> str:
    """SHA-256 over id, amount with four decimals, currency, status, state and secret key (pack B7, D2).

    Raises Garbled when one of them is missing.
    """
    text = "".join(
        (
            charge_id(body),
            _four_decimals(body.get("amount")),
            text_at(body, "currency"),
            text_at(body, "status"),
            optional_text(body, "transaction_state"),
            key,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


def is_genuine(body: Json, key: str) -> bool:
    """Whether the checksum is KGP's: any case of letters, compared in constant time. Raises Garbled."""
    said = optional_text(body, "checksum").lower()
    return bool(key) and hmac.compare_digest(said.encode(), checksum(body, key).encode())


def _four_decimals(amount: Any) -> str:
    if isinstance(amount, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", amount):
        amount = Decimal(amount)
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise Garbled("amount is not a number")
    return f"{Decimal(amount):.4f}"
