"""What SCB is and what an account at it needs to know.

The optional fields are the switches for what the bank does not publish (the ASSUMED register of the pack).
Their names are the register's without the prefix `scb.`; both spellings are read.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField

QR: Final = "promptpay"
APP: Final = "scb_easy"
CARD_QR: Final = "qr_credit"
SCAN: Final = "b_scan_c"

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_REFERENCE: Final = r"[A-Z0-9]{1,20}"


def _switch(
    name: str,
    label_en: str,
    label_th: str,
    default: str,
    pattern: str = _ON_OFF,
    *,
    secret: bool = False,
    assumed: str = "",
) -> SettingField:
    """An optional field; `assumed` says what is not public and why the default is careful."""
    required = False
    return SettingField(
        name, label_en, label_th, secret, required, default, pattern, assumed=bool(assumed), note=assumed
    )


_SWITCHES: Final = (
    _switch("base_url", "Address of the API", "ที่อยู่ของ API", "", r"https?://[^\s?#]+"),
    _switch("two_references", "The biller profile has two references", "บิลมีเลขอ้างอิงสองตัว", "false"),
    _switch("ref2", "Fixed reference 2 (else the reference again)", "เลขอ้างอิง 2 คงที่", "", _REFERENCE),
    _switch(
        "qr.version",
        "Version of QR creation",
        "เวอร์ชันการสร้าง QR",
        "1",
        r"1|2",
        assumed="Not every biller is enabled for version 2, whose QR has an expiry.",
    ),
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
        assumed="The reference names no zone; all other times are Bangkok's.",
    ),
    _switch(
        "inquiry_not_found_codes",
        "Codes that mean not paid yet",
        "รหัสที่แปลว่ายังไม่จ่าย",
        "1104,8101",
        r"[0-9]{4}(,[0-9]{4})*",
        assumed="What an unpaid reference answers is not public; empty data counts as well.",
    ),
    _switch(
        "callback_confirm_by_inquiry",
        "Confirm callbacks by inquiry",
        "ยืนยันการแจ้งเตือนด้วยการสอบถาม",
        "true",
        assumed="The bank signs nothing, so a confirmation alone settles nothing.",
    ),
    _switch(
        "callback_ip_allowlist",
        "Networks callbacks may come from",
        "เครือข่ายที่อนุญาตให้แจ้งเตือน",
        "",
        r"[0-9a-fA-F.:/, ]+",
    ),
    _switch("shop_name", "Shop name shown in SCB EASY", "ชื่อร้านที่แสดงใน SCB EASY", "", r".{1,50}"),
    _switch("easy.card", "In SCB EASY, let the payer choose a card", "ให้เลือกจ่ายด้วยบัตรใน SCB EASY", "false"),
    _switch(CARD_QR, "Take cards by QR", "รับบัตรด้วย QR", "false"),
    _switch("merchant_id", "Card merchant id", "รหัสร้านค้าบัตร", "", r"[0-9]{15}"),
    _switch("terminal_id", "Card terminal id", "รหัสเครื่องรับบัตร", "", r"[A-Za-z0-9]{1,15}"),
    _switch(SCAN, "Scan the payer's app", "สแกนแอปของผู้จ่าย (B-scan-C)", "false"),
    _switch(
        "bscanc.send_both_spellings",
        "Name the scan's transaction in both spellings",
        "ส่งชื่อรายการสแกนทั้งสองแบบ",
        "false",
        assumed="The page writes partnerTransactionID, the published sample code partnerTransactionId.",
    ),
    _switch(
        "bscanc.accepted_is_pending",
        "An accepted scan waits for the bank's records",
        "รายการสแกนที่รับแล้วยังรอบันทึกของธนาคาร",
        "true",
        assumed="The answer's contents are not public. Off: the records are asked at once.",
    ),
    _switch(
        "mtls",
        "Show a client certificate",
        "ใช้ใบรับรองไคลเอนต์",
        "off",
        assumed="Production wants one for scans; for which other calls is not public.",
    ),
    _switch("client_cert", "Client certificate (PEM)", "ใบรับรองไคลเอนต์ (PEM)", "", ""),
    _switch("client_key", "Client key (PEM)", "กุญแจไคลเอนต์ (PEM)", "", "", secret=True),
)

MANIFEST: Final = Manifest(
    name="scb",
    title_en="Siam Commercial Bank (SCB)",
    title_th="ธนาคารไทยพาณิชย์",
    methods=(
        MethodOffer(QR, 1, 200_000_000),
        MethodOffer(APP, 100, 200_000_000, actions=("open_app",)),
        MethodOffer(CARD_QR, 100, 200_000_000, flag=CARD_QR),
        # All of a scanned payment is given back, on its day before 23:00 (pack 8); nothing else is, by API.
        MethodOffer(
            SCAN,
            100,
            200_000_000,
            can=frozenset({Can.REFUND}),
            needs=("code",),
            refund_days=0,
            flag=SCAN,
            actions=("approve_in_app",),
        ),
    ),
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
        *_SWITCHES,
    ),
    sandbox_base_url="https://api-sandbox.partners.scb/partners/sandbox",
    live_base_url="https://api.partners.scb/partners",
    simulator_port=3110,
    # The same references give the same QR text (pack 12); a deep link or version 2 QR whose answer was lost
    # was never shown to anybody; a card QR's invoice and a scan's transaction are refused twice (1111).
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
        "merchant_id": "111111111111111",
        "terminal_id": "222222222222222",
        CARD_QR: "true",
        SCAN: "true",
    },
    about_en=(
        "The Open API for partners: PromptPay QR (version 1, payable for ever, or version 2 with an expiry), "
        "payment in the SCB EASY app, card QR, scanning the payer's app, and slips. The bank signs nothing "
        "and publishes no settlement report, no cancelling of a QR, and no refund but that of a scanned "
        "payment; its range search and its QR void are named in public without the fields needed to use "
        "them, so they are not used."
    ),
    sources=(
        "SCB developer reference: token, refresh, authorize, QR creation 1 and 2, payment confirmation, "
        "bill payment inquiry 1 and 3, QR CS inquiry, slip verification, B-scan-C confirm and refund, QR "
        "void, deep link, transaction detail, response codes, sandbox guide, certificate request",
        "SCB-TechX/scb-open-api-examples, ayuthmang/scb-openapi-oh-my-merchant-service, "
        "COQUARD-Cyrille-Freelance/scb-payment-api, ArtronShop/ArtronShop_SCB_API (public clients)",
        "thanakan-oauth 0.1.1 (models, headers, paths); zercle/thai-cross-bank-format (confirmation 1.0.2.2)",
    ),
)
