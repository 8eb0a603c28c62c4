"""Krungsri's words: the requests we write and the answers we read (bay.md A3 to A7). No flow, no waiting."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.contract import Account, Order, Receipt, Request, Response
from quickkub.connectors.providers.bay import errors, sealing
from quickkub.connectors.reading import (
    Garbled,
    Json,
    an_object,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text
from quickkub.promptpay import QrKind, QrRefusal, parse_payment

CHANNEL: Final = "2"
PAGE_ROWS: Final = 30
REMARK_MAX: Final = 50
DEADLINE_SECONDS: Final = 30
TRX_ID: Final = re.compile(r"[0-9]{10,20}")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MASKED: Final = re.compile(r"[0-9Xx*-]*[Xx*][0-9Xx*-]*")
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f]+")


class Misfit(Exception):
    """Something without which the bank cannot be asked, in words for a person."""


# --- requests ---


def headers(account: Account, now: datetime | None) -> dict[str, str]:
    """The API key and a fresh id; the time only where we know it (no clock here). Raises Misfit."""
    key = account.credentials.get("api_key")
    if not key:
        raise Misfit("the account has no api_key")
    said = {
        "API-Key": key.reveal(),
        "X-Client-Transaction-ID": str(uuid.uuid4()),
        "content-type": "application/json",
    }
    if now is not None and is_on(account, "qr.send_datetime_header", default=True):
        local = now.astimezone(BANGKOK)
        said["X-Client-Transaction-DateTime"] = local.isoformat(timespec="milliseconds")
    return said


def _posts(
    account: Account, path: str, fields: Mapping[str, str], now: datetime | None, *, asks_only: bool
) -> Request:
    """A signed body. Blank fields are not sent, so that nobody can differ about them. Raises Misfit."""
    for name in ("biz_mch_id", "biller_id", "bank_public_key"):
        if not setting(account, name):
            raise Misfit(f"the account has no {name}")
    said = {name: value for name, value in fields.items() if value.strip()}
    skip = is_on(account, "sign.skip_empty", default=True)
    try:
        said["sign"] = sealing.sign_of(said, setting(account, "bank_public_key"), skip_empty=skip)
    except sealing.BadKey as trouble:
        raise Misfit(str(trouble)) from None
    return Request(
        "POST",
        path,
        headers=headers(account, now),
        body=json.dumps(said, ensure_ascii=False).encode(),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
    )


def reference2(account: Account, order: Order) -> str:
    return setting(account, "ref2", order.reference)


def creates_qr(account: Account, order: Order) -> Request:
    """`POST trans/precreate` (A3)."""
    fields = {
        "bizMchId": setting(account, "biz_mch_id"),
        "billerId": setting(account, "biller_id"),
        "channel": CHANNEL,
        "reference1": order.reference,
        "reference2": reference2(account, order),
        "terminalId": setting(account, "terminal_id", "0001"),
        "amount": decimal_text(order.amount),
        "remark": _remark(order.description),
    }
    return _posts(account, "/trans/precreate", fields, order.now, asks_only=False)


def _remark(description: str) -> str:
    text = description.strip()[:REMARK_MAX].strip()
    return text if _PRINTABLE.fullmatch(text) else "-"


def asks_detail(account: Account, trx_id: str, now: datetime) -> Request:
    """`POST trans/detail` (A4)."""
    fields = {"bizMchId": setting(account, "biz_mch_id"), "trxId": trx_id}
    return _posts(account, "/trans/detail", fields, now, asks_only=True)


def asks_list(
    account: Account, page: int, now: datetime | None, *, rows: int = PAGE_ROWS, start: datetime | None = None
) -> Request:
    """`POST trans/list`, pages counted from 1 (A5)."""
    fields = {"billerId": setting(account, "biller_id"), **_page(account, page, rows, start)}
    return _posts(account, "/trans/list", fields, now, asks_only=True)


def asks_settlements(account: Account, page: int, start: datetime | None = None) -> Request:
    """`POST trans/settle/list` (A6)."""
    return _posts(account, "/trans/settle/list", _page(account, page, PAGE_ROWS, start), None, asks_only=True)


def _page(account: Account, page: int, rows: int, start: datetime | None) -> dict[str, str]:
    said = {
        "bizMchId": setting(account, "biz_mch_id"),
        "numberPerPage": str(rows),
        "pageNumber": str(page),
    }
    if start is not None and is_on(account, "qr.list_time_start"):
        said["timeStart"] = start.astimezone(BANGKOK).strftime("%Y-%m-%d %H:%M:%S")
    return said


def asks_slip(account: Account, slip: str) -> Request:
    """`POST trans/verify` with the text of a slip's QR (A7)."""
    fields = {"bizMchId": setting(account, "biz_mch_id"), "trxQr": slip}
    return _posts(account, "/trans/verify", fields, None, asks_only=True)


# --- answers ---


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status, the bank's code (the gateway's, for an HTTP error), the fields."""

    status: int
    code: str
    data: Json

    @property
    def is_success(self) -> bool:
        return self.status == errors.HTTP_OK and self.code == errors.SUCCESS


def read(answer: Response) -> Said:
    """Raises Garbled for everything that is not JSON, such as a proxy's "File not found."."""
    data = read_object(answer.body)
    if answer.status != errors.HTTP_OK:
        error = data.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return Said(answer.status, str(code) if isinstance(code, str | int) else "", {})
    return Said(answer.status, _code(data), data)


def _code(data: Json) -> str:
    """`returnCode` is text in answers and a number elsewhere (A12)."""
    code = data.get("returnCode")
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code)
    return text_at(data, "returnCode")


@dataclass(frozen=True, slots=True)
class Made:
    """A QR the bank made: its id of the payment and the text to show."""

    trx_id: str
    text: str


def qr_in(data: Json, account: Account, order: Order) -> Made:
    """The QR, if it asks for what we asked (P12). Raises Garbled."""
    if optional_text(data, "success").lower() == "false":
        raise Garbled("the answer is a success by its code and none by its field")
    trx_id, text = _id_at(data), text_at(data, "qrcodeContent")
    try:
        qr = parse_payment(text, strict=False)
    except QrRefusal as refusal:
        raise Garbled(f"the QR is no Thai payment QR: {refusal.code}") from None
    bill = qr.biller
    if qr.kind is not QrKind.BILL_PAYMENT or bill is None:
        raise Garbled("the QR is no bill payment")
    asked = (setting(account, "biller_id"), order.reference, reference2(account, order), order.amount)
    if (bill.biller_id, bill.ref1, bill.ref2 or asked[2], qr.amount) != asked:
        raise Garbled("the QR asks for another biller, reference or amount than we did")
    return Made(trx_id, text)


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the bank's records say of one payment. `at` is None while there is no time in them."""

    trx_id: str
    reference1: str
    amount: Money
    status: str
    at: datetime | None
    fee: Money
    account: str

    def receipt(self) -> Receipt:
        """The movement. Raises Garbled when the bank does not say when it was."""
        if self.at is None:
            raise Garbled("datetime is missing")
        return Receipt(self.trx_id, self.amount, self.at, {"account": self.account} if self.account else {})


def transaction_in(value: object, account: Account) -> Transaction:
    """A `transaction` of detail, list or verify, of our own biller. Raises Garbled."""
    row = an_object(value, "transaction")
    if text_at(row, "billerId") != setting(account, "biller_id"):
        raise Garbled("the transaction is of another biller")
    return Transaction(
        trx_id=_id_at(row),
        reference1=optional_text(row, "reference1"),
        amount=amount_at(row, "amount"),
        status=word_at(row, "trxStatus"),
        at=_epoch_at(row),
        fee=fee_at(row),
        account=masked(optional_text(row, "fromAccount")),
    )


def rows_in(data: Json, name: str) -> list[Any]:
    """The rows of a list, below the extra level `data` (A12). Raises Garbled."""
    rows = an_object(data.get("data"), "data").get(name)
    if not isinstance(rows, list):
        raise Garbled(f"data.{name} is not a list")
    return rows


def amount_at(row: Json, name: str) -> Money:
    """Baht as loosely formatted text or number: `"1"`, `"150.75"`, `175`, `"1.00 "`. Raises Garbled."""
    value = row.get(name)
    return money_at({name: value.strip() if isinstance(value, str) else value}, name, THB)


def fee_at(row: Json) -> Money:
    """What the bank kept; nothing when it is blank or zero. Raises Garbled."""
    value = row.get("feeMerchant")
    text = f"{value:f}" if isinstance(value, Decimal) else "" if value is None else str(value).strip()
    if not text or re.fullmatch(r"0+(\.0+)?", text):
        return Money(0)
    return money_at({"feeMerchant": text}, "feeMerchant", THB)


def masked(account: str) -> str:
    """A payer's account as the bank masked it; one that it did not mask is not kept (A9)."""
    return account if _MASKED.fullmatch(account) else ""


def _id_at(row: Json) -> str:
    trx_id = text_at(row, "trxId")
    if TRX_ID.fullmatch(trx_id) is None:
        raise Garbled("trxId is no number of the bank's")
    return trx_id


def word_at(row: Json, name: str) -> str:
    """A code as text or number. Raises Garbled."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_at(row, name)


def _epoch_at(row: Json) -> datetime | None:
    """`datetime` is true epoch milliseconds here (A4), unlike in callbacks. Raises Garbled."""
    value = row.get("datetime")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or re.fullmatch(r"[0-9]{10,14}", str(value)) is None:
        raise Garbled("datetime is not a time in milliseconds")
    return _EPOCH + timedelta(milliseconds=int(str(value)))
