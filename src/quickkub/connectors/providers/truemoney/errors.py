"""TrueMoney's codes: what each proves (pack 6). All but the first three are assumed names."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Account, Declined, Failure, Unknown
from quickkub.connectors.providers.truemoney.wire import SUCCESS, Said
from quickkub.connectors.switches import setting

DUPLICATES: Final = frozenset({"duplicate_isv_payment_ref", "duplicate_isv_refund_ref"})
"""It was asked before, possibly by us: what became of it is asked for."""

_OURS: Final = Failure.PROVIDER_MISCONFIGURED
_REFUSED: Final = Failure.REQUEST_REFUSED

PROVES: Final[dict[str, tuple[Failure, str]]] = {
    "invalid_payment_code": (Failure.DECLINED, "the code is not valid"),
    "payment_code_expired": (Failure.DECLINED, "the code has lapsed"),
    "insufficient_fund": (Failure.INSUFFICIENT_FUNDS, "the wallet has too little money"),
    "amount_exceeds_limit": (Failure.LIMIT_EXCEEDED, "a limit of the wallet is exceeded"),
    "wallet_inactive": (Failure.ACCOUNT_UNUSABLE, "the wallet cannot be used"),
    "invalid_otp": (Failure.AUTHENTICATION_FAILED, "the one-time password is wrong"),
    "otp_expired": (Failure.AUTHENTICATION_FAILED, "the one-time password has lapsed"),
    "invalid_signature": (_OURS, "our signature is not accepted"),
    "invalid_timestamp": (_OURS, "our clock is not accepted"),
    "invalid_api_key": (_OURS, "the API key is not accepted"),
    "invalid_client": (_OURS, "the client is not accepted"),
    "invalid_merchant": (_OURS, "the merchant is not known"),
    "invalid_parameter": (_REFUSED, "a field is wrong"),
    "payment_not_found": (Failure.NOT_ALLOWED_NOW, "there is no such payment"),
    "data_not_found": (Failure.NOT_ALLOWED_NOW, "there is no such payment"),
    "refund_exceeds": (Failure.NOT_ALLOWED_NOW, "more than is left was to be refunded"),
    "refund_not_allowed": (Failure.NOT_ALLOWED_NOW, "the payment cannot be refunded any more"),
    "payment_cancelled": (Failure.PAYER_CANCELLED, "the payer cancelled"),
}


def conclude(account: Account, said: Said) -> Declined | Unknown:
    """What a signed answer that is no success proves about what was just asked.

    A code nobody knows proves it only with an HTTP status of the client's fault (pack 6).
    """
    if said.code in _listed(account, "codes_unclear", "internal_error,processing") or said.code == SUCCESS:
        return Unknown(f"TrueMoney answered {said.code} {said.message}".rstrip())
    if said.code in DUPLICATES:
        return Unknown("TrueMoney has the reference already")
    if said.code in PROVES:
        failure, text = PROVES[said.code]
        return Declined(failure, said.code, text)
    if said.status >= 400:  # noqa: PLR2004 -- the client's fault, as HTTP says it
        return Declined(Failure.DECLINED, said.code, said.message or "TrueMoney refused")
    return Unknown(f"TrueMoney answered {said.code} {said.message}".rstrip())


def of_question(account: Account, said: Said) -> Declined | Unknown:
    """What a refused inquiry says: at most that our account is wrong, never anything about the payment."""
    failure, text = PROVES.get(said.code, (None, ""))
    if failure in (_OURS, _REFUSED):
        return Declined(failure, said.code, text)
    return Unknown(f"TrueMoney answered {said.code} {said.message}".rstrip())


def of_failed(code: str) -> Declined:
    """A payment or refund that failed for this reason."""
    failure, text = PROVES.get(code, (Failure.DECLINED, "it failed at TrueMoney"))
    is_payer_s = failure not in (_OURS, _REFUSED)
    return Declined(failure if is_payer_s else Failure.DECLINED, code, text)


def is_not_found(account: Account, said: Said) -> bool:
    """Whether there is no such payment: two forms are known (pack 5.4)."""
    return said.code in _listed(account, "codes_not_found", "payment_not_found,data_not_found")


def _listed(account: Account, name: str, usual: str) -> frozenset[str]:
    return frozenset(setting(account, name, usual).split(","))
