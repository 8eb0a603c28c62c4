"""What Do Payment tells the payer to do: a page, an app, a QR (pack 4.3)."""

from __future__ import annotations

import re
from typing import Final

from quickkub.connectors.contract import Action, ActionKind, Order
from quickkub.connectors.reading import Garbled, Json, Unexpected, an_object, optional_text, text_at
from quickkub.promptpay import QrRefusal, parse_payment

_WEB: Final = re.compile(r"https?://[!-~]+")
_APP: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[!-~]+")
# The link is put before a payer as something to open; these would run in our own page instead.
_NOT_LINKS: Final = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})
_PICTURE: Final = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+")
_TEXT: Final = re.compile(r"[ -~]{1,1000}")

PAGES: Final = frozenset({"1000", "1001", "1003"})
APPS: Final = frozenset({"1002", "1004"})
QR: Final = "1005"


def goes_on(code: str) -> bool:
    """Whether the payer has something to do now."""
    return code in PAGES or code in APPS or code == QR


def action_in(code: str, words: Json, order: Order) -> Action:
    """Raises Garbled, also for a QR that asks for another amount than we did (P12)."""
    if code == QR:
        return _qr(words, order)
    data = text_at(words, "data")
    if code in PAGES:
        return Action(ActionKind.REDIRECT, _web(data))
    if _WEB.fullmatch(data):
        return Action(ActionKind.REDIRECT, data)
    link = _app(data)
    fallback = optional_text(words, "fallbackData")
    if _WEB.fullmatch(fallback):
        return Action(ActionKind.REDIRECT, fallback, app_value=link)
    return Action(ActionKind.OPEN_APP, link)


def _qr(words: Json, order: Order) -> Action:
    """The text to draw where there is one; else the picture, or the page that shows it."""
    extras = words.get("extras")
    text = optional_text(an_object(extras, "extras"), "qrData") if extras is not None else ""
    data = optional_text(words, "data")
    kind = optional_text(words, "type").upper()
    if not text and (kind == "RAW" or data.startswith("000201")):
        text = data
    if text:
        _check(text, order)
        return Action(ActionKind.DISPLAY_QR, text)
    if kind == "BASE64" and not data.startswith("data:"):
        data = f"data:image/png;base64,{data}"
    if _PICTURE.fullmatch(data):
        return Action(ActionKind.DISPLAY_IMAGE, data)
    return Action(ActionKind.REDIRECT, _web(data))


def _check(text: str, order: Order) -> None:
    """A PromptPay QR says how much it asks for. A wallet's QR is its own and says nothing to us."""
    if _TEXT.fullmatch(text) is None:
        raise Garbled("the QR is not plain text")
    if order.method != "promptpay":
        return
    try:
        asked = parse_payment(text, strict=False).amount
    except QrRefusal as refusal:
        raise Garbled(f"the QR is no Thai payment QR: {refusal.code}") from None
    if asked != order.amount:
        raise Unexpected("the QR asks for another amount than we did")


def _web(text: str) -> str:
    if _WEB.fullmatch(text) is None:
        raise Garbled("data is no web address")
    return text


def _app(text: str) -> str:
    shape = _APP.fullmatch(text)
    if shape is None or shape[1].lower() in _NOT_LINKS:
        raise Garbled("data is not an app link")
    return text
