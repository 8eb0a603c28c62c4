"""Fixtures every folder of tests may use; nothing starts before a test asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.postgres import TestServer, open_owner_pool, private_folder, running_server

pytest_plugins = ["tests.support.hypothesis_profiles", "tests.support.scb"]


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder for PostgreSQL servers of this run; they and it are gone at the end, even after kill -9."""
    with private_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[TestServer]:
    """The PostgreSQL server of this run."""
    with running_server(servers_folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_dsn(postgres_server: TestServer) -> str:
    """The server's own database: allowed to create others, without our tables."""
    return postgres_server.dsn


@pytest.fixture
async def database_dsn(postgres_server: TestServer) -> AsyncIterator[str]:
    """A migrated database of this test's own, dropped afterwards."""
    async with postgres_server.fresh_database() as dsn:
        yield dsn


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """The pool as a worker opens it, on a fresh database: tasks that say nothing see all rows."""
    opened = await open_database(database_dsn, size_max=10, scope=HOUSE)
    yield opened
    await opened.close()


@pytest.fixture
async def pool(database: Database, database_dsn: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A bare pool of the tables' owner on the same database, for asserting on rows and for breaking them."""
    async with open_owner_pool(database_dsn) as owned:
        yield owned
