"""What Omise's codes mean: errors of a request (pack 8), and reasons why a charge failed (pack 7)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown, unexpected

_REFUSED: Final = Failure.REQUEST_REFUSED
_OURS: Final = Failure.PROVIDER_MISCONFIGURED

BY_CODE: Final = {
    "authentication_failure": _OURS,
    "forbidden": _OURS,
    "not_authorized": _OURS,
    "bad_request": _REFUSED,
    "brand_not_supported": _REFUSED,
    "currency_not_supported": Failure.CURRENCY_REFUSED,
    "missing_card": _REFUSED,
    "used_token": _REFUSED,
    "failed_fraud_check": Failure.FRAUD_SUSPECTED,
    "failed_capture": Failure.NOT_ALLOWED_NOW,
    "failed_refund": Failure.NOT_ALLOWED_NOW,
    "failed_expire": Failure.NOT_ALLOWED_NOW,
    "failed_void": Failure.NOT_ALLOWED_NOW,
    "expired_charge": Failure.NOT_ALLOWED_NOW,
    "documents_locked": Failure.NOT_ALLOWED_NOW,
    "insufficient_balance": Failure.PROVIDER_BALANCE_SHORT,
}
"""Codes that prove that the request had no effect. `invalid_…` is a family of them (pack 8)."""

OF_STATE: Final = frozenset(
    {"failed_capture", "failed_refund", "failed_expire", "failed_void", "expired_charge"}
)
"""Refusals because of the charge's state: our own earlier request may have changed it: it is read again."""

FAILURES: Final = {
    "insufficient_fund": Failure.INSUFFICIENT_FUNDS,
    "insufficient_balance": Failure.INSUFFICIENT_FUNDS,
    "invalid_account_number": Failure.ACCOUNT_UNUSABLE,
    "invalid_account": Failure.ACCOUNT_UNUSABLE,
    "invalid_security_code": Failure.AUTHENTICATION_FAILED,
    "payment_cancelled": Failure.PAYER_CANCELLED,
    "payment_rejected": Failure.DECLINED,
    "stolen_or_lost_card": Failure.ACCOUNT_UNUSABLE,
    "failed_fraud_check": Failure.FRAUD_SUSPECTED,
    "failed_processing": Failure.DECLINED,
    "timeout": Failure.EXPIRED,
    "payment_expired": Failure.EXPIRED,
}

OTHER_AMOUNT: Final = "confirmed_amount_mismatch"
"""The payer paid something else than asked: where that money is, a person has to find out (pack 7)."""

_NO_SUCH: Final = 404
_UNPROCESSABLE: Final = 422
_AUTHENTICATION: Final = frozenset({401, 403})
_OVERLOADED: Final = 429
_TROUBLE: Final = 500


def conclude(status: int, code: str, *, creates: bool = False) -> Declined | Unknown:
    """What an error answer proves. `creates`: a 404 is about something the order named, such as a token."""
    failure = _failure(status, code, creates=creates)
    if failure is None:
        return Unknown(f"Omise answers HTTP {status} with {code[:60]!r}")
    return Declined(failure, code, "Omise refused the request")


def _failure(status: int, code: str, *, creates: bool) -> Failure | None:
    if status >= _TROUBLE or status == _OVERLOADED:
        return None
    if status in _AUTHENTICATION:
        return _OURS
    if code in BY_CODE:
        return BY_CODE[code]
    if code.startswith("invalid_") or status == _UNPROCESSABLE or (creates and status == _NO_SUCH):
        return _REFUSED
    return None


def failed(code: str) -> Declined | Unknown:
    """A charge whose status is `failed`: nothing was taken and nothing will be."""
    if code == OTHER_AMOUNT:
        return unexpected("Omise says that the payer paid another amount than asked")
    return Declined(FAILURES.get(code, Failure.DECLINED), code, "the charge failed")
