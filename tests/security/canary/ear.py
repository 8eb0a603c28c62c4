"""Hears every answer that a test's clients are given, and takes out of it what is secret from then on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.security.canary.bag import Bag
from tests.support.api import Client, Told
from tests.support.browser_client import Browser


@dataclass
class Ear:
    """What was said and heard; all secrets in it are in the bag."""

    bag: Bag
    answers: list[tuple[str, Told]] = field(default_factory=list)

    def hears(self, request: str, words: Any, told: Told) -> None:
        """One request and its answer."""
        self.bag.put_said(words)
        if told.status < 400 and told.headers.get("content-type", "").startswith("application/json"):
            self.bag.put_shown(told.json)
        if found := re.match(r"[\w-]+=([\w-]+);", told.headers.get("set-cookie", "")):
            self.bag.put("session", found[1])
        self.answers.append((request, told))

    def listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """To every client and every browser of the test."""
        client_asks, browser_asks = Client.asks, Browser.asks

        async def client(this: Client, method: str, path: str, **more: Any) -> Told:
            told = await client_asks(this, method, path, **more)
            if this.key is not None:
                self.bag.put("api key", this.key)
            self.hears(f"{method} {path}", more.get("words"), told)
            return told

        async def browser(this: Browser, method: str, path: str, words: Any = None, **more: Any) -> Told:
            told = await browser_asks(this, method, path, words, **more)
            self.hears(f"{method} {path}", words, told)
            return told

        monkeypatch.setattr(Client, "asks", client)
        monkeypatch.setattr(Browser, "asks", browser)
