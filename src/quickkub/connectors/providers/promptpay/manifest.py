"""What PromptPay into an own account needs to know: who receives, and how money becomes known."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, MethodOffer, SettingField

RECEIVER_KINDS: Final = ("mobile", "national_id", "tax_id", "ewallet", "biller")
_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"
_LONG: Final = r"[!-~]{32,200}"

SIMULATED: Final = {
    "receiver_kind": "mobile",
    "promptpay_id": "0812345678",
    "notification_secret": "promptpay-notices-for-tests-only-32+",
    "feed_key": "promptpay-feed-for-tests-only-32-or-more",
}
"""The account of the simulator and the vectors; its secrets are for tests only."""

MANIFEST: Final = Manifest(
    name="promptpay",
    title_en="PromptPay into your own account",
    title_th="พร้อมเพย์เข้าบัญชีของร้าน",
    # What a bank takes in one transfer; a national cap of 2,000,000 is widely quoted (pack 6.5).
    methods=(MethodOffer("promptpay", 1, 200_000_000),),
    fields=(
        SettingField(
            "receiver_kind",
            "What the PromptPay ID is",
            "ประเภทหมายเลขพร้อมเพย์",
            pattern="|".join(RECEIVER_KINDS),
            note="a biller id comes from a bank, and its QR carries our reference; the others carry none",
        ),
        SettingField(
            "promptpay_id",
            "PromptPay ID",
            "หมายเลขพร้อมเพย์",
            pattern=r"[0-9 .()+-]{9,25}",
            note="mobile number, 13 digits, 15-digit e-wallet id, or 15-digit biller id",
        ),
        SettingField(
            "account_number",
            "Bank account behind it",
            "เลขที่บัญชีธนาคารที่ผูกไว้",
            required=False,
            pattern=r"[0-9 -]{10,20}",
            note="slips and notices may name the account instead of the PromptPay ID",
        ),
        SettingField(
            "ref2",
            "Reference 2 of the biller's QR",
            "หมายเลขอ้างอิง 2",
            required=False,
            pattern=r"[A-Z0-9]{1,20}",
            note="for billers whose profile has two references",
        ),
        SettingField(
            "notification_secret",
            "Secret of notices and statements",
            "รหัสลับของการแจ้งเตือน",
            secret=True,
            required=False,
            pattern=_LONG,
            note="32 characters or more; without it money is known by slips only",
        ),
        SettingField(
            "previous_notification_secret",
            "Secret before the last change",
            "รหัสลับก่อนเปลี่ยน",
            secret=True,
            required=False,
            pattern=_LONG,
        ),
        SettingField(
            "statement_feed",
            "Ask a feed of the account's statement",
            "อ่านรายการเดินบัญชีจากระบบของร้าน",
            required=False,
            default="false",
            pattern=_ON_OFF,
            note="at base_url; its form is in the simulator's guide",
        ),
        SettingField(
            "feed_key",
            "Key of the feed",
            "คีย์ของระบบรายการเดินบัญชี",
            secret=True,
            required=False,
            pattern=_LONG,
        ),
        SettingField(
            "match_by_amount",
            "No two open payments of this account have the same amount",
            "ยอดของแต่ละรายการไม่ซ้ำกัน",
            required=False,
            default="false",
            pattern=_ON_OFF,
            assumed=True,
            note="on only where amounts are made unlike by some satang; a statement line without a reference "
            "is then taken for the payment of its amount",
        ),
    ),
    # There is no address of PromptPay's: an account with a feed names its own (setting base_url).
    sandbox_base_url="https://no-feed.invalid",
    live_base_url="https://no-feed.invalid",
    simulator_port=3119,
    # Nothing is made anywhere: the same order has the same QR.
    create_is_repeatable=True,
    simulator_credentials={
        "promptpay_id": SIMULATED["promptpay_id"],
        "notification_secret": SIMULATED["notification_secret"],
        "feed_key": SIMULATED["feed_key"],
    },
    simulator_base_path="/feed",
    simulator_account={**SIMULATED, "statement_feed": "true"},
    about_en=(
        "The QR is built by us for the merchant's own mobile number, id, e-wallet or biller id; no provider "
        "is asked and no fee is taken. A transfer carries no reference, does not expire and is reported to "
        "nobody, so an order stays unpaid until a signed notice of the merchant's own feed (a bank's notice, "
        "a phone's bridge), its statement, or a slip a bank vouches for shows the money. Whatever fits no "
        "payment is put before a person. Money goes back by a transfer that a person makes."
    ),
    sources=("promptpay.md: Thai QR Payment, knowing that the money came, unique amounts",),
)
