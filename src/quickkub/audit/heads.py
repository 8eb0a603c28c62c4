"""SQL: which chains there are, and how far each goes."""

from __future__ import annotations

from typing import Final

from quickkub.audit.chain import Head
from quickkub.storage import Connection

# One look into the index for each chain: reading all seals every hour would grow with the years.
_CHAINS: Final = """
WITH RECURSIVE chains AS (
    (SELECT chain FROM audit_seals ORDER BY chain LIMIT 1)
     UNION ALL
    SELECT (SELECT chain FROM audit_seals WHERE chain > chains.chain ORDER BY chain LIMIT 1)
      FROM chains WHERE chain IS NOT NULL
)
SELECT chain FROM chains WHERE chain IS NOT NULL UNION SELECT chain FROM audit_dropped ORDER BY chain
"""

_HEADS: Final = """
SELECT chain.name, head.position, head.hash
  FROM unnest($1::text[]) AS chain (name)
  JOIN LATERAL (
       (SELECT position, hash FROM audit_seals WHERE chain = chain.name ORDER BY position DESC LIMIT 1)
        UNION ALL
       (SELECT position, hash FROM audit_dropped WHERE chain = chain.name ORDER BY position DESC LIMIT 1)
        ORDER BY position DESC LIMIT 1) head ON true
"""


async def chains(reader: Connection) -> list[str]:
    """The names of all chains."""
    return [row["chain"] for row in await reader.fetch(_CHAINS)]


async def heads_of(reader: Connection, names: list[str]) -> dict[str, Head]:
    """How far each of these chains goes; one without seals is left out."""
    rows = await reader.fetch(_HEADS, names)
    return {row["name"]: Head(row["position"], bytes(row["hash"])) for row in rows}
