"""SCB's words: the requests we write and the answers we read (pack 2 to 7). No flow, no waiting."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec

from quickkub.connectors.contract import Account, Order, Receipt, Request, Response, Token
from quickkub.connectors.providers.scb import errors
from quickkub.connectors.providers.scb.manifest import SCAN
from quickkub.connectors.reading import (
    Garbled,
    Json,
    an_object,
    currency_at,
    instant_at,
    money_at,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text
from quickkub.kernel.secrets import Secret
from quickkub.promptpay import QrKind, QrRefusal, parse_payment

BILL_PAYMENT_EVENT: Final = "00300100"
SCAN_EVENT: Final = "00300104"
# A day and a reference under which nobody ever paid anything: asking for it shows whether we may ask.
NOTHING: Final = ("2020-01-01", "QUICKKUBCHECK")
REFERENCE_MAX: Final = 20
TOKEN_SECONDS_USUAL: Final = 1800
SESSION_SECONDS: Final = (60, 1800)
TOKEN_DEADLINE_SECONDS: Final = 10

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_APP_LINK: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[!-~]+", re.IGNORECASE)
# The link is put before a payer as something to open; these would run in our own page instead.
_NOT_LINKS: Final = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})


# --- requests ---------------------------------------------------------------------------------------------


def biller_id(account: Account) -> str:
    return setting(account, "biller_id")


def reference2(account: Account, order: Order) -> str:
    """Reference 2 for billers whose profile has two references; empty for the others."""
    if not is_on(account, "two_references"):
        return ""
    return setting(account, "ref2", order.reference)


def reference3(account: Account, order: Order) -> str:
    """The registered prefix and as much of our reference as fits: the prefix routes the confirmation call.

    Without the prefix the payment works and no confirmation is sent (pack 14.1).
    """
    return (setting(account, "ref3_prefix") + order.reference)[:REFERENCE_MAX]


def headers(account: Account, token: Token | None, **more: str) -> dict[str, str]:
    """What every call carries (pack 2)."""
    said = {
        "accept-language": "EN",
        "resourceOwnerId": account.credentials["application_key"].reveal(),
        # Traces one call at the bank and must differ for every call; 32 alphanumerics (pack 2).
        "requestUId": uuid.uuid4().hex,
    }
    if token is not None:
        said["authorization"] = f"Bearer {token.value.reveal()}"
    return said | more


def posts(path: str, said: Mapping[str, str], body: Mapping[str, Any], **more: Any) -> Request:
    """A JSON body; Decimals are written as numbers."""
    return Request(
        "POST", path, headers={**said, "content-type": "application/json"}, body=_JSON.encode(body), **more
    )


def lacks(account: Account) -> str:
    """The first thing without which nothing can be asked of SCB; empty when all is there."""
    for name in ("application_key", "application_secret"):
        if not account.credentials.get(name):
            return name
    return "" if biller_id(account) else "biller_id"


def asks_token(account: Account) -> Request:
    body = {
        "applicationKey": account.credentials["application_key"].reveal(),
        "applicationSecret": account.credentials["application_secret"].reveal(),
    }
    return posts(
        "/v1/oauth/token",
        headers(account, None),
        body,
        deadline_seconds=TOKEN_DEADLINE_SECONDS,
        asks_only=True,
    )


def _bill(account: Account, order: Order) -> dict[str, Any]:
    references = {
        "ref1": order.reference,
        "ref2": reference2(account, order),
        "ref3": reference3(account, order),
    }
    return {name: value for name, value in references.items() if value}


def creates_qr(account: Account, token: Token, order: Order) -> Request:
    """`POST /v1/payment/qrcode/create`: amount as text, no expiry, payable for ever (pack 4.1)."""
    body = {
        "qrType": "PP",
        "ppType": "BILLERID",
        "ppId": biller_id(account),
        "amount": decimal_text(order.amount),
        **_bill(account, order),
    }
    return posts("/v1/payment/qrcode/create", headers(account, token), body)


def creates_expiring_qr(account: Account, token: Token, order: Order) -> Request:
    """`POST /v2/payment/qrcode/create`: amount as number, how often it may be paid, until when (pack 4.2)."""
    zone = UTC if setting(account, "qr.v2_expiry_timezone") == "UTC" else BANGKOK
    body = {
        "qrType": "PP",
        "amount": Decimal(decimal_text(order.amount)),
        "ppType": "BILLERID",
        "ppId": biller_id(account),
        **_bill(account, order),
        "numberOfTimes": int(setting(account, "qr.v2_number_of_times", "1")),
        "expiryDate": order.expires_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
    }
    return posts("/v2/payment/qrcode/create", headers(account, token), body)


def creates_deeplink(account: Account, token: Token, order: Order) -> Request:
    """`POST /v3/deeplink/transactions`: a bill payment to be confirmed in the SCB EASY app (pack 5)."""
    shortest, longest = SESSION_SECONDS
    left = int((order.expires_at - order.now).total_seconds())
    about: dict[str, Any] = {"callbackUrl": order.return_url} if order.return_url else {}
    if name := setting(account, "shop_name"):
        about["merchantInfo"] = {"name": name}
    body = {
        "transactionType": "PURCHASE",
        "transactionSubType": ["BP", "CCFA"] if is_on(account, "easy.card") else ["BP"],
        "sessionValidityPeriod": min(max(left, shortest), longest),
        "billPayment": {
            "paymentAmount": Decimal(decimal_text(order.amount)),
            "accountTo": biller_id(account),
            **_bill(account, order),
        },
        **({"creditCardFullAmount": _by_card(account, order)} if is_on(account, "easy.card") else {}),
        **({"merchantMetaData": about} if about else {}),
    }
    return posts("/v3/deeplink/transactions", headers(account, token, channel="scbeasy"), body)


def _by_card(account: Account, order: Order) -> dict[str, Any]:
    """The same amount, taken from a card in the app if the payer likes (CCFA)."""
    return {
        "merchantId": setting(account, "merchant_id"),
        "terminalId": setting(account, "terminal_id"),
        "orderReference": order.reference,
        "paymentAmount": Decimal(decimal_text(order.amount)),
    }


def asks_deeplink(account: Account, token: Token, transaction: str) -> Request:
    path = f"/v2/transactions/{quote(transaction, safe='')}"
    return Request("GET", path, headers=headers(account, token), asks_only=True)


def asks_day(account: Account, token: Token, order: Order, day: date, deadline_seconds: int) -> Request:
    """The payments of one reference on one day of payment, Bangkok time (pack 7.1)."""
    query = {
        "eventCode": SCAN_EVENT if order.method == SCAN else BILL_PAYMENT_EVENT,
        "transactionDate": day.isoformat(),
        "billerId": biller_id(account),
        "reference1": order.reference,
    }
    if second := reference2(account, order):
        query["reference2"] = second
    return Request(
        "GET",
        "/v1/payment/billpayment/inquiry",
        headers=headers(account, token),
        query=query,
        deadline_seconds=deadline_seconds,
        asks_only=True,
    )


def asks_nothing(account: Account, token: Token) -> Request:
    """An inquiry that finds nothing, and is answered only to who may ask about this biller."""
    day, reference = NOTHING
    query = {
        "eventCode": BILL_PAYMENT_EVENT,
        "transactionDate": day,
        "billerId": biller_id(account),
        "reference1": reference,
    }
    path = "/v1/payment/billpayment/inquiry"
    return Request("GET", path, headers=headers(account, token), query=query, asks_only=True)


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An answer's HTTP status, the bank's own code, and the data."""

    status: int
    code: int
    data: Any

    @property
    def is_success(self) -> bool:
        return self.status in errors.SUCCESS_STATUSES and self.code == errors.SUCCESS

    def is_not_found(self, account: Account) -> bool:
        """Whether it says that there is no such record; which codes do is not public (pack 7.1)."""
        codes = setting(account, "inquiry_not_found_codes", "1104,8101").replace(" ", "").split(",")
        return 400 <= self.status < 500 and str(self.code) in codes  # noqa: PLR2004 -- client errors, not failures


def read(answer: Response) -> Said:
    """Take the envelope off. Raises Garbled."""
    # One public mock writes the key as "status " with a blank behind.
    body = {key.strip(): value for key, value in read_object(answer.body).items()}
    code = an_object(body.get("status"), "status").get("code")
    if isinstance(code, bool) or not re.fullmatch(r"[0-9]{1,6}", str(code)):
        raise Garbled("status.code is not a number")
    return Said(answer.status, int(str(code)), body.get("data"))


def token_is_refused(answer: Response) -> bool:
    """Whether a new token may help (pack 3: 401 with code 9300). False for whatever cannot be read."""
    try:
        return answer.status == errors.UNAUTHORIZED and read(answer).code == errors.TOKEN_INVALID
    except Garbled:
        return False


def token_in(data: Any) -> Token:
    """Raises Garbled."""
    found = an_object(data, "data")
    lives = found.get("expiresIn", TOKEN_SECONDS_USUAL)
    if not re.fullmatch(r"[0-9]{1,9}", str(lives)):
        raise Garbled("expiresIn is not a number of seconds")
    return Token(Secret(text_at(found, "accessToken")), int(str(lives)))


def qr_in(data: Any, account: Account, order: Order) -> str:
    """The QR text of a version 1 or version 2 answer, if it asks for what we asked (P12). Raises Garbled."""
    found = an_object(data, "data")
    if "qrRawData" not in found:
        if found.get("success") is not True:
            raise Garbled("data.success is not true")
        found = an_object(found.get("data"), "data.data")
    text = text_at(found, "qrRawData")
    try:
        qr = parse_payment(text, strict=False)
    except QrRefusal as refusal:
        raise Garbled(f"the QR is no Thai payment QR: {refusal.code}") from None
    biller = qr.biller
    if qr.kind is not QrKind.BILL_PAYMENT or biller is None:
        raise Garbled("the QR is no bill payment")
    asked = (biller_id(account), order.reference, reference2(account, order) or biller.ref2, order.amount)
    if (biller.biller_id, biller.ref1, biller.ref2, qr.amount) != asked:
        raise Garbled("the QR asks for another biller, reference or amount than we did")
    return text


@dataclass(frozen=True, slots=True)
class AppLink:
    """A deep link: the bank's transaction id and the link the payer opens."""

    transaction: str
    url: str


def link_in(data: Any) -> AppLink:
    """Raises Garbled. The link is passed on as it is and never built: its scheme differs by environment."""
    found = an_object(data, "data")
    url = text_at(found, "deeplinkUrl")
    shape = _APP_LINK.fullmatch(url)
    if shape is None or shape[1].lower() in _NOT_LINKS:
        raise Garbled("deeplinkUrl is not an app link")
    return AppLink(text_at(found, "transactionId"), url)


@dataclass(frozen=True, slots=True)
class Day:
    """What the bank's records show of one reference on one day.

    `reversed_ids` are movements it took back, which may be among the receipts; `strangers` counts rows about
    something we did not ask.
    """

    receipts: tuple[Receipt, ...] = ()
    reversed_ids: tuple[str, ...] = ()
    strangers: int = 0


def day_in(data: Any, account: Account, order: Order) -> Day:
    """The rows of one day; no data at all is an empty day. Raises Garbled when one of ours is unreadable."""
    if data is None or data == {}:
        return Day()
    if not isinstance(data, list):
        raise Garbled("data is not a list")
    rows = [an_object(row, "a row") for row in data]
    ours = [row for row in rows if _is_ours(row, account, order)]
    back = tuple(text_at(row, "transactionId") for row in ours if _is_reversed(row))
    standing = tuple(receipt_in(row) for row in ours if not _is_reversed(row))
    return Day(standing, back, len(rows) - len(ours))


def _is_ours(row: Json, account: Account, order: Order) -> bool:
    biller = optional_text(row, "payeeProxyId") or biller_id(account)
    return biller == biller_id(account) and optional_text(row, "billPaymentRef1") == order.reference


def _is_reversed(row: Json) -> bool:
    return optional_text(row, "reverseFlag").upper() == "R"


def receipt_in(row: Json) -> Receipt:
    """A row of the bank's records as a receipt, with the amount and currency it names. Raises Garbled."""
    named = {
        "name": optional_text(row, "payerName"),
        "account": _masked(optional_text(row, "payerAccountNumber")),
        "bank": optional_text(row, "sendingBankCode"),
    }
    return Receipt(
        text_at(row, "transactionId"),
        money_at(row, "amount", currency_at(row, "currencyCode")),
        instant_at(row, "transactionDateandTime"),
        {name: value for name, value in named.items() if value},
    )


def _masked(number: str) -> str:
    """The number if the bank masked some of it; a whole account number is not ours to keep."""
    return number if re.search(r"[xX*]", number) else ""


@dataclass(frozen=True, slots=True)
class AppPayment:
    """How a deep link stands. `paid` is None unless the bank names an amount that was paid."""

    code: str
    paid: Money | None
    updated_at: datetime | None


def app_payment_in(data: Any, account: Account, order: Order, transaction: str) -> AppPayment:
    """Raises Garbled, also when it is about another transaction, biller or reference (P12)."""
    found = an_object(data, "data")
    bill = an_object(found.get("billPayment"), "billPayment")
    about = (text_at(found, "transactionId"), text_at(bill, "accountTo"), text_at(bill, "ref1"))
    if about != (transaction, biller_id(account), order.reference):
        raise Garbled("the bank answers about another transaction than we asked")
    code = str(found.get("statusCode"))
    if code not in ("1", "4"):
        return AppPayment(code, None, None)
    currency = currency_at(bill, "currency") if bill.get("currency") else THB
    return AppPayment(code, money_at(found, "paidAmount", currency), instant_at(found, "updatedTimestamp"))
