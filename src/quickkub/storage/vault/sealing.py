"""AES-256-GCM with a fresh data key per value, the data key wrapped by a key-encryption key of the ring.

What a value is (table, column, row, merchant, mode) is authenticated with it: a sealed value moved elsewhere
does not open. To change the key, only the data key is wrapped again; the ciphertext stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.telemetry import get_logger

_log = get_logger("vault")

VERSION: Final = 2
"""First byte of the stored form; 1 knew no mode and was never released."""

KEY_BYTES: Final = 32
NUMBER_MAX: Final = 255
"""A key's number is the second byte of the stored form."""

LOOK_SECONDS: Final = 3.0
"""After at most so long a process seals with the key that became active meanwhile."""

_NONCE: Final = 12
_WRAPPED: Final = KEY_BYTES + 16
_HEADER: Final = 2
UNCHANGED_FROM: Final = _HEADER + _NONCE + _WRAPPED
"""From this byte on a value stays the same when its data key is wrapped again."""

_DISTINCT_MIN: Final = 12  # 32 random bytes have about 30 distinct values


class WeakKey(Refusal):
    """An encryption key is not base64 of exactly 32 random bytes; a passphrase is not a key."""

    code, kind = "encryption_key_weak", Kind.INVALID


class CannotOpen(Refusal):
    """A sealed value was changed, moved to another row, or sealed under a key this ring does not hold."""

    code, kind = "sealed_value_unreadable", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; part of what is authenticated.

    `mode` is `live` or `test`, and empty for what belongs to both, such as a person's second factor.
    """

    table: str
    column: str
    merchant: str
    row: str
    mode: str = field(default="", kw_only=True)

    def encoded(self) -> bytes:
        """Each part after its length, so that no two places are written alike."""
        parts = (str(VERSION), self.table, self.column, self.merchant, self.row, self.mode)
        return b"".join(len(part).to_bytes(4, "big") + part for part in (text.encode() for text in parts))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys a process works with: all in `opening` open, the one numbered `sealing` seals."""

    opening: Mapping[int, bytes] = field(repr=False)
    sealing: int


def read_key(text: Secret, name: str = "ENCRYPTION_KEY") -> bytes:
    """32 bytes from the base64 text of a setting. Raises WeakKey and says how to make one."""
    try:
        key = base64.b64decode(text.reveal(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or len(set(key)) < _DISTINCT_MIN:
        raise WeakKey(
            f"{name} must be base64 of 32 random bytes; make one with `openssl rand -base64 32`", param=name
        )
    return key


def derive_key(root: bytes, purpose: bytes) -> bytes:
    """A 32-byte key for one purpose from a root key (HKDF-SHA-256, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(root)


def number_of(sealed: bytes) -> int | None:
    """The number of the key a value is sealed under; None when it is no sealed value of this version."""
    return sealed[1] if len(sealed) > UNCHANGED_FROM and sealed[0] == VERSION else None


class _Ring:
    """Keys made ready for use."""

    def __init__(self, keys: Keys) -> None:
        ring = keys.opening
        if not ring or any(len(key) != KEY_BYTES for key in ring.values()):
            raise WeakKey("the key ring needs at least one key of 32 bytes", param="ENCRYPTION_KEY")
        if not all(0 <= number <= NUMBER_MAX for number in ring):
            raise WeakKey(f"keys of the ring are numbered 0 to {NUMBER_MAX}", param="ENCRYPTION_KEY")
        if len(set(ring.values())) != len(ring):
            raise WeakKey("a key stands twice in the key ring", param="ENCRYPTION_KEY")
        if keys.sealing not in ring:
            raise WeakKey("the key ring does not hold its active key", param="ENCRYPTION_KEY")
        self.known = keys
        self.opening = {number: AESGCM(key) for number, key in ring.items()}
        self.sealing = keys.sealing


class Vault:
    """Seals and opens with a ring of keys.

    `ring` is keys by number, of which the highest seals, or `Keys`. `source` tells the keys as they are now:
    it is asked when a value names a key that is not known, and before sealing once LOOK_SECONDS have passed.
    """

    def __init__(self, ring: Mapping[int, bytes] | Keys, source: Callable[[], Keys] | None = None) -> None:
        keys = ring if isinstance(ring, Keys) else Keys(ring, max(ring, default=0))
        self._ring = _Ring(keys)
        self._source = source
        self._looked = time.monotonic()

    @property
    def sealing_number(self) -> int:
        """The number of the key that seals, looked up afresh."""
        self._look()
        return self._ring.sealing

    def seal(self, value: bytes, place: Place) -> bytes:
        """version, key number, nonce, wrapped data key, nonce, ciphertext with tag."""
        about = place.encoded()
        data_key, nonce = os.urandom(KEY_BYTES), os.urandom(_NONCE)
        return self._wrap(data_key, about) + nonce + AESGCM(data_key).encrypt(nonce, value, about)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """The value. Raises CannotOpen when anything about it is not as it was sealed."""
        about = place.encoded()
        data_key = self._unwrap(sealed, place, about)
        nonce, ciphertext = sealed[UNCHANGED_FROM:][:_NONCE], sealed[UNCHANGED_FROM + _NONCE :]
        try:
            return AESGCM(data_key).decrypt(nonce, ciphertext, about)
        except (InvalidTag, ValueError) as trouble:
            raise CannotOpen(f"{place.table}.{place.column} does not open") from trouble

    def rewrap(self, sealed: bytes, place: Place) -> bytes:
        """The same value under the key that seals now; the ciphertext stays. Raises CannotOpen."""
        about = place.encoded()
        return self._wrap(self._unwrap(sealed, place, about), about) + sealed[UNCHANGED_FROM:]

    def _wrap(self, data_key: bytes, about: bytes) -> bytes:
        if self._source is not None and time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()
        ring, nonce = self._ring, os.urandom(_NONCE)
        wrapped = ring.opening[ring.sealing].encrypt(nonce, data_key, about)
        return bytes((VERSION, ring.sealing)) + nonce + wrapped

    def _unwrap(self, sealed: bytes, place: Place, about: bytes) -> bytes:
        number = number_of(sealed)
        if number is not None and number not in self._ring.opening:
            self._look()
        key = self._ring.opening.get(number) if number is not None else None
        if key is None:
            raise CannotOpen(f"{place.table}.{place.column} is sealed with a key that is not in the ring")
        nonce, wrapped = sealed[_HEADER:][:_NONCE], sealed[_HEADER + _NONCE : UNCHANGED_FROM]
        try:
            return key.decrypt(nonce, wrapped, about)
        except (InvalidTag, ValueError) as trouble:
            raise CannotOpen(f"{place.table}.{place.column} does not open") from trouble

    def _look(self) -> None:
        """Take over the keys as they are now, if they changed."""
        if self._source is None:
            return
        self._looked = time.monotonic()
        try:
            keys = self._source()
            if keys != self._ring.known:
                self._ring = _Ring(keys)
        except Refusal as refusal:
            # A file that is being repaired must not stop payments: the keys known so far go on working.
            _log.error("the key ring cannot be read", code=refusal.code, reason=refusal.detail)
