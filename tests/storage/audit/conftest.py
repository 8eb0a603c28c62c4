"""A log with two chains, written and sealed as in a day's work, and where its anchors go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from quickkub.audit import Act, Actor, ActorKind, acting, record
from quickkub.audit.anchoring import AnchorPlace
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database
from tests.storage.audit.log import Log
from tests.support.rows import add_shop

NIDA = Actor(ActorKind.USER, "usr_nida", role="admin", ip_address="198.51.100.7", user_agent="Firefox")


@pytest.fixture
def place(tmp_path: Path) -> AnchorPlace:
    """An anchor folder and the key's file."""
    return AnchorPlace(tmp_path / "anchors", tmp_path / "audit-anchor-key.json")


@pytest.fixture
async def log(database: Database, pool: asyncpg.Pool[Any], place: AnchorPlace) -> Log:
    """Five acts of a merchant and two of the platform, sealed."""
    async with database.transaction() as tx:
        merchant: MerchantId = (await add_shop(tx)).merchant
    written = Log(database, merchant, place, pool)
    with acting(NIDA):
        for number in range(5):
            await written.notes(number)
    async with database.transaction() as tx:
        await record(tx, Act("merchant.created", "merchant", merchant))
        await record(tx, Act("merchant.approved", "merchant", merchant))
    await written.seals()
    return written
