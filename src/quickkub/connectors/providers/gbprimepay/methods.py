"""By which of GBPrimePay's doors each payment method goes, and what its checksum is made of (pack 3, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from quickkub.connectors.contract import Can, MethodOffer


class Door(Enum):
    """How a method is asked for.

    QR and WECHAT are asked by us; FORM is posted by the payer's browser; CARD is charged by us and finished
    by the payer's browser when 3-D secure is on.
    """

    QR = "qr"
    WECHAT = "wechat"
    FORM = "form"
    CARD = "card"


WALLET: Final = ("amount", "referenceNo", "responseUrl", "backgroundUrl")
BANK: Final = (*WALLET, "bankCode")
PLAN: Final = (*BANK, "term")
SHORT: Final = ("amount", "referenceNo", "backgroundUrl")
"""The fields a checksum is over, in order (pack 3)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One method. `path_setting` names a setting of the account that replaces the path."""

    door: Door
    path: str
    signs: tuple[str, ...] = ()
    bank: str = ""
    path_setting: str = ""

    @property
    def has_term(self) -> bool:
        return "term" in self.signs


_BANKS: Final = {"kplus": "004", "scb_easy": "014", "kma": "025", "bualuang": "002", "krungthai_next": "006"}
_PLANS: Final = {
    "installment_bbl": "002",
    "installment_kbank": "004",
    "installment_ktb": "006",
    "installment_ttb": "011",
    "installment_scb": "014",
    "installment_bay": "025",
    "installment_first_choice": "026",
}

WAYS: Final[dict[str, Way]] = {
    "promptpay": Way(Door.QR, "/v3/qrcode/text"),
    "qr_credit": Way(Door.QR, "/v3/qrcredit/text"),
    "card": Way(Door.CARD, "/v2/tokens/charge"),
    "truemoney": Way(Door.FORM, "/v2/trueWallet", WALLET),
    "linepay": Way(Door.FORM, "/v2/linepay", WALLET),
    "shopeepay": Way(Door.FORM, "/v1/shopeePay", WALLET),
    "atome": Way(Door.FORM, "/v1/atome", WALLET, path_setting="atome_path"),
    "wechat": Way(Door.WECHAT, "/v2/wechat/text", SHORT),
    "alipay": Way(Door.FORM, "/v2/alipay", SHORT, path_setting="alipay_path"),
    **{name: Way(Door.FORM, "/v2/mobileBanking", BANK, bank) for name, bank in _BANKS.items()},
    **{name: Way(Door.FORM, "/v2/installment", PLAN, bank) for name, bank in _PLANS.items()},
}

MONTH_MIN: Final = 50_000
"""An instalment is at least 500 baht a month (pack 5.8)."""

_QR_MAX: Final = 50_000_000
_WALLET_MAX: Final = 10_000_000
_BANK_MAX: Final = 50_000_000
_PLAN_MIN: Final = 300_000
_PLAN_MAX: Final = 50_000_000
_FORM: Final = ("form_post",)


def _wallet(method: str, flag: str = "", needs: tuple[str, ...] = ()) -> MethodOffer:
    return MethodOffer(method, 100, _WALLET_MAX, needs=needs, flag=flag or f"offer_{method}", actions=_FORM)


OFFERS: Final = (
    MethodOffer("promptpay", 100, _QR_MAX),
    MethodOffer("qr_credit", 100, _QR_MAX, flag="offer_qr_credit"),
    MethodOffer("card", 100, _QR_MAX, frozenset({Can.CHALLENGE}), needs=("card_token",), actions=_FORM),
    _wallet("truemoney", needs=("phone",)),
    _wallet("linepay"),
    _wallet("shopeepay"),
    _wallet("atome"),
    MethodOffer("wechat", 100, _WALLET_MAX, flag="offer_wechat"),
    _wallet("alipay"),
    *(MethodOffer(name, 100, _BANK_MAX, flag="offer_mobile_banking", actions=_FORM) for name in _BANKS),
    *(MethodOffer(name, _PLAN_MIN, _PLAN_MAX, flag="offer_installment", actions=_FORM) for name in _PLANS),
)
"""Limits are not public; these are the pack's assumptions (pack 10). Money goes back by hand (pack 5.11)."""
