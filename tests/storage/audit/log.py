"""An audit log under test, and what somebody with the database in his hands may do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

from quickkub.audit import Act, record
from quickkub.audit.anchoring import AnchorPlace, anchor
from quickkub.audit.anchors import read_lines
from quickkub.audit.sealing import seal_waiting
from quickkub.audit.verify import Verified, verify
from quickkub.invariants.audit_sql import GUARDS
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database

TABLES = ("audit_logs", "audit_seals", "audit_anchors", "audit_dropped")


@dataclass
class Log:
    """The log of one merchant and the platform."""

    db: Database
    merchant: MerchantId
    place: AnchorPlace
    owner: asyncpg.Pool[Any]

    async def notes(self, number: int) -> str:
        """One more act of the merchant."""
        act = Act(
            "settings.changed",
            "settings",
            self.merchant,
            merchant=self.merchant,
            mode="test",
            before={"under_tolerance": number},
            after={"under_tolerance": number + 1},
        )
        async with self.db.transaction() as tx:
            return await record(tx, act)

    async def seals(self) -> int:
        """Seal everything that waits."""
        return await seal_waiting(self.db, 1000)

    async def is_anchored(self) -> None:
        await anchor(self.db, self.place)

    async def verified(self, *, anchors: bool = True) -> Verified:
        lines = list(read_lines(self.place.folder, self.place.key())) if anchors else None
        return await verify(self.db, lines)

    async def tampered(self, *statements: str, args: tuple[Any, ...] = ()) -> None:
        """What the owner of the tables can do: the guards are taken off for a moment."""
        async with self.owner.acquire() as tx, tx.transaction():
            for table in TABLES:
                await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                await tx.execute(statement, *args)
            for table in TABLES:
                await tx.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for guard in GUARDS:
                table = next(table for table in TABLES if guard.startswith(table))
                await tx.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}")

    async def entry_at(self, position: int) -> str:
        async with self.db.read() as reader:
            return str(
                await reader.fetchval(
                    "SELECT entry_id FROM audit_seals WHERE chain = $1 AND position = $2",
                    self.merchant,
                    position,
                )
            )
