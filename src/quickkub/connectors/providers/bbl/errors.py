"""The bank's codes in our words: iPay's prc and src (bbl.md A8), the portal's responseCode (B6, B7, B10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown, unexpected

APPROVED: Final = "0"
SUCCESS: Final = "000"
UNAUTHORIZED: Final = 401
TOO_MANY: Final = 429
HTTP_OK: Final = 200
_CLIENT_ERRORS: Final = range(400, 500)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says. `failure` None: it does not prove that nothing happened."""

    text: str
    failure: Failure | None


_REFUSED: Final = Failure.REQUEST_REFUSED
_OURS: Final = Failure.PROVIDER_MISCONFIGURED

BY_PRC: Final = {
    "1": Meaning("rejected by the issuing bank", Failure.DECLINED),
    "3": Meaning("3-D Secure authentication failed", Failure.AUTHENTICATION_FAILED),
    "-1": Meaning("wrong input parameters", _REFUSED),
    "-2": Meaning("server access error", Failure.PROVIDER_UNAVAILABLE),
    "-8": Meaning("internal or fraud rule", Failure.DECLINED),
    "-9": Meaning("host access error", Failure.PROVIDER_UNAVAILABLE),
    "-10": Meaning("system error", Failure.PROVIDER_UNAVAILABLE),
}

BY_SRC: Final = {
    ("1", "1"): Meaning("refer to issuer", Failure.DECLINED),
    ("1", "2"): Meaning("declined", Failure.DECLINED),
    ("1", "5"): Meaning("declined", Failure.DECLINED),
    ("1", "51"): Meaning("insufficient funds", Failure.INSUFFICIENT_FUNDS),
    ("1", "14"): Meaning("wrong card number", Failure.ACCOUNT_UNUSABLE),
    ("1", "54"): Meaning("expired card", Failure.CARD_EXPIRED),
    ("1", "41"): Meaning("lost card", Failure.ACCOUNT_UNUSABLE),
    ("1", "43"): Meaning("stolen card", Failure.ACCOUNT_UNUSABLE),
    ("-8", "999"): Meaning("other", Failure.DECLINED),
    ("-8", "1000"): Meaning("skipped transaction", Failure.DECLINED),
    ("-8", "2000"): Meaning("black list", Failure.FRAUD_SUSPECTED),
    ("-8", "2001"): Meaning("range rule", Failure.FRAUD_SUSPECTED),
    ("-8", "2002"): Meaning("range rule", Failure.FRAUD_SUSPECTED),
    ("-8", "2003"): Meaning("range rule", Failure.FRAUD_SUSPECTED),
    ("-8", "2004"): Meaning("range rule", Failure.FRAUD_SUSPECTED),
    ("-8", "2005"): Meaning("invalid holder", Failure.DECLINED),
    ("-8", "2006"): Meaning("same card used too often in a day", Failure.LIMIT_EXCEEDED),
    ("-8", "2007"): Meaning("duplicate merchant reference", _REFUSED),
    ("-8", "2008"): Meaning("empty merchant reference", _REFUSED),
    ("-8", "2011"): Meaning("other rule", Failure.FRAUD_SUSPECTED),
    ("-8", "2012"): Meaning("card verification failed", Failure.AUTHENTICATION_FAILED),
}
"""By prc and src, without the zeros in front that the bank writes for some (`05`)."""

BY_RESPONSE: Final = {
    "052": Meaning("biller or service not registered", _OURS),
    "054": Meaning("system unavailable", None),
    "209": Meaning("not found", None),
    "210": Meaning("timeout", None),
    "211": Meaning("invalid data", _REFUSED),
    # The same reference may be our own first try.
    "212": Meaning("duplicate transaction reference", None),
    "213": Meaning("invalid amount", _REFUSED),
    "214": Meaning("contact provider", None),
    "331": Meaning("invalid reference", _REFUSED),
    "332": Meaning("invalid payee id", _OURS),
    "341": Meaning("provider not ready", None),
    "411": Meaning("reference expired", None),
    "412": Meaning("already paid", None),
    "888": Meaning("other error", None),
}


def rejection(prc: str, src: str) -> Declined:
    """Why the bank rejected a card payment; an unknown code is a plain decline with the code kept."""
    prc, src = _bare(prc), _bare(src)
    meaning = BY_SRC.get((prc, src)) or BY_PRC.get(prc) or Meaning("rejected", Failure.DECLINED)
    return Declined(meaning.failure or Failure.DECLINED, f"{prc}/{src}", meaning.text)


def refusal(status: int, code: str) -> Declined | Unknown:
    """What the portal proves by an answer that is no success.

    By HTTP status first (B10): 429 and 5xx prove nothing, any other 4xx is final. A code that is not in the
    table proves nothing either.
    """
    shown = code[:20]
    if status in _CLIENT_ERRORS and status != TOO_MANY:
        misplaced = status in (UNAUTHORIZED, 403)
        return Declined(_OURS if misplaced else _REFUSED, shown or str(status), f"HTTP {status}")
    if status != HTTP_OK:
        return Unknown(f"the portal answered HTTP {status}")
    meaning = BY_RESPONSE.get(code)
    if meaning is None:
        return unexpected(f"the portal answered with code {shown!r}, which we do not know")
    if meaning.failure is None:
        return Unknown(f"the portal answered {code}: {meaning.text}")
    return Declined(meaning.failure, code, meaning.text)


def _bare(code: str) -> str:
    """`05` and `5` are one code."""
    sign, digits = ("-", code[1:]) if code.startswith("-") else ("", code)
    return sign + (digits.lstrip("0") or "0") if digits.isascii() and digits.isdigit() else code[:20]
