"""What Omise is and what an account at it needs to know."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, SettingField
from quickkub.connectors.providers.omise import methods

SETTLED_SECONDS: Final = 300
"""So long after an instruction left, a charge that does not show it proves that it never came (ASSUMED)."""

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"


def _offer(name: str, label_en: str, label_th: str, note: str = "") -> SettingField:
    return SettingField(name, label_en, label_th, required=False, default="false", pattern=_ON_OFF, note=note)


def _assumed(
    name: str, label_en: str, label_th: str, default: str, note: str, pattern: str = _ON_OFF
) -> SettingField:
    return SettingField(
        name, label_en, label_th, required=False, default=default, pattern=pattern, assumed=True, note=note
    )


OFFERS: Final = (
    _offer(methods.OFFER_MOBILE_BANKING, "Offer bank apps", "เปิดใช้แอปธนาคาร"),
    _offer(methods.OFFER_TRUEMONEY, "Offer TrueMoney", "เปิดใช้ทรูมันนี่"),
    _offer(methods.OFFER_LINEPAY, "Offer LINE Pay", "เปิดใช้ LINE Pay"),
    _offer(methods.OFFER_SHOPEEPAY, "Offer ShopeePay", "เปิดใช้ช้อปปี้เพย์"),
    _offer(methods.OFFER_INSTALLMENT, "Offer instalments", "เปิดใช้การผ่อนชำระ"),
    _offer(methods.OFFER_BILL_PAYMENT, "Offer paying at Lotus's counters", "เปิดใช้ชำระที่เคาน์เตอร์โลตัส"),
    _offer(methods.OFFER_ALIPAY, "Offer Alipay", "เปิดใช้อาลีเพย์"),
    _offer(methods.OFFER_WECHAT, "Offer WeChat Pay", "เปิดใช้วีแชทเพย์"),
)
"""One switch for each group of methods that Omise turns on account by account (`GET /capability`)."""

MANIFEST: Final = Manifest(
    name="omise",
    title_en="Omise (Opn Payments)",
    title_th="โอมิเซะ (โอเพ่น เพย์เมนท์ส)",
    methods=methods.OFFERS,
    fields=(
        SettingField(
            "secret_key", "Secret key", "คีย์ลับ (secret key)", secret=True, pattern=r"skey_[A-Za-z0-9_]{1,80}"
        ),
        SettingField(
            "public_key",
            "Public key",
            "คีย์สาธารณะ (public key)",
            required=False,
            pattern=r"pkey_[A-Za-z0-9_]{1,80}",
            note="for Omise.js in the payer's browser, and to read what the account can do",
        ),
        SettingField(
            "webhook_secret",
            "Webhook secret",
            "รหัสลับเว็บฮุค",
            secret=True,
            required=False,
            note="base64 as the dashboard shows it; with it every webhook must be signed, without it none",
        ),
        *OFFERS,
        SettingField(
            "installment_term",
            "Months of an instalment plan",
            "จำนวนเดือนผ่อนชำระ",
            required=False,
            default="6",
            pattern=r"[1-9][0-9]?",
        ),
        SettingField(
            "zero_interest_installments",
            "The shop bears the interest of instalments",
            "ร้านรับภาระดอกเบี้ยผ่อนชำระ",
            required=False,
            default="false",
            pattern=_ON_OFF,
        ),
        SettingField(
            "webhook_per_charge",
            "Name our callback address with every charge",
            "แจ้งที่อยู่เว็บฮุคทุกรายการ",
            required=False,
            default="true",
            pattern=_ON_OFF,
            note="only an https address is named; off: register it in the dashboard",
        ),
        _assumed(
            "idempotency_key",
            "Send an Idempotency-Key",
            "ส่ง Idempotency-Key",
            "true",
            "newer documents describe it and no official library sends it; nothing here relies on it",
        ),
        _assumed(
            "authorization_type",
            "How a card's money is held",
            "รูปแบบการกันวงเงินบัตร",
            "pre_auth",
            "capturing a part needs pre_auth; `none` sends nothing, for accounts that refuse the field",
            r"pre_auth|final_auth|none",
        ),
    ),
    sandbox_base_url="https://api.omise.co",
    live_base_url="https://api.omise.co",
    simulator_port=3116,
    # A repeated charge is a second charge; one whose answer was lost is found by our reference (pack 13).
    create_is_repeatable=False,
    instruct_is_repeatable=False,
    visible_after_seconds=SETTLED_SECONDS,
    simulator_credentials={
        "secret_key": "skey_test_quickkub",
        "public_key": "pkey_test_quickkub",
        "webhook_secret": "cXVpY2trdWItd2ViaG9vay1zZWNyZXQtMzJieXRlcyE=",
    },
    simulator_account={
        "secret_key": "skey_test_quickkub",
        "public_key": "pkey_test_quickkub",
        "webhook_secret": "cXVpY2trdWItd2ViaG9vay1zZWNyZXQtMzJieXRlcyE=",
        **{field.name: "true" for field in OFFERS},
    },
    about_en=(
        "One charge for cards, PromptPay, bank apps, wallets and instalments. Test and live share an "
        "address; the key decides, and a key of the other mode is refused before anything is sent. PromptPay "
        "comes as a picture, which is fetched and handed on. Assumed: limits of bank apps, LINE Pay refunds, "
        "and that a charge shows an instruction within five minutes."
    ),
    sources=(
        "omise@0.13.0 (Python), omise@1.1.0 (Node), and the Go, Java, .NET, PHP and Dart libraries",
        "omise-woocommerce 7.0.1, omise-magento: failure codes and traps",
        "docs.omise.co and docs.opn.ooo: method pages and API pages",
        "independent public receivers agreeing on the webhook signature",
    ),
)
