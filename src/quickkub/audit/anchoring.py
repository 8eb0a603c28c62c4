"""Anchoring: the heads of all chains go to a place the database cannot reach (security-reliability 5.6)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quickkub.audit.anchors import SignedHead, append
from quickkub.audit.heads import chains, heads_of
from quickkub.audit.jose import AnchorKey, own_key
from quickkub.storage import Database
from quickkub.telemetry.audit import ANCHORED

KEY_FILE: Final = "audit-anchor-key.json"


@dataclass(frozen=True, slots=True)
class AnchorPlace:
    """Where anchors go, and the file of the key that signs them."""

    folder: Path
    key_file: Path

    def key(self) -> AnchorKey:
        """The installation's key, made when there is none."""
        return own_key(self.key_file)


async def anchor(db: Database, place: AnchorPlace) -> list[SignedHead]:
    """Write where every chain is now, signed, and note it. Returns the heads that were new.

    The file comes first: a crash in between leaves an anchor that the database does not know of, which holds.
    """
    async with db.read() as reader:
        heads = await heads_of(reader, await chains(reader))
        now = await reader.fetchval("SELECT clock_timestamp()")
    named = await asyncio.to_thread(lambda: append(place.folder, place.key(), now, heads))
    ANCHORED.set_to_current_time()
    async with db.statement() as connection:
        await connection.execute(
            """
            INSERT INTO audit_anchors (chain, length, hash, anchored_at)
            SELECT *, $4::timestamptz FROM unnest($1::text[], $2::bigint[], $3::bytea[])
            ON CONFLICT DO NOTHING
            """,
            [head.chain for head in named],
            [head.length for head in named],
            [bytes.fromhex(head.hash) for head in named],
            now,
        )
    return named
