"""The counter where people ask about their data."""

from __future__ import annotations

import pytest

from quickkub.privacy.office import Office
from quickkub.privacy.periods import read_periods
from quickkub.storage import Database
from tests.storage.privacy.counter import INDEX, Counter
from tests.support.shop import VAULT, open_shop


@pytest.fixture
async def counter(database: Database) -> Counter:
    """The counter."""
    shop = await open_shop(database)
    return Counter(shop, Office(database, VAULT, INDEX, read_periods({})))
