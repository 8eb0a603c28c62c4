"""The gateway as it is put together: tokens by rotating keys or by one secret, and schedules for the keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from quickkub.access.oauth.clients import NewClient
from quickkub.house.api_process import build_app, limits_of
from quickkub.house.assembly import House, open_house
from quickkub.house.tokens import FAMILY, keyring_of, oauth_of, token_office, token_schedules
from quickkub.settings import BadSetting, Settings, read_settings
from quickkub.storage import Database
from quickkub.storage.scope import HOUSE, house
from quickkub.web.routes import hub_for
from tests.support.oauth import new_merchant, parts_of
from tests.support.server import serving


def settings_in(folder: Path) -> Settings:
    """Those of a bare machine, whose keys are made at the first start."""
    return read_settings({"QUICKKUB_DATA_DIR": str(folder), "QUICKKUB_PUBLIC_URL": "http://127.0.0.1:3002"})


@asynccontextmanager
async def opened(dsn: str, folder: Path) -> AsyncIterator[House]:
    async with open_house(settings_in(folder), dsn, connections=4) as found:
        yield found


async def new_program(opened: House, database: Database) -> tuple[str, str]:
    """A client of a new merchant, and its secret."""
    merchant = await new_merchant(database)
    asked = NewClient("Report", "client_secret", ("client_credentials",), ("payments:read",))
    with house():
        client, secret = await oauth_of(opened).clients.create(merchant, "test", asked, by=None)
    assert secret is not None
    return client.id, secret.reveal()


async def token_from(url: str, client: str, secret: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            url + "/oauth/token",
            data={"grant_type": "client_credentials", "client_id": client, "client_secret": secret},
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["access_token"])


async def payments_seen(url: str, token: str) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.get(url + "/v1/payments", headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(("family", "algorithm"), [("rotating", "ES256"), ("shared", "HS256")])
async def test_a_gateway_gives_and_takes_tokens_of_its_family(
    database: Database,
    database_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    family: str,
    algorithm: str,
) -> None:
    monkeypatch.setenv(FAMILY, family)
    async with opened(database_dsn, tmp_path) as found:
        client, secret = await new_program(found, database)
        hub, limits = hub_for(found.db), limits_of(found.settings)
        async with serving(build_app(found, hub, limits)) as url:
            token = await token_from(url, client, secret)
            assert parts_of(token)[0]["alg"] == algorithm
            assert await payments_seen(url, token) == 200
            assert await payments_seen(url, token[:-4] + "AAAA") == 401
            async with aiohttp.ClientSession() as http, http.get(url + "/.well-known/jwks.json") as answer:
                assert bool((await answer.json())["keys"]) is (family == "rotating")
            async with aiohttp.ClientSession() as http, http.get(url + "/oauth/authorize") as answer:
                assert answer.status == 400 and "text/html" in answer.headers["content-type"]
        await hub.close()
        await limits.close()


async def test_another_family_is_refused_at_the_start(database_dsn: str, tmp_path: Path) -> None:
    said: Mapping[str, str] = {FAMILY: "HS256"}
    async with opened(database_dsn, tmp_path) as found:
        with pytest.raises(BadSetting) as caught:
            keyring_of(found, said)
    assert caught.value.param == FAMILY


async def test_the_worker_tends_the_keys_and_forgets_by_the_clock(
    database: Database, database_dsn: str, tmp_path: Path
) -> None:
    async with open_house(settings_in(tmp_path), database_dsn, connections=2, scope=HOUSE) as found:
        schedules = token_schedules(found)
        await schedules["token_keys"].work()
        await schedules["oauth_housekeeping"].work()
    async with database.read() as reader:
        assert await reader.fetchval("SELECT state FROM signing_keys") == "current"


async def test_a_commands_office_works_as_the_command(database_dsn: str, tmp_path: Path) -> None:
    async with token_office(database_dsn, settings_in(tmp_path)) as office:
        await office.keys.rotate()
        [row] = await office.keys.rows()
    assert row["state"] == "current"
