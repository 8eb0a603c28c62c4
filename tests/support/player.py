"""Plays a vector's requests to the provider's simulator and holds its answers against the file."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from yarl import URL

from tests.support.speech import dumps, loads
from tests.support.vectors import Vector, at, vectors_of

Json = Any

SHAPES: Final = {
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "text": re.compile(r"(?s).+"),
}
"""What a volatile value looks like; besides, `png`, `number`, `anything` and `/a regular expression/`."""


@dataclass
class Player:
    """Sends a vector's requests to a simulator at `url`.

    `names` maps values of the file to what the simulator said instead.
    """

    vector: Vector
    url: str
    session: aiohttp.ClientSession
    names: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def __post_init__(self) -> None:
        # A callback address of the file leads outside; here it leads back to the simulator, which has no such
        # page, unless a test listens itself.
        self.names.setdefault(self.vector.callback_url, f"{self.url}/nobody-listens")

    async def play(self) -> None:
        """The world, then every step. Raises AssertionError where the simulator says otherwise."""
        await self.make_world(self.vector.said["world"])
        for number, step in enumerate(self.vector.said["exchange"]):
            await self.make_world(step.get("world", []))
            await self._step(step, f"step {number}")

    async def register_confirmations(self, url: str) -> None:
        """Let the simulator's callbacks go to `url`: registered, or named with each order."""
        self.names[self.vector.callback_url] = url
        shared = self.vector.shared.get("confirmations")
        if words := self.vector.said.get("confirmations", shared):
            words = loads(dumps(words).replace("<url>", url))
            await self._control("POST", "/_sim/registrations", words)

    async def settle(self) -> None:
        """Wait until everything that is due at the simulator has happened."""
        await self._control("POST", "/_sim/clock", {"advance_seconds": 0})

    async def confirmations(self) -> list[Json]:
        found: list[Json] = (await self._control("GET", "/_sim/confirmations", {}))["confirmations"]
        return found

    def renamed(self, value: Json) -> Json:
        """A value of the file with the simulator's own names in it."""
        return loads(self._renamed(dumps(value)))

    async def make_world(self, world: list[Json]) -> None:
        for act in world:
            match act:
                case [method, path, body]:
                    await self._control(method, path, body)
                case {"sim": [method, path, body]}:
                    self._bind(act.get("names", {}), await self._control(method, path, body))
                case {"api": ask}:
                    if self.vector.token and not self.token:
                        await self._fetch_token()
                    status, raw, headers = await self._api({**act, "ask": ask})
                    assert status < 300, raw
                    self._learn(act, self.vector.speech.answer_words(self.vector, raw, headers))
                case _:
                    raise AssertionError(f"a world is made of calls, not of {act!r}")

    async def _step(self, step: dict[str, Json], where: str) -> None:
        try:
            status, raw, headers = await self._api(step)
        except aiohttp.ClientError as cut:
            assert step["answer"] in ("dropped", "reset", "half"), f"{where}: {cut!r}"
            return
        assert isinstance(step["answer"], list), f"{where}: an answer came, {raw!r}"
        expected_status, expected, *more = step["answer"]
        assert status == expected_status, f"{where}: {status} {raw!r}"
        for name, value in (more[0] if more else {}).items():
            assert headers.get(name.lower()) == self._renamed(value), f"{where}: {name}"
        if isinstance(expected, str):
            assert raw.decode() == expected, where
            return
        actual = self.vector.speech.answer_words(self.vector, raw, headers)
        self._bind(step.get("names", {}), actual)
        if (token := self.vector.token) and self.vector.is_token_step(step) and status < 300:
            self._bind({at(expected, token["at"]): token["at"]}, actual)
            self.token = at(actual, token["at"])
        self.same(expected, actual, step.get("volatile", {}), where)

    def same(self, expected: Json, actual: Json, volatile: Mapping[str, str], where: str) -> None:
        """Raises AssertionError at the first place that differs."""
        _same(loads(self._renamed(dumps(expected))), actual, volatile, "", where)

    def _learn(self, act: dict[str, Json], said: Json) -> None:
        if names := act.get("names"):
            self._bind(names, said)

    async def _fetch_token(self) -> None:
        assert self.vector.token is not None
        known = [step for v in (self.vector, *vectors_of(self.vector.provider)) for step in _steps(v)]
        step = next(step for step in known if self.vector.is_token_step(step))
        _, raw, headers = await self._api(step)
        self.token = at(self.vector.speech.answer_words(self.vector, raw, headers), self.vector.token["at"])

    async def _api(self, step: dict[str, Json]) -> tuple[int, bytes, dict[str, str]]:
        method, path, words = step["ask"]
        path, words = self._renamed(path), loads(self._renamed(dumps(words)))
        written = self.vector.speech.request(self.vector, method, path, words)
        headers = {name: self._filled(value) for name, value in self.vector.headers(step).items()}
        base = self.url + self.vector.base_path(step.get("host", ""))
        query = f"?{written.query_text}" if written.query_text else ""
        async with self.session.request(
            method,
            URL(base + path + query, encoded=True),
            data=written.body or None,
            headers={**(written.headers or {}), **headers},
            allow_redirects=False,
        ) as came:
            raw = await came.read()
            return came.status, raw, {name.lower(): value for name, value in came.headers.items()}

    def _filled(self, value: str) -> str:
        return self._renamed(value).replace("<token>", self.token).replace("<fresh>", uuid.uuid4().hex)

    async def _control(self, method: str, path: str, body: Json) -> Json:
        url, data = self.url + self._renamed(path), self._renamed(dumps(body))
        async with self.session.request(method, url, data=data) as came:
            answer = loads(await came.read())
            assert came.status < 300, f"{path}: {answer}"
            return answer

    def _bind(self, names: Mapping[str, str], said: Json) -> None:
        self.names |= {name: str(at(said, place)) for name, place in names.items()}

    def _renamed(self, text: str) -> str:
        for name, actual in self.names.items():
            text = text.replace(name, actual)
        return text


def _steps(vector: Vector) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = vector.said.get("exchange", [])
    return found


def _same(expected: Json, actual: Json, volatile: Mapping[str, str], place: str, where: str) -> None:
    if shape := volatile.get(place):
        assert _has_shape(shape, actual), f"{where}: {place} is {actual!r}, not {shape}"
        return
    match expected:
        case dict():
            assert isinstance(actual, dict) and expected.keys() == actual.keys(), (
                f"{where}: {place or 'the body'} has {_named(actual)} instead of {sorted(expected)}"
            )
            for key, value in expected.items():
                _same(value, actual[key], volatile, f"{place}.{key}".lstrip("."), where)
        case list():
            assert isinstance(actual, list) and len(actual) == len(expected), f"{where}: {place}: {actual!r}"
            for number, value in enumerate(expected):
                _same(value, actual[number], volatile, f"{place}.{number}".lstrip("."), where)
        case _:
            assert expected == actual, f"{where}: {place} is {actual!r} instead of {expected!r}"


def _named(actual: Json) -> Json:
    return sorted(actual) if isinstance(actual, dict) else actual


def _has_shape(shape: str, value: Json) -> bool:
    if shape == "anything":
        return True
    if shape == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if shape == "png":
        return base64.b64decode(value, validate=True).startswith(b"\x89PNG")
    pattern = re.compile(shape[1:-1]) if shape.startswith("/") else SHAPES[shape]
    return pattern.fullmatch(value) is not None
