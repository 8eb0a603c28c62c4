"""What Krungsri is and what an account at it needs to know.

The names are those of the pack's ASSUMED register without the prefix `bay.`; both spellings are read.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, MethodOffer, SettingField
from quickkub.connectors.providers.bay.test_keys import TEST_PUBLIC_KEY

QR: Final = "promptpay"
APP: Final = "kma"
PORTAL: Final = "app"
"""The name of the address the deep link calls are below, as `Request.host` says it."""

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_ON: Final = r"true|on|yes|1"
_OFF: Final = r"false|off|no|0"
_REFERENCE: Final = r"[A-Z0-9]{1,20}"
_PATH: Final = r"/[!-~]{1,200}"

STATUS_MAP: Final = "1=succeeded,0=pending,2=failed,3=cancelled,4=refunded"


def _assumed(name: str, label_en: str, label_th: str, default: str, pattern: str, note: str) -> SettingField:
    return SettingField(
        name, label_en, label_th, required=False, default=default, pattern=pattern, assumed=True, note=note
    )


def _optional(name: str, label_en: str, label_th: str, default: str, pattern: str) -> SettingField:
    return SettingField(name, label_en, label_th, required=False, default=default, pattern=pattern)


MANIFEST: Final = Manifest(
    name="bay",
    title_en="Krungsri (Bank of Ayudhya)",
    title_th="ธนาคารกรุงศรีอยุธยา",
    methods=(
        MethodOffer(QR, 1, 200_000_000),
        MethodOffer(APP, 2_000, 70_000_000, flag="app.enabled", actions=("open_app",)),
    ),
    fields=(
        SettingField("api_key", "API-Key", "API-Key", secret=True),
        SettingField("biz_mch_id", "Merchant number (bizMchId)", "หมายเลขร้านค้า", pattern=r"[0-9]{16}"),
        SettingField("biller_id", "Biller ID", "รหัสผู้รับชำระ (Biller ID)", pattern=r"[0-9]{15}"),
        SettingField("bank_public_key", "The bank's public key (base64)", "กุญแจสาธารณะของธนาคาร (base64)"),
        _optional("terminal_id", "Terminal", "เทอร์มินัล", "0001", r"[0-9]{1,15}"),
        _optional("ref2", "Fixed reference 2 (else the reference again)", "เลขอ้างอิง 2 คงที่", "", _REFERENCE),
        _assumed(
            "base_url", "Address of the QR API", "ที่อยู่ของ QR API", "", r"https?://[^\s?#]+",
            "the pack's qr.base_url: the sandbox path of the QR API is not public",
        ),
        _assumed(
            "qr.send_datetime_header", "Send X-Client-Transaction-DateTime", "ส่งเวลาในส่วนหัว", "true",
            _ON_OFF, "other Krungsri APIs ask for it",
        ),
        _assumed(
            "sign.skip_empty", "Leave blank fields out of sign", "ข้ามฟิลด์ว่างในลายเซ็น", "true", _ON_OFF,
            "two clients differ; blank fields are not sent",
        ),
        _assumed(
            "sign.verify_responses", "Check sign of answers", "ตรวจลายเซ็นในคำตอบ", "false", _OFF,
            "which key it is made with is not public, so it cannot be switched on",
        ),
        _assumed(
            "qr.ttl_seconds", "How long a QR lives (seconds)", "อายุคิวอาร์ (วินาที)", "900", r"[1-9][0-9]{0,5}",
            "not public",
        ),
        _assumed(
            "qr.status_map", "What trxStatus words mean", "ความหมายของ trxStatus", STATUS_MAP,
            r"[0-9A-Za-z]{1,9}=(succeeded|pending|failed|cancelled|refunded)"
            r"(,[0-9A-Za-z]{1,9}=(succeeded|pending|failed|cancelled|refunded))*",
            "only 1 is public; a word that is not listed goes on waiting",
        ),
        _assumed(
            "qr.list_time_start", "Ask lists from a time on", "ขอรายการตั้งแต่เวลา", "false", _ON_OFF,
            "the form of timeStart is not public",
        ),
        _assumed(
            "qr.settle_list_enabled", "Read the settlement list", "อ่านรายการชำระดุล", "false", _ON_OFF,
            "its answer is not public",
        ),
        _assumed(
            "qr.verify_enabled", "Look slips up", "ตรวจสอบสลิป", "false", _ON_OFF, "its answer is not public",
        ),
        _assumed(
            "callback.datetime_zone", "Time zone of a callback's datetime", "เขตเวลาของการแจ้งเตือน",
            "Asia/Bangkok", r"Asia/Bangkok|UTC", "local time in spite of its Z",
        ),
        _assumed(
            "callback_confirm_by_detail", "Confirm callbacks by trans/detail", "ยืนยันการแจ้งเตือน", "true",
            _ON_OFF, "callbacks carry no proof; off: they are believed as they come",
        ),
        _assumed(
            "callback_ip_allowlist", "Networks callbacks may come from", "เครือข่ายที่แจ้งเตือนได้", "",
            r"[0-9a-fA-F.:/, ]+", "the bank's addresses are not public",
        ),
        _assumed(
            "callback_path_secret", "Callback address nobody can guess", "ที่อยู่แจ้งเตือนเดาไม่ได้", "true", _ON,
            "every account's callback address holds a secret",
        ),
        _assumed(
            "app.enabled", "Pay with krungsri app", "ชำระด้วยแอปกรุงศรี", "false", _ON_OFF,
            "paths and fields of the deep link are not public",
        ),
        _assumed(
            "app.create_path", "Path of the deep link call", "พาธสร้างลิงก์แอป",
            "/native/deeplink/payment/generate", _PATH, "not public",
        ),
        _assumed(
            "app.inquiry_path", "Path of the deep link inquiry", "พาธสอบถามลิงก์แอป",
            "/native/deeplink/payment/inquiry", _PATH, "not public",
        ),
        _assumed(
            "app.expiry_minutes", "How long a deep link lives at most (minutes)", "อายุลิงก์แอป (นาที)", "15",
            r"[1-9][0-9]{0,3}", "not public; an aggregator states 15",
        ),
    ),
    sandbox_base_url="https://sandbox.api.krungsri.net/native/QRPayment",
    live_base_url="https://api.krungsri.com/native/QRPayment",
    other_base_urls={PORTAL: ("https://sandbox.api.krungsri.net", "https://api.krungsri.com")},
    simulator_port=3113,
    simulator_base_path="/native/QRPayment",
    simulator_other_paths={PORTAL: ""},
    # The same references give a new trxId, and a QR or link whose answer was lost was never shown (pack A10).
    create_is_repeatable=True,
    simulator_credentials={
        "API-Key": "demo-krungsri-api-key",
        "bizMchId": "1000000000000001",
        "billerId": "012345678901200",
        "terminalId": "0001",
        "bank_public_key": TEST_PUBLIC_KEY,
    },
    simulator_account={
        "api_key": "demo-krungsri-api-key",
        "biz_mch_id": "1000000000000001",
        "biller_id": "012345678901200",
        "bank_public_key": TEST_PUBLIC_KEY,
        "app.enabled": "true",
    },
    about_en=(
        "Thai QR whose text the bank makes, with its id of the payment inside, and the krungsri app by deep "
        "link (assumed contract, off by default). The bank publishes no refund: money goes back by a "
        "transfer that a person makes. Krungsri's card gateway is not public and not offered."
    ),
    sources=("bay.md",),
)  # fmt: skip
