"""2C2P's side of the protection: it reads what merchants sign, and signs what they read (pack 2)."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from quickkub.connectors.providers.twoctwop import example_keys

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_OTHER_KEY: Final = "0" * 64
_SPOILED: Final = (JoseError, ValueError, KeyError, TypeError, AttributeError)
_HS256: Final = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
_PS256: Final = jws.JWSRegistry(algorithms=["PS256"], strict_check_header=False)
_OAEP: Final = jwe.JWERegistry(algorithms=["RSA-OAEP", "A256GCM"], strict_check_header=False)


class Unsealed(Exception):
    """A message is not protected as it should be."""


def encode(value: Any) -> bytes:
    """JSON; Decimals are written as numbers, 100.00 with its zeros."""
    return _JSON.encode(value)


def signed(claims: Any, secret: str, *, badly: bool = False) -> str:
    """A JWT of 2C2P's."""
    key = OctKey.import_key((_OTHER_KEY if badly else secret).encode())
    return jws.serialize_compact({"alg": "HS256", "typ": "JWT"}, encode(claims), key, registry=_HS256)


def peek(token: str) -> dict[str, Any]:
    """The claims of a JWT before anybody knows whose it is. Raises Unsealed."""
    try:
        middle = token.split(".")[1]
        padded = middle + "=" * (-len(middle) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded), parse_float=Decimal)
    except (IndexError, ValueError):
        raise Unsealed("this is no JWT") from None
    if not isinstance(claims, dict):
        raise Unsealed("the claims are no object")
    return claims


def is_signed_by(token: str, secret: str) -> bool:
    try:
        jws.deserialize_compact(token, OctKey.import_key(secret.encode()), registry=_HS256)
    except _SPOILED:
        return False
    return True


def opened(body: bytes) -> tuple[bytes, bytes]:
    """A payment action: the JWS as it came, and the XML inside its JWE. Raises Unsealed."""
    token = body.strip()
    try:
        sealed = jws.extract_compact(token).payload
        plain = jwe.decrypt_compact(sealed, key_of(example_keys.PROVIDER_PRIVATE), registry=_OAEP).plaintext
    except _SPOILED:
        raise Unsealed("the payload cannot be decrypted") from None
    return token, plain or b""


def is_signed_with(token: bytes, public_key: str) -> bool:
    """Whether the merchant's key made this JWS, by PS256."""
    try:
        jws.deserialize_compact(token, key_of(public_key), registry=_PS256)
    except _SPOILED:
        return False
    return True


def sealed_for(text: str, public_key: str, *, badly: bool = False) -> str:
    """Encrypted to the merchant and signed by 2C2P."""
    inner = jwe.encrypt_compact(
        {"alg": "RSA-OAEP", "enc": "A256GCM"}, text, key_of(public_key), registry=_OAEP
    )
    key = key_of(example_keys.MERCHANT_PRIVATE if badly else example_keys.PROVIDER_PRIVATE)
    return jws.serialize_compact({"alg": "PS256", "typ": "JWT"}, inner, key, registry=_PS256)


@lru_cache(maxsize=64)
def key_of(text: str) -> RSAKey:
    """Remembered, because proving that a private key is one takes a tenth of a second."""
    text = text.strip()
    return RSAKey.import_key(json.loads(text, parse_float=str) if text.startswith("{") else text)
