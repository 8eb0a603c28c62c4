"""A payer who is sent on to a wallet, a bank's form or an app, in a real browser, and comes back."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import pytest
from playwright.async_api import Browser, Route

from quickkub.house.outside import RunningGateway, call
from quickkub.storage import Database
from quickkub.web.words import EN, TH, WORDS
from tests.support import next_actions
from tests.support.browser import (
    DESK,
    PHONE,
    a_page,
    cramped_thai,
    read_qr,
    running_chromium,
    scrolls_sideways,
)
from tests.support.checkout_site import Site, running_site

PAGE_BYTES_MAX = 60_000
FORM = next_actions.FORM | {"url": "http://localhost:1/payForm"}


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def site(database: Database, pool: asyncpg.Pool[Any]) -> AsyncIterator[Site]:
    async with running_site(database, pool) as site:
        yield site


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="quickkub-actions-"))
    made.chmod(0o711)  # as root, PostgreSQL's own user must get through to its folder
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_through_the_gateway_a_payer_pays_at_a_wallet_and_at_a_banks_form_and_comes_back_to_paid(
    browser: Browser, folder: Path
) -> None:
    gateway = RunningGateway(folder)
    shop = await asyncio.to_thread(gateway.start)
    try:
        for method, kind in (("linepay", "redirect"), ("card", "form_post")):
            order = {"amount": 300_000, "currency": "THB", "method": method}
            payment = await asyncio.to_thread(call, shop, "POST", "/v1/payments", order, method)
            assert payment["next_action"]["type"] == kind
            await pays_at_the_provider(browser, payment["checkout_url"])
            paid = await asyncio.to_thread(call, shop, "GET", f"/v1/payments/{payment['id']}")
            assert paid["status"] == "succeeded"
    finally:
        await asyncio.to_thread(gateway.stop)


async def pays_at_the_provider(browser: Browser, checkout_url: str) -> None:
    """From the page to the simulator's own, whose first button pays, and back to a page that says paid."""
    async with a_page(browser, locale="en-US", **DESK) as payer:
        await payer.page.goto(checkout_url)
        await payer.page.locator(".action .button:visible").click()
        await payer.page.wait_for_url(lambda url: not url.startswith(checkout_url))
        await payer.page.get_by_role("button").first.click()
        await payer.page.wait_for_url(checkout_url)
        await payer.waits_for(EN["paid_title"])


def a_provider_that_sends_back(address: str) -> str:
    """A provider's page, from which the payer comes back by a form that claims a lot."""
    return (
        f"<form method=post action='{address}'><input name=status value=succeeded>"
        "<button>I have paid</button></form>"
    )


async def test_a_payer_goes_to_the_wallets_page_and_comes_back_by_its_form(
    site: Site, browser: Browser
) -> None:
    link = await site.asks(
        method="linepay", action={"type": "redirect", "url": "http://localhost:1/pay?id=42"}
    )
    await site.will_be_asked(link, in_seconds=60, asked_seconds_ago=None)

    async def wallet(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=a_provider_that_sends_back(f"{link.url}/back"))

    async with a_page(browser, locale="en-US", **PHONE) as payer:
        await payer.page.route("http://localhost:1/**", wallet)
        await payer.page.goto(link.url)
        await payer.page.get_by_role("link", name="Continue to LINE Pay").click()
        await payer.page.wait_for_url("http://localhost:1/pay?id=42")
        await payer.page.get_by_role("button").click()
        await payer.page.wait_for_url(link.url)
        assert await payer.stage() == "waiting"
        await site.is_paid(link)
        await payer.waits_for(EN["paid_title"])
        assert not await payer.page.get_by_role("link", name="Continue to LINE Pay").count()
        assert payer.complaints == []


@pytest.mark.parametrize("with_script", [True, False])
async def test_a_banks_form_is_sent_with_all_its_fields_with_and_without_javascript(
    site: Site, browser: Browser, with_script: bool
) -> None:
    link = await site.asks(method="card", action=FORM)
    sent: list[str] = []

    async def bank(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await route.fulfill(content_type="text/html", body="the bank's page")

    async with a_page(browser, java_script_enabled=with_script, **PHONE) as payer:
        await payer.page.route("http://localhost:1/**", bank)
        await payer.page.goto(link.url)
        await payer.page.get_by_role("button", name=TH["continue_page"]).click()
        await payer.waits_for("the bank's page")
        assert parse_qs(sent[0]) == {name: [value] for name, value in FORM["fields"].items()}
        assert payer.complaints == []


async def test_a_form_that_was_changed_on_the_way_goes_nowhere(site: Site, browser: Browser) -> None:
    link = await site.asks(method="card", action=FORM)

    async def change(route: Route) -> None:
        page = await (answer := await route.fetch()).text()
        await route.fulfill(response=answer, body=page.replace("http://localhost:1/", "http://localhost:2/"))

    async with a_page(browser, **DESK) as payer:
        await payer.page.route(link.url, change)
        await payer.page.goto(link.url)
        async with payer.page.expect_console_message(lambda said: "form-action" in said.text):
            await payer.page.evaluate("document.querySelector('form').requestSubmit()")
        assert payer.page.url == link.url
        assert not [url for url in payer.requests if ":2/" in url]


async def test_on_a_phone_an_app_opens_by_a_button_and_at_a_desk_by_a_qr(
    site: Site, browser: Browser
) -> None:
    link = await site.asks(method="scb_easy", action=next_actions.APP)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        button = payer.page.get_by_role("link", name="Open SCB EASY")
        assert await button.get_attribute("href") == next_actions.APP["url"]
        assert await button.is_visible()
        assert not await payer.page.locator(".qr").is_visible()
        assert not [url for url in payer.requests if url.endswith("/qr.png")]
    async with a_page(browser, **DESK) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        await payer.page.locator(".qr").evaluate("qr => qr.decode()")
        assert read_qr(await payer.page.screenshot()) == next_actions.APP["url"]
        assert await payer.has(next_actions.APP["url"])
        assert not await payer.page.get_by_role("link", name="Open SCB EASY").is_visible()


async def test_a_wallet_with_a_page_and_an_app_opens_the_app_on_a_phone_and_the_page_at_a_desk(
    site: Site, browser: Browser
) -> None:
    link = await site.asks(method="linepay", action=next_actions.REDIRECT_OR_APP)
    seen = {}
    for name, device in (("phone", PHONE), ("desk", DESK)):
        async with a_page(browser, **device) as payer:
            await payer.page.goto(f"{link.url}?lang=en")
            links = await payer.page.locator(".action a").all()
            seen[name] = [await each.get_attribute("href") for each in links if await each.is_visible()]
    page, app = next_actions.REDIRECT_OR_APP["url"], next_actions.REDIRECT_OR_APP["app_url"]
    assert seen == {"phone": [app, page], "desk": [page]}


@pytest.mark.parametrize("action", [next_actions.PICTURE, next_actions.DRAWING])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_picture_a_provider_drew_can_be_scanned_from_the_page(
    site: Site, browser: Browser, action: dict[str, Any], scheme: str
) -> None:
    link = await site.asks(action=action)
    async with a_page(browser, color_scheme=scheme, **PHONE) as payer:
        await payer.page.goto(link.url)
        assert read_qr(await payer.page.screenshot()) == next_actions.QR_TEXT
        assert payer.complaints == []


async def test_a_picture_is_saved_by_its_button(site: Site, browser: Browser) -> None:
    link = await site.asks(action=next_actions.PICTURE)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        async with payer.page.expect_download() as saving:
            await payer.page.get_by_role("link", name=TH["save_qr"]).click()
        saved = await saving.value
        assert saved.suggested_filename == "promptpay-ORDER-1042.png"
        assert read_qr((await saved.path()).read_bytes()) == next_actions.QR_TEXT


@pytest.mark.parametrize(("method", "action"), next_actions.EVERY)
async def test_every_kind_of_action_fits_a_narrow_phone_and_a_desk_in_both_languages(
    site: Site, browser: Browser, method: str, action: dict[str, Any]
) -> None:
    link = await site.asks(method=method, action=action)
    for device in (PHONE, DESK):
        async with a_page(browser, **device) as payer:
            for lang in WORDS:
                await payer.page.emulate_media(color_scheme="dark" if lang == "en" else "light")
                await payer.page.goto(f"{link.url}?lang={lang}")
                assert await payer.has(WORDS[lang]["time_left"])
                assert not await scrolls_sideways(payer.page)
                assert await cramped_thai(payer.page) == []
                assert payer.transferred < PAGE_BYTES_MAX  # both languages together
            assert payer.complaints == []


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("promptpay", next_actions.PICTURE),
        ("linepay", next_actions.REDIRECT_OR_APP),
        ("card", FORM),
        ("truemoney_scan", next_actions.APPROVE),
    ],
)
async def test_whatever_the_payer_was_to_do_is_taken_away_when_time_is_up(
    site: Site, browser: Browser, method: str, action: dict[str, Any]
) -> None:
    link = await site.asks(method=method, action=action, life_seconds=3)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        await payer.page.wait_for_selector('main[data-stage="expired"]', timeout=30_000)
        assert not await payer.page.locator(".action, .steps, form, img.qr, img.picture").count()
        assert payer.complaints == []


async def test_with_the_keyboard_a_payer_reaches_and_presses_the_button_of_a_form(
    site: Site, browser: Browser
) -> None:
    link = await site.asks(method="card", action=FORM)
    async with a_page(browser, **DESK) as payer:
        await payer.page.route("http://localhost:1/**", lambda route: route.fulfill(body="the bank's page"))
        await payer.page.goto(f"{link.url}?lang=en")
        for _ in range(4):
            await payer.page.keyboard.press("Tab")
        focused = payer.page.locator(":focus")
        assert (await focused.inner_text()).strip() == EN["continue_page"]
        assert await focused.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
        await payer.page.keyboard.press("Enter")
        await payer.waits_for("the bank's page")
