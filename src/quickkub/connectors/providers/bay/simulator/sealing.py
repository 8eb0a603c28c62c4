"""The bank's side of `sign` (bay.md A2.1): opens the merchant's with its private key, makes its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key


class Seal:
    """One key of the bank. Raises ValueError for a text that is no RSA key in PKCS#8."""

    def __init__(self, private_key: str) -> None:
        key = load_der_private_key(base64.b64decode(private_key), None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("not an RSA key")  # noqa: TRY004 -- what was said is wrong, not its type
        self._key = key

    def opens(self, fields: Mapping[str, Any]) -> bool:
        """Whether `sign` holds the digest of the other fields; blank ones are left out.

        With a wrong key or a damaged text, decryption gives other bytes or an error: both are a plain no.
        """
        size = self._key.key_size // 8
        try:
            sealed = base64.b64decode(str(fields.get("sign", "")), validate=True)
            blocks = [sealed[start : start + size] for start in range(0, len(sealed), size)]
            text = b"".join(self._key.decrypt(block, PKCS1v15()) for block in blocks)
        except ValueError:
            return False
        return hmac.compare_digest(text, digest(fields).encode())

    def sign(self, fields: Mapping[str, Any]) -> str:
        """With which key the bank signs its answers is not public; this is its public one."""
        return base64.b64encode(self._key.public_key().encrypt(digest(fields).encode(), PKCS1v15())).decode()


def digest(fields: Mapping[str, Any]) -> str:
    """Of `name=value` joined by `&`, by name, without `sign` and without blanks."""
    said = {name: str(value) for name, value in fields.items() if name != "sign"}
    text = "&".join(f"{name}={said[name]}" for name in sorted(said, key=str.lower) if said[name].strip())
    return hashlib.sha256(text.encode()).hexdigest()
