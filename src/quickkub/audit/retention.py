"""Letting go of old entries without breaking their chain: only a whole, anchored beginning is dropped."""

from __future__ import annotations

from typing import Final

from quickkub.audit.chain import PLATFORM
from quickkub.audit.model import Act
from quickkub.audit.store import record
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database

YEARS_MIN: Final = 1
"""PCI DSS 4.0.1, 10.5.1: twelve months. The database refuses to drop younger entries."""

_DUE: Final = """
SELECT anchor.chain, max(anchor.length) AS position
  FROM audit_anchors anchor
  JOIN audit_seals seal
    ON seal.chain = anchor.chain AND seal.position = anchor.length AND seal.hash = anchor.hash
 WHERE NOT EXISTS (
       SELECT FROM audit_seals younger
         JOIN audit_logs entry ON entry.chain = younger.chain AND entry.id = younger.entry_id
        WHERE younger.chain = anchor.chain AND younger.position <= anchor.length
          AND entry.created_at > now() - make_interval(years => $1))
   AND anchor.chain <> ALL ($2::text[])
 GROUP BY anchor.chain ORDER BY anchor.chain
"""


async def drop_old(db: Database, years: int, *, held: list[MerchantId] | None = None) -> int:
    """Drop what is older than `years`, of each chain up to its last anchor before; returns how many went.

    `held`: merchants whose entries a legal hold keeps. What was dropped is written down in the chain itself.
    """
    if years < YEARS_MIN:
        raise ValueError("audit entries are kept for a year at least")
    gone = 0
    async with db.read() as reader:
        due = await reader.fetch(_DUE, years, held or [])
    for row in due:
        chain, position = row["chain"], row["position"]
        async with db.transaction() as tx:
            went = await tx.fetchval("SELECT audit_drop($1, $2)", chain, position)
            await record(
                tx,
                Act(
                    "audit_log.dropped",
                    "audit_chain",
                    chain,
                    merchant=None if chain == PLATFORM else MerchantId(chain),
                    after={"up_to_position": position, "entries": went, "years": years},
                ),
            )
        gone += went
    return gone
