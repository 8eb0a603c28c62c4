"""LINE Pay's return codes: what each proves (pack 7)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown

NOT_FOUND: Final = "1150"
TAKEN: Final = "1172"
MAYBE_DONE: Final = frozenset({"1152", TAKEN, "1198", "1199", "9000", "1280"})
"""Codes after which the payment may have succeeded; the details tell (pack 8)."""

NOT_AS_IT_WAS: Final = frozenset({"1155", "1165"})
"""The payment is not in a state for the instruction: maybe because it was carried out before."""

PAYER_AGAIN: Final = "1169"
"""The payer has to choose how to pay, or prove who they are, once more."""

_OURS: Final = Failure.PROVIDER_MISCONFIGURED
_REFUSED: Final = Failure.REQUEST_REFUSED
_NOT_NOW: Final = Failure.NOT_ALLOWED_NOW
_ACCOUNT: Final = Failure.ACCOUNT_UNUSABLE

PROVES: Final[dict[str, tuple[Failure, str]]] = {
    "1101": (_ACCOUNT, "the payer is not a member of LINE Pay"),
    "1102": (_ACCOUNT, "the payer cannot use LINE Pay now"),
    "1104": (_OURS, "the channel is not known"),
    "1105": (_OURS, "the channel is blocked"),
    "1106": (_OURS, "a header, the signature or our address is wrong"),
    "1110": (Failure.DECLINED, "the card is not accepted"),
    "1124": (_REFUSED, "the amount is not written as it should be"),
    "1141": (Failure.INSUFFICIENT_FUNDS, "the payer's account cannot pay this"),
    "1142": (Failure.INSUFFICIENT_FUNDS, "the payer's balance is too low"),
    "1153": (_REFUSED, "the amount differs from the request"),
    "1154": (_ACCOUNT, "the saved account cannot be used"),
    "1159": (Failure.EXPIRED, "the request is not there any more"),
    "1163": (_NOT_NOW, "the time for refunds is over"),
    "1164": (_NOT_NOW, "more than is left was to be refunded"),
    "1178": (Failure.CURRENCY_REFUSED, "the currency is not supported"),
    "1179": (_NOT_NOW, "LINE Pay cannot process it"),
    "1180": (Failure.EXPIRED, "the payment has expired"),
    "1183": (_REFUSED, "the amount must be more than nothing"),
    "1184": (_NOT_NOW, "more than was authorised was to be captured"),
    "1190": (_ACCOUNT, "there is no saved payer of this key"),
    "1193": (_ACCOUNT, "the saved payer's key has expired"),
    "1194": (_OURS, "the channel may not save payers"),
    "1281": (Failure.DECLINED, "the card was refused"),
    "1282": (Failure.AUTHENTICATION_FAILED, "the card could not be authenticated"),
    "1283": (Failure.FRAUD_SUSPECTED, "fraud is suspected"),
    "1284": (_ACCOUNT, "the card's service is suspended"),
    "1285": (Failure.DECLINED, "the card's particulars are wrong"),
    "1286": (Failure.DECLINED, "the card's particulars are wrong"),
    "1287": (Failure.CARD_EXPIRED, "the card has expired"),
    "1288": (Failure.INSUFFICIENT_FUNDS, "the card's balance is too low"),
    "1289": (Failure.LIMIT_EXCEEDED, "a limit of the card is exceeded"),
    "1290": (Failure.LIMIT_EXCEEDED, "a limit of the card is exceeded"),
    "1291": (_ACCOUNT, "the card was reported stolen"),
    "1292": (_ACCOUNT, "the card is suspended"),
    "1293": (Failure.AUTHENTICATION_FAILED, "the card's security code is wrong"),
    "1294": (Failure.FRAUD_SUSPECTED, "the card is on a black list"),
    "1295": (_ACCOUNT, "the card's number is wrong"),
    "1296": (Failure.LIMIT_EXCEEDED, "the card does not take this amount"),
    "1297": (Failure.DECLINED, "the card was refused"),
    "1298": (Failure.DECLINED, "the card was declined"),
    "1999": (_REFUSED, "it differs from an earlier request"),
    "2101": (_REFUSED, "a parameter is wrong"),
    "2102": (_REFUSED, "the JSON is wrong"),
}
"""Codes that prove that the request had no effect. Any other code proves nothing, in the table or not."""

_ABOUT_US: Final = frozenset({"1104", "1105", "1106", "2101", "2102"})


def conclude(code: str, message: str) -> Declined | Unknown:
    """What an answer that is no success proves."""
    if code not in PROVES:
        return Unknown(f"LINE Pay answered {code} {message}".rstrip())
    failure, text = PROVES[code]
    return Declined(failure, code, text)


def of_question(code: str, message: str) -> Declined | Unknown:
    """What a refused inquiry says: at most that our account is wrong, never anything about the payment."""
    if code in _ABOUT_US:
        return conclude(code, message)
    return Unknown(f"LINE Pay answered {code} {message}".rstrip())
