"""What KBank is and what an account at it needs to know.

Optional fields are the switches for what the bank does not publish (the ASSUMED register of the pack). Their
names are the register's without the prefix `kbank.`; both spellings are read.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField
from quickkub.kernel.money import AMOUNT_MAX

QR: Final = "promptpay"
CARD_QR: Final = "qr_credit"
CARD: Final = "card"
ALIPAY: Final = "alipay"
APP: Final = "kplus"

KGP: Final = "kgp"
KPLUS_HOST: Final = "kplus"

SANDBOX: Final = "https://openapi-sandbox.kasikornbank.com"

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_PATH: Final = r"/[A-Za-z0-9._~/-]{1,120}"
_URL: Final = r"https?://[^\s?#]+"
_VOID_DAYS: Final = 1
_QR_MAX: Final = 200_000_000


def _field(
    name: str,
    label_en: str,
    label_th: str,
    default: str = "",
    pattern: str = "",
    *,
    secret: bool = False,
    assumed: bool = False,
    note: str = "",
) -> SettingField:
    """Nothing is required by itself: an account may have one of the three products only."""
    return SettingField(
        name,
        label_en,
        label_th,
        secret,
        required=False,
        default=default,
        pattern=pattern,
        assumed=assumed,
        note=note,
    )


_QR_FIELDS: Final = (
    _field("consumer_id", "QR API: consumer id", "QR API: consumer id", secret=True),
    _field("consumer_secret", "QR API: consumer secret", "QR API: consumer secret", secret=True),
    _field("partner_id", "QR API: partner id", "QR API: รหัสพาร์ตเนอร์", pattern=r".{1,10}"),
    _field("partner_secret", "QR API: partner secret", "QR API: รหัสลับพาร์ตเนอร์", secret=True),
    _field("merchant_id", "QR API: merchant id", "QR API: รหัสร้านค้า", pattern=r".{1,14}"),
    _field("terminal_id", "QR API: terminal id", "QR API: รหัสเครื่อง", pattern=r".{1,8}"),
    _field(
        "promptpay_by",
        "Which product makes PromptPay QRs",
        "ผลิตภัณฑ์ที่สร้าง QR พร้อมเพย์",
        "auto",
        r"auto|openapi|kgp",
        note="By itself it is the QR API, or KGP for an account that has keys of KGP only.",
    ),
    _field("base_url", "Address of the QR API", "ที่อยู่ของ QR API", "", _URL),
    _field("test_mode", "Send the sandbox's headers", "ส่งหัวข้อของแซนด์บ็อกซ์", "auto", rf"auto|{_ON_OFF}"),
    _field("env_id", "Sandbox exercise for every call", "หมายเลขแบบฝึกหัดของแซนด์บ็อกซ์", "", r"[A-Z0-9-]{1,20}"),
    _field("token_path", "Path: token", "พาธ: โทเคน", "/v2/oauth/token", _PATH),
    _field("create_path", "Path: create", "พาธ: สร้าง", "/v1/qrpayment/request", _PATH),
    _field(
        "qr.inquiry_path",
        "Path: inquiry",
        "พาธ: สอบถาม",
        "/v1/qrpayment/v4/inquiry",
        _PATH,
        assumed=True,
        note="Versions 4 and 5 are both seen.",
    ),
    _field("cancel_path", "Path: cancel", "พาธ: ยกเลิก", "/v1/qrpayment/cancel", _PATH),
    _field("void_path", "Path: void", "พาธ: คืนเงินในวัน", "/v1/qrpayment/void", _PATH),
    _field("settlement_path", "Path: settlement", "พาธ: สรุปยอด", "/v1/qrpayment/settlement", _PATH),
    _field("slip_path", "Path: slip verification", "พาธ: ตรวจสลิป", "/v1/verslip/kbank/verify", _PATH),
    _field(
        "qr.cancel_fields",
        "Fields of cancel",
        "ฟิลด์ของการยกเลิก",
        "minimal",
        r"minimal|legacy2020",
        assumed=True,
        note="Newer versions refuse the fields that the table of 2020 demands.",
    ),
    _field(
        "qr.callback_confirm_by_inquiry",
        "Confirm callbacks by inquiry",
        "ยืนยันการแจ้งเตือนด้วยการสอบถาม",
        "true",
        r"true|on|yes|1",
        assumed=True,
        note="Always on: the bank signs nothing, and its callback names no time of payment.",
    ),
    _field(
        "qr.callback_ip_allowlist",
        "Networks callbacks may come from",
        "เครือข่ายที่อนุญาตให้แจ้งเตือน",
        "",
        r"[0-9a-fA-F.:/, ]+",
        assumed=True,
        note="The bank publishes no addresses. Empty: from anywhere, since a callback only makes us ask.",
    ),
    _field(
        "qr.callback_require_client_cert",
        "Callbacks need the bank's client certificate",
        "ต้องมีใบรับรองไคลเอนต์ของธนาคาร",
        "false",
        _ON_OFF,
        assumed=True,
        note="Seen by the reverse proxy, which must set x-ssl-client-verify itself and drop a foreign one.",
    ),
    _field(
        "qr.manual_refund",
        "Refund by bank transfer when a void is too late",
        "คืนเงินด้วยการโอนเมื่อเลยเวลายกเลิก",
        "true",
        _ON_OFF,
        assumed=True,
        note="The bank has no refund after settlement and none of a part.",
    ),
    _field("mtls", "Show a client certificate", "ใช้ใบรับรองไคลเอนต์", "off", _ON_OFF),
    _field("client_cert", "Client certificate (PEM)", "ใบรับรองไคลเอนต์ (PEM)"),
    _field("client_key", "Client key (PEM)", "กุญแจไคลเอนต์ (PEM)", secret=True),
)

_KGP_FIELDS: Final = (
    _field("kgp.enabled", "K-Payment Gateway: cards", "K-Payment Gateway: บัตร", "false", _ON_OFF),
    _field("kgp.alipay", "K-Payment Gateway: Alipay", "K-Payment Gateway: Alipay", "false", _ON_OFF),
    _field("kgp.public_key", "KGP: public key", "KGP: คีย์สาธารณะ", "", r"pkey_\S{1,200}"),
    _field("kgp.secret_key", "KGP: secret key", "KGP: คีย์ลับ", "", r"skey_\S{1,200}", secret=True),
    _field("kgp.mid", "KGP: merchant id of the charge", "KGP: รหัสร้านค้า", "", r".{1,15}"),
    _field("kgp.tid", "KGP: terminal id of the charge", "KGP: รหัสเครื่อง", "", r".{1,8}"),
    _field("kgp_base_url", "Address of KGP", "ที่อยู่ของ KGP", "", _URL),
    _field(
        "kgp.unpaid_status",
        "KGP: status and state of an unpaid QR",
        "KGP: สถานะของ QR ที่ยังไม่จ่าย",
        "pending/Initialize",
        r"[A-Za-z-]{1,30}/[A-Za-z-]{1,30}",
        assumed=True,
        note="Not public; these two words mean that nobody has paid yet.",
    ),
    _field(
        "kgp.webhook_answer",
        "KGP: answer to a webhook",
        "KGP: คำตอบของเว็บฮุก",
        '{"status":"success"}',
        r"\{.{0,200}\}",
        assumed=True,
        note="Only HTTP 200 is known to matter.",
    ),
)

_KPLUS_FIELDS: Final = (
    _field(
        "kplus.enabled",
        "Pay with K PLUS",
        "จ่ายด้วย K PLUS",
        "false",
        _ON_OFF,
        assumed=True,
        note="Only documents of 2019 and 2020 are public.",
    ),
    _field("kplus_base_url", "Address of Pay with K PLUS", "ที่อยู่ของ Pay with K PLUS", "", _URL),
    _field(
        "kplus.generate_path",
        "K PLUS path: generate token",
        "K PLUS พาธ: ออกโทเคน",
        "/kplus/payment/generate-token",
        _PATH,
        assumed=True,
        note="The path of 2019.",
    ),
    _field(
        "kplus.inquire_path",
        "K PLUS path: inquire token",
        "K PLUS พาธ: สอบถามโทเคน",
        "/kplus/payment/inquire-token",
        _PATH,
        assumed=True,
        note="The path of 2019.",
    ),
    _field(
        "kplus.cancel_path",
        "K PLUS path: cancel token",
        "K PLUS พาธ: ยกเลิกโทเคน",
        "/kplus/payment/cancel-token",
        _PATH,
        assumed=True,
        note="The path of 2019.",
    ),
    _field(
        "kplus.amount_format",
        "K PLUS: how amounts are written",
        "K PLUS: รูปแบบจำนวนเงิน",
        "minor12",
        r"minor12|minor|decimal",
        assumed=True,
        note="Table and samples disagree; satang are assumed.",
    ),
    _field(
        "kplus.request_dt_format",
        "K PLUS: how times are written",
        "K PLUS: รูปแบบเวลา",
        "iso",
        r"iso|unix",
        assumed=True,
        note="Described as Unix seconds, shown as local time.",
    ),
    _field("kplus.shop_name", "K PLUS: shop name", "K PLUS: ชื่อร้าน", "", r".{1,100}"),
    _field("kplus.shop_image_url", "K PLUS: address of the shop's picture", "K PLUS: ที่อยู่รูปร้าน", "", _URL),
    _field("kplus.os_platform", "K PLUS: the payer's phone", "K PLUS: โทรศัพท์ของผู้จ่าย", "IOS", r"IOS|ANDROID"),
)

_SIM_QR: Final = {
    "consumer_id": "demo-consumer-id",
    "consumer_secret": "demo-consumer-secret",
    "partner_id": "PTR1051673",
    "partner_secret": "d4bded59200547bc85903574a293831b",
    "merchant_id": "KB102057149704",
    "terminal_id": "09000107",
}
_SIM_KGP: Final = {"public_key": "pkey_test_demoPUBLIC0001", "secret_key": "skey_test_demoSECRET0001"}

MANIFEST: Final = Manifest(
    name="kbank",
    title_en="KASIKORNBANK (KBank)",
    title_th="ธนาคารกสิกรไทย",
    methods=(
        MethodOffer(
            QR,
            1,
            _QR_MAX,
            frozenset({Can.CANCEL, Can.REFUND}),
            refund_days=_VOID_DAYS,
            actions=("display_qr", "display_image"),
        ),
        MethodOffer(CARD_QR, 1, _QR_MAX, frozenset({Can.CANCEL, Can.REFUND}), refund_days=_VOID_DAYS),
        MethodOffer(
            CARD,
            1,
            AMOUNT_MAX - 1,
            frozenset({Can.REFUND, Can.REFUND_PART}),
            ("card_token",),
            flag="kgp.enabled",
            actions=("redirect",),
        ),
        MethodOffer(
            ALIPAY,
            1,
            AMOUNT_MAX - 1,
            frozenset({Can.REFUND, Can.REFUND_PART}),
            flag="kgp.alipay",
            actions=("redirect",),
        ),
        MethodOffer(APP, 100, _QR_MAX, frozenset({Can.CANCEL}), flag="kplus.enabled", actions=("open_app",)),
    ),
    fields=(*_QR_FIELDS, *_KGP_FIELDS, *_KPLUS_FIELDS),
    sandbox_base_url=SANDBOX,
    live_base_url="https://openapi.kasikornbank.com",
    simulator_port=3111,
    # A repeat is refused as duplicate_request; the QR of a lost answer cannot be fetched again (pack A12).
    create_is_repeatable=False,
    instruct_is_repeatable=False,
    # The pack waits 5 s before it believes "not found" and calls a person after 2 minutes (A10, A11).
    visible_after_seconds=120,
    reference_letters_max=15,
    other_base_urls={
        KGP: (
            "https://dev-kpaymentgateway-services.kasikornbank.com",
            "https://kpaymentgateway-services.kasikornbank.com",
        ),
        KPLUS_HOST: (SANDBOX, "https://openapi.kasikornbank.com"),
    },
    simulator_credentials={**_SIM_QR, **{f"kgp_{name}": value for name, value in _SIM_KGP.items()}},
    simulator_other_paths={KGP: "", KPLUS_HOST: ""},
    simulator_account={
        **_SIM_QR,
        **{f"kgp.{name}": value for name, value in _SIM_KGP.items()},
        "kplus.shop_name": "QUICKKUB DEMO",
        "kplus.shop_image_url": "https://shop.example/logo.png",
    },
    about_en=(
        "Three products: the QR Payment Open API (PromptPay and card QR), the K-Payment Gateway (cards with"
        " 3-D Secure, Alipay, QR pictures) and Pay with K PLUS. The QR API's callbacks are not signed and"
        " name no time, so every callback is confirmed by an inquiry. A paid QR can be voided in full on the"
        " day it was paid; later, money goes back by a bank transfer. The bank publishes no report: reconcile"
        " by inquiry. Keep to 5 calls a second; renew the client certificate 30 days before its end."
    ),
    sources=(
        "KBank Open API portal documents (2019 to 2020) and sandbox exercises",
        "K-Payment Gateway Payment UI and Charge documents",
        "kbank.md parts A to F",
    ),
)
