"""256-bit secrets that are handed out once and kept only as their hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from quickkub.kernel.secrets import Secret

_BYTES: Final = 32
TOKEN_LETTERS: Final = 43


def new_secret() -> Secret:
    """43 characters of URL-safe base64: 256 random bits."""
    return Secret(secrets.token_urlsafe(_BYTES))


def fingerprint(text: str) -> bytes:
    """SHA-256: nothing slower is needed where there are 256 random bits to guess."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def derived(secret: str, purpose: str) -> str:
    """Another secret that only the holder of the first can know, for one purpose."""
    digest = hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
