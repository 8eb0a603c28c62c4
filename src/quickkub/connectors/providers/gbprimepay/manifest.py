"""What GBPrimePay is and what an account at it needs to know."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, SettingField
from quickkub.connectors.providers.gbprimepay.methods import OFFERS

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"

SIMULATED: Final = {
    "public_key": "QkTestPublicKey00000000000000000",
    "secret_key": "Qk1TestSecretKey0000000000000000",
    "token": "QkTestCustomerKey/0123456789+abcdefghij==",
}
"""The keys of the simulator and the vectors: for tests only."""

_SWITCHED: Final = (
    ("qr_credit", "Offer QR by credit card", "เปิดใช้ QR บัตรเครดิต"),
    ("truemoney", "Offer TrueMoney Wallet", "เปิดใช้ทรูมันนี่ วอลเล็ท"),
    ("linepay", "Offer LINE Pay", "เปิดใช้ไลน์ เพย์"),
    ("shopeepay", "Offer ShopeePay", "เปิดใช้ช้อปปี้เพย์"),
    ("atome", "Offer Atome", "เปิดใช้ Atome"),
    ("wechat", "Offer WeChat Pay", "เปิดใช้วีแชทเพย์"),
    ("alipay", "Offer Alipay", "เปิดใช้อาลีเพย์"),
    ("mobile_banking", "Offer bank apps", "เปิดใช้แอปธนาคาร"),
    ("installment", "Offer card instalments", "เปิดใช้ผ่อนชำระด้วยบัตร"),
)

MANIFEST: Final = Manifest(
    name="gbprimepay",
    title_en="GBPrimePay",
    title_th="จีบี ไพร์ม เพย์",
    methods=OFFERS,
    fields=(
        SettingField("public_key", "Public key", "คีย์สาธารณะ (Public key)", pattern=r"[!-~]{8,200}"),
        SettingField(
            "secret_key",
            "Secret key",
            "คีย์ลับ (Secret key)",
            secret=True,
            pattern=r"[!-~]{8,200}",
            note="charges, inquiries and checksums; it never leaves the server",
        ),
        SettingField(
            "token",
            "Token (customer key)",
            "โทเค็น (Customer key)",
            secret=True,
            pattern=r"[!-~]{8,400}",
            note="for QR codes; it holds + / = and is URL-encoded",
        ),
        *(
            SettingField(f"offer_{name}", en, th, required=False, default="false", pattern=_ON_OFF)
            for name, en, th in _SWITCHED
        ),
        SettingField(
            "card_3ds",
            "Let every card payer prove themselves (3-D Secure)",
            "ยืนยันตัวตนผู้ถือบัตรทุกรายการ (3-D Secure)",
            required=False,
            default="true",
            pattern=_ON_OFF,
            note="off: a charge is final at once",
        ),
        SettingField(
            "installment_term",
            "Months of an instalment plan",
            "จำนวนเดือนผ่อนชำระ",
            required=False,
            default="6",
            pattern=r"[1-9][0-9]?",
            note="terms are set bank by bank in the merchant's contract",
        ),
        SettingField(
            "alipay_path",
            "Path of Alipay",
            "เส้นทางของอาลีเพย์",
            required=False,
            default="/v2/alipay",
            pattern=r"/v2/alipay|/alipay/api/alipay",
            assumed=True,
            note="both are seen in public clients",
        ),
        SettingField(
            "atome_path",
            "Path of Atome",
            "เส้นทางของ Atome",
            required=False,
            default="/v1/atome",
            pattern=r"/[A-Za-z0-9/_-]{1,60}",
            assumed=True,
            note="the path is not public; ask GBPrimePay before turning Atome on",
        ),
    ),
    sandbox_base_url="https://api.globalprimepay.com",
    live_base_url="https://api.gbprimepay.com",
    simulator_port=3117,
    # A reference is taken once; a lost answer is asked about and never sent again (pack 9).
    create_is_repeatable=False,
    instruct_is_repeatable=False,
    reference_letters_max=15,
    simulator_credentials={
        "publicKey": SIMULATED["public_key"],
        "secretKey": SIMULATED["secret_key"],
        "token": SIMULATED["token"],
    },
    simulator_account={**SIMULATED, **{f"offer_{name}": "true" for name, _, _ in _SWITCHED}},
    about_en=(
        "QR codes are asked for by us; wallets, bank apps and instalments are forms that the payer's browser "
        "posts with our checksum; a card is charged by its token and proves its holder by 3-D Secure. "
        "Webhooks are not signed, so every one leads to an inquiry, which names no time of payment. Refunds "
        "and voids are made in the portal; a void is seen by asking. A card's token is made in the payer's "
        "browser at POST /v2/tokens with the public key. Assumed: limits, the paths of Atome and Alipay, and "
        "that charges capture at once."
    ),
    sources=(
        "gbprimepay.md: the official WooCommerce and Magento plugins",
        "independent clients in Node, PHP and Python, and public call logs",
    ),
)
