"""Merchant iPay's words: the form for the payer's browser, requests to orderApi, its answers (bbl.md A)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import parse_qsl, urlencode

from quickkub.connectors.contract import Account, Instruction, Order, Receipt, Request, Response
from quickkub.connectors.providers.bbl import errors, hashes
from quickkub.connectors.providers.bbl.manifest import MANIFEST
from quickkub.connectors.providers.bbl.xml_records import read_records
from quickkub.connectors.reading import Garbled, Unexpected, currency_at, instant_at, money_at
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text

PAY_FORM: Final = "/payment/payForm.jsp"
ORDER_API: Final = "/merchant/api/orderApi.jsp"
DEADLINE_SECONDS: Final = 30
FIELDS_MAX: Final = 200
REMARK_MAX: Final = 200
URL_MAX: Final = 300

_ZONES: Final = {
    "UTC": UTC,
    "Asia/Hong_Kong": timezone(timedelta(hours=8)),
    "Asia/Manila": timezone(timedelta(hours=8)),
}
_SENDABLE: Final = re.compile(r"[^\n\r\t\x00-\x1f\x7f]*")


class Misfit(Exception):
    """Something without which the bank cannot be asked, in words for a person."""


# --- the account ---


def merchant_id(account: Account) -> str:
    return setting(account, "ipay.merchant_id")


def secret(account: Account) -> str:
    """The secure hash's secret; empty when the merchant has none."""
    found = account.credentials.get("ipay.secret")
    return found.reveal() if found else ""


def algorithms(account: Account) -> tuple[str, ...]:
    """What hashes are taken; ours is made by the first."""
    names = setting(account, "ipay.allowed_hashes", "sha512").lower().replace(" ", "").split(",")
    return tuple(name for name in names if name in hashes.LENGTHS) or ("sha512",)


def has_api_user(account: Account) -> bool:
    return bool(setting(account, "ipay.login_id") and account.credentials.get("ipay.password"))


def lives_by_datafeed(account: Account) -> bool:
    """Whether card payments can only be learned from signed datafeeds: there is a secret and no API user."""
    return bool(secret(account)) and not has_api_user(account)


# --- the form ---


def form_address(account: Account) -> str:
    """Where the payer's browser posts the form: the address the line would use for this account."""
    usual = MANIFEST.live_base_url if account.mode == "live" else MANIFEST.sandbox_base_url
    return setting(account, "base_url", usual).rstrip("/") + PAY_FORM


def form_fields(account: Account, order: Order) -> dict[str, str]:
    """The fields of payForm.jsp (A3). Raises Misfit when the account or order lacks something.

    The hash is over the texts that are sent, so the amount is written once.
    """
    if not merchant_id(account):
        raise Misfit("the account has no ipay.merchant_id")
    if not 0 < len(order.return_url) <= URL_MAX:
        raise Misfit("the payer cannot be sent back: there is no return address of at most 300 letters")
    if order.capture_later and not has_api_user(account):
        raise Misfit("a hold needs an API user: the datafeed does not tell it from a sale")
    amount = decimal_text(order.amount)
    pay_type = "H" if order.capture_later else "N"
    fields = {
        "merchantId": merchant_id(account),
        "amount": amount,
        "orderRef": order.reference,
        "currCode": order.amount.currency.numeric,
        "lang": "E" if order.payer.language == "en" else "T",
        "payType": pay_type,
        "payMethod": setting(account, "ipay.pay_method", "CC"),
        "mpsMode": "NIL",
        "successUrl": order.return_url,
        "failUrl": order.return_url,
        "cancelUrl": order.return_url,
        # Comes back in the datafeed, which does not say by itself whether the money is only held.
        "orderRef1": pay_type,
    }
    if order.description and _SENDABLE.fullmatch(order.description):
        fields["remark"] = order.description[:REMARK_MAX]
    if key := secret(account):
        parts = (fields["merchantId"], order.reference, fields["currCode"], amount, pay_type, key)
        fields["secureHash"] = hashes.digest(algorithms(account)[0], *parts)
    return fields


# --- orderApi ---


def _asks(account: Account, action: str, more: Mapping[str, str], *, asks_only: bool) -> Request:
    """A form post: by GET the password would end up in logs (A5). Raises Misfit."""
    password = account.credentials.get("ipay.password")
    if not merchant_id(account) or not has_api_user(account) or password is None:
        raise Misfit("the account has no ipay.merchant_id, ipay.login_id or ipay.password")
    said = {
        "merchantId": merchant_id(account),
        "loginId": setting(account, "ipay.login_id"),
        "password": password.reveal(),
        "actionType": action,
        **more,
    }
    return Request(
        "POST",
        ORDER_API,
        headers={"content-type": "application/x-www-form-urlencoded", "accept": "*/*"},
        body=urlencode(said).encode(),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=asks_only,
    )


def asks_query(account: Account, reference: str) -> Request:
    """All payments of one order reference. Raises Misfit."""
    return _asks(account, "Query", {"orderRef": reference}, asks_only=True)


def tells(account: Account, action: str, pay_ref: str, amount: Money | None = None) -> Request:
    """Capture, Void, OnlineReversal, RequestRefund or Refund (A6). Raises Misfit."""
    more = {"payRef": pay_ref} | ({"amount": decimal_text(amount)} if amount is not None else {})
    return _asks(account, action, more, asks_only=False)


# --- answers ---


@dataclass(frozen=True, slots=True)
class Said:
    """The url-encoded answer of orderApi: `code` is resultCode, the rest is as written."""

    code: str
    words: Mapping[str, str]

    @property
    def is_done(self) -> bool:
        return self.code == "0"

    @property
    def message(self) -> str:
        return self.words.get("errMsg", "")[:200]

    @property
    def is_about_us(self) -> bool:
        """Whether the refusal names no order: the credentials or the request were wrong."""
        return not self.words.get("orderStatus") and not self.words.get("payRef")


@dataclass(frozen=True, slots=True)
class Payment:
    """One record of a query: one try of a payer."""

    status: str
    pay_ref: str
    amount: Money
    prc: str
    src: str
    settled: str
    at: datetime | None

    def receipt(self) -> Receipt:
        """The movement. Raises Garbled when the bank does not say when it was."""
        if self.at is None:
            raise Garbled("txTime is missing")
        return Receipt(self.pay_ref, self.amount, self.at)


def said_in(answer: Response) -> Said:
    """Raises Garbled for everything that is no url-encoded answer with a resultCode."""
    if answer.status != errors.HTTP_OK:
        raise Garbled(f"HTTP {answer.status}")
    words = read_form(answer.body)
    if words.get("resultCode") not in ("0", "-1"):
        raise Garbled("there is no resultCode that we know")
    return Said(words["resultCode"], words)


def payments_in(answer: Response, account: Account, reference: str) -> list[Payment] | Said:
    """The payments of this reference, or the refusal: an error is not XML (A5). Raises Garbled."""
    if answer.status != errors.HTTP_OK:
        raise Garbled(f"HTTP {answer.status}")
    if answer.body.lstrip().startswith(b"resultCode"):
        return said_in(answer)
    found = [_payment(record, account, reference) for record in read_records(answer.body)]
    if len({payment.pay_ref for payment in found}) != len(found):
        raise Garbled("the bank shows one payment twice")
    return found


def _payment(record: Mapping[str, str], account: Account, reference: str) -> Payment:
    if record.get("ref") != reference:
        raise Unexpected("the bank shows a payment of another reference than we asked for")
    currency = currency_at(dict(record), "cur")
    if currency != THB:
        raise Unexpected(f"the payment is in {currency}")
    return Payment(
        status=_there(record, "orderStatus"),
        pay_ref=_there(record, "payRef"),
        amount=money_at(dict(record), "amt", currency),
        prc=record.get("prc", ""),
        src=record.get("src", ""),
        settled=record.get("settle", ""),
        at=instant_at(dict(record), "txTime", zone(account)) if record.get("txTime") else None,
    )


def moved(said: Said, pay_ref: str) -> Money:
    """The amount of an answer about this payment. Raises Garbled when it is about another one."""
    if said.words.get("payRef") != pay_ref or currency_at(dict(said.words), "cur") != THB:
        raise Unexpected("the answer is about another payment or currency")
    return money_at(dict(said.words), "amt", THB)


def zone(account: Account) -> timezone:
    """The zone of iPay's times; not stated by the bank (`ipay.timezone`)."""
    return _ZONES.get(setting(account, "ipay.timezone"), BANGKOK)


def read_form(body: bytes) -> dict[str, str]:
    """A url-encoded text, each name once. Raises Garbled."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise Garbled("not url-encoded") from None
    words = dict(pairs)
    if len(words) != len(pairs):
        raise Garbled("a field is given twice")
    if any("\x00" in text for pair in pairs for text in pair):
        raise Garbled("a field holds NUL")
    return {name: value.strip() for name, value in words.items()}


def _there(record: Mapping[str, str], name: str) -> str:
    if not record.get(name):
        raise Garbled(f"{name} is missing or empty")
    return record[name]


def payment_of(instruction: Instruction, order: Order) -> str:
    """The bank's id of the payment an instruction is about; empty when nobody wrote it down."""
    return instruction.transaction_id or order.provider_reference or ""


def by_id(payments: Iterable[Payment], pay_ref: str) -> Payment | None:
    return next((payment for payment in payments if payment.pay_ref == pay_ref), None)
