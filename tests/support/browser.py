"""A real Chromium, driven by Playwright, and what tests ask of the pages in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PHONE: Final[Mapping[str, Any]] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESK: Final[Mapping[str, Any]] = {"viewport": {"width": 1280, "height": 860}}


def chromium() -> str:
    """Where Chromium is. Without one, CI fails; elsewhere the test is skipped and says why."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    reason = f"no Chromium on this machine ({', '.join(_NAMES)}); on Debian: apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason=reason)


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A headless browser, closed at the end of the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """A page of which everything it loads and complains about is written down."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    transferred: int = 0
    """Bytes received, headers included, as the browser's own network log counts them."""

    async def has(self, words: str) -> bool:
        """Whether these words can be seen."""
        return await self.page.get_by_text(words).first.is_visible()

    async def waits_for(self, words: str) -> None:
        """Until these words can be seen; raises when they do not come within half a minute."""
        await self.page.get_by_text(words).first.wait_for(timeout=30_000)

    async def stage(self) -> str | None:
        """What the page shows the payment to be."""
        return await self.page.locator("main").get_attribute("data-stage")


@asynccontextmanager
async def a_page(browser: Browser, **settings: Any) -> AsyncIterator[Watched]:
    """A page in a context of its own: no cache, no cookies, Thai preferred, these Playwright settings."""
    context = await browser.new_context(**({"locale": "th-TH"} | settings))
    page = await context.new_page()
    watched = Watched(page)
    page.on("console", lambda said: _note(watched, said.type, said.text))
    page.on("pageerror", lambda error: watched.complaints.append(f"uncaught: {error}"))
    page.on("request", lambda request: watched.requests.append(request.url))
    network = await context.new_cdp_session(page)
    network.on("Network.loadingFinished", lambda event: _count(watched, event["encodedDataLength"]))
    await network.send("Network.enable")
    try:
        yield watched
    finally:
        await context.close()


def _note(watched: Watched, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        watched.complaints.append(f"{kind}: {text}")


def _count(watched: Watched, length: float) -> None:
    watched.transferred += int(length)


async def scrolls_sideways(page: Page) -> bool:
    """Whether any part of the page is wider than the window."""
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return bool(wide)


def read_qr(picture: bytes) -> str:
    """The text of the one QR in a picture, such as a screenshot."""
    codes = zxingcpp.read_barcodes(Image.open(BytesIO(picture)))
    found = [code.text for code in codes if code.format == zxingcpp.BarcodeFormat.QRCode]
    assert len(found) == 1, f"{len(found)} QR codes in the picture"
    return found[0]


async def cramped_thai(page: Page) -> list[str]:
    """Texts whose vowels and tone marks could be cut off or run into the line above."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(element => {
               const own = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
               const marks = own.some(node => /[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]/.test(node.data));
               const { overflow, lineHeight, fontSize } = getComputedStyle(element);
               const cramped = parseFloat(lineHeight) < 1.45 * parseFloat(fontSize);
               return marks && element.checkVisibility() && (overflow !== 'visible' || cramped);
           }).map(element => element.textContent)"""
    )
    return found
