"""Tokens as they are written: JWS in compact form (RFC 7515), signed and opened under a key of ours or a
client's.

The algorithm always comes from the key's own record. A token's header may name a key and must agree with
the record; it never chooses (RFC 8725 3.1). Whatever is wrong with a token, the answer is None: nobody
learns why.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret

TOKEN_LETTERS_MAX: Final = 4096
"""Ours have some 700 letters. Anything longer is refused before a byte of it is decoded."""

CLIENT_KEYS_MAX: Final = 10
_PARTS: Final = 3
_RSA_BITS_MIN, _RSA_BITS_MAX = 2048, 4096
_RSA_ALGORITHMS: Final = ("RS256", "PS256")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class ClientKeysRefused(Refusal):
    """A client's keys are not public keys that can be used: EC on P-256, or RSA of 2048 to 4096 bits."""

    code, kind = "client_keys_refused", Kind.INVALID


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key and its record: what it is called and the one algorithm it is used with."""

    kid: str
    algorithm: str
    key: Key = field(repr=False)


def new_private_key() -> tuple[str, dict[str, str], Secret]:
    """A new key on P-256: its name (RFC 7638 thumbprint), its public JWK, and the private one as JSON."""
    made = ECKey.generate_key("P-256")
    kid = made.thumbprint()
    public = {name: str(value) for name, value in made.as_dict(private=False).items()}
    return kid, public, Secret(json.dumps(made.as_dict(private=True)))


def own_key(kid: str, jwk: Mapping[str, Any]) -> TokenKey:
    """A key of ours from its JWK, private or public."""
    return TokenKey(kid, "ES256", ECKey.import_key(dict(jwk)))


def shared_key(secret: Secret) -> TokenKey:
    """The key of a gateway that signs with JWT_SECRET. Its name tells two secrets apart and nothing else."""
    value = secret.reveal().encode()
    kid = "hs-" + hashlib.sha256(b"quickkub kid\0" + value).hexdigest()[:16]
    return TokenKey(kid, "HS256", OctKey.import_key(value))


def client_keys(jwks: Any) -> list[TokenKey]:
    """A client's public keys from a JWK set (RFC 7517). Raises ClientKeysRefused."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= CLIENT_KEYS_MAX:
        raise ClientKeysRefused(f"give 1 to {CLIENT_KEYS_MAX} keys as a JWK set", param="jwks")
    found = [_client_key(one) for one in keys]
    if len({one.kid for one in found}) != len(found):
        raise ClientKeysRefused("two keys have the same kid", param="jwks")
    return found


def _client_key(jwk: Any) -> TokenKey:
    if not isinstance(jwk, dict) or not all(isinstance(value, str | list) for value in jwk.values()):
        raise ClientKeysRefused("a key of the set is not a JWK", param="jwks")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise ClientKeysRefused("a key of the set is private; it never belongs to anybody else", param="jwks")
    try:
        match jwk.get("kty"):
            case "EC" if jwk.get("crv") == "P-256":
                key, algorithm = cast("Key", ECKey.import_key(jwk)), jwk.get("alg", "ES256")
            case "RSA" if _RSA_BITS_MIN <= _bits(jwk.get("n", "")) <= _RSA_BITS_MAX:
                key, algorithm = cast("Key", RSAKey.import_key(jwk)), jwk.get("alg", "RS256")
            case _:
                raise ClientKeysRefused("use EC on P-256, or RSA of 2048 to 4096 bits", param="jwks")
        named = jwk.get("kid") or key.thumbprint()
    except (JoseError, ValueError, TypeError, KeyError):
        raise ClientKeysRefused("a key of the set cannot be read", param="jwks") from None
    if algorithm not in (("ES256",) if key.key_type == "EC" else _RSA_ALGORITHMS) or not isinstance(
        named, str
    ):
        raise ClientKeysRefused("a key of the set has an algorithm or kid that is not taken", param="jwks")
    return TokenKey(named, str(algorithm), key)


def _bits(modulus: str) -> int:
    return int.from_bytes(_decoded(modulus) or b"", "big").bit_length()


def sign(claims: Mapping[str, Any], key: TokenKey, typ: str) -> str:
    """A token of these claims."""
    header = {"alg": key.algorithm, "typ": typ, "kid": key.kid}
    payload = json.dumps(claims, separators=(",", ":"))
    return jws.serialize_compact(header, payload, key.key, algorithms=[key.algorithm])


def kid_named(token: str) -> str | None:
    """The key a token says it was signed with. Nothing of it is proven yet."""
    head = _header(token)
    kid = head.get("kid") if head is not None else None
    return kid if isinstance(kid, str) else None


def subject_named(token: str) -> str | None:
    """Whom a token says it is about. Nothing of it is proven yet."""
    decoded = _decoded(token.split(".")[1]) if _header(token) is not None else None
    claims = _object(decoded) if decoded is not None else None
    subject = claims.get("sub") if claims is not None else None
    return subject if isinstance(subject, str) else None


def opened(token: str, key: TokenKey, typs: Sequence[str | None]) -> dict[str, Any] | None:
    """The claims of a token signed with this key and of one of these types; None for anything else."""
    head = _header(token)
    if head is None or head.get("alg") != key.algorithm or head.get("typ") not in typs:
        return None
    try:
        found = jws.deserialize_compact(token, key.key, algorithms=[key.algorithm])
    except (JoseError, ValueError, TypeError):
        return None
    return _object(found.payload or b"")


def _header(token: str) -> dict[str, Any] | None:
    if len(token) > TOKEN_LETTERS_MAX or not token.isascii():
        return None
    parts = token.split(".")
    if len(parts) != _PARTS or not all(parts):
        return None
    decoded = _decoded(parts[0])
    return _object(decoded) if decoded is not None else None


def _decoded(text: Any) -> bytes | None:
    """Base64url without padding, and with no letter that is not of it: the library skips those."""
    # Members of a key set may be lists (`key_ops`), so what should be text need not be.
    if (
        not isinstance(text, str)
        or not text.isascii()
        or not all(letter.isalnum() or letter in "-_" for letter in text)
    ):
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _object(text: bytes) -> dict[str, Any] | None:
    """A JSON object in which no name stands twice: two readers might each believe another one."""
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(_: str) -> Any:
    raise ValueError("not a number of JSON")
