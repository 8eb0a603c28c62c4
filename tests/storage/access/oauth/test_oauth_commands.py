"""`quickkub oauth`, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from quickkub.access.oauth.clients import Clients
from quickkub.access.oauth.service import TokenOffice
from quickkub.access.tokens_keys import StoredKeyring
from quickkub.cli.app import build
from quickkub.kernel.clock import SystemClock
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.oauth import BACK, new_merchant
from tests.support.shop import VAULT


@dataclass
class OneDatabase:
    """The wiring of a program that knows one database."""

    dsn: str

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    @asynccontextmanager
    async def token_office(self, dsn: str) -> AsyncIterator[TokenOffice]:
        db = await open_database(dsn, size_max=1, scope=HOUSE)
        try:
            yield TokenOffice(StoredKeyring(db, VAULT, SystemClock()), Clients(db))
        finally:
            await db.close()


async def run(dsn: str, *arguments: str) -> Result:
    app = build(OneDatabase(dsn))  # type: ignore[arg-type]  # the part of the wiring that is used
    return await asyncio.to_thread(CliRunner().invoke, app, ["oauth", *arguments])


@pytest.fixture
async def merchant(database: Database) -> MerchantId:
    return await new_merchant(database)


async def test_keys_are_rotated_and_listed(database: Database, database_dsn: str) -> None:
    assert (await run(database_dsn, "keys", "list")).stdout == ""
    await StoredKeyring(database, VAULT, SystemClock()).current()
    rotated = await run(database_dsn, "keys", "rotate")
    assert rotated.exit_code == 0 and "published" in rotated.stdout
    again = await run(database_dsn, "keys", "rotate")
    assert again.stdout == "The next key is published already.\n"
    listed = (await run(database_dsn, "keys", "list", "--json")).stdout.splitlines()
    assert [json.loads(line)["state"] for line in listed] == ["current", "next"]
    now = await run(database_dsn, "keys", "rotate", "--now")
    assert "made current" in now.stdout
    listed = (await run(database_dsn, "keys", "list", "--json")).stdout.splitlines()
    assert [json.loads(line)["state"] for line in listed] == ["current"]


async def test_a_program_is_let_in_and_thrown_out(database_dsn: str, merchant: MerchantId) -> None:
    made = await run(
        database_dsn, "clients", "create", merchant, "Night report", "--scope", "payments:read", "--json"
    )
    assert made.exit_code == 0, made.output
    client = json.loads(made.stdout)
    assert client["client_secret"].startswith("qk_cs_")
    assert client["grant_types"] == ["client_credentials"] and client["mode"] == "test"
    listed = json.loads((await run(database_dsn, "clients", "list", merchant, "--json")).stdout)
    assert listed["id"] == client["id"] and "client_secret" not in listed
    assert (await run(database_dsn, "clients", "list", merchant, "--live")).stdout == ""
    assert (await run(database_dsn, "clients", "revoke", merchant, client["id"])).exit_code == 0
    again = await run(database_dsn, "clients", "revoke", merchant, client["id"])
    assert again.exit_code == 1 and "oauth_client_not_found" in again.stderr


async def test_a_program_with_a_key_and_an_address_asks_people(
    database_dsn: str, merchant: MerchantId, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}), "utf-8")
    words = ["--scope", "payments:read", "--redirect-uri", BACK, "--authentication", "private_key_jwt"]
    made = await run(
        database_dsn, "clients", "create", merchant, "Till", *words, "--jwks", str(keys), "--json", "--live"
    )
    client = json.loads(made.stdout)
    assert client["grant_types"] == ["authorization_code", "refresh_token"]
    assert (client["client_secret"], client["mode"]) == (None, "live")
    keys.write_text("not JSON", "utf-8")
    refused = await run(database_dsn, "clients", "create", merchant, "Till", *words, "--jwks", str(keys))
    assert refused.exit_code == 1


async def test_what_cannot_be_is_refused_in_one_line(database_dsn: str, merchant: MerchantId) -> None:
    for words in (
        ["--scope", "everything"],
        ["--scope", "payments:read", "--redirect-uri", "http://example.com"],
        ["--scope", "payments:read", "--authentication", "none"],
    ):
        refused = await run(database_dsn, "clients", "create", merchant, "Till", *words)
        assert refused.exit_code == 1 and refused.stderr.count("\n") == 1
    nobody = "mer_" + new_id("x")[2:]
    refused = await run(database_dsn, "clients", "create", nobody, "Till", "--scope", "payments:read")
    assert refused.exit_code == 1 and "merchant_not_found" in refused.stderr
