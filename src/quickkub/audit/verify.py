"""Recomputes every chain and compares it with the anchors (A2). Changes nothing.

Of each chain the first bad row is told; what follows it hangs on it and says nothing of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from quickkub.audit.anchors import Line
from quickkub.audit.canonical import NotCanonical
from quickkub.audit.chain import START, Head, link, plain
from quickkub.audit.heads import chains
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import Connection, Database

_ROWS_AT_ONCE: Final = 500

_CHAIN: Final = """
SELECT seal.position, seal.entry_id, seal.previous_hash, seal.hash, entry.*
  FROM audit_seals seal
  LEFT JOIN audit_logs entry ON entry.chain = seal.chain AND entry.id = seal.entry_id
 WHERE seal.chain = $1 AND seal.position > $2 ORDER BY seal.position
"""

_DROPPED: Final = """
SELECT position, hash FROM audit_dropped WHERE chain = $1 ORDER BY position DESC LIMIT 1
"""

# An entry written with the triggers off, or one whose waiting was struck off, would never be sealed.
_OUTSIDE: Final = """
SELECT entry.chain, entry.id FROM audit_logs entry
 WHERE NOT EXISTS (SELECT FROM audit_seals seal WHERE seal.chain = entry.chain AND seal.entry_id = entry.id)
   AND NOT EXISTS (SELECT FROM audit_unsealed waiting
                    WHERE waiting.chain = entry.chain AND waiting.entry_id = entry.id)
 ORDER BY entry.id LIMIT 1
"""

_TAKEN: Final = """
SELECT waiting.chain, waiting.entry_id FROM audit_unsealed waiting
 WHERE NOT EXISTS (SELECT FROM audit_logs entry
                    WHERE entry.chain = waiting.chain AND entry.id = waiting.entry_id)
 ORDER BY waiting.entry_id LIMIT 1
"""


class NoAuditLog(Refusal):
    """The database has no audit log."""

    code, kind = "audit_log_missing", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Bad:
    """A row, an anchor or a missing tail that proves a change. `position` 0: about no place in a chain."""

    chain: str
    position: int
    entry: str | None
    why: str

    def told(self) -> str:
        """As a line for a person."""
        where = f"{self.chain} position {self.position}" if self.position else self.chain
        return f"{where}{f' entry {self.entry}' if self.entry else ''}: {self.why}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. `waiting` entries are not sealed yet; `beyond` are sealed and not anchored yet."""

    chains: int
    entries: int
    waiting: int
    anchors: int
    beyond: int
    bad: tuple[Bad, ...]


@dataclass(slots=True)
class _Anchored:
    """What the anchors say, by chain: the hash at each length that was signed."""

    lines: int = 0
    hashes: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    bad: list[Bad] = field(default_factory=list)

    def longest(self, chain: str) -> int:
        return max(self.hashes.get(chain, {}), default=0)


async def verify(db: Database, lines: Iterable[Line] | None) -> Verified:
    """Verify all chains on one snapshot, against anchors read before it. Raises NoAuditLog, DatabaseAway."""
    anchored = _read_anchors(lines or ())
    async with db.transaction() as tx:
        await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await tx.execute("SET LOCAL statement_timeout = 0")
        if not await tx.fetchval("SELECT to_regclass('audit_seals') IS NOT NULL"):
            raise NoAuditLog("this database has no audit log; `quickkub db migrate` makes the tables")
        names = sorted({*await chains(tx), *anchored.hashes})
        walks = [await _walk(tx, name, anchored) for name in names]
        bad = [*anchored.bad, *(walk.bad for walk in walks if walk.bad is not None)]
        bad += await _loose(
            tx, _OUTSIDE, "is neither sealed nor waiting for its seal: it was written by a hand"
        )
        bad += await _loose(tx, _TAKEN, "waited for its seal and is gone")
        return Verified(
            chains=len(names),
            entries=sum(walk.entries for walk in walks),
            waiting=await tx.fetchval("SELECT count(*) FROM audit_unsealed"),
            anchors=anchored.lines,
            beyond=sum(walk.beyond for walk in walks),
            bad=tuple(bad),
        )


def _read_anchors(lines: Iterable[Line]) -> _Anchored:
    found = _Anchored()
    for line in lines:
        found.lines += 1
        if line.trouble is not None:
            found.bad.append(Bad("anchors", 0, None, f"{line.place} {line.trouble}"))
        for head in line.says.heads if line.says else ():
            at = found.hashes[head.chain].setdefault(head.length, head.hash)
            if at != head.hash:
                found.bad.append(Bad(head.chain, head.length, None, f"{line.place} tells another hash"))
    return found


@dataclass(frozen=True, slots=True)
class _Walk:
    entries: int
    beyond: int
    bad: Bad | None


async def _walk(tx: Connection, chain: str, anchored: _Anchored) -> _Walk:
    """From where the chain was dropped, or its beginning, to its end or its first bad row."""
    signed = anchored.hashes.get(chain, {})
    head, bad = await _beginning(tx, chain, signed, anchored.lines)
    began = head.length
    if bad is None:
        async for row in tx.cursor(_CHAIN, chain, began, prefetch=_ROWS_AT_ONCE):
            bad = _judge(chain, head, row, signed)
            if bad is not None:
                break
            head = Head(row["position"], bytes(row["hash"]))
    longest = anchored.longest(chain)
    if bad is None and longest > head.length:
        bad = Bad(chain, head.length + 1, None, f"the tail is lost: {longest} were anchored")
    return _Walk(head.length - began, max(0, head.length - max(longest, began)), bad)


async def _beginning(
    tx: Connection, chain: str, signed: dict[int, str], lines: int
) -> tuple[Head, Bad | None]:
    dropped = await tx.fetchrow(_DROPPED, chain)
    if dropped is None:
        return START, None
    head = Head(dropped["position"], bytes(dropped["hash"]))
    if lines and signed.get(head.length) != head.hash.hex():
        return head, Bad(
            chain, head.length, None, "was dropped up to here, and no anchor tells of this place"
        )
    return head, None


def _judge(chain: str, head: Head, row: Any, signed: dict[int, str]) -> Bad | None:
    """What is wrong with the next row, if anything."""
    if row["position"] != head.length + 1:
        return Bad(chain, head.length + 1, None, f"is missing: the next seal is {row['position']}")
    why = _fault(head, row, signed)
    return None if why is None else Bad(chain, row["position"], row["entry_id"], why)


def _fault(head: Head, row: Any, signed: dict[int, str]) -> str | None:
    if bytes(row["previous_hash"]) != head.hash:
        return "does not follow the row before it"
    if row["id"] is None:
        return "the entry was removed"
    try:
        linked = link(head.hash, plain(row))
    except NotCanonical as trouble:
        return f"the entry was changed: {trouble}"
    if linked != bytes(row["hash"]):
        return "the entry or its seal was changed"
    if signed.get(row["position"], linked.hex()) != linked.hex():
        return "is not what was anchored: the chain was written anew"
    return None


async def _loose(tx: Connection, sql: str, why: str) -> list[Bad]:
    row = await tx.fetchrow(sql)
    return [Bad(row[0], 0, row[1], why)] if row else []
