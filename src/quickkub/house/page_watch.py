"""The watch over payers' pages, at its time and by command; and what is overdue."""

from __future__ import annotations

from typing import Final

from quickkub.audit import Actor, ActorKind, acting
from quickkub.reports.deadlines import look_at_deadlines
from quickkub.settings import Settings
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.web.page_watch import Watched, watch_pages
from quickkub.worker.schedules import Schedule

_COMMAND: Final = "quickkub watch"
JOB: Final = "page_watch"


def page_schedules(db: Database, settings: Settings) -> dict[str, Schedule]:
    """Payers' pages are looked at every day; PCI DSS 4.0.1, 11.6.1 asks for every seven days at least.

    Every hour it is told what of this and of people's rights is overdue.
    """

    async def look() -> None:
        with acting(Actor(ActorKind.SYSTEM, JOB)):
            await watch_pages(db, settings.public_url)

    async def count() -> None:
        await look_at_deadlines(db)

    # 04:10 in Bangkok.
    return {JOB: Schedule("10 21 * * *", look), "deadlines": Schedule("23 * * * *", count)}


async def watch_now(dsn: str, settings: Settings, address: str | None, who: str) -> Watched:
    """Look at once, at the public address or another one of this gateway. Raises DatabaseAway."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND, role=who)):
            return await watch_pages(db, address or settings.public_url)
    finally:
        await db.close()
