"""Finding a person's payments without opening them: keyed hashes beside them, brought up to date on demand.

Whoever takes a payment does not wait for this. Before anybody is looked for, and every night before records
are let go, the objects that are not indexed yet are opened once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.privacy import store
from quickkub.privacy.person import Person, person_of
from quickkub.storage import Database
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.vault import Place, Vault

AT_ONCE: Final = 500
_NONE: Final = "none"
_TABLES: Final = {"payments": "payer", "refunds": "destination"}


def tokens_of(index: BlindIndex, merchant: MerchantId, known: Mapping[str, str]) -> dict[str, bytes]:
    """The token of each thing that is known of somebody. Another merchant's tokens are others."""
    return {
        kind: index.of(value, table="person_tokens", column=kind, merchant=merchant)
        for kind, value in known.items()
    }


async def catch_up(db: Database, vault: Vault, index: BlindIndex, merchant: MerchantId) -> int:
    """Index every payment and refund of a merchant that is not indexed; returns how many there were."""
    return sum([await _catch_up(db, vault, index, merchant, table) for table in _TABLES])


async def _catch_up(db: Database, vault: Vault, index: BlindIndex, merchant: MerchantId, table: str) -> int:
    done, after = 0, ""
    while True:
        async with db.read() as reader:
            rows = await store.without_tokens(reader, merchant, table, after, AT_ONCE)
        if not rows:
            return done
        tokens: list[tuple[str, str, bytes]] = []
        for row in rows:
            place = Place(table, _TABLES[table], merchant, row["id"], mode=row["mode"])
            known = opened_person(vault, bytes(row["sealed"]), place).known()
            found = tokens_of(index, merchant, known) or {_NONE: b""}
            tokens += [(row["id"], kind, token) for kind, token in found.items()]
        async with db.transaction() as tx:
            await store.add_tokens(tx, merchant, tokens)
        done, after = done + len(rows), rows[-1]["id"]


def opened_person(vault: Vault, sealed: bytes, place: Place) -> Person:
    """Who stands in a sealed value."""
    said = json.loads(vault.open(sealed, place))
    return person_of(said if isinstance(said, dict) else {})
