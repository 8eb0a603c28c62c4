"""The watch over payers' pages, at its time and by command."""

from __future__ import annotations

from typing import Final

from quickkub.audit import Actor, ActorKind, acting
from quickkub.settings import Settings
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from quickkub.web.page_watch import Watched, watch_pages
from quickkub.worker.schedules import Schedule

_COMMAND: Final = "quickkub watch"
JOB: Final = "page_watch"


def page_schedules(db: Database, settings: Settings) -> dict[str, Schedule]:
    """Payers' pages are looked at every day; PCI DSS 4.0.1, 11.6.1 asks for every seven days at least."""

    async def look() -> None:
        with acting(Actor(ActorKind.SYSTEM, JOB)):
            await watch_pages(db, settings.public_url)

    # 04:10 in Bangkok.
    return {JOB: Schedule("10 21 * * *", look)}


async def watch_now(dsn: str, settings: Settings, address: str | None, who: str) -> Watched:
    """Look at once, at the public address or another one of this gateway. Raises DatabaseAway."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND, role=who)):
            return await watch_pages(db, address or settings.public_url)
    finally:
        await db.close()
