"""Fixtures of the API tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client, gateway
from tests.support.postgres import TestServer


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Client]:
    """A shop with a key, asking a gateway of its own over HTTP."""
    async with gateway(database) as client:
        yield client


@pytest.fixture(scope="module")
async def same_shop(postgres_server: TestServer) -> AsyncIterator[Client]:
    """The same for all tests of a file, which must not mind what the others left there."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=10, scope=HOUSE)
        async with gateway(database) as client:
            yield client
        await database.close()
