"""The users' office over a database, for a command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from quickkub.access.user_office import UserOffice
from quickkub.audit import Actor, ActorKind, acting
from quickkub.house.sealing import open_vault
from quickkub.settings import Settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE

_COMMAND: Final = "quickkub user"


@asynccontextmanager
async def user_office(dsn: str, settings: Settings) -> AsyncIterator[UserOffice]:
    """Raises DatabaseAway, WeakKey."""
    vault = open_vault(settings)
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND)):
            yield UserOffice(db, vault)
    finally:
        await db.close()
