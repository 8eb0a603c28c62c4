"""`quickkub listen` beside a served gateway: a process of its own, as a developer runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from quickkub.storage import Database
from tests.support.api import Client, gateway
from tests.support.receiver import Receiver, Says, receiving
from tests.support.shop import VAULT
from tests.support.webhooks import Kiosk

ROOT = Path(__file__).parents[2]
RUN = "import typer; from quickkub.cli.listen import listen; typer.run(listen)"


@pytest.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    async with gateway(database) as opened:
        yield opened


@pytest.fixture
async def kiosk(client: Client, database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    """The served gateway's merchant, and a worker that delivers."""
    opened = Kiosk(database, pool, client.shop.merchant)
    opened.vault = VAULT
    return opened


@dataclass
class Listening:
    """A running `quickkub listen`."""

    process: Process
    url: str = ""

    async def says(self) -> str:
        """The next line on standard output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            return (await self.process.stdout.readline()).decode().rstrip()

    async def shows(self) -> dict[str, Any]:
        """The next line, read as JSON."""
        shown: dict[str, Any] = json.loads(await self.says())
        return shown

    async def complains(self) -> str:
        """The next line on standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            return (await self.process.stderr.readline()).decode().rstrip()

    async def ends(self) -> int:
        """Its exit status."""
        async with asyncio.timeout(20):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def starting(client: Client | None, *words: str, **variables: str) -> AsyncIterator[Listening]:
    """Start it; port 0 takes any that is free."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUICKKUB_")}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"} | variables
    if client is not None:
        environment |= {"QUICKKUB_URL": client.url, "QUICKKUB_API_KEY": client.key or ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, *words, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        yield Listening(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def listening(client: Client, *words: str) -> AsyncIterator[Listening]:
    """Start it and wait until it listens."""
    async with starting(client, "--port", "0", *words) as started:
        line = await started.complains()
        assert line.startswith("Listening on http://127.0.0.1:"), line
        started.url = line.split()[2]
        yield started


async def endpoints(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.gets("/v1/webhook_endpoints")).json["data"]
    return found


async def test_it_prints_a_webhook_says_that_it_is_genuine_and_leaves_nothing_behind(
    client: Client, kiosk: Kiosk
) -> None:
    async with listening(client, "--once") as started:
        event = await kiosk.happens()
        await kiosk.delivers()
        line = await started.says()
        assert "payment.succeeded" in line and "150.00 THB" in line and line.endswith("verified")
        assert await started.ends() == 0
    assert await endpoints(client) == []
    assert await kiosk.pool.fetchval("SELECT state FROM webhook_deliveries WHERE event_id = $1", event) == (
        "delivered"
    )


async def test_json_lines_are_for_programs(client: Client, kiosk: Kiosk) -> None:
    async with listening(client, "--json", "--events", "2", "--type", "payment.succeeded") as started:
        await kiosk.happens("payment.failed")
        events = [await kiosk.happens(about=f"pay_{number}") for number in range(2)]
        await kiosk.delivers()
        shown = [await started.shows(), await started.shows()]
        assert await started.ends() == 0
    assert sorted(one["id"] for one in shown) == sorted(events)
    first = shown[0]
    assert (first["genuine"], first["compatible_genuine"], first["repeated"]) == (True, True, False)
    assert (first["type"], first["amount"], first["currency"]) == ("payment.succeeded", 15_000, "THB")


async def test_a_forgery_is_refused_and_shown_as_one(client: Client) -> None:
    async with listening(client, "--json", "--once") as started, aiohttp.ClientSession() as anybody:
        words = {"id": "evt_1", "type": "payment.succeeded", "data": {"object": {"amount": 10**9}}}
        async with anybody.post(started.url, json=words) as answer:
            assert answer.status == 401
        shown = await started.shows()
        assert (shown["genuine"], shown["compatible_genuine"]) == (False, False)
        assert await started.ends() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_deletes_its_endpoint_when_it_is_stopped(client: Client, number: signal.Signals) -> None:
    async with listening(client) as started:
        assert len(await endpoints(client)) == 1
        started.process.send_signal(number)
        assert await started.ends() == 0
    assert await endpoints(client) == []


async def test_what_a_killed_run_left_behind_is_cleared_by_the_next(client: Client) -> None:
    async with listening(client) as killed:
        killed.process.kill()
        await killed.ends()
    [left] = await endpoints(client)
    port = killed.url.rsplit(":", 1)[1].rstrip("/")
    async with starting(client, "--port", port) as started:
        await started.complains()
        [fresh] = await endpoints(client)
        assert fresh["url"] == left["url"] and fresh["id"] != left["id"]


@pytest.fixture
async def developer() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_a_genuine_webhook_is_passed_on_with_its_signatures_and_the_answer_comes_back(
    client: Client, kiosk: Kiosk, developer: Receiver
) -> None:
    developer.will(Says(500, b"my shop is broken"))
    async with listening(client, "--json", "--events", "2", "--forward-to", developer.url()) as started:
        event = await kiosk.happens()
        await kiosk.delivers()
        refused = await started.shows()
        await kiosk.time_passes(seconds=10)
        await kiosk.delivers()
        accepted = await started.shows()
    assert [(one["forwarded"], one["repeated"]) for one in (refused, accepted)] == [(500, False), (200, True)]
    assert developer.ids == [event, event]
    assert "x-webhook-signature" in developer.requests[0].headers
    answers = await kiosk.pool.fetch("SELECT answer FROM webhook_tries ORDER BY lease_token")
    assert [row["answer"] for row in answers] == ["my shop is broken", "thank you"]


async def test_without_a_gateway_it_says_so() -> None:
    async with starting(
        None, "--port", "0", "--url", "http://127.0.0.1:1", "--api-key", "qk_test_sk_x"
    ) as started:
        assert (await started.complains()).startswith("gateway_not_reached: no gateway answers")
        assert await started.ends() == 2


async def test_a_key_that_is_refused_is_told_in_the_gateways_words(client: Client) -> None:
    async with starting(client.with_key("qk_test_sk_wrong"), "--port", "0") as started:
        assert (await started.complains()).startswith("gateway_refused: key_refused")
        assert await started.ends() == 2


async def test_without_a_key_the_demo_shop_is_used(client: Client, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text(json.dumps({"url": client.url, "api_key": client.key}))
    async with starting(None, "--port", "0", "--data-dir", str(tmp_path)) as started:
        assert (await started.complains()).startswith("Listening on")
    async with starting(None, "--port", "0", "--data-dir", str(tmp_path / "nothing")) as started:
        assert (await started.complains()).startswith("api_key_missing:")
        assert await started.ends() == 2


async def test_a_port_in_use_is_told_before_anything_is_registered(
    client: Client, developer: Receiver
) -> None:
    async with starting(client, "--port", str(developer.port)) as started:
        assert (await started.complains()).startswith("listen_port_taken:")
        assert await started.ends() == 2
    assert await endpoints(client) == []
