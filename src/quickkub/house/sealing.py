"""The vault of an installation, apart from the rooms: `up` and single commands need no more than this."""

from __future__ import annotations

from quickkub.settings import Settings
from quickkub.storage.vault import Vault, read_key


def open_vault(settings: Settings) -> Vault:
    """The ring of keys that sealed columns open with. Raises WeakKey."""
    return Vault({1: read_key(settings.encryption_key)})
