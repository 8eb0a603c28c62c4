from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import asyncpg
import pytest
from PIL import Image

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.tokens import new_token
from quickkub.storage import Database
from quickkub.web.assets import Assets
from quickkub.web.headers import CONTENT_POLICY
from quickkub.web.live import LiveHub
from tests.support.browser import read_qr
from tests.support.checkout_site import Link, Site, running_site

LONG_SECONDS = 30


@pytest.fixture
async def site(database: Database, pool: asyncpg.Pool[Any]) -> AsyncIterator[Site]:
    async with running_site(database, pool) as site:
        yield site


@pytest.fixture
async def payer() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LONG_SECONDS)) as session:
        yield session


async def text_of(payer: aiohttp.ClientSession, url: str, **headers: str) -> str:
    async with payer.get(url, headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


async def state_of(payer: aiohttp.ClientSession, link: Link) -> dict[str, Any]:
    async with payer.get(f"{link.url}/state?lang=en") as answer:
        assert answer.status == 200
        state: dict[str, Any] = await answer.json()
        return state


class Stream:
    """The live events of a page, read one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def state(self) -> dict[str, Any]:
        """The next state told."""
        while line := await self.answer.content.readline():
            if line.startswith(b"data: "):
                state: dict[str, Any] = json.loads(line[6:])
                return state
        raise EOFError

    async def ended(self) -> bool:
        """Whether the server says nothing more and closes."""
        return await self.answer.content.read() == b"\n"


async def test_a_payer_sees_shop_amount_and_qr(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    page = await text_of(payer, link.url)
    assert "ร้านกาแฟคลองสาน" in page
    assert "฿1,234.50" in page
    assert f"/pay/{link.token}/qr.png" in page
    assert "shop.example" not in page


async def test_a_payer_who_prefers_english_gets_english(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    assert "Scan to pay" in await text_of(payer, link.url, **{"accept-language": "en-GB,en;q=0.9"})
    assert "สแกนเพื่อชำระเงิน" in await text_of(payer, f"{link.url}?lang=th", **{"accept-language": "en"})


async def test_every_answer_for_a_payment_carries_the_policy_and_is_kept_by_nobody(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks()
    missing = f"{site.url}/pay/{new_token(site.shop.merchant)}"
    for url in [link.url, f"{link.url}/state", f"{link.url}/qr.png", f"{link.url}/events", missing]:
        async with payer.get(url) as answer:
            assert answer.headers["content-security-policy"] == CONTENT_POLICY
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "set-cookie" not in answer.headers


async def test_every_answer_says_what_it_is(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    script, style, icon = (Assets().of(name).path for name in ("checkout.js", "base.css", "icon.svg"))
    kinds = {
        link.url: "text/html; charset=utf-8",
        f"{link.url}/state": "application/json",
        f"{link.url}/events": "text/event-stream; charset=utf-8",
        f"{link.url}/qr.png": "image/png",
        site.url + script: "text/javascript; charset=utf-8",
        site.url + style: "text/css; charset=utf-8",
        site.url + icon: "image/svg+xml",
    }
    for url, kind in kinds.items():
        async with payer.get(url) as answer:
            assert answer.headers["content-type"] == kind


async def test_the_qr_holds_what_the_provider_gave(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    async with payer.get(f"{link.url}/qr.png") as answer:
        picture = await answer.read()
    assert read_qr(picture) == link.payload
    assert Image.open(BytesIO(picture)).width >= 600


async def test_a_saved_qr_is_a_file_named_after_the_order(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks(reference='ก"1/../2')
    async with payer.get(f"{link.url}/qr.png?save=1") as answer:
        assert answer.headers["content-disposition"] == 'attachment; filename="promptpay---1----2.png"'


@pytest.mark.parametrize("state", ["processing", "failed", "cancelled", "expired", "succeeded"])
async def test_once_a_payment_cannot_be_paid_its_qr_is_gone(
    site: Site, payer: aiohttp.ClientSession, state: str
) -> None:
    link = await site.asks()
    await (site.is_paid(link) if state == "succeeded" else site.becomes(link, state))
    async with payer.get(f"{link.url}/qr.png") as answer:
        assert answer.status == 404
    assert "qr.png" not in await text_of(payer, link.url)


async def test_an_overdue_qr_is_gone_before_any_worker_came_by(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(life_seconds=-1)
    async with payer.get(f"{link.url}/qr.png") as answer:
        assert answer.status == 404
    assert (await state_of(payer, link))["stage"] == "expired"


async def test_the_state_says_how_long_is_left_and_whether_to_go_on_asking(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(life_seconds=600)
    waiting = await state_of(payer, link)
    assert (waiting["stage"], waiting["watch"], waiting["back"]) == ("waiting", True, None)
    assert 500 < waiting["seconds_left"] <= 600
    await site.is_paid(link)
    paid = await state_of(payer, link)
    assert (paid["stage"], paid["watch"]) == ("paid", False)
    assert paid["back"] == "https://shop.example/thanks"
    assert paid["paid_at"].endswith("Bangkok time")


async def test_nothing_in_the_address_makes_a_payment_paid(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    page = await text_of(payer, f"{link.url}?status=succeeded&paid=1&stage=paid&lang=en")
    assert 'data-stage="waiting"' in page
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with payer.request(method, link.url, data={"state": "succeeded"}) as answer:
            assert answer.status == 405
    assert (await state_of(payer, link))["stage"] == "waiting"


async def test_a_wrong_a_foreign_and_a_broken_token_look_the_same(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks()
    stranger = new_token(MerchantId(new_id("mer")))
    own_secret = base64.urlsafe_b64decode(link.token + "=")[16:]
    their_merchant = base64.urlsafe_b64decode(stranger + "=")[:16]
    crossed = base64.urlsafe_b64encode(their_merchant + own_secret).rstrip(b"=").decode()
    tokens = [new_token(site.shop.merchant), stranger, crossed, link.token[:-1], "A" * 43, "%00", "x", "ก"]
    answers = set()
    for token in tokens:
        async with payer.get(f"{site.url}/pay/{token}?lang=en") as answer:
            answers.add((answer.status, await answer.text(), answer.headers["content-length"]))
    assert len(answers) == 1
    assert answers.pop()[0] == 404


async def test_an_open_page_is_told_that_it_was_paid_and_then_let_go(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks()
    async with payer.get(f"{link.url}/events?lang=en") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = Stream(answer)
        assert (await stream.state())["stage"] == "waiting"
        await site.is_paid(link)
        paid = await stream.state()
        assert (paid["stage"], paid["title"]) == ("paid", "Payment complete")
        assert await stream.ended()


async def test_an_open_page_is_told_that_its_time_is_up_and_of_late_money_after_it(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(life_seconds=2)
    async with payer.get(f"{link.url}/events") as answer:
        stream = Stream(answer)
        assert (await stream.state())["stage"] == "waiting"
        assert (await stream.state())["stage"] == "expired"
        await site.is_paid(link)
        assert (await stream.state())["stage"] == "paid"


async def test_a_page_that_is_closed_is_forgotten(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    async with payer.get(f"{link.url}/events") as answer:
        await Stream(answer).state()
        await until_streams(site, 1)
    await until_streams(site, 0)


async def until_streams(site: Site, count: int) -> None:
    async with asyncio.timeout(LONG_SECONDS):
        while site.hub.streams != count:
            await asyncio.sleep(0.01)
    assert site.hub.streams == count


async def test_a_page_too_many_is_refused_a_stream_and_may_still_ask(
    database: Database, pool: asyncpg.Pool[Any], payer: aiohttp.ClientSession
) -> None:
    async def nothing(_: object) -> dict[Any, Any]:
        return {}

    async with running_site(database, pool, hub=LiveHub(nothing, streams_max=0)) as site:
        link = await site.asks()
        async with payer.get(f"{link.url}/events") as answer:
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert (await state_of(payer, link))["stage"] == "waiting"


async def test_while_the_database_is_away_a_payer_sees_a_page_that_tries_again(
    site: Site, payer: aiohttp.ClientSession, database: Database
) -> None:
    link = await site.asks()
    await database.close()
    async with payer.get(f"{link.url}?lang=en") as answer:
        assert answer.status == 503
        page = await answer.text()
    assert "Not available right now" in page
    assert '<meta http-equiv="refresh" content="5">' in page
    async with payer.get(f"{link.url}/state") as answer:
        assert (answer.status, await answer.read()) == (503, b"")


async def test_files_are_kept_for_ever_under_the_name_of_what_they_hold(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    style = site.url + Assets().of("base.css").path
    async with payer.get(style) as answer:
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        zipped = await answer.text()
    async with payer.get(style, headers={"accept-encoding": "identity"}) as answer:
        assert "content-encoding" not in answer.headers
        assert await answer.text() == zipped
    async with payer.get(f"{site.url}/assets/base.0000000000000000.css") as answer:
        assert answer.status == 404


async def test_the_latest_try_at_a_provider_is_the_one_whose_qr_is_shown(
    site: Site, payer: aiohttp.ClientSession, pool: asyncpg.Pool[Any]
) -> None:
    link = await site.asks()
    await pool.execute("UPDATE attempts SET created_at = created_at - interval '1 minute'")
    newer = await site.tries_again(link)
    async with payer.get(f"{link.url}/qr.png") as answer:
        assert read_qr(await answer.read()) == newer
