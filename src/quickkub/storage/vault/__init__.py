"""Sealing of what must be stored but not read from the database alone (security-reliability 5.5).

`sealing` turns values into bytes that open in one place only, `ring` holds the numbered keys, `ring_file`
keeps them on disk, `columns` lists every sealed column there is. Nothing here asks the database.
"""

from quickkub.storage.vault.sealing import CannotOpen, Keys, Place, Vault, WeakKey, number_of, read_key

__all__ = ["CannotOpen", "Keys", "Place", "Vault", "WeakKey", "number_of", "read_key"]
