"""What 2C2P's four-digit codes say about a payment (pack 7 and 8), and which of them refuse a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from quickkub.connectors.contract import Failure

SUCCESS: Final = "0000"
EXISTS: Final = frozenset({"9015", "5005"})
"""The invoice is there already: it may be our own first try, so nothing is proved."""


class Verdict(Enum):
    """What a signed inquiry proves."""

    PAID = "paid"
    WAITING = "waiting"
    NOT_FOUND = "not found"
    FAILED = "failed"
    # Money came late, short or over: a person decides (pack 12.12).
    REVIEW = "review"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code. `failure` is set with FAILED; `alert` is for a person."""

    verdict: Verdict
    failure: Failure = Failure.DECLINED
    alert: str = ""


def _failed(failure: Failure, *codes: str) -> dict[str, Meaning]:
    return {code: Meaning(Verdict.FAILED, failure) for code in codes}


def _unclear(*codes: str) -> dict[str, Meaning]:
    return {code: Meaning(Verdict.UNCLEAR) for code in codes}


_DISPUTED: Final = "2C2P shows a dispute of this payment"

MEANINGS: Final[dict[str, Meaning]] = {
    # ISO 8583 answers of the issuer are 40xx; those that approve (00, 08, 10, 11, 16) are none of ours.
    **_failed(Failure.DECLINED, *(f"40{n:02d}" for n in range(1, 100))),
    **_unclear("4008", "4010", "4011", "4016"),
    "0000": Meaning(Verdict.PAID),
    "0001": Meaning(Verdict.WAITING),
    "2001": Meaning(Verdict.WAITING),
    "4009": Meaning(Verdict.WAITING),
    "2002": Meaning(Verdict.NOT_FOUND),
    "4140": Meaning(Verdict.NOT_FOUND),
    "4110": Meaning(Verdict.PAID),
    "4120": Meaning(Verdict.PAID, alert="2C2P shows this payment as refunded"),
    "4121": Meaning(Verdict.PAID),
    "4122": Meaning(Verdict.PAID),
    "4130": Meaning(Verdict.PAID, alert=f"{_DISPUTED}: chargeback"),
    "4131": Meaning(Verdict.PAID, alert=f"{_DISPUTED}: chargeback rejected"),
    "4132": Meaning(Verdict.PAID, alert=f"{_DISPUTED}: chargeback failed"),
    "5015": Meaning(Verdict.REVIEW, alert="2C2P was paid more than was asked (5015)"),
    "5016": Meaning(Verdict.REVIEW, alert="2C2P was paid less than was asked (5016)"),
    "5017": Meaning(Verdict.REVIEW, alert="2C2P was paid after the time was over (5017)"),
    **_failed(Failure.PAYER_CANCELLED, "0003", "4017", "4080", "5010"),
    **_failed(Failure.EXPIRED, "5009", "9020"),
    **_failed(Failure.AUTHENTICATION_FAILED, "0004", "4055", "4038", "4075", "4081", "5014"),
    **_failed(Failure.INSUFFICIENT_FUNDS, "4051", "5007"),
    **_failed(Failure.CARD_EXPIRED, "4033", "4054"),
    **_failed(Failure.FRAUD_SUSPECTED, "4034", "4059", "4063"),
    **_failed(Failure.ACCOUNT_UNUSABLE, "4014", "4036", "4041", "4043", "4062", "5013"),
    **_failed(Failure.LIMIT_EXCEEDED, "4061", "4065"),
    **_failed(Failure.PROVIDER_UNAVAILABLE, "4068", "4091", "4096"),
    **_failed(Failure.CURRENCY_REFUSED, "5008"),
    **_failed(Failure.DECLINED, "5003", "5004", "5006", "5011", "5012", "5018", "5019", "9035"),
}


def meaning(code: str) -> Meaning:
    """What a signed inquiry with this code proves; a code we do not know proves nothing."""
    return MEANINGS.get(code, Meaning(Verdict.UNCLEAR))


_OUR_SET_UP: Final = frozenset(
    {"6103", "6107", "6108", "6109", "9007", "9037", "9039", "9042", "9057", "9058", "9059", "9060", "9900"}
)
_REFUSED: Final = frozenset(
    {f"61{n:02d}" for n in range(1, 11)}
    | {f"90{n:02d}" for n in range(4, 15)}
    | {"9078", "9080", "9202"}
    | {f"90{n}" for n in range(88, 100)}
    | {f"91{n:02d}" for n in range(0, 11)}
    | {f"990{n}" for n in range(1, 10)}
)


def refusal(code: str) -> Failure | None:
    """Why a request was not taken, for codes of a request that was never carried out; None for all others."""
    if code in _OUR_SET_UP:
        return Failure.PROVIDER_MISCONFIGURED
    if code in ("9010", "5008"):
        return Failure.CURRENCY_REFUSED
    if code == "9038":
        return Failure.PROVIDER_UNAVAILABLE
    return Failure.REQUEST_REFUSED if code in _REFUSED else None
