"""Confirmations on their way to a merchant: copies, delays, tries until the answer is proper."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import aiohttp

from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import rfc3339

ANSWER_MAX: Final = 16 << 10
ANSWER_SHOWN: Final = 500
JSON_HEADERS: Final = {"content-type": "application/json", "accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a provider tries, how far apart, and how long it waits for an answer."""

    tries_max: int
    apart_seconds: int
    answer_seconds: int = 5


@dataclass(slots=True)
class Try:
    """One call: when, and what came back; `status` is None when there was no answer."""

    at: str
    status: int | None
    answer: str


@dataclass(slots=True)
class Letter:
    """A confirmation with everything that happened to it.

    `state`: `waiting`, `accepted`, `given_up`, `lost` (never sent, by fate or by a button), `unrouted`
    (nobody registered an address) or `forged` (a false one, sent by the weather).
    """

    number: int
    about: str
    url: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: dict(JSON_HEADERS))
    state: str = "waiting"
    tries: list[Try] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "about": self.about,
            "url": self.url,
            "state": self.state,
            "body": self.body.decode("utf-8", "replace"),
            "tries": [{"at": t.at, "status": t.status, "answer": t.answer} for t in self.tries],
        }


Proper = Callable[[int, bytes, Letter], bool]
"""Whether an answer (status, body) is what the provider wants to hear about this letter."""


class Post:
    """Sends confirmations of one simulator and remembers them all."""

    def __init__(self, world: World, proper: Proper, patience: Patience) -> None:
        self._world = world
        self._proper = proper
        self.patience = patience
        self.letters: list[Letter] = []
        self._numbers = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    def send(
        self,
        about: str,
        url: str | None,
        body: bytes,
        *,
        callback: str = "send",
        forged: bytes | None = None,
        method: str = "POST",
        headers: Mapping[str, str] = JSON_HEADERS,
    ) -> Letter:
        """Let a confirmation go its way. `callback` is `send`, `drop` or `duplicate`.

        `forged` is the body of the false confirmation to send when the weather says so; it goes with the same
        headers. With GET the body stays empty and the words are in the address.
        """
        letter = self._letter(about, url or "", body, method, headers)
        if url is None:
            letter.state = "unrouted"
            return letter
        fate = self._world.weather.fate(letter.number)
        delays = list(fate.delays_ms)
        if callback == "drop" or not delays:
            letter.state = "lost"
            return letter
        if callback == "duplicate":
            delays += delays[-1:]
        self._at(delays[0], lambda: self._deliver(letter, 1))
        for delay in delays[1:]:
            self._at(delay, lambda: self._call(letter))
        if fate.forged and forged is not None:
            false = self._letter(about, url, forged, method, headers)
            false.state = "forged"
            self._at(delays[0], lambda: self._call(false))
        return letter

    def forget(self) -> None:
        self.letters.clear()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _letter(self, about: str, url: str, body: bytes, method: str, headers: Mapping[str, str]) -> Letter:
        letter = Letter(next(self._numbers), about, url, body, method, headers)
        self.letters.append(letter)
        return letter

    def _at(self, delay_ms: int, job: Callable[[], Any]) -> None:
        self._world.schedule.after(timedelta(milliseconds=delay_ms), job)

    async def _deliver(self, letter: Letter, tries: int) -> None:
        """The n-th try, and the next one later unless the answer was proper or patience is at its end."""
        if await self._call(letter):
            letter.state = "accepted"
        elif tries < self.patience.tries_max:
            self._at(1000 * self.patience.apart_seconds, lambda: self._deliver(letter, tries + 1))
        else:
            letter.state = "given_up"

    async def _call(self, letter: Letter) -> bool:
        at = rfc3339(self._world.clock.now())
        try:
            status, answer = await self._posted(letter)
        except (aiohttp.ClientError, OSError, TimeoutError) as trouble:
            letter.tries.append(Try(at, None, type(trouble).__name__))
            return False
        letter.tries.append(Try(at, status, answer[:ANSWER_SHOWN].decode("utf-8", "replace")))
        return self._proper(status, answer, letter)

    async def _posted(self, letter: Letter) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"user-agent": "QuickKub-simulator"},
            )
        async with (
            asyncio.timeout(self.patience.answer_seconds),
            self._session.request(
                letter.method,
                letter.url,
                data=letter.body or None,
                headers=letter.headers,
                allow_redirects=False,
            ) as came,
        ):
            return came.status, await came.content.read(ANSWER_MAX)
