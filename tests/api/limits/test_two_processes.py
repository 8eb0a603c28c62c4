"""Two API processes of one gateway and a Valkey between them, as they run in production."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import open_key
from quickkub.storage import Database
from tests.support.ports import free_port
from tests.support.shop import open_shop
from tests.support.valkey import Valkey, running_valkey

ROOT = Path(__file__).resolve().parents[3]
PEPPER = "a pepper for two processes, long enough to be one"
START_SECONDS = 120


@dataclass
class Pair:
    """Two processes that share a Valkey, and a key of a shop at them."""

    session: aiohttp.ClientSession
    urls: list[str]
    key: str
    valkey: Valkey

    async def ask(self, number: int, path: str, *, method: str = "GET", key: bool = False) -> tuple[int, str]:
        """Ask one of the two; returns status and code."""
        headers = {"Authorization": f"Bearer {self.key}"} if key else {}
        url = self.urls[number % 2] + path
        async with self.session.request(method, url, headers=headers, data=b"{}") as told:
            problem = told.status >= 400 and told.content_type == "application/problem+json"
            return told.status, str((await told.json(content_type=None))["code"]) if problem else ""


@pytest.fixture
async def pair(database: Database, database_dsn: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Started and, at the end, killed."""
    shop = await open_shop(database)
    async with database.transaction() as tx:
        _, key = await open_key(tx, Secret(PEPPER), shop.merchant, "test")
    ports = [free_port(), free_port()]
    with running_valkey() as valkey:
        async with contextlib.AsyncExitStack() as stack:
            for port in ports:
                await stack.enter_async_context(api_process(database_dsn, tmp_path, port, valkey.url))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            urls = [f"http://127.0.0.1:{port}" for port in ports]
            async with asyncio.timeout(START_SECONDS):
                for url in urls:
                    await is_ready(session, url)
            yield Pair(session, urls, key.reveal(), valkey)


@contextlib.asynccontextmanager
async def api_process(dsn: str, folder: Path, port: int, redis_url: str) -> AsyncIterator[Process]:
    env = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(ROOT / "src"),
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_url,
        "QUICKKUB_DATA_DIR": str(folder),
        "QUICKKUB_PORT": str(port),
        "QUICKKUB_KEY_PEPPER": PEPPER,
        "ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode(),
        "QUICKKUB_TEST_RATE": "5",
        "RATE_LIMIT_MAX_REQUESTS": "10",
    }
    with (folder / f"api-{port}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "quickkub.main", "serve", "api"),
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            cwd=ROOT,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def is_ready(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(url + "/readyz") as told:
                if told.status == 200:
                    return
        await asyncio.sleep(0.05)


async def test_two_processes_count_together_and_outlive_their_valkey(pair: Pair) -> None:
    # Callers without a key: ten between the two, not ten each.
    anonymous = [(await pair.ask(n, "/docs"))[0] for n in range(14)]
    assert anonymous == [200] * 10 + [429] * 4

    # A key: its burst between the two, and what grew back meanwhile.
    began = time.monotonic()
    keyed = Counter([(await pair.ask(n, "/v1/settings", key=True))[0] for n in range(40)])
    grown = 5 * (time.monotonic() - began)
    assert 10 <= keyed[200] <= 10 + grown + 1
    assert keyed[200] + keyed[429] == 40

    # Logins: two between the two (a fifth of ten).
    logins = [await pair.ask(n, "/auth/login", method="POST") for n in range(4)]
    assert [status == 429 for status, _ in logins] == [False, False, True, True]

    # Valkey dies while both are asked: nobody with a key notices, nobody can try passwords.
    asking = asyncio.create_task(asks_on(pair))
    await asyncio.sleep(0)
    pair.valkey.kill()
    statuses = await asking
    assert set(statuses) <= {200, 429}
    assert statuses[200] > 0
    for number in (0, 1):
        assert await pair.ask(number, "/auth/login", method="POST") == (503, "login_unavailable")
        assert (await pair.ask(number, "/livez"))[0] == 200

    # And it is used again by itself, with nobody restarting anything. It came back empty.
    pair.valkey.start()
    async with asyncio.timeout(30):
        for number in (0, 1):
            while (await pair.ask(number, "/auth/login", method="POST"))[1] == "login_unavailable":
                await asyncio.sleep(0.05)
    assert pair.valkey.server is not None
    with pair.valkey.server.client() as client:
        assert client.dbsize() > 0


async def asks_on(pair: Pair) -> Counter[int]:
    return Counter([(await pair.ask(n, "/v1/settings", key=True))[0] for n in range(60)])
