"""How 2C2P's messages are protected: signed claims for payments, sealed and signed text for actions (pack 2).

Only the two schemes of the pack are taken: what a token says about its own algorithm chooses nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from quickkub.connectors.reading import Garbled, Json, read_object

_CLAIMS: Final = {"alg": "HS256", "typ": "JWT"}
_SIGNED: Final = {"alg": "PS256", "typ": "JWT"}
# RSA-OAEP is OAEP with SHA-1; the one with SHA-256 has another name, and 2C2P does not take it (pack 12.10).
_ENCRYPTED: Final = {"alg": "RSA-OAEP", "enc": "A256GCM"}
_SIGNATURES: Final = jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
_ACTION_SIGNATURES: Final = jws.JWSRegistry(algorithms=["PS256"], strict_check_header=False)
_CIPHERS: Final = jwe.JWERegistry(algorithms=["RSA-OAEP", "A256GCM"], strict_check_header=False)
_JSON: Final = msgspec.json.Encoder(decimal_format="number")
# What the library raises for a token that somebody made up, besides its own errors.
_BROKEN: Final = (JoseError, ValueError, KeyError, TypeError, AttributeError)


class NotTheirs(Garbled):
    """A message that 2C2P did not protect for us."""


class BadKey(Exception):
    """A key or certificate cannot be used; the text says which, never what it is."""


def sign_claims(secret: str, claims: Json) -> str:
    """A JWT. The secret's letters are the key: 64 hexadecimal digits are not decoded (pack 2.1, 12.2)."""
    return jws.serialize_compact(_CLAIMS, _JSON.encode(claims), _by_secret(secret), registry=_SIGNATURES)


def read_claims(secret: str, token: str) -> Json:
    """The claims of a JWT. Raises NotTheirs unless this secret signed it, Garbled for unreadable claims."""
    try:
        opened = jws.deserialize_compact(token.strip(), _by_secret(secret), registry=_SIGNATURES)
    except _BROKEN:
        raise NotTheirs("the signature is not 2C2P's") from None
    return read_object(opened.payload)


def _by_secret(secret: str) -> OctKey:
    if not secret:
        raise BadKey("there is no secret key")
    return OctKey.import_key(secret.encode())


@dataclass(frozen=True, slots=True)
class Keys:
    """What payment actions need: our private key, and 2C2P's public one."""

    ours: RSAKey
    theirs: RSAKey


def read_keys(ours: str, theirs: str) -> Keys:
    """PEM (key or certificate) or a JWK as JSON. Raises BadKey."""
    return Keys(
        _rsa(ours, "the merchant's private key", private=True),
        _rsa(theirs, "2C2P's certificate", private=False),
    )


@lru_cache(maxsize=64)
def _rsa(text: str, what: str, *, private: bool) -> RSAKey:
    """Remembered, because proving that a private key is one takes a tenth of a second."""
    text = text.strip()
    try:
        key = RSAKey.import_key(json.loads(text, parse_float=str) if text.startswith("{") else text)
        if private and not key.is_private:
            raise BadKey(f"{what} is a public key")
    except _BROKEN:
        raise BadKey(f"{what} cannot be read") from None
    return key


def wrap(text: str, keys: Keys) -> bytes:
    """The text encrypted for 2C2P and then signed by us: a JWE inside a JWS (pack 2.3)."""
    sealed = jwe.encrypt_compact(_ENCRYPTED, text, keys.theirs, registry=_CIPHERS)
    return jws.serialize_compact(_SIGNED, sealed, keys.ours, registry=_ACTION_SIGNATURES).encode()


def unwrap(body: bytes, keys: Keys) -> bytes:
    """The text that 2C2P signed and encrypted for us. Raises NotTheirs, and Garbled when it is empty."""
    try:
        opened: Any = jws.deserialize_compact(body.strip(), keys.theirs, registry=_ACTION_SIGNATURES)
    except _BROKEN:
        raise NotTheirs("the signature is not 2C2P's") from None
    try:
        plain = jwe.decrypt_compact(opened.payload, keys.ours, registry=_CIPHERS).plaintext
    except _BROKEN:
        raise NotTheirs("the answer cannot be decrypted") from None
    if not plain:
        raise Garbled("the answer is empty")
    return plain
