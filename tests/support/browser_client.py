"""A browser without a screen: keeps its cookie, sends its origin and its synchroniser token, or does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final

import aiohttp

from tests.support.api import Client, Told

ORIGIN: Final = "http://shop.test"
_UNSET: Final = "as usual"


@dataclass
class Browser:
    """One person's browser on one gateway whose own address is ORIGIN."""

    session: aiohttp.ClientSession
    url: str
    origin: str = ORIGIN
    cookie_name: str = "__Host-qk_session"
    cookie: str | None = None
    csrf: str | None = None
    set_cookie: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, client: Client, **settings: Any) -> Browser:
        return cls(client.session, client.url, **settings)

    async def asks(
        self,
        method: str,
        path: str,
        words: Any = None,
        *,
        origin: str | None = _UNSET,
        csrf: str | None = _UNSET,
        cookie: str | None = _UNSET,
        headers: Any = None,
    ) -> Told:
        """Send a request as a page of ours would, but for what is said otherwise. None: left out."""
        sent = {
            "Origin": self.origin if origin == _UNSET else origin,
            "X-CSRF-Token": self.csrf if csrf == _UNSET else csrf,
            "Cookie": self._cookies(self.cookie if cookie == _UNSET else cookie),
            "Content-Type": "application/json" if words is not None else None,
        }
        given = {name: value for name, value in sent.items() if value is not None}
        async with self.session.request(
            method,
            self.url + path,
            data=json.dumps(words).encode() if words is not None else None,
            headers=given | self.more | (headers or {}),
            skip_auto_headers=["Content-Type"],
        ) as answer:
            body = await answer.read()
            told = Told(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)
        self._keep(told)
        return told

    async def posts(self, path: str, words: Any = None, **otherwise: Any) -> Told:
        return await self.asks("POST", path, words, **otherwise)

    async def gets(self, path: str, **otherwise: Any) -> Told:
        return await self.asks("GET", path, **otherwise)

    async def logs_in(self, email: str, password: str) -> Told:
        return await self.posts("/auth/login", {"email": email, "password": password})

    def _cookies(self, token: str | None) -> str | None:
        return None if token is None else f"{self.cookie_name}={token}"

    def _keep(self, told: Told) -> None:
        """What a browser and the page in it would keep."""
        if "set-cookie" in told.headers:
            self.set_cookie = told.headers["set-cookie"]
            morsel = SimpleCookie(self.set_cookie)[self.cookie_name]
            self.cookie = morsel.value or None
        if told.status == 200 and isinstance(told.json, dict) and told.json.get("csrf_token"):
            self.csrf = told.json["csrf_token"]
