"""Tokens that say nothing but whose they are: refresh tokens, authorisation codes, tickets of the consent
page.

Like checkout links (kernel/tokens.py) they carry the merchant's id, which is no secret, in front of 256
random bits, which are; so they are looked up by merchant like everything else. Only their SHA-256 is
stored: nobody can search for 256 random bits, so neither salt nor slow hash would add anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from enum import Enum
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret

RANDOM_BYTES: Final = 32
_MERCHANT_BYTES: Final = 16
_BODY: Final = re.compile(r"[A-Za-z0-9_-]{64}", re.ASCII)


class Opaque(Enum):
    """What a token is; the value stands in front of it, so that scanners recognise a leak."""

    REFRESH = "qk_rt_"
    CODE = "qk_ac_"
    TICKET = "qk_ti_"


def new_opaque(kind: Opaque, merchant: MerchantId) -> Secret:
    """A fresh token of this merchant: the prefix and 64 characters."""
    raw = bytes.fromhex(merchant.removeprefix("mer_")) + secrets.token_bytes(RANDOM_BYTES)
    return Secret(kind.value + base64.urlsafe_b64encode(raw).decode())


def merchant_in(text: str, kind: Opaque) -> MerchantId | None:
    """The merchant a token claims to belong to; None when the text is no token of this kind.

    Proves nothing.
    """
    body = text.removeprefix(kind.value)
    if body == text or _BODY.fullmatch(body) is None:
        return None
    return MerchantId("mer_" + base64.urlsafe_b64decode(body)[:_MERCHANT_BYTES].hex())


def digest(text: str) -> bytes:
    """What is stored of a token or a client's secret."""
    return hashlib.sha256(text.encode()).digest()
