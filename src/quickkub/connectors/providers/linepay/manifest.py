"""What LINE Pay is and what an account at it needs to know."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField

ONLINE: Final = "linepay"
SCAN: Final = "linepay_scan"

SETTLED_SECONDS: Final = 120
"""So long after an instruction was written down, details that do not show it prove that it never came: twice
the minute of pack 8, because the answer itself is waited for as well."""

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_CAN: Final = frozenset({Can.AUTHORIZE, Can.CAPTURE_PART, Can.VOID, Can.REFUND, Can.REFUND_PART})

SIMULATED: Final = {
    "channel_id": "1656000001",
    "channel_secret": "a917ab6a2367b536f8e5a6e2977e06f4",
}
"""The simulator's channel, for tests only: the secret is that of the published signatures (pack 3)."""

MANIFEST: Final = Manifest(
    name="linepay",
    title_en="LINE Pay",
    title_th="ไลน์ เพย์",
    methods=(
        MethodOffer(
            ONLINE,
            amount_min=100,
            amount_max=15_000_000,
            can=_CAN,
            refund_days=60,
            actions=("redirect",),
        ),
        MethodOffer(
            SCAN,
            amount_min=100,
            amount_max=15_000_000,
            can=_CAN,
            needs=("code",),
            refund_days=60,
            flag="offline",
            actions=("approve_in_app",),
        ),
    ),
    fields=(
        SettingField("channel_id", "Channel ID", "รหัสแชนแนล (Channel ID)", pattern=r"[0-9]{1,20}"),
        SettingField(
            "channel_secret",
            "Channel secret key",
            "คีย์ลับแชนแนล (Channel Secret Key)",
            secret=True,
            pattern=r"[0-9A-Za-z]{8,64}",
            note="32 hexadecimal letters in practice; it signs every request",
        ),
        SettingField(
            "shop_name",
            "Shop name shown in LINE Pay",
            "ชื่อร้านที่แสดงใน LINE Pay",
            required=False,
            pattern=r".{1,100}",
        ),
        SettingField(
            "api_version",
            "Version of the Online API",
            "เวอร์ชันของ Online API",
            required=False,
            default="v3",
            pattern=r"v3|v4",
            assumed=True,
            note="whether Thai channels take v4 is not public; v3 keeps working",
        ),
        SettingField(
            "confirm_url_type",
            "Who goes to the confirm URL",
            "ผู้เรียก confirmUrl",
            required=False,
            default="CLIENT",
            pattern=r"CLIENT|SERVER|NONE",
            note="CLIENT: the payer's browser; SERVER: LINE Pay itself, once; NONE: nobody, we only ask",
        ),
        SettingField(
            "offline",
            "Offer scanning the payer's barcode (Offline API v4)",
            "เปิดใช้การสแกนบาร์โค้ดของผู้จ่าย (Offline API v4)",
            required=False,
            default="false",
            pattern=_ON_OFF,
            assumed=True,
            note="the Thai reference is not public, and one report says that the sandbox refuses it",
        ),
        SettingField(
            "device_profile_id",
            "Merchant device profile ID",
            "รหัสเครื่องของร้าน (Merchant Device Profile ID)",
            required=False,
            pattern=r"[A-Za-z0-9_-]{1,64}",
            note="sent with scanned payments",
        ),
    ),
    sandbox_base_url="https://sandbox-api-pay.line.me",
    live_base_url="https://api-pay.line.me",
    simulator_port=3115,
    # An order id that is taken already belongs to a request nobody was shown and nobody can confirm, so the
    # next one gets a suffix; an unapproved request costs nothing and lapses (pack 8).
    create_is_repeatable=True,
    instruct_is_repeatable=False,
    visible_after_seconds=SETTLED_SECONDS,
    simulator_credentials=SIMULATED,
    simulator_account=SIMULATED,
    about_en=(
        "The payer is sent to LINE, approves, and comes back; money moves only when we confirm, which an "
        "inquiry does as long as the payment is wanted. An approval that is not confirmed lapses after 20 "
        "minutes. Nothing LINE Pay sends by itself is signed, so it is never believed. Assumed: satang are "
        "accepted with two decimals, refunds are taken for 60 days, a hold without a date lasts 30 days, and "
        "limits of 1 to 150,000 baht."
    ),
    sources=(
        "LINE Pay developer site: online API v3 and v4, change log",
        "line-pay@0.2.0 (Python), line-pay-merchant@0.9.0 (Node), yidas/line-pay-sdk-php 4.0.1",
        "wpbr-linepay-tw, omise-woocommerce 7.0.1: traps and limits",
    ),
)
