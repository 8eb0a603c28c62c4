"""What KBank's refusals mean: the words of the QR API, and of the API manager in front of it (pack A11)."""

from __future__ import annotations

import re
from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown

TOO_MANY: Final = 429
SERVER_TROUBLE: Final = 500

DUPLICATE: Final = "duplicate_request"
NOT_FOUND: Final = "invalid_origPartnerTxnUid"

_OURS: Final = Failure.PROVIDER_MISCONFIGURED
_REFUSED: Final = Failure.REQUEST_REFUSED

MEANINGS: Final[dict[str, Failure | None]] = {
    "account_error": _OURS,
    "authentication_error": _OURS,
    "bad_request": _REFUSED,
    "invalid_request": _REFUSED,
    # The reference is taken, perhaps by our own first try: nothing is proved (pack A12).
    DUPLICATE: None,
    "general_error": None,
    "internal_error": None,
    "invalid_currency_code": Failure.CURRENCY_REFUSED,
    NOT_FOUND: _REFUSED,
    "invalid_txn_amount": _REFUSED,
    "invalid_qr_type": _REFUSED,
    "invalid_reference1": _REFUSED,
    "invalid_shop_id": _OURS,
    "invalid_merchant": _OURS,
    "invalid_account": _OURS,
    "merchant_closed": _OURS,
    "duplicate_merchant": _OURS,
    "qr_cancelled": Failure.NOT_ALLOWED_NOW,
    "qr_paid": Failure.NOT_ALLOWED_NOW,
    "qr_expired": Failure.NOT_ALLOWED_NOW,
    "qr_unknown": None,
    "qr_no_credit_card": _OURS,
    "qr_not_enable_credit_card": _OURS,
    "qr_void": Failure.NOT_ALLOWED_NOW,
    "settlement_error": Failure.NOT_ALLOWED_NOW,
    "payment_exceed_limit": None,
    "payment_cancelled": None,
    "callback_error": None,
}
"""By `errorCode`: what it proves about the request it answers; None when it proves nothing."""

_GATEWAY: Final[tuple[tuple[str, Failure | None], ...]] = (
    ("invalid request format", _REFUSED),
    ("threat detected", _REFUSED),
    ("oauth 2.0 token generate error", _OURS),
    ("invalid consumer secret", _OURS),
    ("unresolved variable authorization", _OURS),
    ("invalid access token", _OURS),
    ("access token expired", _OURS),
    ("access token not approved", _OURS),
    ("invalid api key", _OURS),
    ("invalid apikey", _OURS),
    ("invalid api call", _OURS),
    ("access denied", _OURS),
    ("invalid path", _OURS),
    ("method is not allowed", _OURS),
    ("the method is not allowed", _OURS),
    # A full quota stops the request before the bank sees it; yet the status alone never proves that.
    ("rate limit", None),
    ("the rate limit", None),
    ("quota", None),
    ("backend server error", None),
    ("gateway timeout", None),
)
"""By the start of the API manager's message, because which status it comes with is partly assumed."""

_TOKEN_TROUBLE: Final = re.compile(r"(invalid )?access token", re.IGNORECASE)
_SHORT: Final = re.compile(r"\(([A-Z]{2,12})\)\s*$")


def conclude(status: int, code: str, text: str) -> Declined | Unknown:
    """What an answer that is no success proves: Declined when the request had no effect, else Unknown."""
    told = f"KBank answered HTTP {status}: {code} {text}"[:200].rstrip()
    if status >= SERVER_TROUBLE or status == TOO_MANY:
        return Unknown(told)
    failure = _gateway_failure(text) if code == "openapi_error" else MEANINGS.get(code)
    return Unknown(told) if failure is None else Declined(failure, with_short(code, text), text[:200] or told)


def with_short(code: str, text: str) -> str:
    """`settlement_error/EMSET`: the word, and the short code in brackets at the end of the text, if any."""
    short = _SHORT.search(text)
    return f"{code}/{short[1]}" if short else code


def names_the_token(text: str) -> bool:
    """Whether the API manager refuses the access token itself, so that a new one may help."""
    return _TOKEN_TROUBLE.match(text) is not None


def _gateway_failure(text: str) -> Failure | None:
    lowered = text.strip().lower()
    return next((failure for start, failure in _GATEWAY if lowered.startswith(start)), None)
