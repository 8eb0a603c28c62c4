"""What GBPrimePay's resultCode and texts mean. A code is read together with the method (pack 8)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown

OK: Final = "00"
NO_SUCH_REFERENCE: Final = "11"

_QR: Final[dict[str, Failure]] = {
    "11": Failure.REQUEST_REFUSED,
    "12": Failure.REQUEST_REFUSED,
    "14": Failure.REQUEST_REFUSED,
    "22": Failure.EXPIRED,
}
_CARD: Final[dict[str, Failure]] = {
    **dict.fromkeys(("01", "02", "05", "58"), Failure.DECLINED),
    "03": Failure.PROVIDER_MISCONFIGURED,
    **dict.fromkeys(("12", "13", "19", "30"), Failure.REQUEST_REFUSED),
    **dict.fromkeys(("14", "41", "43"), Failure.ACCOUNT_UNUSABLE),
    "17": Failure.PAYER_CANCELLED,
    "51": Failure.INSUFFICIENT_FUNDS,
    "54": Failure.CARD_EXPIRED,
    "55": Failure.AUTHENTICATION_FAILED,
    **dict.fromkeys(("50", "91", "96"), Failure.PROVIDER_UNAVAILABLE),
}
"""Not here, because they prove nothing: 21 and 94 (the reference is taken, perhaps by ourselves), 99, xx."""

TEXTS: Final[dict[str, Failure]] = {
    "incomplete information": Failure.REQUEST_REFUSED,
    "invalid token": Failure.PROVIDER_MISCONFIGURED,
}
"""Refusals that come as plain text instead of JSON (pack 2)."""


def of_creation(code: str, message: str, *, is_card: bool) -> Declined | Unknown:
    """Why a request was not taken, or that nobody can tell."""
    failure = TEXTS.get(code.lower()) or (_CARD if is_card else _QR).get(code)
    if code == UNAUTHORISED:
        failure = Failure.PROVIDER_MISCONFIGURED
    if failure is None:
        return Unknown(f"GBPrimePay answered {code[:60]!r}: {message}")
    return Declined(failure, code, message)


UNAUTHORISED: Final = "unauthorised"
"""Not GBPrimePay's word: how we write HTTP 401 and 403."""


def of_question(code: str, message: str) -> Declined | Unknown:
    """A question that was not answered; only refused credentials are certain."""
    if code == UNAUTHORISED:
        return Declined(Failure.PROVIDER_MISCONFIGURED, code, "GBPrimePay does not know the secret key")
    return Unknown(f"GBPrimePay answered {code[:60]!r}: {message}")
