"""Sealing of what must be stored but not read from the database alone (security-reliability 5.5).

AES-256-GCM with a fresh data key per value, the data key wrapped by a key-encryption key of the ring. What
a value is (table, column, row, merchant) is authenticated with it: a sealed value moved elsewhere does not
open.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret

_VERSION: Final = 1
_NONCE: Final = 12
_WRAPPED: Final = 32 + 16
_HEADER: Final = 2
_NUMBER_MAX: Final = 255  # a key's number is one byte of the header


class WeakKey(Refusal):
    """An encryption key is not base64 of exactly 32 random bytes; a passphrase is not a key."""

    code, kind = "encryption_key_weak", Kind.INVALID


class CannotOpen(Refusal):
    """A sealed value was changed, moved to another row, or sealed under a key this ring does not hold."""

    code, kind = "sealed_value_unreadable", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; part of what is authenticated."""

    table: str
    column: str
    merchant: str
    row: str

    def encoded(self) -> bytes:
        """Each part after its length, so that no two places are written alike."""
        parts = (part.encode() for part in (str(_VERSION), self.table, self.column, self.merchant, self.row))
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def read_key(text: Secret) -> bytes:
    """32 bytes from base64 text. Raises WeakKey and says how to make one."""
    try:
        key = base64.b64decode(text.reveal(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32 or len(set(key)) < 12:  # noqa: PLR2004 -- 32 random bytes have about 30 distinct values
        raise WeakKey(
            "ENCRYPTION_KEY must be base64 of 32 random bytes; make one with `openssl rand -base64 32`",
            param="ENCRYPTION_KEY",
        )
    return key


class Vault:
    """A ring of key-encryption keys by number; the highest number seals, all of them open."""

    def __init__(self, ring: Mapping[int, bytes]) -> None:
        if not ring or any(len(key) != 32 for key in ring.values()):  # noqa: PLR2004 -- AES-256
            raise WeakKey("the key ring needs at least one key of 32 bytes", param="ENCRYPTION_KEY")
        if not all(0 <= number <= _NUMBER_MAX for number in ring):
            raise WeakKey(f"keys of the ring are numbered 0 to {_NUMBER_MAX}", param="ENCRYPTION_KEY")
        self._ring = {number: AESGCM(key) for number, key in ring.items()}
        self._newest = max(ring)

    def seal(self, value: bytes, place: Place) -> bytes:
        """version, key number, nonce, wrapped data key, nonce, ciphertext with tag."""
        about = place.encoded()
        data_key, key_nonce, nonce = os.urandom(32), os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = self._ring[self._newest].encrypt(key_nonce, data_key, about)
        return (
            bytes((_VERSION, self._newest))
            + key_nonce
            + wrapped
            + nonce
            + AESGCM(data_key).encrypt(nonce, value, about)
        )

    def open(self, sealed: bytes, place: Place) -> bytes:
        """The value. Raises CannotOpen when anything about it is not as it was sealed."""
        key = self._ring.get(sealed[1]) if len(sealed) > _HEADER and sealed[0] == _VERSION else None
        if key is None:
            raise CannotOpen(f"{place.table}.{place.column} is sealed with a key that is not in the ring")
        about = place.encoded()
        rest = sealed[_HEADER:]
        key_nonce, wrapped = rest[:_NONCE], rest[_NONCE : _NONCE + _WRAPPED]
        nonce, ciphertext = rest[_NONCE + _WRAPPED :][:_NONCE], rest[_NONCE + _WRAPPED + _NONCE :]
        try:
            return AESGCM(key.decrypt(key_nonce, wrapped, about)).decrypt(nonce, ciphertext, about)
        except (InvalidTag, ValueError) as trouble:
            raise CannotOpen(f"{place.table}.{place.column} does not open") from trouble
