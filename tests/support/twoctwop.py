"""2C2P's protection written a second time, with hmac and bare RSA instead of a JOSE library (2c2p.md 2).

For vectors and for an independent little client: what both ways agree on is not a habit of one library.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from decimal import Decimal
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quickkub.connectors.providers.twoctwop import example_keys

SECRET = example_keys.SECRET
MERCHANT = example_keys.MERCHANT_PRIVATE
PROVIDER = example_keys.PROVIDER_PRIVATE
# RSA-OAEP of JOSE is the one with SHA-1 (pack 12.10).
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=float, ensure_ascii=False).encode()


def jwt(claims: Any, secret: str = SECRET, *, header: Any = None) -> str:
    """A JWT by HMAC-SHA-256; the key is the secret's letters."""
    said = b64(compact(header or {"alg": "HS256", "typ": "JWT"})) + "." + b64(compact(claims))
    return said + "." + b64(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())


def claims_of(token: str, secret: str = SECRET) -> Any:
    """Raises AssertionError when the secret did not sign it."""
    said, _, signature = token.rpartition(".")
    expected = b64(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())
    assert hmac.compare_digest(signature, expected), "the JWT is signed with another key"
    head, _, body = said.partition(".")
    assert json.loads(unb64(head))["alg"] == "HS256"
    return json.loads(unb64(body), parse_float=Decimal)


@cache
def _private(jwk: str) -> rsa.RSAPrivateKey:
    n = {name: int.from_bytes(unb64(value)) for name, value in json.loads(jwk).items() if name != "kty"}
    public = rsa.RSAPublicNumbers(n["e"], n["n"])
    return rsa.RSAPrivateNumbers(n["p"], n["q"], n["d"], n["dp"], n["dq"], n["qi"], public).private_key()


def seal(text: str, signer: str = MERCHANT, reader: str = PROVIDER) -> bytes:
    """A JWE by RSA-OAEP and A256GCM inside a JWS by PS256; both keys are JWKs."""
    key, nonce = os.urandom(32), os.urandom(12)
    head = b64(compact({"alg": "RSA-OAEP", "enc": "A256GCM"}))
    wrapped = _private(reader).public_key().encrypt(key, _OAEP)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), head.encode())
    parts = (head, *(b64(part) for part in (wrapped, nonce, sealed[:-16], sealed[-16:])))
    said = b64(compact({"alg": "PS256", "typ": "JWT"})) + "." + b64(".".join(parts).encode())
    signature = _private(signer).sign(said.encode(), _PSS, hashes.SHA256())
    return f"{said}.{b64(signature)}".encode()


def unseal(body: bytes, signer: str = PROVIDER, reader: str = MERCHANT) -> str:
    """Raises AssertionError for what the signer did not sign for the reader."""
    said, _, signature = body.decode().rpartition(".")
    try:
        _private(signer).public_key().verify(unb64(signature), said.encode(), _PSS, hashes.SHA256())
        head, wrapped, nonce, text, tag = unb64(said.partition(".")[2]).decode().split(".")
        assert json.loads(unb64(head))["alg"] == "RSA-OAEP"
        key = _private(reader).decrypt(unb64(wrapped), _OAEP)
        return AESGCM(key).decrypt(unb64(nonce), unb64(text) + unb64(tag), head.encode()).decode()
    except (InvalidSignature, InvalidTag, ValueError) as trouble:
        raise AssertionError("the message is not sealed as it should be") from trouble
