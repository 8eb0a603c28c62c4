"""Who is calling, and whether what they say has the right form (pack 3, 5.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.linepay.simulator.answers import Json, Refused
from quickkub.connectors.providers.linepay.simulator.register import Channel, Options
from quickkub.connectors.reading import Garbled, read_object
from quickkub.kernel.money import THB, USD, Currency, Money

TWD: Final = Currency("TWD", "901", 2)
CURRENCIES: Final = {currency.code: currency for currency in (THB, USD, TWD)}
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s]+")


class Desk:
    """Channels, and their signatures."""

    def __init__(self, options: Callable[[], Options]) -> None:
        self._options = options
        self.channels: dict[str, Channel] = {}

    async def caller(self, request: web.Request) -> Channel:
        """Whose request it is. Raises Refused with 1104, 1105 or 1106."""
        channel = self.channels.get(request.headers.get("X-LINE-ChannelId", ""))
        if channel is None:
            raise Refused("1104" if "X-LINE-ChannelId" in request.headers else "1106")
        path, _, query = request.raw_path.partition("?")
        body = await request.read()
        if request.method == "POST" and request.content_type != "application/json":
            raise Refused("1106", "Content-Type is application/json.")
        said = body if request.method == "POST" else query.encode()
        nonce = request.headers.get("X-LINE-Authorization-Nonce", "")
        proper = signature(channel.secret, path, said, nonce)
        given = request.headers.get("X-LINE-Authorization", "")
        if not nonce or not hmac.compare_digest(proper.encode(), given.encode()):
            raise Refused("1106")
        allowed = self._options().allowed_ips
        if allowed and request.remote not in {one.strip() for one in allowed.split(",")}:
            raise Refused("1106", f"The IP {request.remote} is not registered.")
        if channel.blocked:
            raise Refused("1105")
        return channel

    async def words(self, request: web.Request) -> Json:
        """The body; none at all is an empty one. Raises Refused with 2102."""
        raw = await request.read()
        try:
            return read_object(raw) if raw.strip() else {}
        except Garbled as garbled:
            raise Refused("2102", str(garbled)) from None


def signature(secret: str, path: str, said: bytes, nonce: str) -> str:
    """Base64 of HMAC-SHA256 over secret, path, body or query, nonce (pack 3)."""
    message = b"".join((secret.encode(), path.encode(), said, nonce.encode()))
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


# --- fields; each raises Refused ---


def text(said: Mapping[str, Any], name: str, letters_max: int, *, needed: bool = True) -> str:
    value = said.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value or len(value) > letters_max:
        raise Refused("2101", f"{name} is a text of 1 to {letters_max} letters.")
    return value


def an_object(said: Mapping[str, Any], name: str, *, needed: bool = True) -> Json:
    value = said.get(name)
    if value is None and not needed:
        return {}
    if not isinstance(value, dict):
        raise Refused("2101", f"{name} is an object.")
    return value


def a_list(said: Mapping[str, Any], name: str) -> list[Json]:
    value = said.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise Refused("2101", f"{name} is a list of objects.")
    return value


def flag(said: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    value = said.get(name, usual)
    if not isinstance(value, bool):
        raise Refused("2101", f"{name} is true or false.")
    return value


def chosen(said: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """One of the choices; the first when nothing is said."""
    value = said.get(name, choices[0])
    if value not in choices:
        raise Refused("2101", f"{name} is one of {', '.join(choices)}.")
    return str(value)


def currency(said: Mapping[str, Any]) -> Currency:
    code = text(said, "currency", 3)
    if code not in CURRENCIES:
        raise Refused("1178")
    return CURRENCIES[code]


def amount(said: Mapping[str, Any], name: str, of: Currency, *, over_nothing: bool = True) -> Money:
    """A number with two decimals at most (1124); not negative, and more than nothing (1183)."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused("2101", f"{name} is a number.")
    minor = Decimal(value) * 100
    if minor != minor.to_integral_value():
        raise Refused("1124")
    if minor < 0 or (over_nothing and minor == 0):
        raise Refused("1183")
    if minor > 10**12:
        raise Refused("2101", f"{name} is too much.")
    return Money(int(minor), of)


def address(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = text(said, name, 500, needed=needed)
    if value and _ADDRESS.fullmatch(value) is None:
        raise Refused("2101", f"{name} is an address.")
    return value
