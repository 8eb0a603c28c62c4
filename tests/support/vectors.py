"""Playing a provider's vectors: against its connector through a real line, and against its simulator.

A vector is one file under `connectors/providers/<name>/vectors`:

- `says`, `source`: what it is about, and where it was copied from;
- `asks`: `create`, `inquire` or `["verify_slip", …]`, with the `order` and the account's `settings`;
- `exchange`: steps of `ask` `[method, path, body or query]` and `answer` `[status, body]`; an answer may also
  be `dropped`, `reset` or `half`. `volatile` names places whose value only needs a shape; `names` binds a
  value of the file to the place where the simulator says its own;
- `world`: what happens at the simulator first (control API calls, `api` for the provider's own). A vector
  without it is played to the connector only: the simulator never says such a thing;
- `outcome`: what the connector concludes.

A callback's vector has `callback` and what is read from it (`news`) and answered (`answer`), or
`callback_raw` and the code it is `refused` with. `account.json` beside them says what all of a provider's
vectors share.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final

import aiohttp

from quickkub.connectors import providers, registry
from quickkub.connectors.contract import Account, Action, Order, Receipt
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret

Json = Any

SHAPES: Final = {
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "text": re.compile(r"(?s).+"),
}


@dataclass(frozen=True)
class Vector:
    """One file, with what its provider's vectors share."""

    provider: str
    name: str
    said: dict[str, Json]
    shared: dict[str, Json]

    def account(self, base_url: str) -> Account:
        return Account(
            merchant=MerchantId("mer_" + "0" * 32),
            id="acc_" + "0" * 32,
            mode="test",
            provider=self.provider,
            settings={**self.shared["settings"], "base_url": base_url, **self.said.get("settings", {})},
            credentials={name: Secret(value) for name, value in self.shared["credentials"].items()},
        )

    def order(self) -> Order:
        said: dict[str, Any] = dict(self.said["order"])
        for name in ("asked_at", "expires_at", "now"):
            said[name] = datetime.fromisoformat(said[name])
        return Order(amount=Money(said.pop("satang")), **said)

    def callback(self) -> bytes:
        return dumps(self.said["callback"]).encode()

    def exchange(self, account: Account) -> Any:
        """The connector's generator for what the vector asks."""
        connector: Any = registry.connector(self.provider)
        match self.said["asks"]:
            case str(method):
                return getattr(connector, method)(account, self.order())
            case [method, *words]:
                return getattr(connector, method)(account, *words)


def all_vectors() -> list[Vector]:
    """Every provider's vectors, found by looking."""
    found = []
    for name in registry.names():
        for root in providers.__path__:
            folder = Path(root) / name / "vectors"
            if not folder.is_dir():
                continue
            shared = read(folder / "account.json")
            paths = sorted(path for path in folder.glob("*.json") if path.name != "account.json")
            found += [Vector(name, path.stem, read(path), shared) for path in paths]
    return found


def read(path: Path) -> dict[str, Json]:
    said: dict[str, Json] = loads(path.read_text(encoding="utf-8"))
    return said


def loads(text: str | bytes) -> Json:
    """JSON with exact numbers: 100.00 is 100.0 but not "100.00"."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Json) -> str:
    return json.dumps(value, default=float)


# --- outcomes ---------------------------------------------------------------------------------------------


def told(outcome: object) -> list[Json]:
    """An outcome the way a vector writes it."""
    names = [name for name in getattr(outcome, "__slots__", ()) if not name.startswith("_")]
    parts = [_part(name, getattr(outcome, name)) for name in names]
    return [type(outcome).__name__, {key: value for part in parts for key, value in part.items()}]


def _part(name: str, value: object) -> dict[str, Json]:
    if isinstance(value, Money):
        return {"satang": value.minor, "currency": value.currency.code}
    return {name: _plain(value)}


def _plain(value: object) -> Json:
    match value:
        case Action():
            return [value.kind.value, value.value]
        case Receipt():
            return told(value)[1]
        case Enum():
            return value.value
        case datetime():
            return rfc3339(value)
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return dict(value) if isinstance(value, Mapping) else value


def fits(expected: Json, actual: Json) -> bool:
    """Whether everything the vector names is so; what it does not name may be anything."""
    match expected:
        case dict():
            return isinstance(actual, dict) and all(fits(v, actual.get(k)) for k, v in expected.items())
        case list():
            pairs = isinstance(actual, list) and len(actual) == len(expected)
            return pairs and all(fits(e, a) for e, a in zip(expected, actual, strict=True))
        case _:
            return bool(expected == actual)


# --- against the simulator --------------------------------------------------------------------------------


@dataclass
class Player:
    """Sends a vector's requests to a simulator at `url` and holds its answers against the file.

    `names` maps values of the file to what the simulator said instead.
    """

    vector: Vector
    url: str
    session: aiohttp.ClientSession
    names: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def play(self) -> None:
        """The world, then every step. Raises AssertionError where the simulator says otherwise."""
        await self.make_world(self.vector.said["world"])
        for number, step in enumerate(self.vector.said["exchange"]):
            await self.make_world(step.get("world", []))
            await self._step(step, f"step {number}")

    async def register_confirmations(self, url: str) -> None:
        """Let the simulator's confirmations go to `url`."""
        words = loads(dumps(self.vector.shared["confirmations"]).replace("<url>", url))
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
                case {"api": [method, path, body]}:
                    if not self.token:
                        await self._fetch_token()
                    status, answer = await self._api(method, path, body, act.get("headers", {}))
                    assert status < 300, answer
                    self._bind(act.get("names", {}), loads(answer))
                case _:
                    raise AssertionError(f"a world is made of calls, not of {act!r}")

    async def _step(self, step: dict[str, Json], where: str) -> None:
        method, path, words = step["ask"]
        try:
            status, raw = await self._api(method, path, words, step.get("headers", {}))
        except aiohttp.ClientError as cut:
            assert step["answer"] in ("dropped", "reset", "half"), f"{where}: {cut!r}"
            return
        assert isinstance(step["answer"], list), f"{where}: an answer came, {raw!r}"
        expected_status, expected = step["answer"]
        assert status == expected_status, f"{where}: {raw!r}"
        if isinstance(expected, str):
            assert raw.decode() == expected, where
            return
        actual = loads(raw)
        self._bind(step.get("names", {}), actual)
        if [method, path] == self.vector.shared["token"]["ask"] and status < 300:
            self._bind(
                {at(expected, self.vector.shared["token"]["at"]): self.vector.shared["token"]["at"]}, actual
            )
            self.token = at(actual, self.vector.shared["token"]["at"])
        self.same(expected, actual, step.get("volatile", {}), where)

    def same(self, expected: Json, actual: Json, volatile: Mapping[str, str], where: str) -> None:
        """Raises AssertionError at the first place that differs."""
        _same(loads(self._renamed(dumps(expected))), actual, volatile, "", where)

    async def _fetch_token(self) -> None:
        shared = self.vector.shared
        method, path = shared["token"]["ask"]
        step = next(s for s in _steps(self.vector) if s["ask"][:2] == [method, path])
        _, raw = await self._api(method, path, step["ask"][2], {})
        self.token = at(loads(raw), shared["token"]["at"])

    async def _api(self, method: str, path: str, words: Json, more: Mapping[str, str]) -> tuple[int, bytes]:
        headers = {
            name: value.replace("<token>", self.token).replace("<fresh>", uuid.uuid4().hex)
            for name, value in self.vector.shared["headers"].items()
        }
        url = self.url + self.vector.shared["base_path"] + self._renamed(path)
        words = loads(self._renamed(dumps(words)))
        if method == "GET":
            asked = self.session.get(url, params=words, headers={**headers, **more})
        else:
            headers["content-type"] = "application/json"
            asked = self.session.request(method, url, data=dumps(words), headers={**headers, **more})
        async with asked as came:
            return came.status, await came.read()

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


def _steps(vector: Vector) -> list[Json]:
    """Steps to borrow the token request from: the vector's own, or another's of the same provider."""
    return [
        step
        for other in (vector, *(v for v in all_vectors() if v.provider == vector.provider))
        for step in other.said.get("exchange", [])
    ]


def at(value: Json, place: str) -> Json:
    """`data.0.transactionId` in a JSON value."""
    for word in place.split("."):
        value = value[int(word)] if isinstance(value, list) else value[word]
    return value


def _same(expected: Json, actual: Json, volatile: Mapping[str, str], place: str, where: str) -> None:
    if shape := volatile.get(place):
        assert _has_shape(shape, actual), f"{where}: {place} is {actual!r}, not {shape}"
        return
    match expected:
        case dict():
            assert isinstance(actual, dict) and expected.keys() == actual.keys(), (
                f"{where}: {place or 'the body'} has {sorted(actual)} instead of {sorted(expected)}"
            )
            for key, value in expected.items():
                _same(value, actual[key], volatile, f"{place}.{key}".lstrip("."), where)
        case list():
            assert isinstance(actual, list) and len(actual) == len(expected), f"{where}: {place}: {actual!r}"
            for number, value in enumerate(expected):
                _same(value, actual[number], volatile, f"{place}.{number}".lstrip("."), where)
        case _:
            assert expected == actual, f"{where}: {place} is {actual!r} instead of {expected!r}"


def _has_shape(shape: str, value: Json) -> bool:
    if not isinstance(value, str):
        return False
    if shape == "png":
        return base64.b64decode(value, validate=True).startswith(b"\x89PNG")
    return SHAPES[shape].fullmatch(value) is not None
