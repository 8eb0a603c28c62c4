"""The QR Payment Open API's words: the requests we write and the answers we read (pack A2 to A8)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.connectors.contract import Account, Order, Request, Response, Token
from quickkub.connectors.providers.kbank import errors
from quickkub.connectors.providers.kbank.manifest import CARD_QR, SANDBOX
from quickkub.connectors.providers.kbank.words import baht_number, bangkok, encoded, fresh_uid, secret
from quickkub.connectors.reading import Garbled, Json, optional_text, read_object, text_at
from quickkub.connectors.switches import is_on, setting
from quickkub.kernel.secrets import Secret

CREATE_SECONDS: Final = 20
CALL_SECONDS: Final = 12
TOKEN_DEADLINE_SECONDS: Final = 10
TOKEN_SECONDS_USUAL: Final = 1799

OK: Final = "00"
CANCELLED: Final = "11"
UNAUTHORIZED: Final = 401
HTTP_OK: Final = 200

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_EXERCISES: Final = {
    "create": "QR002",
    "create_card": "QR003",
    "inquire": "QR004",
    "cancel": "QR008",
    "void": "QR012",
}

SETTINGS: Final = ("partner_id", "merchant_id")
CREDENTIALS: Final = ("consumer_id", "consumer_secret", "partner_secret")


# --- requests ---------------------------------------------------------------------------------------------


def is_exercise(account: Account) -> bool:
    """Whether the sandbox's headers are sent: as the switch says, else to the sandbox's own address."""
    if setting(account, "test_mode", "auto") == "auto":
        return account.mode == "test" and setting(account, "base_url", SANDBOX).rstrip("/") == SANDBOX
    return is_on(account, "test_mode")


def sandbox_headers(account: Account, exercise: str) -> dict[str, str]:
    """`x-test-mode` and `env-id`, on every call to the sandbox and nowhere else (pack A1)."""
    if not is_exercise(account):
        return {}
    return {"x-test-mode": "true", "env-id": exercise}


def asks_token(account: Account) -> Request:
    pair = f"{secret(account, 'consumer_id')}:{secret(account, 'consumer_secret')}"
    headers = {
        "authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "content-type": "application/x-www-form-urlencoded",
        **sandbox_headers(account, "OAUTH2"),
    }
    return Request(
        "POST",
        setting(account, "token_path", "/v2/oauth/token"),
        headers,
        body=b"grant_type=client_credentials",
        deadline_seconds=TOKEN_DEADLINE_SECONDS,
        asks_only=True,
    )


def creates_qr(account: Account, token: Token, order: Order) -> Request:
    """Our reference is the creation's `partnerTxnUid`: what every later call is about (pack A4)."""
    is_card = order.method == CARD_QR
    body = {
        **_common(account, order.reference, order.now),
        **_terminal(account),
        "qrType": qr_type(order),
        "txnAmount": baht_number(order.amount),
        "txnCurrencyCode": order.amount.currency.code,
        "reference1": order.reference,
    }
    exercise = _EXERCISES["create_card" if is_card else "create"]
    return _posts(
        account,
        token,
        setting(account, "create_path", "/v1/qrpayment/request"),
        body,
        exercise,
        seconds=CREATE_SECONDS,
    )


def asks_qr(account: Account, token: Token, order: Order, now: datetime, payment_number: str = "") -> Request:
    """A card QR is asked for with its payment number once that is known; a Thai QR never (pack A5)."""
    body = {
        **_common(account, fresh_uid(), now),
        **_terminal(account),
        "origPartnerTxnUid": order.reference,
        "qrType": qr_type(order),
        **({"txnNo": payment_number} if payment_number and order.method == CARD_QR else {}),
    }
    path = setting(account, "qr.inquiry_path", "/v1/qrpayment/v4/inquiry")
    return _posts(account, token, path, body, _EXERCISES["inquire"], asks_only=True)


def cancels_qr(account: Account, token: Token, order: Order, now: datetime) -> Request:
    """Newer versions refuse any field more than these; the table of 2020 demands two (pack A6, E4)."""
    body = {**_common(account, fresh_uid(), now), "origPartnerTxnUid": order.reference}
    if setting(account, "qr.cancel_fields", "minimal") == "legacy2020":
        body |= {**_terminal(account), "qrType": qr_type(order)}
    path = setting(account, "cancel_path", "/v1/qrpayment/cancel")
    return _posts(account, token, path, body, _EXERCISES["cancel"])


def voids_qr(account: Account, token: Token, order: Order, now: datetime, payment_number: str) -> Request:
    body = {
        **_common(account, fresh_uid(), now),
        **_terminal(account),
        "origPartnerTxnUid": order.reference,
        **({"txnNo": payment_number} if payment_number else {}),
    }
    path = setting(account, "void_path", "/v1/qrpayment/void")
    return _posts(account, token, path, body, _EXERCISES["void"])


def settles(account: Account, token: Token, now: datetime) -> Request:
    """End of day for one terminal, Thai QR only (pack A8)."""
    body = {
        **_common(account, fresh_uid(), now),
        "terminalId": setting(account, "terminal_id"),
        "qrType": "3",
    }
    path = setting(account, "settlement_path", "/v1/qrpayment/settlement")
    return _posts(account, token, path, body, "QR012")


def qr_type(order: Order) -> str:
    return "4" if order.method == CARD_QR else "3"


def _common(account: Account, uid: str, now: datetime) -> dict[str, Any]:
    return {
        "partnerTxnUid": uid,
        "partnerId": setting(account, "partner_id"),
        "partnerSecret": secret(account, "partner_secret"),
        "requestDt": bangkok(now),
        "merchantId": setting(account, "merchant_id"),
    }


def _terminal(account: Account) -> dict[str, Any]:
    terminal = setting(account, "terminal_id")
    return {"terminalId": terminal} if terminal else {}


def _posts(
    account: Account,
    token: Token,
    path: str,
    body: Mapping[str, Any],
    exercise: str,
    *,
    asks_only: bool = False,
    seconds: int = CALL_SECONDS,
) -> Request:
    return Request(
        "POST",
        path,
        {
            "authorization": f"Bearer {token.value.reveal()}",
            "content-type": "application/json",
            **sandbox_headers(account, setting(account, "env_id", exercise)),
        },
        body=encoded(body),
        deadline_seconds=seconds,
        asks_only=asks_only,
    )


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: HTTP status, the bank's `statusCode` (empty from the API manager), its error, the body."""

    status: int
    code: str
    error: str
    text: str
    body: Json

    @property
    def is_success(self) -> bool:
        return self.status == HTTP_OK and self.code == OK


def read(answer: Response) -> Said:
    """The body before the HTTP status: business refusals come with 200 or 4xx (pack A11). Raises Garbled."""
    body = read_object(answer.body)
    if "statusCode" not in body and "code" in body:
        return Said(answer.status, "", text_at(body, "code"), optional_text(body, "message"), body)
    code = text_at(body, "statusCode")
    return Said(answer.status, code, optional_text(body, "errorCode"), optional_text(body, "errorDesc"), body)


def token_is_refused(answer: Response) -> bool:
    """Whether a new token may help: 401 and a message that names the access token (pack A2.1)."""
    try:
        return answer.status == UNAUTHORIZED and errors.names_the_token(read(answer).text)
    except Garbled:
        return False


def token_in(answer: Response) -> Token:
    """`expires_in` comes as text or as a number (pack E1). Raises Garbled."""
    found = read_object(answer.body)
    lives = found.get("expires_in", TOKEN_SECONDS_USUAL)
    text = lives.strip() if isinstance(lives, str) else str(lives)
    if isinstance(lives, bool) or _SECONDS.fullmatch(text) is None:
        raise Garbled("expires_in is not a number of seconds")
    return Token(Secret(text_at(found, "access_token")), int(text))
