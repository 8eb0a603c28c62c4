"""RS256 message signatures (bbl.md B2): the only file of this connector that touches the crypto library."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
)

from quickkub.connectors.reading import Garbled, Json, read_object

HEADER: Final = b'{"alg":"RS256","typ":"JWT"}'
KEY_BITS_MIN: Final = 2048
TOKEN_LETTERS_MAX: Final = 64 << 10

_PEM_FRAME: Final = re.compile(r"-----[A-Z ]+-----")
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")


class BadKey(Exception):
    """A key of the account cannot be used."""


class BadSignature(Exception):
    """A message is not signed by the key we know, or not in a form we accept."""


def token_of(claims: bytes, private_key: str) -> str:
    """The compact JWT of these claims, byte for byte. Raises BadKey.

    PKCS#1 v1.5 gives the same signature for the same text, so the pack's vector can be reproduced (B9).
    """
    signed = f"{_b64(HEADER)}.{_b64(claims)}"
    signature = _private(private_key).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{_b64(signature)}"


def claims_in(token: str, public_key: str) -> Json:
    """The claims of a token that this key signed with RS256. Raises BadSignature, BadKey."""
    parts = token.split(".")
    if len(token) > TOKEN_LETTERS_MAX or len(parts) != 3:  # noqa: PLR2004 -- header, claims, signature
        raise BadSignature("not a compact JWT")
    header, claims, signature = (_unb64(part) for part in parts)
    try:
        # The algorithm is ours to say, never the token's: "none", or HMAC with our public key, ends here.
        if read_object(header).get("alg") != "RS256":
            raise BadSignature("the algorithm is not RS256")
        signed = f"{parts[0]}.{parts[1]}".encode()
        _public(public_key).verify(signature, signed, PKCS1v15(), SHA256())
        return read_object(claims)
    except InvalidSignature:
        raise BadSignature("the signature is of another key or text") from None
    except Garbled as garbled:
        raise BadSignature(f"the token cannot be read: {garbled}") from None


@lru_cache(maxsize=64)
def _private(text: str) -> RSAPrivateKey:
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError):
        raise BadKey("private_key is no PKCS#8 key") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS_MIN:
        raise BadKey(f"private_key is no RSA key of {KEY_BITS_MIN} bits")
    return key


@lru_cache(maxsize=64)
def _public(text: str) -> RSAPublicKey:
    try:
        key = load_der_public_key(_der(text))
    except (ValueError, TypeError):
        raise BadKey("bank_public_key is no public key") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise BadKey(f"bank_public_key is no RSA key of {KEY_BITS_MIN} bits")
    return key


def _der(text: str) -> bytes:
    """A key as base64 of DER, with or without PEM's frame and line ends."""
    return base64.b64decode("".join(_PEM_FRAME.sub("", text).split()), validate=True)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    if _PART.fullmatch(text) is None:
        raise BadSignature("a part is not base64url")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadSignature("a part is not base64url") from None
    if _b64(raw) != text:
        raise BadSignature("a part is not written in its one form")
    return raw
