"""The merchants' office over a database, for a command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from quickkub.audit import Actor, ActorKind, acting
from quickkub.merchants.office import MerchantOffice
from quickkub.settings import Settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE

_COMMAND: Final = "quickkub merchant"


@asynccontextmanager
async def merchant_office(dsn: str, settings: Settings) -> AsyncIterator[MerchantOffice]:
    """Raises DatabaseAway."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND)):
            yield MerchantOffice(db, settings.key_pepper)
    finally:
        await db.close()
