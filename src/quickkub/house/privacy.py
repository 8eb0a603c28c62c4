"""From settings to the privacy room: its keys, how long records are kept, and the nightly run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from quickkub.audit import Actor, ActorKind, acting
from quickkub.house.assembly import House
from quickkub.house.sealing import open_blind_index, open_vault
from quickkub.privacy.office import Office
from quickkub.privacy.periods import read_periods
from quickkub.privacy.service import Privacy
from quickkub.settings import Settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.worker.schedules import Schedule

_COMMAND: Final = "quickkub privacy"


def privacy_of(house: House, environment: Mapping[str, str] = os.environ) -> Privacy:
    """The room of this gateway. Raises WeakKey, RetentionTooShort."""
    index = open_blind_index(house.settings)
    return Privacy(Office(house.db, house.vault, index, read_periods(environment)))


@asynccontextmanager
async def privacy_office(
    dsn: str, settings: Settings, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Privacy]:
    """The same over a database, for a command. Raises DatabaseAway, WeakKey, RetentionTooShort."""
    vault, index, days = open_vault(settings), open_blind_index(settings), read_periods(environment)
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND)):
            yield Privacy(Office(db, vault, index, days))
    finally:
        await db.close()


def privacy_schedules(privacy: Privacy) -> dict[str, Schedule]:
    """Records past their time go every night."""

    async def let_go() -> None:
        await privacy.retention()

    # 03:40 in Bangkok, after the books and the log were verified.
    return {"retention": Schedule("40 20 * * *", let_go)}
