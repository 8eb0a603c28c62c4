"""Which keys there are and what each has sealed, for the compliance report (PCI DSS 3.6, 3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.storage.database import Database
from quickkub.storage.resealing import UNKNOWN, usage
from quickkub.storage.vault.ring import Ring

VALUES_MAX: Final = 2**30
"""A key is to be followed by another long before 2^32 values, where random nonces would begin to meet
(NIST SP 800-38D, 8.3)."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key: never the key itself. `values` is how many values it has sealed, by `table.column`.

    `state` is None for a number that values name and the ring does not know; those values cannot be read.
    """

    number: int
    state: str | None
    fingerprint: str | None
    created_at: datetime | None
    opening_since: datetime | None
    retired_at: datetime | None
    values: Mapping[str, int]

    @property
    def total(self) -> int:
        """All values under this key."""
        return sum(self.values.values())

    @property
    def worn(self) -> bool:
        """Whether it has sealed so much that another key is due."""
        return self.total >= VALUES_MAX


async def key_inventory(db: Database, ring: Ring) -> list[KeyEntry]:
    """All keys by number, and after them numbers that only values know (-1: values of no known form).

    Looks at the values of all merchants. Raises DatabaseAway.
    """
    values: dict[int, dict[str, int]] = {}
    for used in await usage(db):
        for number, count in used.values.items():
            values.setdefault(number, {})[used.column.name] = count
    entries = [
        KeyEntry(
            one.number,
            one.state.value,
            one.fingerprint,
            one.created_at,
            one.opening_since,
            one.retired_at,
            values.pop(one.number, {}),
        )
        for one in ring.keys
    ]
    unknown = sorted(values, key=lambda number: (number == UNKNOWN, number))
    return entries + [KeyEntry(number, None, None, None, None, None, values[number]) for number in unknown]
