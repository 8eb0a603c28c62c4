"""Whom a credit transfer pays: mobile, national or tax id, e-wallet, bank account (promptpay pack 2.2).

A `Proxy` is the wire form, so that what was parsed and what was built compare equal. The functions below make
one from what a person types and are the only place where human spelling is tolerated.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from quickkub.promptpay.errors import (
    BadBankAccount,
    BadEwallet,
    BadMobile,
    BadNationalId,
    BadSendingBank,
    EmptyTarget,
    MissingProxy,
    refusal,
)

MOBILE: Final = "01"
CITIZEN_OR_TAX: Final = "02"
EWALLET: Final = "03"
BANK_ACCOUNT: Final = "04"
PROXY_TAGS: Final = (MOBILE, CITIZEN_OR_TAX, EWALLET, BANK_ACCOUNT)

_WIRE: Final = {
    MOBILE: re.compile(r"0066[0-9]{9}"),
    CITIZEN_OR_TAX: re.compile(r"[0-9]{13}"),
    EWALLET: re.compile(r"[0-9]{15}"),
    BANK_ACCOUNT: re.compile(r"[0-9]{3}[0-9A-Za-z-]{1,40}"),
}
_FAULT: Final = {
    MOBILE: "bad_mobile",
    CITIZEN_OR_TAX: "bad_national_id",
    EWALLET: "bad_ewallet",
    BANK_ACCOUNT: "bad_bank_account",
}
_BUILDABLE: Final = _WIRE | {MOBILE: re.compile(r"0066[689][0-9]{8}")}
# 06, 08 and 09 are the mobile ranges; a landline or a trunk zero after the country code is refused, not
# padded.
_MOBILE_INPUT: Final = re.compile(r"(?:0|\+?66)([689][0-9]{8})")
_SEPARATORS: Final = re.compile(r"[ .()-]")
_TRUEMONEY: Final = re.compile(r"14000(0[0-9]{9})")


class Proxy(NamedTuple):
    """Sub-tag of tag 29 and its wire value. Made by the functions below or by the parser."""

    tag: str
    value: str

    @property
    def kind(self) -> str:
        """`mobile`, `national_id`, `tax_id`, `ewallet` or `bank_account`.

        Personal and juristic ids share sub-tag 02. Juristic tax ids begin with 0 and ids of Thai citizens do
        not, which is what this goes by; it is a label, and nothing is decided with it.
        """
        if self.tag == CITIZEN_OR_TAX:
            return "tax_id" if self.value.startswith("0") else "national_id"
        return {MOBILE: "mobile", EWALLET: "ewallet"}.get(self.tag, "bank_account")

    @property
    def id(self) -> str:
        """What a Thai payer would recognise: `0812345678` for a mobile, the account without its bank code."""
        if self.tag == MOBILE:
            return "0" + self.value[4:]
        return self.value[3:] if self.tag == BANK_ACCOUNT else self.value

    @property
    def bank_code(self) -> str | None:
        """The three digits before the account number, or None for other proxies."""
        return self.value[:3] if self.tag == BANK_ACCOUNT else None

    @property
    def truemoney_mobile(self) -> str | None:
        """The mobile number inside a TrueMoney wallet id (pack 3.3), or None when it is not one."""
        found = _TRUEMONEY.fullmatch(self.value) if self.tag == EWALLET else None
        return found[1] if found else None


def proxy_fault(proxy: Proxy) -> str | None:
    """The error code when the wire value is not of its tag's form, else None."""
    if _WIRE[proxy.tag].fullmatch(proxy.value):
        return None
    if proxy.tag == BANK_ACCOUNT and not re.match(r"[0-9]{3}", proxy.value):
        return "bad_sending_bank"
    return _FAULT[proxy.tag]


def check_proxy(proxy: Proxy) -> None:
    """Raise the named refusal for a proxy that must not be put in a QR, such as an implausible mobile."""
    wire = _BUILDABLE.get(proxy.tag)
    if wire is None:
        raise MissingProxy(param="proxy")
    if not wire.fullmatch(proxy.value):
        raise refusal(proxy_fault(proxy) or "bad_mobile", where=f"29-{proxy.tag}")


def check_digit_matches(thirteen: str) -> bool:
    """Whether the last of 13 digits is the Thai check digit of the others (pack 2.2). Warn, never refuse."""
    total = sum(int(digit) * weight for digit, weight in zip(thirteen[:12], range(13, 1, -1), strict=True))
    return int(thirteen[12]) == (11 - total % 11) % 10


def mobile(text: str) -> Proxy:
    """A Thai mobile number: `0812345678`, `081-234-5678`, `+66 81 234 5678`, `66812345678`.

    Raises EmptyTarget for no text and BadMobile for all else, among it landlines, `+66 0812345678`, letters
    and non-ASCII digits.
    """
    found = _MOBILE_INPUT.fullmatch(text) or _MOBILE_INPUT.fullmatch(_SEPARATORS.sub("", text))
    if found is None:
        raise BadMobile(param="id") if text.strip() else EmptyTarget(param="id")
    return Proxy(MOBILE, "0066" + found[1])


def national_id(text: str) -> Proxy:
    """A 13-digit national id, with or without hyphens and spaces. Raises EmptyTarget, BadNationalId.

    The check digit is not required: tax ids share the sub-tag, and published examples break it.
    """
    return Proxy(CITIZEN_OR_TAX, _digits_of(text, CITIZEN_OR_TAX, BadNationalId))


def tax_id(text: str) -> Proxy:
    """A 13-digit tax id; a leading zero is kept. Raises EmptyTarget, BadNationalId."""
    return national_id(text)


def ewallet(text: str) -> Proxy:
    """A 15-digit e-wallet id. Raises EmptyTarget, BadEwallet."""
    return Proxy(EWALLET, _digits_of(text, EWALLET, BadEwallet))


def truemoney_wallet(text: str) -> Proxy:
    """The e-wallet id of a TrueMoney wallet: `14` and the mobile number padded to 13 digits (pack 3.3).

    Raises EmptyTarget, BadMobile.
    """
    return Proxy(EWALLET, "140000" + mobile(text).value[4:])


def bank_account(bank_code: str, account: str) -> Proxy:
    """A bank account. Reserved in the guideline and refused by real bank apps: say so wherever it is offered.

    Raises EmptyTarget, BadSendingBank (code not 3 digits), BadBankAccount.
    """
    if not account.strip():
        raise EmptyTarget(param="account")
    if not re.fullmatch(r"[0-9]{3}", bank_code):
        raise BadSendingBank(param="bank_code")
    digits = _SEPARATORS.sub("", account)
    if not re.fullmatch(r"[0-9]{1,40}", digits):
        raise BadBankAccount(param="account")
    return Proxy(BANK_ACCOUNT, bank_code + digits)


def _digits_of(text: str, tag: str, fault: type[BadNationalId | BadEwallet]) -> str:
    if not text.strip():
        raise EmptyTarget(param="id")
    digits = _SEPARATORS.sub("", text)
    if not _WIRE[tag].fullmatch(digits):
        raise fault(param="id")
    return digits
