"""Asks the gateway's public address as a browser would: what payers are really sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp  # door: the watch asks our own public address, to which no other line leads

from quickkub.storage import in_transaction

SECONDS: Final = 15
BYTES_MAX: Final = 2 * 1024 * 1024


class PageAway(Exception):
    """Nothing came, or nothing whole; the words say why."""


@dataclass(frozen=True, slots=True)
class Came:
    """An answer. Names of headers are lower case; one that came twice has both values."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Asker:
    """Asks below one address; certificates are checked, redirects are not followed, cookies not kept."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def get(self, path: str, *, encoding: str = "identity") -> Came:
        """One answer, decompressed. Raises PageAway."""
        if in_transaction():
            raise RuntimeError("a page is fetched with no transaction open (D4)")
        headers = {"accept-encoding": encoding, "accept-language": "en", "accept": "*/*"}
        try:
            async with self._session.get(self._base + path, headers=headers, allow_redirects=False) as answer:
                told: dict[str, str] = {}
                for name, value in answer.headers.items():
                    told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
                body = await answer.content.read(BYTES_MAX)
                while more := await answer.content.read(BYTES_MAX):
                    body += more
                    if len(body) > BYTES_MAX:
                        raise PageAway(f"more than {BYTES_MAX} bytes came")
        except (
            aiohttp.ClientError,
            TimeoutError,
            ValueError,
            OSError,
            asyncio.IncompleteReadError,
        ) as trouble:
            raise PageAway(type(trouble).__name__) from trouble
        return Came(answer.status, told, body)


@asynccontextmanager
async def asker(base: str) -> AsyncIterator[Asker]:
    """A line to `base`, such as `https://pay.example`."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=SECONDS),
        headers={"user-agent": "QuickKub-PageWatch/1"},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        yield Asker(session, base.rstrip("/"))
