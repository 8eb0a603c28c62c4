"""Search on encrypted fields: a keyed hash stored beside the sealed value finds it without opening any.

The key of each column comes from a root of its own, apart from the key ring, so that an index stays valid
when keys are rotated, and so that a hash says nothing to whoever holds the ring but not the root.
"""

from __future__ import annotations

import hmac
import unicodedata
from typing import Final

from quickkub.kernel.secrets import Secret
from quickkub.storage.vault.sealing import derive_key, read_key

INDEX_BYTES: Final = 32


class BlindIndex:
    """HMAC-SHA-256 under a key derived (HKDF) from the root for each table and column.

    A column of few possible values, such as a month of birth, is guessed from its index by how often each
    occurs; index only what is nearly unique. Equal values of two merchants have different indexes.
    """

    def __init__(self, root: Secret) -> None:
        """`root` is base64 of 32 random bytes (QUICKKUB_INDEX_ROOT). Raises WeakKey."""
        self._root = read_key(root, "QUICKKUB_INDEX_ROOT")

    def of(self, value: str, *, table: str, column: str, merchant: str) -> bytes:
        """The index of a value, 32 bytes. Spaces and case are normalised before, Unicode here (NFKC)."""
        key = derive_key(self._root, b"quickkub blind index 1" + _joined(table, column))
        text = unicodedata.normalize("NFKC", value)
        return hmac.digest(key, _joined(merchant, text), "sha256")


def _joined(*words: str) -> bytes:
    """Each word after its length, so that no two lists of words are written alike."""
    return b"".join(len(word).to_bytes(4, "big") + word for word in (text.encode() for text in words))
