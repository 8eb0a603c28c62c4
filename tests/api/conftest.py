"""Fixtures of the API tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from quickkub.storage import Database

from tests.support.api import Client, gateway


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Client]:
    """A shop with a key, asking a served gateway over HTTP."""
    async with gateway(database) as client:
        yield client
