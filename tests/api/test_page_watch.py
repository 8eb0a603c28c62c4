"""The watch over payers' pages, on a real server with somebody in between (PCI DSS 6.4.3, 11.6.1)."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from quickkub.audit import Actor, ActorKind, acting
from quickkub.cli.watch import app as command
from quickkub.house.page_watch import JOB, page_schedules, watch_now
from quickkub.settings import Settings, read_settings
from quickkub.storage import Database
from quickkub.telemetry.pages import DIFFERENCES, UNREACHED, WATCHED
from quickkub.web.assets import Assets
from quickkub.web.page_watch import Watched, watch_pages
from tests.support import checkout_site, next_actions
from tests.support.checkout_site import Site, running_site
from tests.support.ports import free_port
from tests.support.server import serving

Headers = dict[bytes, bytes]


@dataclass
class Meddler:
    """Sits between the gateway and its payers, and changes what it likes."""

    headers: Callable[[str, Headers], object] = lambda path, headers: None
    body: Callable[[str, bytes, bool], bytes] = lambda path, body, gzipped: body
    app: Any = field(default=None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        whole = b""

        async def meddle(message: dict[str, Any]) -> None:
            nonlocal whole
            if message["type"] == "http.response.start":
                start.update(message)
                return
            whole += message.get("body", b"")
            if message.get("more_body"):
                return
            headers: Headers = dict(start["headers"])
            path = scope["path"]
            self.headers(path, headers)
            body = self.body(path, whole, headers.get(b"content-encoding") == b"gzip")
            if b"content-length" in headers:
                headers[b"content-length"] = str(len(body)).encode()
            await send(start | {"headers": list(headers.items())})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, meddle)


@dataclass
class Watch:
    """The site, who meddles with it, and the look."""

    site: Site
    meddler: Meddler
    database: Database

    async def looks(self) -> Watched:
        with acting(Actor(ActorKind.SYSTEM, "test")):
            return await watch_pages(self.database, self.site.url)


@pytest.fixture
async def watch(
    database: Database, pool: asyncpg.Pool[Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watch]:
    meddler = Meddler()

    def between(app: Any) -> Any:
        meddler.app = app
        return serving(meddler)

    monkeypatch.setattr(checkout_site, "serving", between)
    async with running_site(database, pool) as site:
        yield Watch(site, meddler, database)


async def rows(database: Database) -> list[Any]:
    async with database.read() as reader:
        return await reader.fetch("SELECT * FROM page_watches ORDER BY id")


async def test_pages_that_are_what_is_shipped_are_written_down_as_such(watch: Watch) -> None:
    await watch.site.asks()
    found = await watch.looks()
    assert found.differences == () and found.unreached is None
    assert found.pages == ("message", "checkout") and found.answers == 2 * (2 + 4)
    (row,) = await rows(watch.database)
    assert row["outcome"] == "same" and row["pages"] == ["message", "checkout"] and row["different"] == 0
    assert DIFFERENCES._value.get() == 0 and UNREACHED._value.get() == 0 and WATCHED._value.get() > 0
    async with watch.database.read() as reader:
        entry = await reader.fetchrow("SELECT * FROM audit_logs WHERE action = 'pages.watched'")
    assert entry is not None and entry["outcome"] == "done" and entry["resource_id"] == found.id


async def test_a_gateway_without_payments_has_its_other_page_and_all_files_looked_at(watch: Watch) -> None:
    found = await watch.looks()
    assert found.outcome == "same" and found.pages == ("message",)


async def test_a_page_with_a_providers_form_is_passed_over_for_one_like_all_others(watch: Watch) -> None:
    await watch.site.asks()
    await watch.site.asks(method="card", action=next_actions.FORM)
    found = await watch.looks()
    assert found.differences == () and "checkout" in found.pages


@pytest.mark.parametrize("name", ["checkout.js", "base.css", "checkout.css", "icon.svg"])
async def test_a_file_that_was_changed_on_the_way_is_found(
    watch: Watch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Assets().of(name).path

    def changed(asked: str, body: bytes, gzipped: bool) -> bytes:
        if asked != path:
            return body
        more = (gzip.decompress(body) if gzipped else body) + b"/* skim */"
        return gzip.compress(more) if gzipped else more

    watch.meddler.body = changed
    found = await watch.looks()
    assert found.outcome == "different"
    assert [one.partition(":")[0] for one in found.differences] == [name]
    assert DIFFERENCES._value.get() == 1
    (row,) = await rows(watch.database)
    assert row["outcome"] == "different" and name in row["differences"][0]
    async with watch.database.read() as reader:
        assert (
            await reader.fetchval("SELECT outcome FROM audit_logs WHERE action = 'pages.watched'") == "failed"
        )


async def test_a_file_that_is_changed_only_when_it_is_compressed_is_found(watch: Watch) -> None:
    path = Assets().of("checkout.js").path
    watch.meddler.body = lambda asked, body, gzipped: (
        gzip.compress(b"skim()") if gzipped and asked == path else body
    )
    assert [one[:11] for one in (await watch.looks()).differences] == ["checkout.js"]


@pytest.mark.parametrize(
    "name", ["content-security-policy", "x-frame-options", "referrer-policy", "cache-control"]
)
async def test_a_header_that_was_dropped_is_found(watch: Watch, name: str) -> None:
    await watch.site.asks()

    def dropped(asked: str, headers: Headers) -> None:
        if asked.startswith("/pay/") and asked != "/pay/none":
            headers.pop(name.encode())

    watch.meddler.headers = dropped
    assert (await watch.looks()).differences == (f"checkout page: the header {name} is missing",)


async def test_a_policy_that_was_widened_and_a_cookie_are_found(watch: Watch) -> None:
    def widened(asked: str, headers: Headers) -> None:
        if asked == "/pay/none":
            policy = headers[b"content-security-policy"]
            headers[b"content-security-policy"] = policy.replace(
                b"script-src 'self'", b"script-src 'self' https://evil.example"
            )
            headers[b"set-cookie"] = b"seen=1"

    watch.meddler.headers = widened
    policy, cookie = sorted((await watch.looks()).differences, key=len, reverse=True)
    assert "content-security-policy" in policy and cookie == "message page: a cookie is set"


@pytest.mark.parametrize(
    ("put", "told"),
    [
        (
            '<script src="https://evil.example/a.js"></script>',
            "<script> loads https://evil.example, which is not listed",
        ),
        ("<script>steal()</script>", "a script stands inside the page"),
        ('<iframe src="https://evil.example"></iframe>', "<iframe> is in the page"),
        ('<img src="x" onerror="steal()">', "<img> has onerror"),
        ('<img src="https://evil.example/p.gif">', "<img> loads https://evil.example, which is not listed"),
        ('<base href="https://evil.example/">', "<base> is in the page"),
        ('<a href=" JavaScript:steal()">x</a>', "<a> has a script for its href"),
        (
            '<link rel="stylesheet" href="/assets/other.css">',
            "<link> loads /assets/other.css, which is not listed",
        ),
    ],
)
async def test_what_was_put_into_a_page_is_found(watch: Watch, put: str, told: str) -> None:
    await watch.site.asks()
    watch.meddler.body = lambda asked, body, gzipped: (
        body.replace(b"</main>", put.encode() + b"</main>") if asked.startswith("/pay/") else body
    )
    found = (await watch.looks()).differences
    assert f"checkout page: {told}" in found and f"message page: {told}" in found


async def test_a_script_that_lost_its_digest_or_is_gone_is_found(watch: Watch) -> None:
    await watch.site.asks()
    watch.meddler.body = lambda asked, body, gzipped: body.replace(b" integrity=", b" data-was=")
    assert (await watch.looks()).differences == ("checkout page: checkout.js is loaded without its digest",)
    watch.meddler.body = lambda asked, body, gzipped: body.replace(b"<script src=", b"<i title=")
    assert (await watch.looks()).differences == ("checkout page: checkout.js is listed and not loaded",)


async def test_an_address_that_does_not_answer_is_told_and_nothing_is_called_the_same(
    database: Database,
) -> None:
    with acting(Actor(ActorKind.SYSTEM, "test")):
        found = await watch_pages(database, f"http://127.0.0.1:{free_port()}")
    assert found.outcome == "unreached" and found.answers == 0 and found.differences == ()
    assert UNREACHED._value.get() == 1
    (row,) = await rows(database)
    assert row["outcome"] == "unreached" and row["unreached"]


async def test_looks_are_only_added_even_by_the_owner_of_the_table(
    watch: Watch, pool: asyncpg.Pool[Any]
) -> None:
    await watch.looks()
    for statement in (
        "UPDATE page_watches SET outcome = 'same'",
        "DELETE FROM page_watches",
        "TRUNCATE page_watches",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_a_worker_looks_every_day_at_the_public_address(watch: Watch, tmp_path: Path) -> None:
    settings = read_settings({"QUICKKUB_PUBLIC_URL": watch.site.url, "QUICKKUB_DATA_DIR": str(tmp_path)})
    schedule = page_schedules(watch.database, settings)[JOB]
    assert schedule.when.split()[2:] == ["*", "*", "*"]
    await schedule.work()
    async with watch.database.read() as reader:
        assert await reader.fetchval("SELECT actor_id FROM audit_logs WHERE action = 'pages.watched'") == JOB
    assert [row["address"] for row in await rows(watch.database)] == [watch.site.url]


@dataclass
class OneHouse:
    """The wiring of a program that knows one database."""

    dsn: str
    settings: Settings

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    def watch_pages(self, dsn: str, address: str | None) -> Watched:
        return asyncio.run(watch_now(dsn, self.settings, address, "nok"))


async def test_an_operator_looks_at_once_and_the_exit_status_says_what_was_found(
    watch: Watch, database_dsn: str, tmp_path: Path
) -> None:
    house = OneHouse(
        database_dsn,
        read_settings({"QUICKKUB_PUBLIC_URL": watch.site.url, "QUICKKUB_DATA_DIR": str(tmp_path)}),
    )

    async def looks(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, command, ["pages", *words], obj=house)

    same = await looks()
    assert same.exit_code == 0 and "are what is shipped" in same.output, same.output
    watch.meddler.headers = lambda path, headers: headers.pop(b"x-content-type-options", None)
    different = await looks()
    assert different.exit_code == 1 and "the header x-content-type-options is missing" in different.output
    away = await looks("--address", f"http://127.0.0.1:{free_port()}")
    assert away.exit_code == 2 and "could not be looked at" in away.output
    assert (await looks("--address", "pay.example")).exit_code == 2
    assert [row["outcome"] for row in await rows(watch.database)] == ["same", "different", "unreached"]
