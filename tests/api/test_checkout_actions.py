"""What a payer is given to do, of every kind, and the way back from a provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest

from quickkub.checkout.model import Key
from quickkub.checkout.store import ask_soon
from quickkub.kernel.ids import MerchantId, PaymentId, new_id
from quickkub.kernel.tokens import new_token
from quickkub.storage import Database
from quickkub.web.headers import CONTENT_POLICY, content_policy
from tests.support import next_actions
from tests.support.browser import read_qr
from tests.support.checkout_site import Link, Site, running_site


@pytest.fixture
async def site(database: Database, pool: asyncpg.Pool[Any]) -> AsyncIterator[Site]:
    async with running_site(database, pool) as site:
        yield site


@pytest.fixture
async def payer() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        yield session


async def comes_back(payer: aiohttp.ClientSession, link: Link, method: str = "GET", **more: Any) -> str:
    """Where the payer is sent on to."""
    async with payer.request(method, f"{link.url}/back", allow_redirects=False, **more) as answer:
        assert answer.status == 303
        return answer.headers["location"]


async def is_due(site: Site, link: Link) -> bool:
    due = await site.next_check(link)
    return due is not None and due <= datetime.now(UTC)


async def test_a_payer_who_comes_back_sees_the_page_and_the_provider_is_asked_at_once(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(method="linepay", action=next_actions.REDIRECT)
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=None)
    assert not await is_due(site, link)
    assert await comes_back(payer, link) == f"/pay/{link.token}"
    assert await is_due(site, link)
    async with payer.get(f"{link.url}/back?lang=en") as answer:
        assert (answer.status, str(answer.url).split("?")[0]) == (200, link.url)


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "multipart/form-data", "x/y"])
async def test_a_payer_may_be_sent_back_by_a_form_and_nothing_in_it_is_believed(
    site: Site, payer: aiohttp.ClientSession, kind: str | None
) -> None:
    link = await site.asks(method="card", action=next_actions.FORM)
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=None)
    headers = {"content-type": kind} if kind else {}
    body = b"status=succeeded&successcode=0&token=" + b"\xff\x00" * 500
    where = await comes_back(payer, link, "POST", data=body, headers=headers)
    assert where == f"/pay/{link.token}"
    assert await is_due(site, link)
    async with payer.get(f"{link.url}/state") as answer:
        assert (await answer.json())["stage"] == "waiting"


async def test_the_form_a_payer_comes_back_with_is_not_even_read(site: Site) -> None:
    link = await site.asks()
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    # A gigabyte is announced and never sent: who waits for it would wait for ever.
    writer.write(
        f"POST /pay/{link.token}/back HTTP/1.1\r\nhost: {host}\r\n"
        "content-type: application/x-www-form-urlencoded\r\ncontent-length: 1000000000\r\n\r\na=1".encode()
    )
    async with asyncio.timeout(30):
        status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 303 " in status


async def test_the_provider_was_asked_a_moment_ago_so_it_is_not_asked_again(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks()
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=1)
    await comes_back(payer, link)
    assert not await is_due(site, link)
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=3)
    await comes_back(payer, link)
    assert await is_due(site, link)


async def test_of_many_who_come_back_at_once_one_brings_the_question_forward(
    site: Site, database: Database
) -> None:
    link = await site.asks()
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=None)
    key = Key(site.shop.merchant, PaymentId(link.payment))

    async def once() -> bool:
        async with database.statement() as connection:
            return await ask_soon(connection, key)

    assert sorted(await asyncio.gather(*(once() for _ in range(8)))) == [False] * 7 + [True]


@pytest.mark.parametrize("state", ["failed", "cancelled", "expired", "succeeded"])
async def test_about_an_attempt_that_is_over_nobody_is_asked(
    site: Site, payer: aiohttp.ClientSession, pool: asyncpg.Pool[Any], state: str
) -> None:
    link = await site.asks()
    if state == "succeeded":
        await site.is_paid(link)
    else:
        await site.becomes(link, state)
        await pool.execute(
            "UPDATE attempts SET state = $2, next_check_at = NULL WHERE id = $1", link.attempt, state
        )
    assert await comes_back(payer, link) == f"/pay/{link.token}"
    assert await site.next_check(link) is None


async def test_a_question_that_is_due_already_is_left_alone(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks()
    await site.will_be_asked(link, in_seconds=-30, asked_seconds_ago=None)
    due = await site.next_check(link)
    await comes_back(payer, link)
    assert await site.next_check(link) == due
    assert due is not None
    assert due < datetime.now(UTC) - timedelta(seconds=20)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrong_token_on_the_way_back_looks_like_any_other(
    site: Site, payer: aiohttp.ClientSession, method: str
) -> None:
    link = await site.asks()
    tokens = [
        new_token(site.shop.merchant),
        new_token(MerchantId(new_id("mer"))),
        link.token[:-1],
        "x",
        "%00",
    ]
    answers = set()
    for address in [*(f"{site.url}/pay/{token}/back" for token in tokens), None]:
        url = address or f"{site.url}/pay/{tokens[0]}"
        async with payer.request(method if address else "GET", f"{url}?lang=en") as answer:
            answers.add((answer.status, await answer.text(), answer.headers["content-security-policy"]))
    assert len(answers) == 1
    assert answers.pop()[0] == 404


async def test_only_the_page_with_a_providers_form_may_send_one_and_only_there(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(method="card", action=next_actions.FORM)
    async with payer.get(link.url) as answer:
        assert answer.headers["content-security-policy"] == content_policy("https://cards.example:8443")
    async with payer.get(f"{link.url}/state") as answer:
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
    await site.becomes(link, "failed")
    async with payer.get(link.url) as answer:
        assert answer.headers["content-security-policy"] == CONTENT_POLICY


async def test_a_form_whose_answer_leads_to_a_wallet_may_go_on_to_that_wallets_pages(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(method="linepay", action=next_actions.FORM)
    async with payer.get(link.url) as answer:
        policy = content_policy("https://cards.example:8443", "https://*.line.me")
        assert answer.headers["content-security-policy"] == policy


@pytest.mark.parametrize(("method", "action"), next_actions.EVERY)
async def test_every_other_page_keeps_the_policy_without_exceptions(
    site: Site, payer: aiohttp.ClientSession, method: str, action: dict[str, Any]
) -> None:
    link = await site.asks(method=method, action=action)
    async with payer.get(link.url) as answer:
        assert answer.status == 200
        if action["type"] != "form_post":
            assert answer.headers["content-security-policy"] == CONTENT_POLICY


async def test_a_providers_picture_is_saved_as_a_file_named_after_method_and_order(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(action=next_actions.PICTURE)
    async with payer.get(f"{link.url}/picture") as answer:
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-disposition"] == 'attachment; filename="promptpay-ORDER-1042.png"'
        assert read_qr(await answer.read()) == next_actions.QR_TEXT


async def test_a_providers_drawing_is_never_opened_as_a_page_of_ours(
    site: Site, payer: aiohttp.ClientSession
) -> None:
    link = await site.asks(action=next_actions.DRAWING)
    async with payer.get(f"{link.url}/picture") as answer:
        assert answer.headers["content-disposition"] == 'attachment; filename="promptpay-ORDER-1042.svg"'
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_is_gone_once_it_cannot_be_paid(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks(action=next_actions.PICTURE, life_seconds=-1)
    for part in ("picture", "qr.png"):
        async with payer.get(f"{link.url}/{part}") as answer:
            assert answer.status == 404


async def test_the_qr_of_an_app_holds_its_link(site: Site, payer: aiohttp.ClientSession) -> None:
    link = await site.asks(method="scb_easy", action=next_actions.APP)
    async with payer.get(f"{link.url}/qr.png") as answer:
        assert read_qr(await answer.read()) == next_actions.APP["url"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "intent://x#Intent;end"])
async def test_a_harmful_address_is_in_no_page_and_the_payer_is_told(
    site: Site, payer: aiohttp.ClientSession, address: str
) -> None:
    link = await site.asks(method="linepay", action={"type": "redirect", "url": address, "app_url": address})
    async with payer.get(f"{link.url}?lang=en") as answer:
        page = await answer.text()
    assert address not in page
    assert "The next step cannot be shown here." in page
    async with payer.get(f"{link.url}/qr.png") as answer:
        assert answer.status == 404
