"""The vault of an installation, apart from the rooms: `up` and single commands need no more than this."""

from __future__ import annotations

from quickkub.settings import Settings
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.vault import Vault, read_key
from quickkub.storage.vault.ring_file import RingFile


def open_ring(settings: Settings) -> RingFile:
    """The key ring's file. Raises WeakKey."""
    first = read_key(settings.encryption_key)
    return RingFile(settings.key_ring_file, first, first_created=settings.encryption_key_made_at)


def open_vault(settings: Settings) -> Vault:
    """Seals and opens with the ring, and follows its changes. Raises WeakKey, RingUnreadable."""
    ring = open_ring(settings)
    return Vault(ring.keys(), ring.keys)


def open_blind_index(settings: Settings) -> BlindIndex:
    """Finds what is sealed by a keyed hash. Raises WeakKey."""
    return BlindIndex(settings.index_root)
