"""`quickkub merchant`, on a real database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from quickkub.cli.app import build
from quickkub.house.wiring import HouseWiring
from quickkub.kernel.clock import SystemClock
from quickkub.merchants.keys import Caller, Keys
from quickkub.settings import read_settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.postgres import TestServer


@pytest.fixture
def dsn(postgres_server: TestServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database for commands, which run loops of their own; secrets are made in a folder of this test's."""
    monkeypatch.setenv("QUICKKUB_DATA_DIR", str(tmp_path))
    with asyncio.Runner() as runner:
        fresh = postgres_server.fresh_database()
        yield runner.run(fresh.__aenter__())
        runner.run(fresh.__aexit__(None, None, None))


def says(dsn: str, *words: str) -> Result:
    return CliRunner().invoke(build(HouseWiring()), [*words, "--database", dsn])


def caller(dsn: str, key: str) -> Caller:
    """Who a gateway with the same settings takes the key for."""

    async def ask() -> Caller:
        database = await open_database(dsn, scope=HOUSE)
        try:
            return await Keys(database, read_settings(os.environ).key_pepper, SystemClock()).caller(key)
        finally:
            await database.close()

    return asyncio.run(ask())


def test_a_merchant_is_made_with_a_test_key_that_works(dsn: str) -> None:
    told = says(dsn, "merchant", "create", "ร้านส้มตำ")
    assert told.exit_code == 0, told.output
    merchant, key = (line.split()[-1] for line in told.output.strip().splitlines())
    assert (caller(dsn, key).merchant, caller(dsn, key).mode) == (merchant, "test")
    assert "ร้านส้มตำ" in says(dsn, "merchant", "list").output
    made = says(dsn, "merchant", "keys", "create", merchant, "--live").output.split()[-1]
    assert made.startswith("qk_live_sk_") and caller(dsn, made).mode == "live"
    listed = says(dsn, "merchant", "keys", "list", merchant, "--live").output
    assert made[-4:] in listed and made not in listed


def test_a_key_is_revoked_once_and_the_log_knows_by_which_command(dsn: str) -> None:
    merchant = says(dsn, "merchant", "create", "Som Tam").output.split()[1]
    key_id = says(dsn, "merchant", "keys", "list", merchant).output.split()[0]
    assert says(dsn, "merchant", "keys", "revoke", merchant, key_id).exit_code == 0
    assert says(dsn, "merchant", "keys", "revoke", merchant, key_id).exit_code == 1

    async def acts() -> list[tuple[str, str]]:
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch("SELECT action, actor_id FROM audit_logs ORDER BY created_at")
        finally:
            await connection.close()
        return [(row["action"], row["actor_id"]) for row in rows]

    assert asyncio.run(acts()) == [
        (action, "quickkub merchant") for action in ("merchant.created", "key.created", "key.revoked")
    ]


def test_a_nameless_merchant_and_one_that_is_not_there_are_refused(dsn: str) -> None:
    assert says(dsn, "merchant", "create", " ").exit_code == 1
    told = says(dsn, "merchant", "keys", "create", "mer_" + "0" * 32)
    assert (told.exit_code, "merchant_not_found" in told.output) == (1, True)


def test_where_payers_may_be_sent_back_to_is_set_shown_and_emptied(dsn: str) -> None:
    merchant = says(dsn, "merchant", "create", "Som Tam").output.split()[1]
    words = ("merchant", "return-addresses", merchant)
    assert says(dsn, *words).output == ""
    told = says(dsn, *words, "https://Shop.example/", "https://shop.example/pay")
    assert told.output.split() == ["https://shop.example", "https://shop.example/pay"]
    assert says(dsn, *words).output == told.output
    wrong = says(dsn, *words, "http://shop.example")
    assert wrong.exit_code == 1 and "return_address_invalid" in wrong.output
    assert says(dsn, *words, "--none").exit_code == 0 and says(dsn, *words).output == ""
