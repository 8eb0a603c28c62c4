"""A payer at the checkout page, in a real browser: what they see, scan and are told."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, Route

from quickkub.house.outside import RunningGateway, call, fetch_json
from quickkub.storage import Database
from quickkub.web.words import EN, TH, WORDS, Lang
from tests.support.browser import (
    DESK,
    PHONE,
    a_page,
    chromium,
    cramped_thai,
    read_qr,
    running_chromium,
    scrolls_sideways,
)
from tests.support.checkout_site import Site, running_site

ORDER: dict[str, Any] = {
    "amount": 123_450,
    "currency": "THB",
    "method": "promptpay",
    "reference": "ORDER-1042",
    "return_url": "https://shop.example/thanks",
}
STAGES = ["created", "requires_action", "processing", "authorized", "failed", "expired", "cancelled"]
PAGE_BYTES_MAX = 60_000


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
    made = Path(tempfile.mkdtemp(prefix="quickkub-checkout-"))
    made.chmod(0o711)  # as root, PostgreSQL's own user must get through to its folder
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_from_the_shops_order_to_a_paid_page_through_the_gateway_and_the_bank(
    browser: Browser, folder: Path
) -> None:
    gateway = RunningGateway(folder)
    shop = await asyncio.to_thread(gateway.start)
    try:
        payment = await asyncio.to_thread(call, shop, "POST", "/v1/payments", ORDER, "order-1042")
        async with a_page(browser, **PHONE) as payer:
            # From a bank's page one comes back by this address, and is sent on.
            await payer.page.goto(payment["checkout_url"] + "/back")
            assert payer.page.url == payment["checkout_url"]
            await payer.page.evaluate("window.sameDocument = true")
            scanned = read_qr(await payer.page.screenshot())
            assert scanned == payment["next_action"]["qr_payload"]
            # The bank is told nothing but what the camera saw.
            await asyncio.to_thread(fetch_json, f"{gateway.simulator}/_sim/scan", {"qr": scanned})
            await payer.waits_for(TH["paid_title"])
            assert await payer.page.evaluate("window.sameDocument") is True
            back = payer.page.get_by_role("link", name=TH["back"])
            assert await back.get_attribute("href") == ORDER["return_url"]
            assert payer.complaints == []
        paid = await asyncio.to_thread(call, shop, "GET", f"/v1/payments/{payment['id']}")
        assert (paid["status"], paid["captured_amount"]) == ("succeeded", ORDER["amount"])
    finally:
        await asyncio.to_thread(gateway.stop)


async def test_a_payer_scans_the_qr_pays_and_sees_paid_without_a_reload(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        assert read_qr(await payer.page.screenshot()) == link.payload
        await payer.page.evaluate("window.sameDocument = true")
        await site.is_paid(link)
        await payer.waits_for(TH["paid_title"])
        assert await payer.page.evaluate("window.sameDocument") is True
        assert not await payer.page.locator(".qr").count()
        assert await payer.page.title() == "✓ ชำระแล้ว ฿1,234.50 · ร้านกาแฟคลองสาน"
        back = payer.page.get_by_role("link", name=TH["back"])
        assert await back.get_attribute("href") == "https://shop.example/thanks"
        assert payer.complaints == []


async def test_the_whole_page_with_its_qr_takes_less_than_60_kb(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        await payer.page.locator(".qr").evaluate("qr => qr.decode()")
        assert 10_000 < payer.transferred < PAGE_BYTES_MAX
        assert all(url.startswith(site.url) for url in payer.requests)


async def test_without_javascript_the_page_asks_again_by_itself(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, java_script_enabled=False, **PHONE) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        assert read_qr(await payer.page.screenshot()) == link.payload
        await site.is_paid(link)
        await payer.waits_for(EN["paid_title"])
        assert payer.complaints == []


async def test_a_payer_may_ask_for_the_status_by_hand(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, java_script_enabled=False, **DESK) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        await site.becomes(link, "processing")
        await payer.page.get_by_role("link", name=EN["check_status"]).click()
        await payer.waits_for(EN["checking_title"])
        assert await payer.stage() == "checking"


async def test_when_no_stream_comes_through_the_page_asks_every_few_seconds(
    site: Site, browser: Browser
) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.route("**/events*", lambda route: route.fulfill(status=503))
        await payer.page.goto(link.url)
        await site.is_paid(link)
        await payer.waits_for(TH["paid_title"])
        assert any("/state?" in url for url in payer.requests)


async def test_a_payer_whose_line_is_gone_is_told_so_and_catches_up_when_it_is_back(
    site: Site, browser: Browser
) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.route("**/events*", lambda route: route.abort())
        await payer.page.route("**/state*", lambda route: route.abort())
        await payer.page.goto(link.url)
        await payer.waits_for(TH["offline"])
        await site.is_paid(link)
        await payer.page.unroute("**/state*")
        await payer.waits_for(TH["paid_title"])
        assert not await payer.has(TH["offline"])


async def test_a_qr_that_runs_out_while_it_is_shown_is_taken_away(site: Site, browser: Browser) -> None:
    link = await site.asks(life_seconds=4)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        assert await payer.has(TH["one_minute"])
        await payer.waits_for(TH["expired_title"])
        assert not await payer.page.locator(".qr").count()
        assert not await payer.has(TH["one_minute"])
        assert payer.complaints == []


async def test_money_that_comes_in_the_last_second_is_still_shown_as_paid(
    site: Site, browser: Browser
) -> None:
    link = await site.asks(life_seconds=-60)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        assert await payer.has(TH["expired_title"])
        await site.is_paid(link)
        await payer.waits_for(TH["paid_title"])
        assert await payer.stage() == "paid"


async def test_a_qr_that_was_not_ready_appears_by_itself(site: Site, browser: Browser) -> None:
    link = await site.asks(state="created")
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        assert await payer.has(TH["preparing_title"])
        await site.becomes(link, "requires_action")
        await payer.waits_for(TH["waiting_title"])
        assert read_qr(await payer.page.screenshot()) == link.payload


async def test_the_payers_own_clock_does_not_matter(site: Site, browser: Browser) -> None:
    link = await site.asks(life_seconds=600)
    async with a_page(browser, **PHONE) as payer:
        await payer.page.clock.install(time="2031-01-01T00:00:00Z")
        await payer.page.goto(link.url)
        clock = await payer.page.locator("#clock").inner_text()
        assert "09:00" <= clock <= "10:00"


async def test_a_payer_without_a_camera_finds_what_to_type(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        assert not await payer.has("010555123456700")
        await payer.page.get_by_text(EN["cannot_scan"]).click()
        assert await payer.has("010555123456700")
        assert not await scrolls_sideways(payer.page)


async def test_a_payer_on_the_same_phone_saves_the_qr_as_a_picture(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **PHONE) as payer:
        await payer.page.goto(link.url)
        async with payer.page.expect_download() as saving:
            await payer.page.get_by_role("link", name=TH["save_qr"]).click()
        saved = await saving.value
        assert saved.suggested_filename == "promptpay-ORDER-1042.png"
        assert read_qr((await saved.path()).read_bytes()) == link.payload


@pytest.mark.parametrize("state", STAGES)
async def test_every_stage_fits_a_narrow_phone_and_a_desk_in_both_languages(
    site: Site, browser: Browser, state: str
) -> None:
    long_words = "ข้อความที่ยาวมาก" * 8 + "a-very-long-word-without-a-break" * 4
    link = await site.asks(state=state, amount=999_999_999_999, description=long_words, reference="X" * 100)
    for device in (PHONE, DESK):
        async with a_page(browser, **device) as payer:
            for lang in WORDS:
                await payer.page.emulate_media(color_scheme="dark" if lang == "en" else "light")
                await payer.page.goto(f"{link.url}?lang={lang}")
                assert await payer.page.locator("html").get_attribute("lang") == lang
                assert not await scrolls_sideways(payer.page)
                assert await cramped_thai(payer.page) == []
        assert payer.complaints == []


async def test_in_the_dark_the_qr_stays_black_on_white_with_its_quiet_zone(
    site: Site, browser: Browser
) -> None:
    link = await site.asks()
    async with a_page(browser, color_scheme="dark", **PHONE) as payer:
        await payer.page.goto(link.url)
        ground = await payer.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(14, 19, 27)"
        qr = payer.page.locator(".qr")
        assert await qr.evaluate("qr => getComputedStyle(qr).backgroundColor") == "rgb(255, 255, 255)"
        assert read_qr(await payer.page.screenshot()) == link.payload


@pytest.mark.parametrize("lang", ["th", "en"])
async def test_with_the_keyboard_alone_a_payer_reaches_everything_and_sees_where_they_are(
    site: Site, browser: Browser, lang: Lang
) -> None:
    link = await site.asks()
    words = WORDS[lang]
    async with a_page(browser, **DESK) as payer:
        await payer.page.goto(f"{link.url}?lang={lang}")
        reached = []
        for _ in range(6):
            await payer.page.keyboard.press("Tab")
            focused = payer.page.locator(":focus")
            reached.append((await focused.inner_text()).strip())
            outline = await focused.evaluate("it => getComputedStyle(it).outlineStyle")
            assert outline != "none"
        wanted = [
            words["skip"],
            "ไทย",
            "English",
            words["save_qr"],
            words["check_status"],
            words["cannot_scan"],
        ]
        assert reached == wanted


async def test_a_change_is_announced_and_focus_is_not_lost(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **DESK) as payer:
        await payer.page.goto(f"{link.url}?lang=en")
        await payer.page.get_by_role("link", name=EN["save_qr"]).focus()
        await site.is_paid(link)
        await payer.waits_for(EN["paid_title"])
        status = payer.page.get_by_role("status").filter(has_text=EN["paid_title"])
        assert await status.count() == 1
        assert await payer.page.locator(":focus").inner_text() == EN["paid_title"]


async def test_a_payer_who_wants_no_motion_sees_none(site: Site, browser: Browser) -> None:
    link = await site.asks(state="processing")
    async with a_page(browser, reduced_motion="reduce", **PHONE) as payer:
        await payer.page.goto(link.url)
        moving = await payer.page.evaluate("document.getAnimations().length")
        assert moving == 0


SLIP_IN = """code => {
    const script = document.createElement('script');
    try { script[code] = 'window.slipped = true'; } catch { return; }
    document.head.append(script);
}"""


async def test_a_page_cannot_be_talked_into_running_what_is_not_ours(site: Site, browser: Browser) -> None:
    link = await site.asks()
    async with a_page(browser, **DESK) as payer:
        await payer.page.goto(link.url)
        for code in ("src", "text", "textContent"):
            await payer.page.evaluate(SLIP_IN, code)
        assert await payer.page.evaluate("window.slipped") is None
        assert ["Trusted" in complaint for complaint in payer.complaints] == [True] * 3


async def test_a_script_written_into_the_page_on_the_way_does_not_run(site: Site, browser: Browser) -> None:
    async def slip_in(route: Route) -> None:
        page = await (answer := await route.fetch()).text()
        await route.fulfill(
            response=answer, body=page.replace("</head>", "<script>window.slipped = true</script></head>")
        )

    link = await site.asks()
    async with a_page(browser, **DESK) as payer:
        await payer.page.route(link.url, slip_in)
        await payer.page.goto(link.url)
        assert await payer.page.evaluate("window.slipped") is None
        assert "inline script violates" in payer.complaints[0]


async def test_our_own_script_changed_on_the_way_does_not_run(site: Site, browser: Browser) -> None:
    async def change(route: Route) -> None:
        script = await (answer := await route.fetch()).text()
        await route.fulfill(response=answer, body=script + "window.slipped = true;")

    link = await site.asks()
    async with a_page(browser, **DESK) as payer:
        await payer.page.route("**/assets/checkout.*.js", change)
        await payer.page.goto(link.url)
        assert await payer.page.evaluate("window.slipped") is None
        assert "integrity" in payer.complaints[0]


def test_without_a_chromium_ci_fails_and_a_developer_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        chromium()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        chromium()
