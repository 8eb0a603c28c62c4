"""Taking a compressed answer apart without ever holding more of it than the cap (security-reliability 5.9).

We ask for answers as they are (`accept-encoding: identity`); this is for a provider that packs them anyway.
"""

from __future__ import annotations

import zlib
from typing import Final

BODY_MAX: Final = 1 << 20
"""Largest answer body, in bytes after unpacking: 1 MiB."""

_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class BodyRefused(Exception):
    """A body is too big, cut short, or packed in a way we do not take."""


class Unpacker:
    """Feed it the pieces as they come in; `whole` gives the body or refuses."""

    def __init__(self, encoding: str, *, body_max: int = BODY_MAX) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", *_WINDOW):
            raise BodyRefused(f"the answer is packed as {encoding[:40]!r}")
        self._inflate = zlib.decompressobj(_WINDOW[encoding]) if encoding in _WINDOW else None
        self._body_max = body_max
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises BodyRefused as soon as the cap is passed or the packing is broken."""
        if self._inflate is not None:
            room = self._body_max - len(self._body) + 1
            try:
                piece = self._inflate.decompress(piece, room)
            except zlib.error:
                raise BodyRefused("the packed answer is broken") from None
        self._body += piece
        if len(self._body) > self._body_max:
            raise BodyRefused(f"the answer is larger than {self._body_max} bytes")

    def whole(self) -> bytes:
        """The body. Raises BodyRefused when a packed one ends too early or has something behind its end."""
        inflate = self._inflate
        if inflate is not None and self._body and (not inflate.eof or inflate.unused_data):
            raise BodyRefused("the packed answer is cut short")
        return bytes(self._body)
