"""The counter where people ask about their data."""

from __future__ import annotations

import pytest

from quickkub.privacy.office import Office
from quickkub.privacy.periods import read_periods
from quickkub.storage import Database
from tests.storage.privacy.counter import Counter
from tests.support.api import INDEX
from tests.support.shop import VAULT, open_shop


@pytest.fixture
async def counter(database: Database) -> Counter:
    """The counter."""
    shop = await open_shop(database)
    return Counter(shop, Office(database, VAULT, INDEX, read_periods({})))
