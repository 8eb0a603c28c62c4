"""The bank's side of message signatures (bbl.md B2): checks the merchant's, makes its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from quickkub.connectors.reading import Garbled, read_object

PrivateKey: TypeAlias = RSAPrivateKey
PublicKey: TypeAlias = RSAPublicKey


class NotSigned(Exception):
    """The message is not the merchant's."""


def private_key(text: str) -> RSAPrivateKey:
    """From PKCS#8 in base64. Raises ValueError."""
    key = load_der_private_key(base64.b64decode(text), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 -- what was said is wrong, not its type
    return key


def public_key(text: str) -> RSAPublicKey:
    """From SubjectPublicKeyInfo in base64. Raises ValueError."""
    key = load_der_public_key(base64.b64decode(text))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 -- what was said is wrong, not its type
    return key


def sign(payload: bytes, key: RSAPrivateKey) -> str:
    """A compact JWT of this very payload text."""
    head = _write(b'{"typ":"JWT","alg":"RS256"}')
    signed = f"{head}.{_write(payload)}"
    return f"{signed}.{_write(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def claims(token: str, key: RSAPublicKey) -> Mapping[str, Any]:
    """Raises NotSigned."""
    try:
        head, payload, signature = token.split(".")
        if read_object(_read(head)).get("alg") != "RS256":
            raise NotSigned("alg")
        key.verify(_read(signature), f"{head}.{payload}".encode(), PKCS1v15(), SHA256())
        return read_object(_read(payload))
    except (ValueError, AttributeError, InvalidSignature, Garbled):
        raise NotSigned("not a JWT of the merchant's key") from None


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
