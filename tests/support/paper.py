"""An audit log that runs out of paper, to see that what cannot be written down is not done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.support.postgres import open_owner_pool

LAST_USE: Final = "last_used_at"
"""When a key was used last is noted beside the request, whatever becomes of it."""


@dataclass
class Paper:
    """One database's log, in its owner's hands."""

    owner: asyncpg.Pool[Any]

    @asynccontextmanager
    async def out(self) -> AsyncIterator[None]:
        """No entry is taken in the block."""
        await self.owner.execute("ALTER TABLE audit_logs ENABLE TRIGGER no_paper")
        try:
            yield
        finally:
            await self.owner.execute("ALTER TABLE audit_logs DISABLE TRIGGER no_paper")

    async def everything(self) -> dict[str, str]:
        """What each table holds, as a digest."""
        tables = await self.owner.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        asked = " UNION ALL ".join(
            f"SELECT '{row['relname']}' AS name, md5(string_agg(said, '|' ORDER BY said)) AS digest"
            f" FROM (SELECT (to_jsonb(row_) - '{LAST_USE}')::text AS said FROM {row['relname']} row_) told"
            for row in tables
        )
        return {row["name"]: row["digest"] for row in await self.owner.fetch(asked)}

    async def of_request(self, request: str) -> list[asyncpg.Record]:
        """The entries that a request left; there is at least one."""
        entries = await self.owner.fetch("SELECT * FROM audit_logs WHERE request_id = $1", request)
        assert entries, "no entry names this request"
        return list(entries)


@asynccontextmanager
async def paper_of(dsn: str) -> AsyncIterator[Paper]:
    """The log of a migrated database."""
    async with open_owner_pool(dsn) as owner:
        await owner.execute(
            "CREATE FUNCTION no_paper() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no entry is taken'; END $$"
        )
        await owner.execute(
            "CREATE TRIGGER no_paper BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION no_paper()"
        )
        await owner.execute("ALTER TABLE audit_logs DISABLE TRIGGER no_paper")
        yield Paper(owner)
