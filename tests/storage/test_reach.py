"""A database that was named to us is looked at before anything is built on it."""

from __future__ import annotations

import socket

import pytest

from quickkub.storage import DatabaseAway, reach
from quickkub.storage.reach import DatabaseRefusesUs, DatabaseTooOld
from tests.support.postgres import dsn_of


async def test_a_database_that_answers_is_fine(postgres_dsn: str) -> None:
    assert await reach.reach(postgres_dsn) is None  # type: ignore[func-returns-value]


async def test_a_server_that_is_not_there_is_away() -> None:
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(("127.0.0.1", 0))
        port = bound_but_deaf.getsockname()[1]
        with pytest.raises(DatabaseAway, match="does not answer"):
            await reach.reach(f"postgresql://quickkub@127.0.0.1:{port}/quickkub")


async def test_a_database_that_does_not_exist_is_named(postgres_dsn: str) -> None:
    with pytest.raises(DatabaseRefusesUs, match='database "nowhere" does not exist'):
        await reach.reach(dsn_of(postgres_dsn, "nowhere"))


async def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(DatabaseRefusesUs):
        await reach.reach("mysql://root@localhost/shop")


async def test_an_old_server_is_refused_with_the_version_we_need(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "OLDEST_SERVER", 99)
    with pytest.raises(DatabaseTooOld, match="needs 99 or newer"):
        await reach.reach(postgres_dsn)
