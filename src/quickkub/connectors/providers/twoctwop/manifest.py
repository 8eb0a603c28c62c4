"""What 2C2P is, what an account at it needs to know, and which channel each method goes by (pack 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer, SettingField
from quickkub.connectors.providers.twoctwop import example_keys

ACTIONS: Final = "maintenance"
"""The host of payment actions: void, refund, settle, inquiry."""

REFUND_DAYS: Final = 180
HOLD_DAYS: Final = 7
TOKEN_SECONDS: Final = 1800


@dataclass(frozen=True, slots=True)
class Channel:
    """How a method is asked for. `hosted`: only on 2C2P's page; its code narrows the page."""

    code: str
    agent: str = ""
    agent_channel: str = ""
    hosted: bool = False


CHANNELS: Final[dict[str, Channel]] = {
    "card": Channel("CC", hosted=True),
    "installment": Channel("IPP", hosted=True),
    "promptpay": Channel("PPQR"),
    "truemoney": Channel("TRUEMONEY"),
    "linepay": Channel("LINE"),
    "shopeepay": Channel("SHPPAY"),
    "alipay": Channel("ALIPAY"),
    "wechat": Channel("WCQR"),
    "grabpay": Channel("GRAB"),
    "grab_paylater": Channel("GRABBNPL"),
    "scb_easy": Channel("123", "THSCB", "DEEPLINK"),
    "mobile_banking": Channel("IMBANK", hosted=True),
    "internet_banking": Channel("WEBPAY", hosted=True),
    "counter": Channel("COUNTER", hosted=True),
}

_CARD: Final = frozenset({Can.AUTHORIZE, Can.VOID, Can.REFUND, Can.REFUND_PART, Can.CANCEL, Can.CHALLENGE})
_WALLET: Final = frozenset({Can.REFUND, Can.REFUND_PART, Can.CANCEL})
# Money to a bank account needs the payer's bank and account number (pack 4.7), which nobody has here.
_BANK: Final = frozenset({Can.CANCEL})

_ON_OFF: Final = r"true|false|on|off|yes|no|1|0"


def _switch(method: str, title_en: str, title_th: str) -> SettingField:
    return SettingField(
        f"accepts_{method}",
        f"{title_en} is enabled for this merchant",
        f"เปิดใช้ {title_th} แล้ว",
        required=False,
        default="false",
        pattern=_ON_OFF,
    )


def _offer(
    method: str, can: frozenset[Can], amount_max: int, *actions: str, flag: bool = True
) -> MethodOffer:
    days = REFUND_DAYS if Can.REFUND in can else None
    # 1.00 baht is assumed: the smallest amount is not public (pack 11).
    return MethodOffer(
        method,
        100,
        amount_max,
        can,
        refund_days=days,
        flag=f"accepts_{method}" if flag else "",
        actions=actions or ("redirect",),
    )


_SWITCHED: Final = (
    ("installment", "Card instalment", "ผ่อนชำระด้วยบัตร"),
    ("truemoney", "TrueMoney Wallet", "ทรูมันนี่ วอลเล็ท"),
    ("linepay", "LINE Pay", "ไลน์ เพย์"),
    ("shopeepay", "ShopeePay", "ช้อปปี้เพย์"),
    ("alipay", "Alipay", "อาลีเพย์"),
    ("wechat", "WeChat Pay", "วีแชทเพย์"),
    ("grabpay", "GrabPay", "แกร็บเพย์"),
    ("grab_paylater", "Grab PayLater", "แกร็บ เพย์เลเทอร์"),
    ("scb_easy", "SCB EASY", "เอสซีบี อีซี่"),
    ("mobile_banking", "Mobile banking", "โมบายแบงก์กิ้ง"),
    ("internet_banking", "Internet banking", "อินเทอร์เน็ตแบงก์กิ้ง"),
    ("counter", "Counter payment", "ชำระที่เคาน์เตอร์"),
)

MANIFEST: Final = Manifest(
    name="2c2p",
    title_en="2C2P",
    title_th="ทูซีทูพี",
    methods=(
        _offer("card", _CARD, 100_000_000, flag=False),
        _offer("promptpay", _BANK, 200_000_000, "display_qr", "display_image", "redirect", flag=False),
        _offer("installment", frozenset({Can.VOID, Can.REFUND, Can.CANCEL, Can.CHALLENGE}), 100_000_000),
        _offer("truemoney", _WALLET, 10_000_000, "redirect", "open_app"),
        _offer("linepay", _WALLET, 10_000_000, "redirect", "open_app"),
        _offer("shopeepay", _WALLET, 10_000_000, "redirect", "open_app"),
        _offer("alipay", _WALLET, 10_000_000, "redirect", "display_qr"),
        _offer("wechat", _WALLET, 10_000_000, "display_qr", "redirect"),
        _offer("grabpay", _WALLET, 10_000_000),
        _offer("grab_paylater", _WALLET, 10_000_000),
        _offer("scb_easy", _BANK, 200_000_000, "open_app", "redirect"),
        _offer("mobile_banking", _BANK, 200_000_000),
        _offer("internet_banking", _BANK, 200_000_000),
        _offer("counter", _BANK, 5_000_000),
    ),
    fields=(
        SettingField("merchant_id", "Merchant ID", "รหัสร้านค้า (Merchant ID)", pattern=r"[A-Za-z0-9]{1,25}"),
        SettingField("secret_key", "Secret key", "รหัสลับ (Secret key)", secret=True, pattern=r"[!-~]{12,256}"),
        SettingField(
            "merchant_private_key",
            "Merchant's private key for payment actions (PEM or JWK)",
            "กุญแจส่วนตัวของร้านค้า (PEM หรือ JWK)",
            secret=True,
            required=False,
            note="Without it payments work; capture, void and refund are made in 2C2P's portal.",
        ),
        SettingField(
            "provider_certificate",
            "2C2P's public certificate for payment actions (PEM or JWK)",
            "ใบรับรองสาธารณะของ 2C2P (PEM หรือ JWK)",
            required=False,
        ),
        SettingField(
            "use_hosted_page",
            "Send every payer to 2C2P's page",
            "ส่งผู้จ่ายทุกคนไปที่หน้าของ 2C2P",
            required=False,
            default="false",
            pattern=_ON_OFF,
        ),
        SettingField(
            "request_3ds",
            "3-D Secure of cards: Y, F (force) or N",
            "3-D Secure ของบัตร",
            required=False,
            default="Y",
            pattern="Y|F|N",
        ),
        SettingField(
            "preauth_mode",
            "transactionMode that only holds the money",
            "transactionMode สำหรับการกันวงเงิน",
            required=False,
            default="A",
            pattern=r"[A-Za-z0-9]{1,20}",
            assumed=True,
            note="The pack names the field and not its values.",
        ),
        SettingField(
            "qr_type",
            "Form of the QR: URL, RAW or BASE64",
            "รูปแบบ QR",
            required=False,
            default="URL",
            pattern="URL|RAW|BASE64",
            assumed=True,
            note="URL is seen in 2C2P's samples; the text to draw comes beside it as extras.qrData.",
        ),
        SettingField(
            "utc_offset",
            "Zone of 2C2P's times",
            "เขตเวลาของ 2C2P",
            required=False,
            default="+07:00",
            pattern=r"[+-](0[0-9]|1[0-4]):[0-5][0-9]",
            assumed=True,
            note="Times carry no zone; Bangkok for Thai merchants.",
        ),
        SettingField(
            "channels",
            "Other channels, such as mobile_banking=DEEPLINK,scb_easy=123/THSCB/DEEPLINK",
            "ช่องทางที่ต่างจากค่าปกติ",
            required=False,
            pattern=r"[a-z_]+=[A-Za-z0-9]+(/[A-Za-z0-9]*){0,2}(,[a-z_]+=[A-Za-z0-9]+(/[A-Za-z0-9]*){0,2})*",
            assumed=True,
            note="Which channels a merchant has is known to 2C2P's paymentOption only.",
        ),
        *(_switch(*words) for words in _SWITCHED),
    ),
    sandbox_base_url="https://sandbox-pgw.2c2p.com/payment/4.3",
    live_base_url="https://pgw.2c2p.com/payment/4.3",
    other_base_urls={
        ACTIONS: (
            "https://demo2.2c2p.com/2C2PFrontend/PaymentAction/2.0",
            "https://t.2c2p.com/PaymentAction/2.0",
        )
    },
    simulator_port=3118,
    # The same idempotencyID gets the first answer again; an unused token costs nothing (pack 10).
    create_is_repeatable=True,
    instruct_is_repeatable=True,
    simulator_credentials={
        "merchantID": "JT04",
        "secretKey": example_keys.SECRET,
        "merchantPrivateKey": example_keys.MERCHANT_PRIVATE,
        "2c2pPublicKey": example_keys.PROVIDER_PUBLIC,
    },
    simulator_base_path="/payment/4.3",
    simulator_other_paths={ACTIONS: "/2C2PFrontend/PaymentAction/2.0"},
    simulator_account={
        "merchant_id": "JT04",
        "secret_key": example_keys.SECRET,
        "merchant_private_key": example_keys.MERCHANT_PRIVATE,
        "provider_certificate": example_keys.PROVIDER_PUBLIC,
        **{f"accepts_{method}": "true" for method, _, _ in _SWITCHED},
    },
    about_en=(
        "Payment Gateway 4.3. Cards, instalments, bank websites and counters are paid on 2C2P's page;"
        " PromptPay and wallets by Do Payment. Held money is captured whole: what an inquiry shows after a"
        " part capture is not public. Before the settlement of the day a refund of the whole is a void; a"
        " part waits for it. A bank payment is given back by a person, because 2C2P asks for the payer's"
        " bank account. Settlement files are by contract and not read."
    ),
    sources=("2c2p.md: 2C2P's integration notes and developer pages 4.0.2 to 4.3.1, and public clients",),
)
