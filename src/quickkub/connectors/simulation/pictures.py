"""QR texts as pictures, for pages and for providers that answer with one. Drawing costs milliseconds."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Final

from quickkub.promptpay import images

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
"""A picture of one pixel, for load tests in which drawing would be most of the work."""


@lru_cache(maxsize=256)
def picture(text: str) -> str:
    """The QR as a PNG in base64, without a data prefix."""
    return base64.b64encode(images.png(text, scale=4)).decode()
