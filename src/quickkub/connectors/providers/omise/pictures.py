"""What the payer sees next: a page to go to, or Omise's picture fetched and handed on as data (pack 11.8)."""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Any, Final

from quickkub.connectors.contract import Account, Action, ActionKind, Effect, Response
from quickkub.connectors.providers.omise import wire
from quickkub.connectors.providers.omise.charges import Charge
from quickkub.connectors.reading import Garbled

PICTURE_MAX: Final = 200 << 10
"""Bytes: a QR as SVG has about 20 KiB, and what is shown is kept with the payment."""

_OK: Final = 200
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"


def action_of(account: Account, charge: Charge) -> Generator[Effect, Any, Action]:
    """Raises Garbled when the charge leads nowhere, or its picture is none."""
    if not charge.picture:
        return Action(ActionKind.REDIRECT, _page(charge))
    answer: Response = yield wire.asks_picture(account, charge.picture)
    return Action(ActionKind.DISPLAY_IMAGE, data_uri(answer))


def data_uri(answer: Response) -> str:
    """The picture as a `data:` address. Its bytes tell its kind; half of one, or a script, is refused."""
    body = answer.body
    if answer.status != _OK or not 0 < len(body) <= PICTURE_MAX:
        raise Garbled(f"there is no picture to show: HTTP {answer.status}, {len(body)} bytes")
    if body.startswith(_PNG) and body.endswith(_PNG_END):
        kind = "image/png"
    elif b"<svg" in body[:1000] and body.rstrip().endswith(b"</svg>") and b"<script" not in body.lower():
        kind = "image/svg+xml"
    else:
        raise Garbled("the picture is neither a whole PNG nor a whole, plain SVG")
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def _page(charge: Charge) -> str:
    if not charge.authorize_uri.startswith(("https://", "http://")):
        raise Garbled("the charge names no page for the payer")
    return charge.authorize_uri
