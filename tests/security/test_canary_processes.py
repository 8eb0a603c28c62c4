"""A whole gateway with secrets through all of it: what its processes wrote is searched.

API, worker, simulators and PostgreSQL write to files, a merchant's webhooks arrive at a real receiver; these,
the metrics and every column of the database are searched for what must be in none of them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from quickkub.access import totp
from quickkub.connectors import registry
from quickkub.house.every_provider import method_of, visit
from quickkub.house.outside import Inbox, RunningGateway, environment, fetch, receive
from quickkub.kernel.secrets import Secret
from quickkub.storage import open_database
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.scope import HOUSE
from tests.security.canary.bag import Bag
from tests.security.canary.ear import Ear
from tests.security.canary.rows import columns
from tests.support.api import Client
from tests.support.browser_client import Browser

PASSWORD, NEXT, WRONG = (f"{secrets.token_hex(6)} otters paddle {secrets.token_hex(6)}" for _ in range(3))
EMAIL: Final = f"kanarie.{secrets.token_hex(4)}@example.com"
PAYER: Final = {
    "name": "Kanarie Vogelsang",
    "email": f"payer.{secrets.token_hex(4)}@example.com",
    "phone": "0897316425",
    "device_id": f"dev-{secrets.token_hex(12)}",
    "code": "917364528190736452",
}
CARD: Final = {
    **PAYER,
    "card_token": f"tokn_test_{secrets.token_hex(10)}",
    "card_fingerprint": secrets.token_hex(16),
}
MAY_KNOW: Final = {"email": {"users.email", "users.email_normal"}}
NOT_WRITTEN_BY_PROCESSES: Final = {"secrets.json", "demo.json"}
"""The operator's own files, readable by nobody else."""


@dataclass
class Scene:
    """A running gateway, a client of its shop, and somebody's browser."""

    gateway: RunningGateway
    shop: dict[str, Any]
    client: Client
    browser: Browser
    inbox: Inbox
    ear: Ear


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="quickkub-canary-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextlib.asynccontextmanager
async def running(folder: Path, ear: Ear) -> AsyncIterator[Scene]:
    gateway = RunningGateway(folder)
    shop = await asyncio.to_thread(gateway.start)
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(session, shop["url"], shop["api_key"], None, None)  # type: ignore[arg-type]
            browser = Browser(session, shop["url"], origin=shop["url"], cookie_name="qk_session")
            yield Scene(gateway, shop, client, browser, Inbox(), ear)
    finally:
        await asyncio.to_thread(gateway.stop)


async def test_nothing_a_gateways_processes_write_holds_a_secret(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ear = Ear(Bag({PASSWORD: "password", NEXT: "password", WRONG: "password", EMAIL: "email"}))
    for name, value in CARD.items():
        ear.bag.put(f"payer's {name}", value)
    ear.listens(monkeypatch)
    async with running(folder, ear) as scene:
        await a_shops_day(scene)
        await everybodys_money(scene)
        await somebody_signs_in(scene)
        await mistakes(scene)
        metrics = await asyncio.to_thread(fetch, scene.shop["url"] + "/metrics")
        finder = ear.bag.finder()
        held = await tables_with(folder, finder)
    written = {str(path.relative_to(folder)): path.read_bytes() for path in files_of(folder)}
    # The screen welcomes the operator with the demo shop's test key, once.
    written["up.log"] = written["up.log"].replace(scene.shop["api_key"].encode(), b"", 2)
    told = {body: kinds for _, body in scene.inbox.received if (kinds := finder.kinds_in(body))}
    with capsys.disabled():
        size = sum(map(len, written.values()))
        print(
            f"\ncanary, processes: {len(ear.bag.kinds)} secrets, {len(written)} files of {size} bytes,",
            end="",
        )
        print(f" {len(scene.inbox.received)} webhooks, {len(ear.answers)} answers")
    found = {path: kinds for path, text in written.items() if (kinds := finder.kinds_in(text))}
    assert found == {}
    assert told == {}
    assert finder.kinds_in(metrics) == set()
    assert held == []
    assert scene.inbox.received, "webhooks came, and were looked at"
    assert any(b"request" in text for text in written.values()), "there are log lines to look at"


async def a_shops_day(scene: Scene) -> None:
    """An endpoint, keys, accounts at providers with credentials that work nowhere."""
    scene.ear.bag.put("api key", scene.shop["api_key"])
    for account in scene.shop["accounts"].values():
        scene.ear.bag.put("callback token", account["callback_token"])
    for name, manifest in registry.providers().items():
        secret_fields = {field.name for field in manifest.fields if field.secret}
        for field, value in manifest.simulator_account.items():
            if field in secret_fields:
                scene.ear.bag.put(f"{name} {field}", value)
        await wrong_account(scene, name)
    hook = await asyncio.to_thread(receive, scene.inbox)
    told = await scene.client.posts("/v1/webhook_endpoints", {"url": hook})
    assert told.status == 201, told.body
    await scene.client.posts(f"/v1/webhook_endpoints/{told.json['id']}/rotate_secret")
    key = await scene.client.posts("/v1/api_keys", {"name": "till", "scopes": ["payments:read"]})
    assert key.status == 201, key.body
    await scene.client.with_key(key.json["key"]).gets("/v1/payments")
    await scene.client.posts(f"/v1/api_keys/{key.json['id']}/roll")


async def wrong_account(scene: Scene, provider: str) -> None:
    """Credentials of the right shape that the provider does not know: an exchange that fails."""
    manifest = registry.providers()[provider]
    particulars = dict(manifest.simulator_account)
    for field in manifest.fields:
        if field.secret and "BEGIN" not in particulars.get(field.name, "BEGIN"):
            other = particulars[field.name][:-8] + secrets.token_hex(4)
            particulars[field.name] = other
            scene.ear.bag.put(f"{provider} {field.name}", other)
    told = await scene.client.posts(
        "/v1/provider_accounts", {"provider": provider, "particulars": particulars}
    )
    assert told.status < 500, (provider, told.body)


async def everybodys_money(scene: Scene) -> None:
    """A payment and a refund at each provider, one with a card that no provider knows, and a bad slip."""
    for number, (name, manifest) in enumerate(registry.providers().items()):
        offer = method_of(manifest)
        await asyncio.to_thread(
            visit, scene.gateway, scene.shop, name, offer, satang=15_075 + 101 * number, payer=PAYER
        )
    for method in {one.method for manifest in registry.providers().values() for one in manifest.methods}:
        order = {"amount": 30_000, "currency": "THB", "method": method, "payer": CARD}
        told = await scene.client.posts("/v1/payments", order)
        assert told.status < 500, told.body
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + secrets.token_bytes(200)).decode()
    scene.ear.bag.put("slip", picture[60:160])
    assert (await scene.client.posts("/v1/slips/verify", {"image": picture})).status in {400, 422}


async def somebody_signs_in(scene: Scene) -> None:
    """From the letter to a second factor, a recovery code, a wrong password and a changed one."""
    await asyncio.to_thread(user_is_added, scene)
    token = await letter(scene.gateway.folder)
    browser, bag = scene.browser, scene.ear.bag
    told = await browser.posts("/auth/reset-password", {"token": token, "password": PASSWORD})
    assert told.status == 200, told.body
    assert (await browser.logs_in(EMAIL, WRONG)).status == 401
    assert (await browser.logs_in(EMAIL, PASSWORD)).status == 200
    begun = (await browser.posts("/auth/totp/enrol")).json
    code = totp.code_at(Secret(begun["secret"]), datetime.now(UTC))
    codes = (await browser.posts("/auth/totp/confirm", {"code": code})).json["codes"]
    challenge = (await browser.logs_in(EMAIL, PASSWORD)).json["challenge"]
    assert (await browser.posts("/auth/totp", {"challenge": challenge, "code": codes[0]})).status == 200
    words = {"current_password": PASSWORD, "password": NEXT}
    assert (await browser.posts("/auth/change-password", words)).status == 200
    assert (await browser.gets("/v1/platform/merchants")).status == 200
    bag.put_shown({"codes": codes})


def user_is_added(scene: Scene) -> None:
    words = ["user", "add", EMAIL, "--name", "Kanarie", "--operator", "break_glass", "--english"]
    added = subprocess.run(
        [sys.executable, "-m", "quickkub.main", *words],
        env=environment(scene.gateway.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert added.returncode == 0, added.stdout + added.stderr


async def letter(folder: Path) -> str:
    """The token in the first letter that the worker writes."""
    async with asyncio.timeout(30):
        while not (letters := [path for path in (folder / "mail").rglob("*") if path.is_file()]):
            await asyncio.sleep(0.05)
    found = re.search(r"#([\w-]+)", letters[0].read_text(encoding="utf-8").replace("=\n", ""))
    assert found is not None, letters[0].read_text()
    return found[1]


async def mistakes(scene: Scene) -> None:
    """Secrets where they do not belong, also where the HTTP server itself says no."""
    client = scene.client
    for secret in [*scene.ear.bag.kinds][:40]:
        if secret.isascii() and secret.isprintable() and " " not in secret:
            await client.gets(f"/{secret}?key={secret}")
            await client.with_key(None).gets("/v1/payments", Authorization=secret, Cookie=secret)
            await client.asks("POST", "/auth/login", raw=secret.encode(), headers={"Origin": secret})
            await raw(scene, f"GET / HTTP/1.1\r\nHost: x\r\n{secret} \x01: {secret}\r\n\r\n")
            await raw(scene, f"{secret} / HTTP/1.1\r\n\r\n")


async def raw(scene: Scene, text: str) -> None:
    """Bytes that are no request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.gateway.port)
    writer.write(text.encode())
    writer.write_eof()
    async with asyncio.timeout(15):
        await reader.read()
    writer.close()


async def tables_with(folder: Path, finder: Any) -> list[str]:
    """Columns that hold something secret."""
    database = await open_database(EmbeddedPostgres(folder / "postgres").dsn(), size_max=1, scope=HOUSE)
    try:
        return [
            f"{column}: {kind}"
            async for column, values in columns(database)
            for kind in finder.kinds_in(values)
            if column not in MAY_KNOW.get(kind, set())
        ]
    finally:
        await database.close()


def files_of(folder: Path) -> list[Path]:
    """What the processes wrote, but for the database's own files, letters and what is the operator's."""
    aside = (folder / "postgres/cluster", folder / "mail")
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in NOT_WRITTEN_BY_PROCESSES
        and not any(path.is_relative_to(one) for one in aside)
    ]
