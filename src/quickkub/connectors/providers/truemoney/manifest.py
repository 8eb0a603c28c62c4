"""What TrueMoney is and what an account at it needs to know."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField
from quickkub.connectors.providers.truemoney.test_keys import MERCHANT_PRIVATE_KEY, TRUEMONEY_PUBLIC_KEY

WALLET: Final = "truemoney"
SCAN: Final = "truemoney_scan"

SETTLED_SECONDS: Final = 900
"""So long after a payment or refund left, "not found" proves that it never came (pack 6)."""

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_PATH: Final = r"(/[A-Za-z0-9._~-]+)+"
_PATH_NOTE: Final = "the public reference names the operation, not its path; take it from the contract"
_CODES_NOTE: Final = "the public reference lists codes in part; add those of the contract"
_CAN: Final = frozenset({Can.REFUND, Can.REFUND_PART})


def _assumed(name: str, label_en: str, label_th: str, default: str, pattern: str, note: str) -> SettingField:
    return SettingField(
        name, label_en, label_th, required=False, default=default, pattern=pattern, assumed=True, note=note
    )


SIMULATED: Final = {
    "api_key": "0123456789abcdef0123456789abcdef",
    "client_id": "quickkub",
    "client_secret": "demo-secret",
    "merchant_id": "110000000012345678901",
    "private_key": MERCHANT_PRIVATE_KEY,
    "truemoney_public_key": TRUEMONEY_PUBLIC_KEY,
}
"""What the simulator knows from its start: for tests only, as the keys are."""

MANIFEST: Final = Manifest(
    name="truemoney",
    title_en="TrueMoney Wallet (direct)",
    title_th="ทรูมันนี่ วอลเล็ท (ตรง)",
    methods=(
        MethodOffer(
            WALLET,
            amount_min=100,
            amount_max=10_000_000,
            can=_CAN,
            refund_days=365,
            flag="direct_enabled",
            actions=("redirect", "display_qr"),
        ),
        MethodOffer(
            SCAN,
            amount_min=100,
            amount_max=10_000_000,
            can=_CAN,
            needs=("code",),
            refund_days=365,
            flag="direct_enabled",
            actions=("approve_in_app",),
        ),
    ),
    fields=(
        SettingField("api_key", "API key (X-API-Key)", "คีย์ API", secret=True, pattern=r"[0-9A-Za-z-]{8,64}"),
        SettingField("merchant_id", "Merchant ID", "รหัสร้านค้า", pattern=r"[0-9A-Za-z-]{1,40}"),
        SettingField(
            "private_key",
            "Our RSA private key (PEM, or DER in base64)",
            "กุญแจส่วนตัว RSA ของเรา (PEM หรือ DER แบบ base64)",
            secret=True,
            note="2048 bits; it signs what we send and what we answer",
        ),
        SettingField(
            "truemoney_public_key",
            "TrueMoney's RSA public key (PEM, or DER in base64)",
            "กุญแจสาธารณะ RSA ของทรูมันนี่ (PEM หรือ DER แบบ base64)",
            note="an answer or notification without its signature is not believed",
        ),
        SettingField(
            "client_id",
            "Client ID for linking wallets",
            "Client ID สำหรับเชื่อมวอลเล็ท",
            required=False,
            pattern=r"[^\s]{1,100}",
        ),
        SettingField(
            "client_secret",
            "Client secret for linking wallets",
            "Client Secret สำหรับเชื่อมวอลเล็ท",
            secret=True,
            required=False,
        ),
        SettingField("partner_shop_id", "Shop ID", "รหัสสาขา", required=False, pattern=r"[0-9A-Za-z-]{1,40}"),
        SettingField("partner_shop_name", "Shop name", "ชื่อสาขา", required=False, pattern=r".{1,100}"),
        SettingField(
            "direct_enabled",
            "Offer TrueMoney by a direct contract",
            "เปิดใช้ทรูมันนี่แบบสัญญาตรง",
            required=False,
            default="false",
            pattern=_ON_OFF,
            note="off: the reference is not public; Omise, GBPrimePay and 2C2P resell the wallet",
        ),
        _assumed(
            "orders_enabled",
            "Create orders to redirect the payer to (path and fields are assumed)",
            "สร้างคำสั่งซื้อแบบเปลี่ยนหน้า (เส้นทางและฟิลด์เป็นค่าสมมติ)",
            "false",
            _ON_OFF,
            "off: only a code of the payer's app or of a linked wallet can be charged",
        ),
        _assumed(
            "pay_confirm_by_inquiry",
            "Read a payment back before it is believed",
            "ตรวจสอบรายการก่อนเชื่อผล",
            "true",
            _ON_OFF,
            "the answer to a payment has no amount; off: its signed success is enough",
        ),
        _assumed("path_payments", "Path of payments", "เส้นทางการชำระ", "/payments", _PATH, _PATH_NOTE),
        _assumed("path_orders", "Path of orders", "เส้นทางคำสั่งซื้อ", "/orders", _PATH, _PATH_NOTE),
        _assumed(
            "path_auth_apply", "Path of OTP requests", "เส้นทางขอ OTP", "/oauth2/auth-apply", _PATH, _PATH_NOTE
        ),
        _assumed("path_tokens", "Path of wallet tokens", "เส้นทางโทเค็น", "/oauth2/tokens", _PATH, _PATH_NOTE),
        _assumed("path_codes", "Path of payment codes", "เส้นทางรหัสชำระ", "/payment/codes", _PATH, _PATH_NOTE),
        _assumed(
            "codes_not_found",
            "Codes that mean there is no such payment",
            "รหัสที่แปลว่าไม่พบรายการ",
            "payment_not_found,data_not_found",
            r"[a-z0-9_,]+",
            _CODES_NOTE,
        ),
        _assumed(
            "codes_unclear",
            "Codes after which nobody can tell",
            "รหัสที่ยังไม่ทราบผล",
            "internal_error,processing",
            r"[a-z0-9_,]+",
            _CODES_NOTE,
        ),
    ),
    sandbox_base_url="https://api-b2b.tmn-dev.com",
    # The production host is not public: an account has to name it.
    live_base_url="https://not-public.invalid",
    other_base_urls={"api": ("https://api-b2b.tmn-dev.com", "https://not-public.invalid")},
    simulator_port=3114,
    # A repeat is refused as a duplicate, so it is asked about and never sent again (pack 6).
    create_is_repeatable=False,
    instruct_is_repeatable=False,
    visible_after_seconds=SETTLED_SECONDS,
    simulator_credentials=SIMULATED,
    simulator_other_paths={"api": ""},
    simulator_account={**SIMULATED, "direct_enabled": "true", "orders_enabled": "true"},
    about_en=(
        "The wallet by a contract with TrueMoney itself. Its manual goes to partners only, so this is built "
        "from public clients and is off by default. Requests, answers and notifications are signed with RSA. "
        "Orders with a page, inquiries, and error codes beyond three are assumed; a live account names the "
        "host itself. A notification is only a hint, and is never answered with 400 or 404, which would "
        "refund the payer."
    ),
    sources=(
        "KonbiCloud payment service, a vending kiosk client, TouchPOS: payments, refunds, signatures",
        "public notification receivers: the signed answer, automatic refunds",
        "acceptance tests of Ascend's in-store gateway: what an inquiry answers",
        "signature helpers in Go, Ruby and Node that agree with each other",
    ),
)
