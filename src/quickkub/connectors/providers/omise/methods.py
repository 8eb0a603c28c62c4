"""Which source of Omise each payment method is, and what can be done with it (pack 3.3, 9)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, MethodOffer

CARD: Final = "card"

_MIN: Final = 2_000
_MAX: Final = 15_000_000
_WALLET_MAX: Final = 10_000_000
_COUNTER_MAX: Final = 4_900_000
_INSTALMENT_MIN: Final = 200_000

_UNPAID: Final = frozenset({Can.CANCEL})
_REFUNDS: Final = _UNPAID | {Can.REFUND, Can.REFUND_PART}
# What a bank gives back of an instalment plan differs from bank to bank; all of it is what most can do.
_REFUND_WHOLE: Final = _UNPAID | {Can.REFUND}
_HOLDS: Final = _REFUNDS | {Can.AUTHORIZE, Can.CAPTURE_PART, Can.VOID}

SOURCES: Final = {
    "promptpay": "promptpay",
    "kplus": "mobile_banking_kbank",
    "scb_easy": "mobile_banking_scb",
    "bualuang": "mobile_banking_bbl",
    "kma": "mobile_banking_bay",
    "krungthai_next": "mobile_banking_ktb",
    "truemoney": "truemoney",
    "truemoney_jumpapp": "truemoney_jumpapp",
    "truemoney_qr": "truemoney_qr",
    "linepay": "rabbit_linepay",
    "shopeepay": "shopeepay",
    "shopeepay_jumpapp": "shopeepay_jumpapp",
    "installment_bay": "installment_bay",
    "installment_bbl": "installment_bbl",
    "installment_first_choice": "installment_first_choice",
    "installment_kbank": "installment_kbank",
    "installment_ktc": "installment_ktc",
    "installment_scb": "installment_scb",
    "installment_ttb": "installment_ttb",
    "installment_uob": "installment_uob",
    "bill_payment": "bill_payment_tesco_lotus",
    "alipay": "alipay",
    "wechat": "wechat_pay",
}
"""Source type by payment method; a card has none."""

TERMS: Final = {
    "installment_kbank": (3, 6, 10),
    "installment_scb": (3, 4, 6, 9, 10),
    "installment_bay": (3, 4, 6, 9, 10),
    "installment_bbl": (4, 6, 8, 10),
    "installment_ktc": (3, 4, 5, 6, 7, 8, 9, 10),
    "installment_first_choice": (3, 4, 6, 9, 10, 12, 18, 24, 36),
    "installment_ttb": (3, 4, 6, 10),
    "installment_uob": (3, 4, 6, 10),
}
"""Months each bank lends for (capability fixture of the pack)."""

OFFLINE: Final = frozenset({"promptpay", "truemoney_qr", "bill_payment", "wechat"})
"""Paid from a picture; only such charges are told when to end (`expires_at`, pack 4.3)."""

OFFER_MOBILE_BANKING: Final = "offer_mobile_banking"
OFFER_TRUEMONEY: Final = "offer_truemoney"
OFFER_LINEPAY: Final = "offer_linepay"
OFFER_SHOPEEPAY: Final = "offer_shopeepay"
OFFER_INSTALLMENT: Final = "offer_installment"
OFFER_BILL_PAYMENT: Final = "offer_bill_payment"
OFFER_ALIPAY: Final = "offer_alipay"
OFFER_WECHAT: Final = "offer_wechat"

_IMAGE: Final = ("display_image",)
_REDIRECT: Final = ("redirect",)


def _redirect(
    method: str, flag: str, can: frozenset[Can], *, least: int = _MIN, most: int = _MAX, needs: str = ""
) -> MethodOffer:
    return MethodOffer(
        method, least, most, can, needs=(needs,) if needs else (), flag=flag, actions=_REDIRECT
    )


def _picture(method: str, flag: str, can: frozenset[Can], *, most: int = _MAX) -> MethodOffer:
    return MethodOffer(method, _MIN, most, can, flag=flag, actions=_IMAGE)


OFFERS: Final = (
    MethodOffer("promptpay", _MIN, _MAX, _UNPAID, fee_basis_points=165, actions=_IMAGE),
    MethodOffer(CARD, _MIN, _MAX, _HOLDS, needs=("card_token",), actions=_REDIRECT),
    *(
        _redirect(method, OFFER_MOBILE_BANKING, _UNPAID)
        for method in ("kplus", "scb_easy", "bualuang", "kma", "krungthai_next")
    ),
    _redirect("truemoney", OFFER_TRUEMONEY, _REFUNDS, most=_WALLET_MAX, needs="phone"),
    _redirect("truemoney_jumpapp", OFFER_TRUEMONEY, _REFUNDS, most=_WALLET_MAX),
    _picture("truemoney_qr", OFFER_TRUEMONEY, _REFUNDS, most=_WALLET_MAX),
    _redirect("linepay", OFFER_LINEPAY, _REFUNDS),
    _redirect("shopeepay", OFFER_SHOPEEPAY, _REFUNDS),
    _redirect("shopeepay_jumpapp", OFFER_SHOPEEPAY, _REFUNDS),
    *(_redirect(method, OFFER_INSTALLMENT, _REFUND_WHOLE, least=_INSTALMENT_MIN) for method in sorted(TERMS)),
    _picture("bill_payment", OFFER_BILL_PAYMENT, _UNPAID, most=_COUNTER_MAX),
    _redirect("alipay", OFFER_ALIPAY, _UNPAID),
    _picture("wechat", OFFER_WECHAT, _UNPAID),
)
