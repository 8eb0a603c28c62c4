"""Who asks, in which of the four ways of writing a request, and whether it was asked before (pack 2, 12)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, Refused, bad
from quickkub.connectors.providers.omise.simulator.register import Options, Shop
from quickkub.connectors.reading import Garbled, an_object, read_json
from quickkub.connectors.simulation.base import World

_KEPT: Final = timedelta(hours=24)
_BRACKETS: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEPTH_MAX: Final = 5


class Key(Enum):
    """Which key an operation takes."""

    SECRET = "secret"  # noqa: S105 -- the name of a kind of key
    PUBLIC = "public"
    EITHER = "either"
    NONE = "none"


@dataclass(slots=True)
class Asked:
    """A request: whose, and its words from query and body."""

    shop: Shop
    words: Json
    request: web.Request

    @property
    def here(self) -> str:
        """The address that links in answers begin with."""
        return f"{self.request.scheme}://{self.request.host}"


@dataclass(slots=True)
class _First:
    """The first answer to an idempotency key."""

    at: datetime
    digest: bytes
    status: int
    body: bytes


Handler = Callable[[Asked], Awaitable[web.Response]]


@dataclass(slots=True)
class Desk:
    """Opens requests."""

    world: World
    options: Options
    shops: dict[str, Shop] = field(default_factory=dict)
    _firsts: dict[tuple[str, str, str], _First] = field(default_factory=dict)
    _calls: deque[datetime] = field(default_factory=deque)

    def add(self, shop: Shop) -> None:
        self.shops[shop.secret_key] = shop

    def forget(self) -> None:
        self._firsts.clear()
        self._calls.clear()

    async def serve(self, request: web.Request, key: Key, handler: Handler) -> web.Response:
        """The answer to an authenticated request; the first one again for a known Idempotency-Key.

        Raises Refused.
        """
        shop = self._shop(request, key)
        self._refuse_flood()
        asked = Asked(shop, await words_of(request), request)
        name = request.headers.get("idempotency-key", "")
        if not name or request.method != "POST" or not self.options.idempotency:
            return await handler(asked)
        place = (shop.secret_key, request.path.rstrip("/"), name)
        digest = hashlib.sha256(json.dumps(asked.words, sort_keys=True, default=str).encode()).digest()
        first = self._firsts.get(place)
        if first is not None and self.world.clock.now() - first.at < _KEPT:
            if first.digest != digest:
                # The code is not public: one of no table, so that nobody takes it for a refused payment.
                raise Refused(409, "idempotency_conflict", "this key was used for another request")
            return web.Response(status=first.status, body=first.body, content_type="application/json")
        answer = await handler(asked)
        body = answer.body if isinstance(answer.body, bytes) else b""
        self._firsts[place] = _First(self.world.clock.now(), digest, answer.status, body)
        return answer

    def _shop(self, request: web.Request, key: Key) -> Shop:
        if key is Key.NONE:
            return next(iter(self.shops.values()))
        given = _basic_user(request.headers.get("authorization", ""))
        for shop in self.shops.values():
            if hmac.compare_digest(given.encode(), shop.secret_key.encode()):
                if key is Key.PUBLIC:
                    break
                return shop
            if hmac.compare_digest(given.encode(), shop.public_key.encode()):
                if key is Key.SECRET:
                    raise Refused(403, "not_authorized", "this takes the secret key")
                return shop
        raise Refused(401, "authentication_failure", "authentication failed")

    def _refuse_flood(self) -> None:
        limit = self.options.rate_limit_per_second
        if not limit:
            return
        now = self.world.clock.now()
        while self._calls and now - self._calls[0] >= timedelta(seconds=1):
            self._calls.popleft()
        if len(self._calls) >= limit:
            raise Refused(429, "too_many_requests", "too many requests")
        self._calls.append(now)


def _basic_user(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Refused(401, "authentication_failure", "authentication failed")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(401, "authentication_failure", "authentication failed") from None
    # The key is the user; a password means that somebody mixed the two up.
    return "" if password else user


async def words_of(request: web.Request) -> Json:
    """Query and body as one: JSON or form, and a body with a GET, too. Raises Refused."""
    words = unfolded(parse_qsl(request.query_string, keep_blank_values=True))
    kind = request.content_type
    if kind == "multipart/form-data":
        return words
    raw = await request.read()
    if not raw:
        return words
    if kind == "application/x-www-form-urlencoded":
        try:
            return words | unfolded(parse_qsl(raw.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise bad("the body is not UTF-8") from None
    try:
        return words | an_object(read_json(raw), "the body")
    except Garbled as garbled:
        raise bad(f"the body cannot be read: {garbled}") from None


def unfolded(pairs: list[tuple[str, str]]) -> Json:
    """`card[name]=A&tags[]=x` as `{"card": {"name": "A"}, "tags": ["x"]}`. Raises Refused."""
    words: Json = {}
    for written, value in pairs:
        match = _BRACKETS.fullmatch(written)
        if match is None:
            raise bad(f"{written[:40]!r} is no field name")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(path) > _DEPTH_MAX:
            raise bad(f"{written[:40]!r} is nested too deep")
        _put(words, path, value)
    return words


def _put(words: Json, path: list[str], value: str) -> None:
    name, *rest = path
    if not rest:
        words[name] = value
    elif rest == [""]:
        found = words.setdefault(name, [])
        if not isinstance(found, list):
            raise bad(f"{name[:40]!r} is one thing and a list")
        found.append(value)
    else:
        found = words.setdefault(name, {})
        if not isinstance(found, dict):
            raise bad(f"{name[:40]!r} is one thing and an object")
        _put(found, rest, value)


def text(words: Json, name: str) -> str:
    """Empty when it is not there. Raises Refused for what is no text."""
    value: Any = words.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad(f"{name} is not a text")
    return value


def whole(words: Json, name: str) -> int | None:
    """A whole number, or digits in a form; None when it is not there. Raises Refused."""
    value: Any = words.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if type(value) is not int:
        raise bad(f"{name} is not a whole number")
    return value


def flag(words: Json, name: str, *, usual: bool) -> bool:
    """True or false, or these words in a form. Raises Refused."""
    value: Any = words.get(name)
    if value is None or value == "":
        return usual
    if type(value) is bool:
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise bad(f"{name} is neither true nor false")


def mapping(words: Json, name: str) -> Json:
    """An object; empty when it is not there. Raises Refused."""
    value: Any = words.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise bad(f"{name} is not an object")
    return value
