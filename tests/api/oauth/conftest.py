"""One served OAuth2 server for each file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.oauth_http import Site, oauth_site
from tests.support.postgres import TestServer


@pytest.fixture(scope="module")
async def site(postgres_server: TestServer) -> AsyncIterator[Site]:
    """A gateway under its own address, which issues tokens; tests make clients of their own in it."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=10, scope=HOUSE)
        async with oauth_site(database) as opened:
            yield opened
        await database.close()
