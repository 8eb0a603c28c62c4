"""What is done by the clock: reviews nobody decided, and rows that nothing needs any more."""

from __future__ import annotations

from typing import Final

from quickkub.fraud import reviews, store, velocity_store
from quickkub.storage import Database

DECISION_MONTHS: Final = 13
"""How long inputs of decisions are kept (security-reliability 8, retention)."""

AT_ONCE: Final = 2_000


async def tidy(db: Database) -> None:
    """Close reviews whose time is over; delete counters no window reaches and decisions past their 13 months.

    Looks across merchants, in short transactions, until nothing is left to do.
    """
    while await reviews.expire(db, AT_ONCE):
        pass
    gone = 1
    while gone:
        async with db.transaction() as tx:
            gone = await velocity_store.prune(tx, AT_ONCE)
            gone += await store.forget_decisions(tx, DECISION_MONTHS, AT_ONCE)
