"""What providers give a payer to do, one of each kind, as it is stored with an attempt."""

from __future__ import annotations

import base64
from typing import Any, Final

from quickkub.promptpay import images

QR_TEXT: Final = "a QR a provider drew itself"


def png_address(text: str = QR_TEXT) -> str:
    """A QR as a provider's PNG."""
    return f"data:image/png;base64,{base64.b64encode(images.png(text)).decode()}"


def svg_address(text: str = QR_TEXT) -> str:
    """A QR as a provider's SVG."""
    return f"data:image/svg+xml;base64,{base64.b64encode(images.svg(text)).decode()}"


PICTURE: Final[dict[str, Any]] = {"type": "display_image", "image": png_address()}
DRAWING: Final[dict[str, Any]] = {"type": "display_image", "image": svg_address()}
REDIRECT: Final[dict[str, Any]] = {"type": "redirect", "url": "https://wallet.example/pay?id=42&lang=th"}
REDIRECT_OR_APP: Final[dict[str, Any]] = {**REDIRECT, "app_url": "line://pay/payment/42"}
FORM: Final[dict[str, Any]] = {
    "type": "form_post",
    "url": "https://cards.example:8443/payForm",
    "fields": {"merchantId": "1", "remark": "เมล็ดกาแฟ \"<b>'&"},
}
APP: Final[dict[str, Any]] = {
    "type": "open_app",
    "url": "scbeasysim://purchase/9ed5caf2-0a38-4f5a-80b1-20e76f26b2a6",
}
APPROVE: Final[dict[str, Any]] = {"type": "approve_in_app"}
OTHER_QR: Final[dict[str, Any]] = {"type": "display_qr", "qr_payload": "weixin://wxpay/bizpayurl?pr=42"}

EVERY: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("promptpay", PICTURE),
    ("promptpay", DRAWING),
    ("bill_payment", PICTURE),
    ("wechat", OTHER_QR),
    ("linepay", REDIRECT),
    ("linepay", REDIRECT_OR_APP),
    ("card", FORM),
    ("scb_easy", APP),
    ("truemoney_scan", APPROVE),
)
"""Each with a payment method it comes with."""
