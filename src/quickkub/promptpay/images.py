"""Pictures of payloads, drawn by segno. The only file of this room that imports more than the kernel.

Drawing costs hundreds of times what building a payload does: make payloads freely, cache pictures by payload.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import segno

from quickkub.promptpay.errors import EmptyPayload, FieldTooLong

# Byte mode takes UTF-8 for Thai text; a quiet zone of four modules is what the QR standard asks for.
_ENCODING: Final = "utf-8"
QUIET_ZONE: Final = 4


def draw(payload: str, *, error: str = "m") -> segno.QRCode:
    """The symbol in the smallest version that holds it at error level `l`, `m`, `q` or `h`.

    Level M without a logo; Q or H with one (promptpay pack 2.7). An all upper-case payload fits alphanumeric
    mode and gives a smaller symbol. Raises EmptyPayload and FieldTooLong when no symbol can hold the text.
    """
    if not payload:
        raise EmptyPayload(param="payload")
    encoding = None if payload.isascii() else _ENCODING
    try:
        return segno.make_qr(payload, error=error, boost_error=False, encoding=encoding)
    except segno.DataOverflowError as exc:
        raise FieldTooLong("no QR symbol holds a text this long", param="payload") from exc


def png(payload: str, *, scale: int = 8, error: str = "m") -> bytes:
    """A black and white PNG, `scale` pixels a module."""
    out = BytesIO()
    draw(payload, error=error).save(out, kind="png", scale=scale, border=QUIET_ZONE)
    return out.getvalue()


def svg(payload: str, *, scale: int = 8, error: str = "m") -> bytes:
    """A stand-alone SVG document in UTF-8."""
    out = BytesIO()
    draw(payload, error=error).save(out, kind="svg", scale=scale, border=QUIET_ZONE, light="#fff")
    return out.getvalue()
