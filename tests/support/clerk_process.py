"""A worker that only runs schedules, as a process of its own, so that a test can kill it with SIGKILL.

`python -m tests.support.clerk_process <dsn> ends|hangs <name>...`: each run of a schedule writes a row into
the table `ran`. It begins when nobody holds the advisory lock GATE, so that several can begin together.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.worker.schedules import Clerk, Schedule

EVERY_NEW_YEAR = "0 0 1 1 *"
GATE = 7


async def write_down(db: Database, name: str, how: str) -> None:
    """What the schedules of these tests do."""
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO ran (name, pid) VALUES ($1, $2)", name, os.getpid())
    if how == "hangs":
        await asyncio.Event().wait()


async def main(dsn: str, how: str, names: list[str]) -> None:
    db = await open_database(dsn, size_max=4, scope=HOUSE)
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL lock_timeout = 0")
        await tx.execute("SELECT pg_advisory_xact_lock_shared($1)", GATE)
    schedules = {name: Schedule(EVERY_NEW_YEAR, partial(write_down, db, name, how)) for name in names}
    await Clerk(dsn, schedules, heartbeat_seconds=1, look_seconds=0.2).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
