"""The recovery gate as the money-moving functions see it (D7)."""

from __future__ import annotations

import asyncio
from typing import Final

from quickkub.payments import recovery
from quickkub.storage import Database

REMEMBERED_SECONDS: Final = 1
"""An open gate is believed for so long; a restore is overlooked for no longer."""


class Gate:
    """Looks at the gate at most once a second per process, so that it costs a payment nothing."""

    def __init__(self) -> None:
        self._open_until_monotonic = 0.0  # not money: a moment of the monotonic clock

    async def pass_or_refuse(self, db: Database) -> None:
        """Raises Recovering while a restored database has not been brought up to date, and DatabaseAway."""
        now = asyncio.get_running_loop().time()
        if now < self._open_until_monotonic:
            return
        async with db.read() as reader:
            await recovery.refuse_while_recovering(reader)
        self._open_until_monotonic = now + REMEMBERED_SECONDS


async def bring_up_to_date(db: Database) -> bool:
    """One step of a worker: shut the gate of a restored database, or open it once everybody was asked.

    True while there is something to do.
    """
    async with db.transaction() as tx:
        found = await recovery.standing(tx)
        if found.is_open:
            return False
        if found.recovering_since is None:
            await recovery.shut(tx)
            return True
        return not await recovery.open_again(tx)
