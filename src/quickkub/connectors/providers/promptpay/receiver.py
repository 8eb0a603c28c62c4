"""Who receives: the account's PromptPay id as a QR, and as others may write it."""

from __future__ import annotations

import re
from typing import Final

from quickkub.connectors.contract import Account
from quickkub.connectors.switches import setting
from quickkub.kernel.money import Money
from quickkub.promptpay import BillPayment, CreditTransfer, QrRefusal, build, ewallet, mobile, national_id

_MAKERS: Final = {"mobile": mobile, "national_id": national_id, "tax_id": national_id, "ewallet": ewallet}
BILLER: Final = "biller"


class Misfit(Exception):
    """The account's settings name nobody a QR can pay."""


def qr_for(account: Account, reference: str, amount: Money) -> str:
    """Tag 29 with the exact amount, or tag 30 with our reference for a biller (pack 2.2, 2.3).

    Raises Misfit for the receiver, and QrRefusal for an amount or reference no QR can hold.
    """
    kind, text = setting(account, "receiver_kind"), setting(account, "promptpay_id")
    if not kind or not text:
        raise Misfit("the account has no receiver_kind or no promptpay_id")
    if kind == BILLER:
        biller = re.sub(r"[ .()-]", "", text)
        if re.fullmatch(r"[0-9]{15}", biller) is None:
            raise Misfit("a biller id is 15 digits")
        ref2 = setting(account, "ref2") or None
        return build(BillPayment(biller, reference, ref2, amount=amount))
    maker = _MAKERS.get(kind)
    if maker is None:
        raise Misfit(f"{kind[:20]!r} is no kind of PromptPay id")
    try:
        proxy = maker(text)
    except QrRefusal as refusal:
        raise Misfit(f"promptpay_id is refused: {refusal.code}") from None
    return build(CreditTransfer(proxy, amount))


def is_ours(account: Account, shown: str) -> bool:
    """Whether a notice names this account: every digit, in any spelling of a phone number."""
    own = {setting(account, name) for name in ("promptpay_id", "account_number")}
    return _plain(shown) != "" and _plain(shown) in {_plain(text) for text in own if text}


def _plain(text: str) -> str:
    """Digits alone; a phone number without its 66 or 0066."""
    digits = re.sub(r"[ .()+-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        return ""
    found = re.fullmatch(r"(?:0066|66)([0-9]{9})", digits)
    return "0" + found[1] if found else digits
