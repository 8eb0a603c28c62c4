"""What the payer has to do next, read from what a provider gave us, and believed as far as it is harmless.

An address goes into a link, a form or a QR on a page where money goes. So it is https, or a link into an app
that payers in Thailand pay with; `javascript:`, `data:`, `intent:` and whatever else a browser may run is no
step. Nothing of an address is ever built or changed here: it is shown as the provider gave it, or not at all.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from quickkub.checkout.model import Picture, Step
from quickkub.connectors.contract import ActionKind

ADDRESS_LETTERS_MAX: Final = 4_000
PICTURE_BYTES_MAX: Final = 300 << 10
FIELDS_MAX: Final = 100

# The apps payers in Thailand pay with. Banks do not publish every scheme, and sandboxes have others than
# production, so a scheme is known by how it begins: `scbeasysim` is SCB's as `scbeasy` is.
APP_SCHEMES: Final = (
    "scb", "kplus", "kbank", "bualuang", "bbl", "krungsri", "kma", "ktb", "krungthai", "paotang", "ttb",
    "mymo", "gsb", "uchoose", "kept", "dime", "line", "truemoney", "tmn", "ascend", "shopee", "airpay",
    "alipay", "weixin", "wechat", "grab", "atome",
)  # fmt: skip

_APP_LINK: Final = re.compile(r"([a-z][a-z0-9.+-]{2,40})://[!-~]+", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
_PICTURE: Final = re.compile(r"data:(image/(?:png|jpeg|gif|svg\+xml));base64,([A-Za-z0-9+/]+={0,2})")


def read_step(action: Mapping[str, Any] | None, mode: str) -> Step | None:
    """The step behind a stored next action of a payment in this mode, or None when there is none to show.

    None also when the kind is not known, a part is missing, or an address is not one that may be opened.
    """
    if action is None:
        return None
    try:
        kind = ActionKind(action.get("type"))
    except ValueError:
        return None
    return _READERS[kind](action, mode)


def _qr(action: Mapping[str, Any], _: str) -> Step | None:
    payload = action.get("qr_payload")
    return Step(ActionKind.DISPLAY_QR, qr_text=payload) if isinstance(payload, str) and payload else None


def _image(action: Mapping[str, Any], _: str) -> Step | None:
    picture = read_picture(action.get("image"))
    return Step(ActionKind.DISPLAY_IMAGE, picture=picture) if picture else None


def _approve(_: Mapping[str, Any], __: str) -> Step | None:
    return Step(ActionKind.APPROVE_IN_APP)


def _form(action: Mapping[str, Any], mode: str) -> Step | None:
    url, fields = action.get("url"), action.get("fields") or {}
    if not is_web_address(url, mode) or len(fields) > FIELDS_MAX:
        return None
    return Step(ActionKind.FORM_POST, url=str(url), fields={str(n): str(v) for n, v in fields.items()})


def _page(action: Mapping[str, Any], mode: str) -> Step | None:
    url, app_url = action.get("url"), action.get("app_url")
    if not is_web_address(url, mode):
        return _app(action, mode) if is_app_link(url) else None
    return Step(ActionKind.REDIRECT, url=str(url), app_url=_opened(app_url, mode))


def _app(action: Mapping[str, Any], mode: str) -> Step | None:
    """On a phone the app link counts; a web address beside it is for the desktop."""
    url, link = _opened(action.get("url"), mode), _opened(action.get("app_url"), mode)
    if not url and not link:
        return None
    return Step(ActionKind.OPEN_APP, url=url or link, app_url=link or url, qr_text=link or url)


def _opened(address: object, mode: str) -> str:
    return str(address) if is_web_address(address, mode) or is_app_link(address) else ""


_READERS: Final[Mapping[ActionKind, Callable[[Mapping[str, Any], str], Step | None]]] = {
    ActionKind.DISPLAY_QR: _qr,
    ActionKind.DISPLAY_IMAGE: _image,
    ActionKind.REDIRECT: _page,
    ActionKind.FORM_POST: _form,
    ActionKind.OPEN_APP: _app,
    ActionKind.APPROVE_IN_APP: _approve,
}


def is_web_address(address: object, mode: str) -> bool:
    """https, with a plain host and nobody's name before it; http in test mode and on this machine only."""
    if not isinstance(address, str) or len(address) > ADDRESS_LETTERS_MAX or not _PLAIN.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or _HOST.fullmatch(host) is None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (mode == "test" or host in _LOOPBACK))


def is_app_link(address: object) -> bool:
    """A link into an app that payers in Thailand pay with."""
    if not isinstance(address, str) or len(address) > ADDRESS_LETTERS_MAX:
        return False
    found = _APP_LINK.fullmatch(address)
    return found is not None and found[1].lower().startswith(APP_SCHEMES)


# Chromium and Safari hold the answer to a form to the policy as well, so a provider that answers with a
# redirect to a wallet's own pages is stopped unless these are named. LINE Pay's are known (gbprimepay pack
# 5.5); what follows for the others is not public, so theirs are assumed from where their pages are.
_FORM_ENDS_AT: Final = {
    "linepay": ("https://*.line.me",),
    "shopeepay": ("https://*.shopee.co.th", "https://*.airpay.in.th", "https://*.shopeepay.co.th"),
    "alipay": ("https://*.alipay.com", "https://*.alipayplus.com"),
    "atome": ("https://*.atome.co.th", "https://*.apaylater.com"),
}


def form_targets(step: Step | None, method: str) -> tuple[str, ...]:
    """The origins a page's form may lead to: the provider's, and those it hands this method on to."""
    if step is None or step.kind is not ActionKind.FORM_POST:
        return ()
    return origin_of(step.url), *_FORM_ENDS_AT.get(method, ())


def origin_of(address: str) -> str:
    """`https://pay.example:8443`: what the page's policy names so that its form may go there, and only there.

    For an address that `is_web_address` let through; no character of such a host can end the policy's line.
    """
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def read_picture(image: object) -> Picture | None:
    """A `data:` picture of a kind browsers draw without running anything, or None."""
    if not isinstance(image, str) or len(image) > PICTURE_BYTES_MAX * 2:
        return None
    found = _PICTURE.fullmatch(image)
    if found is None:
        return None
    try:
        body = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return None
    return Picture(found[1], body, image) if len(body) <= PICTURE_BYTES_MAX else None
