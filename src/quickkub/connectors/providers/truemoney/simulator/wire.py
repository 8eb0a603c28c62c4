"""TrueMoney's side of the content signature: checks the merchant's, makes its own (pack 3)."""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
)

PrivateKey: TypeAlias = RSAPrivateKey
PublicKey: TypeAlias = RSAPublicKey


def private_key(text: str) -> RSAPrivateKey:
    """From PKCS#8 in base64. Raises ValueError."""
    key = load_der_private_key(base64.b64decode(text), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 -- what was said is wrong, not its type
    return key


def public_key(text: str) -> RSAPublicKey:
    """From PEM, or DER in base64. Raises ValueError."""
    is_pem = text.lstrip().startswith("-----")
    key = load_pem_public_key(text.encode()) if is_pem else load_der_public_key(base64.b64decode(text))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 -- what was said is wrong, not its type
    return key


def seal(key: RSAPrivateKey, timestamp: str, body: bytes) -> str:
    """The value of a `Content-Signature` header."""
    made = key.sign(timestamp.encode() + body, PKCS1v15(), SHA256())
    return f"digest-alg=RSA-SHA; key-id=KEY:RSA:rsf.org; data={base64.b64encode(made).decode()}"


def is_sealed(key: RSAPublicKey, timestamp: str, body: bytes, header: str) -> bool:
    """Tolerant of blanks and of what stands before `data=`, as the public receivers are."""
    _, found, data = header.partition("data=")
    if not found:
        return False
    try:
        signature = base64.b64decode(data.strip(), validate=True)
        key.verify(signature, timestamp.encode() + body, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature):
        return False
    return True
