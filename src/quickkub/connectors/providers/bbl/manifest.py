"""What Bangkok Bank is and what an account at it needs to know.

The names are those of the pack's ASSUMED register without the prefix `bbl.`; both spellings are read. What an
account needs depends on its products, so no field is required: each product has a switch, and a payment whose
product lacks something is refused before anything is asked.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField
from quickkub.connectors.providers.bbl.test_keys import TEST_PRIVATE_KEY, TEST_PUBLIC_KEY

CARD: Final = "card"
APP: Final = "bualuang"
QR: Final = "promptpay"
PORTAL: Final = "api"
"""The name of the portal's address, as `Request.host` says it."""

BAHT_MAX: Final = 200_000_000
"""Two million baht in satang: the bank publishes no limit, this is PromptPay's."""

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_REFERENCE: Final = r"[A-Z0-9]{1,20}"


def _field(
    name: str, label_en: str, label_th: str, pattern: str = "", *, secret: bool = False
) -> SettingField:
    return SettingField(name, label_en, label_th, secret, required=False, pattern=pattern)


def _assumed(name: str, label_en: str, label_th: str, default: str, pattern: str, note: str) -> SettingField:
    return SettingField(
        name, label_en, label_th, required=False, default=default, pattern=pattern, assumed=True, note=note
    )


_PRODUCTS: Final = (
    _field("ipay.enabled", "Cards by Merchant iPay", "รับบัตรด้วย Merchant iPay", _ON_OFF),
    _field("app.enabled", "Bualuang mBanking (app to app)", "บัวหลวง เอ็มแบงก์กิ้ง", _ON_OFF),
    _field("qr.enabled", "Thai QR (bill payment)", "คิวอาร์รับชำระบิล", _ON_OFF),
)

_IPAY: Final = (
    _field("ipay.merchant_id", "iPay merchant number", "หมายเลขร้านค้า iPay", r"[0-9]{1,15}"),
    _field("ipay.secret", "Secure hash secret", "รหัสลับ Secure Hash", secret=True),
    _field("ipay.login_id", "API user (loginId)", "ผู้ใช้ API (loginId)", r"\S{1,50}"),
    _field("ipay.password", "API user's password", "รหัสผ่านผู้ใช้ API", secret=True),
    _assumed(
        "ipay.pay_method",
        "Payment methods on the page",
        "วิธีชำระบนหน้าเว็บ",
        "CC",
        r"[A-Za-z0-9_]{1,20}",
        "CC, ALL, or the name of a brand or wallet",
    ),
    _assumed(
        "ipay.allowed_hashes",
        "Hash algorithms, ours first",
        "อัลกอริทึมแฮช",
        "sha512",
        r"sha(1|256|512)(,sha(1|256|512))*",
        "set per merchant by the bank",
    ),
    _assumed(
        "ipay.timezone",
        "Time zone of TxTime",
        "เขตเวลาของ TxTime",
        "Asia/Bangkok",
        r"Asia/Bangkok|Asia/Hong_Kong|Asia/Manila|UTC",
        "not stated for iPay",
    ),
    _assumed(
        "ipay.session_minutes",
        "How long the bank's page lives (minutes)",
        "อายุหน้าชำระเงิน (นาที)",
        "30",
        r"[1-9][0-9]{0,3}",
        "not public; a payment without a record has expired after it",
    ),
    _assumed(
        "ipay.allow_retry_same_order",
        "The payer may try again under one order",
        "ให้ลองจ่ายซ้ำในคำสั่งเดิม",
        "false",
        _ON_OFF,
        "duplicate charges become possible",
    ),
    _assumed(
        "ipay.refund_action",
        "Name of the refund action",
        "ชื่อคำสั่งคืนเงิน",
        "RequestRefund",
        r"RequestRefund|Refund",
        "two names are in use",
    ),
    _assumed(
        "ipay.refund_final_on_accept",
        "An accepted refund request is final",
        "คืนเงินถือว่าเสร็จเมื่อรับคำขอ",
        "false",
        _ON_OFF,
        "the request only asks the bank",
    ),
    _assumed(
        "ipay.sale_void_action",
        "How a sale is taken back the same day",
        "วิธียกเลิกรายการขายในวัน",
        "Void",
        r"Void|OnlineReversal",
        "OnlineReversal works where the acquirer allows it",
    ),
)

_PORTAL: Final = (
    _field("client_id", "API portal client ID", "รหัสไคลเอนต์ API"),
    _field("client_secret", "API portal client secret", "รหัสลับไคลเอนต์ API", secret=True),
    _field("service_code", "Service code", "รหัสบริการ", r"[A-Za-z0-9]{1,20}"),
    _field("biller_id", "Biller ID", "รหัสผู้รับชำระ (Biller ID)", r"[0-9]{15}"),
    _field("private_key", "Our private key (PKCS#8)", "กุญแจส่วนตัวของเรา (PKCS#8)", secret=True),
    _field("bank_public_key", "The bank's public key", "กุญแจสาธารณะของธนาคาร"),
    _field("ref2", "Fixed reference 2", "เลขอ้างอิง 2 คงที่", _REFERENCE),
    _assumed(
        "jwt_body_mode", "Where the message stands in the signed claims", "ตำแหน่งข้อความในลายเซ็น", "merged",
        r"merged|nested:[A-Za-z0-9_]{1,30}", "not public",
    ),
    _assumed(
        "jwt_answers_signed", "The bank signs its answers", "ธนาคารลงลายเซ็นในคำตอบ", "true", _ON_OFF,
        "off: answers without a signature are taken, wrong ones still are not",
    ),
    _assumed(
        "app.link_field", "Field with the app link", "ฟิลด์ลิงก์แอป", "paymentUrl", r"[A-Za-z0-9_]{1,40}",
        "not public",
    ),
    _assumed(
        "app.link_minutes", "How long an app link lives (minutes)", "อายุลิงก์แอป (นาที)", "15",
        r"[1-9][0-9]{0,3}", "not public",
    ),
    _assumed(
        "app.inquiry_amount", "Whether the app inquiry must name the amount", "การสอบถามต้องระบุจำนวนเงิน",
        "optional", r"optional|required", "the known fields have no amount; one that is there counts",
    ),
    _assumed(
        "qr.source", "Where the QR comes from", "แหล่งที่มาของคิวอาร์", "local", r"local|api",
        "the fields of the bank's QR call are not public: with `api` no QR is made",
    ),
    _assumed("qr.api_path", "Path of the QR call", "พาธของการสร้างคิวอาร์", "", r"/[!-~]{0,200}", "not public"),
    _assumed(
        "notify.duplicate_code", "Answer to a repeated notification", "คำตอบเมื่อแจ้งซ้ำ", "000", r"000|212",
        "given where retryFlag is Y",
    ),
    _assumed(
        "notify.require_signature", "Tag 30 notifications must be signed", "การแจ้งเตือนต้องมีลายเซ็น", "true",
        _ON_OFF, "off: an unsigned one is believed from the networks below",
    ),
    _assumed(
        "notify.two_way_require_signature", "Two-way bill payments must be signed", "บิลสองทางต้องมีลายเซ็น",
        "false", _ON_OFF, "off: an unsigned one is believed from the networks below",
    ),
    _assumed(
        "notify.ip_allowlist", "Networks notifications may come from", "เครือข่ายที่แจ้งเตือนได้", "",
        r"[0-9a-fA-F.:/, ]+", "fixed addresses are usual; without any, only a signature counts",
    ),
    _assumed(
        "file.encoding", "Encoding of the reconciliation file", "การเข้ารหัสไฟล์กระทบยอด", "cp874",
        r"cp874|tis-620|utf-8", "not stated",
    ),
)  # fmt: skip

MANIFEST: Final = Manifest(
    name="bbl",
    title_en="Bangkok Bank (BBL)",
    title_th="ธนาคารกรุงเทพ",
    methods=(
        MethodOffer(
            CARD,
            100,
            BAHT_MAX,
            can=frozenset({Can.AUTHORIZE, Can.CAPTURE_PART, Can.VOID, Can.REFUND, Can.REFUND_PART}),
            flag="ipay.enabled",
            actions=("form_post",),
        ),
        MethodOffer(APP, 100, BAHT_MAX, flag="app.enabled", actions=("open_app",)),
        MethodOffer(QR, 1, BAHT_MAX, flag="qr.enabled"),
    ),
    fields=(*_PRODUCTS, *_IPAY, *_PORTAL),
    sandbox_base_url="https://psipay.bangkokbank.com/b2c/eng",
    live_base_url="https://ipay.bangkokbank.com/b2c/eng",
    other_base_urls={
        PORTAL: ("https://api-sandbox.bangkokbank.com", "https://api.bangkokbank.com"),
    },
    simulator_port=3112,
    # The same form, link or QR is shown again: the one whose answer was lost was never shown to anybody.
    create_is_repeatable=True,
    simulator_base_path="/b2c/eng",
    simulator_other_paths={PORTAL: ""},
    simulator_credentials={
        "merchantId": "1234",
        "loginId": "apiuser",
        "password": "secret",
        "secret": "demoSecureHashSecret01",
        "client_id": "demo-client",
        "client_secret": "demo-client-secret",
        "serviceCode": "QK01",
        "billerId": "099400012345678",
        "private_key": TEST_PRIVATE_KEY,
        "bank_public_key": TEST_PUBLIC_KEY,
    },
    simulator_account={
        "ipay.enabled": "true",
        "app.enabled": "true",
        "qr.enabled": "true",
        "ipay.merchant_id": "1234",
        "ipay.login_id": "apiuser",
        "ipay.password": "secret",
        "ipay.secret": "demoSecureHashSecret01",
        "client_id": "demo-client",
        "client_secret": "demo-client-secret",
        "service_code": "QK01",
        "biller_id": "099400012345678",
        "private_key": TEST_PRIVATE_KEY,
        "bank_public_key": TEST_PUBLIC_KEY,
    },
    about_en=(
        "Cards on the bank's own page (Merchant iPay), Bualuang mBanking by app link, and Thai QR told of by "
        "signed notifications (API portal). Money of app and QR payments goes back by a transfer that a "
        "person makes; the bank offers no call for it."
    ),
    sources=("bbl.md",),
)
