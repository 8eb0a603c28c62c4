"""Unguessable addresses that say whose they are.

A checkout link or a callback path is looked up by merchant like everything else, so that the schema can be
distributed by merchant. The token therefore carries the merchant's id (which is no secret) in front of 128
random bits (which are).
"""

from __future__ import annotations

import base64
import os
import re
from typing import Final

from quickkub.kernel.ids import MerchantId

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token(merchant: MerchantId) -> str:
    """43 characters of URL-safe base64: 16 bytes merchant, 16 random bytes."""
    raw = bytes.fromhex(merchant.removeprefix("mer_")) + os.urandom(16)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def merchant_of(token: str) -> MerchantId | None:
    """The merchant a token claims to belong to, or None when the text is no token. Proves nothing."""
    if _SHAPE.fullmatch(token) is None:
        return None
    return MerchantId("mer_" + base64.urlsafe_b64decode(token + "=")[:16].hex())
