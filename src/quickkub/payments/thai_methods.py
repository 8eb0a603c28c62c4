"""The names of the payment methods of Thailand, in Thai and English, as payers know them. No logos.

Every method a provider folder offers is here; `tests/unit/payments/test_thai_methods.py` proves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_APP_MAX: Final = 200_000_000
_WALLET_MAX: Final = 15_000_000
_CARD_MAX: Final = 100_000_000
_INSTALMENT_MIN: Final = 200_000


@dataclass(frozen=True, slots=True)
class ThaiMethod:
    """A way to pay, by the name payers know it by.

    `kind` is `qr`, `bank_app`, `wallet` or `card`: what the payer takes into the hand. Limits are in satang,
    and hold only while no provider offers the method; otherwise the providers' own limits do.
    """

    id: str
    name_en: str
    name_th: str
    kind: str
    amount_min: int
    amount_max: int


def _qr(name: str, en: str, th: str, amount_max: int = _APP_MAX) -> ThaiMethod:
    return ThaiMethod(name, en, th, "qr", 1, amount_max)


def _app(name: str, en: str, th: str) -> ThaiMethod:
    return ThaiMethod(name, en, th, "bank_app", 100, _APP_MAX)


def _wallet(name: str, en: str, th: str, amount_max: int = _WALLET_MAX) -> ThaiMethod:
    return ThaiMethod(name, en, th, "wallet", 100, amount_max)


def _instalment(bank: str, en: str, th: str) -> ThaiMethod:
    name = f"installment_{bank}" if bank else "installment"
    return ThaiMethod(name, en, th, "card", _INSTALMENT_MIN, _CARD_MAX)


THAI_METHODS: Final = (
    _qr("promptpay", "PromptPay QR", "พร้อมเพย์ คิวอาร์"),
    _app("kplus", "K PLUS", "เค พลัส"),
    _app("scb_easy", "SCB EASY", "เอสซีบี อีซี่"),
    _app("bualuang", "Bualuang mBanking", "บัวหลวง เอ็มแบงก์กิ้ง"),
    _app("kma", "Krungsri app (KMA)", "กรุงศรี แอป"),
    _app("krungthai_next", "Krungthai NEXT", "กรุงไทย เน็กซ์"),
    _wallet("truemoney", "TrueMoney Wallet", "ทรูมันนี่ วอลเล็ท", 10_000_000),
    _wallet("linepay", "LINE Pay", "ไลน์ เพย์"),
    _wallet("shopeepay", "ShopeePay", "ช้อปปี้เพย์"),
    ThaiMethod("card", "Credit or debit card", "บัตรเครดิต หรือเดบิต", "card", 2_000, _CARD_MAX),
    _qr("qr_credit", "Credit card QR", "คิวอาร์ บัตรเครดิต"),
    _app("mobile_banking", "Mobile banking", "แอปธนาคาร"),
    _app("internet_banking", "Internet banking", "อินเทอร์เน็ตแบงก์กิ้ง"),
    _wallet("alipay", "Alipay", "อาลีเพย์"),
    _wallet("wechat", "WeChat Pay", "วีแชท เพย์"),
    _wallet("grabpay", "GrabPay Wallet", "แกร็บเพย์ วอลเล็ต"),
    _wallet("grab_paylater", "PayLater by Grab", "แกร็บ เพย์เลเทอร์"),
    _wallet("atome", "Atome", "อะตอม"),
    # The same wallets on other ways: straight into the app, or by a QR of their own.
    _wallet("truemoney_jumpapp", "TrueMoney app", "แอปทรูมันนี่", 10_000_000),
    _qr("truemoney_qr", "TrueMoney QR", "ทรูมันนี่ คิวอาร์", 10_000_000),
    _wallet("shopeepay_jumpapp", "Shopee app", "แอปช้อปปี้"),
    # The shop scans what the payer's app shows.
    _wallet("linepay_scan", "LINE Pay, scanned at the counter", "ไลน์ เพย์ ร้านสแกนโค้ดลูกค้า"),
    _wallet("truemoney_scan", "TrueMoney, scanned at the counter", "ทรูมันนี่ ร้านสแกนโค้ดลูกค้า", 10_000_000),
    _app("b_scan_c", "Bank app, scanned at the counter", "แอปธนาคาร ร้านสแกนโค้ดลูกค้า"),
    _instalment("", "Card instalments", "ผ่อนชำระด้วยบัตร"),
    _instalment("kbank", "Instalments, KBank card", "ผ่อนชำระ บัตรกสิกรไทย"),
    _instalment("scb", "Instalments, SCB card", "ผ่อนชำระ บัตรไทยพาณิชย์"),
    _instalment("bbl", "Instalments, Bangkok Bank card", "ผ่อนชำระ บัตรธนาคารกรุงเทพ"),
    _instalment("bay", "Instalments, Krungsri card", "ผ่อนชำระ บัตรกรุงศรี"),
    _instalment("first_choice", "Instalments, Krungsri First Choice", "ผ่อนชำระ บัตรกรุงศรี เฟิร์สช้อยส์"),
    _instalment("ktb", "Instalments, Krungthai card", "ผ่อนชำระ บัตรกรุงไทย"),
    _instalment("ktc", "Instalments, KTC card", "ผ่อนชำระ บัตรเคทีซี"),
    _instalment("ttb", "Instalments, ttb card", "ผ่อนชำระ บัตรทีทีบี"),
    _instalment("uob", "Instalments, UOB card", "ผ่อนชำระ บัตรยูโอบี"),
    # Paid in cash at a shop's counter with a slip that is scanned.
    _qr("bill_payment", "Bill payment at a counter", "ชำระบิลที่เคาน์เตอร์", 4_900_000),
    _qr("counter", "Cash at a service counter", "เงินสดที่เคาน์เตอร์เซอร์วิส", 5_000_000),
)

_BY_ID: Final = {method.id: method for method in THAI_METHODS}


def method_named(name: str) -> ThaiMethod | None:
    """The method of this id, or None when it is not one of Thailand's."""
    return _BY_ID.get(name)
