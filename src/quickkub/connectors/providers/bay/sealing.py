"""Krungsri's `sign` (bay.md A2.1): the only file of this connector that touches the crypto library.

It is no signature: the digest of the fields is encrypted with the bank's public key. It shows that a body was
not damaged and that the sender has that key; the API key is the real credential.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

KEY_BITS_MIN: Final = 1024
"""What the bank hands out; it is its key, not ours to choose."""

PADDING_BYTES: Final = 11


class BadKey(Exception):
    """The account's `bank_public_key` cannot be used."""


def canonical(fields: Mapping[str, object], *, skip_empty: bool = True) -> str:
    """The fields but `sign`, by name ignoring case, as `name=value` joined by `&`; blank values left out."""
    said = {name: str(value) for name, value in fields.items() if name != "sign"}
    names = sorted((n for n, value in said.items() if value.strip() or not skip_empty), key=str.lower)
    return "&".join(f"{name}={said[name]}" for name in names)


def digest(text: str) -> str:
    """SHA-256 in lower-case hex: this text, not its 32 bytes, is what is encrypted."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign_of(fields: Mapping[str, object], public_key: str, *, skip_empty: bool = True) -> str:
    """`sign` of a body, another one each time because the padding is random. Raises BadKey."""
    key = _public(public_key)
    text = digest(canonical(fields, skip_empty=skip_empty)).encode()
    room = key.key_size // 8 - PADDING_BYTES
    blocks = [text[start : start + room] for start in range(0, len(text), room)]
    return base64.b64encode(b"".join(key.encrypt(block, PKCS1v15()) for block in blocks)).decode()


@lru_cache(maxsize=64)
def _public(text: str) -> RSAPublicKey:
    try:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, TypeError):
        raise BadKey("bank_public_key is no base64 of a public key") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise BadKey(f"bank_public_key is no RSA key of {KEY_BITS_MIN} bits")
    return key
