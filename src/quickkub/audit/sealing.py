"""The sealer: puts what was committed into its chain, one at a time in the whole house.

Writers take no shared lock and know nothing of chains. An entry waits in `audit_unsealed` from its own
transaction on, so one that commits late is sealed late and never skipped (E5). A round is one transaction:
killed in the middle, it leaves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from quickkub.audit.canonical import NotCanonical
from quickkub.audit.chain import START, Head, link, plain
from quickkub.audit.heads import heads_of
from quickkub.storage import Connection, Database, Row
from quickkub.telemetry import get_logger
from quickkub.telemetry.audit import SEALED, UNSEALED_AGE

_LOCK: Final = 0x51_4B_41_55
log = get_logger("audit")

# Held by the round's transaction. Who does not get it has nothing to do: another one is sealing.
_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1)"

_WAITING: Final = """
SELECT entry.* FROM audit_unsealed waiting
  JOIN audit_logs entry ON entry.chain = waiting.chain AND entry.id = waiting.entry_id
 ORDER BY waiting.number LIMIT $1
"""

_SEAL: Final = """
WITH sealed AS (
    INSERT INTO audit_seals (chain, position, entry_id, previous_hash, hash)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::bytea[])
    RETURNING chain, entry_id
)
DELETE FROM audit_unsealed waiting USING sealed
 WHERE waiting.chain = sealed.chain AND waiting.entry_id = sealed.entry_id
"""

_OLDEST_WAITS: Final = """
SELECT coalesce((SELECT extract(epoch FROM clock_timestamp() - since)
                   FROM audit_unsealed ORDER BY number LIMIT 1), 0)::integer
"""


@dataclass(slots=True)
class _Seals:
    """Columns of new rows."""

    chains: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    previous: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)


async def seal_waiting(db: Database, limit: int) -> int:
    """Seal up to `limit` waiting entries; returns how many were. 0, too, while another sealer is at it."""
    async with db.transaction() as tx:
        if not await tx.fetchval(_TRY_LOCK, _LOCK):
            return 0
        waiting = await tx.fetch(_WAITING, limit)
        sealed = await _seal(tx, waiting) if waiting else 0
        age = await tx.fetchval(_OLDEST_WAITS)
    UNSEALED_AGE.set(age)
    SEALED.inc(sealed)
    return sealed


async def _seal(tx: Connection, waiting: list[Row]) -> int:
    by_chain: dict[str, list[Row]] = defaultdict(list)
    for entry in waiting:
        by_chain[entry["chain"]].append(entry)
    heads = await heads_of(tx, list(by_chain))
    seals = _Seals()
    for chain, entries in by_chain.items():
        _hang_on(seals, chain, heads.get(chain, START), entries)
    await tx.execute(_SEAL, seals.chains, seals.positions, seals.entries, seals.previous, seals.hashes)
    return len(seals.entries)


def _hang_on(seals: _Seals, chain: str, head: Head, entries: Iterable[Any]) -> None:
    for entry in entries:
        try:
            linked = link(head.hash, plain(entry))
        except NotCanonical as trouble:
            # `record` cannot write such an entry, so a hand did; it stays unsealed, and A2 tells of it.
            log.warning("an entry cannot be sealed", reference=entry["id"], reason=str(trouble))
            continue
        seals.chains.append(chain)
        seals.positions.append(head.length + 1)
        seals.entries.append(entry["id"])
        seals.previous.append(head.hash)
        seals.hashes.append(linked)
        head = Head(head.length + 1, linked)
