"""What SCB is and what an account at it needs to know.

The optional fields are the switches for what the bank does not publish (the ASSUMED register of the pack).
Their names are the register's without the prefix `scb.`; both spellings are read.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, MethodOffer, SettingField

QR: Final = "promptpay"
APP: Final = "scb_easy"

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_REFERENCE: Final = r"[A-Z0-9]{1,20}"


def _switch(
    name: str, label_en: str, label_th: str, default: str, pattern: str = _ON_OFF, *, secret: bool = False
) -> SettingField:
    return SettingField(name, label_en, label_th, secret, required=False, default=default, pattern=pattern)


MANIFEST: Final = Manifest(
    name="scb",
    title_en="Siam Commercial Bank (SCB)",
    title_th="ธนาคารไทยพาณิชย์",
    methods=(MethodOffer(QR, 1, 200_000_000), MethodOffer(APP, 100, 200_000_000)),
    fields=(
        SettingField("application_key", "API key", "คีย์ API", secret=True),
        SettingField("application_secret", "API secret", "รหัสลับ API", secret=True),
        SettingField("biller_id", "Biller ID", "รหัสผู้รับชำระ (Biller ID)", pattern=r"[0-9]{15}"),
        SettingField(
            "ref3_prefix",
            "Reference 3 prefix registered for the confirmation call",
            "คำนำหน้าเลขอ้างอิง 3 ที่ลงทะเบียนไว้",
            pattern=r"[A-Z0-9]{1,17}",
        ),
        _switch("base_url", "Address of the API", "ที่อยู่ของ API", "", r"https?://[^\s?#]+"),
        _switch("two_references", "The biller profile has two references", "บิลมีเลขอ้างอิงสองตัว", "false"),
        _switch("ref2", "Fixed reference 2 (else the reference again)", "เลขอ้างอิง 2 คงที่", "", _REFERENCE),
        _switch("qr.version", "Version of QR creation", "เวอร์ชันการสร้าง QR", "1", r"1|2"),
        _switch(
            "qr.v2_number_of_times",
            "How often a version 2 QR may be paid",
            "จำนวนครั้งที่จ่ายได้",
            "1",
            r"[0-9]{1,4}",
        ),
        _switch(
            "qr.v2_expiry_timezone",
            "Time zone of expiryDate",
            "เขตเวลาของวันหมดอายุ",
            "Asia/Bangkok",
            r"Asia/Bangkok|UTC",
        ),
        _switch(
            "inquiry_not_found_codes",
            "Codes that mean not paid yet",
            "รหัสที่แปลว่ายังไม่จ่าย",
            "1104,8101",
            r"[0-9]{4}(,[0-9]{4})*",
        ),
        _switch(
            "callback_confirm_by_inquiry",
            "Confirm callbacks by inquiry",
            "ยืนยันการแจ้งเตือนด้วยการสอบถาม",
            "true",
        ),
        _switch(
            "callback_ip_allowlist",
            "Networks callbacks may come from",
            "เครือข่ายที่อนุญาตให้แจ้งเตือน",
            "",
            r"[0-9a-fA-F.:/, ]+",
        ),
        _switch("shop_name", "Shop name shown in SCB EASY", "ชื่อร้านที่แสดงใน SCB EASY", "", r".{1,50}"),
        _switch("mtls", "Show a client certificate", "ใช้ใบรับรองไคลเอนต์", "off"),
        _switch("client_cert", "Client certificate (PEM)", "ใบรับรองไคลเอนต์ (PEM)", "", ""),
        _switch("client_key", "Client key (PEM)", "กุญแจไคลเอนต์ (PEM)", "", "", secret=True),
    ),
    sandbox_base_url="https://api-sandbox.partners.scb/partners/sandbox",
    live_base_url="https://api.partners.scb/partners",
    simulator_port=3110,
    # The same references give the same QR text (pack 12), and a deep link or version 2 QR whose answer was
    # lost was never shown to anybody: asking again makes nothing that could be paid twice by accident.
    create_is_repeatable=True,
    simulator_credentials={
        "application_key": "l7demo0000000000000000000000000000",
        "application_secret": "demo-secret",
        "biller_id": "123456789012345",
        "ref3_prefix": "SCB",
        "merchant_id": "111111111111111",
    },
    simulator_base_path="/partners/sandbox",
    simulator_account={
        "application_key": "l7demo0000000000000000000000000000",
        "application_secret": "demo-secret",
        "biller_id": "123456789012345",
        "ref3_prefix": "SCB",
    },
)
