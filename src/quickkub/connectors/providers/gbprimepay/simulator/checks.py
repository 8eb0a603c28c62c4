"""Who is calling, and whether what they say has the right form (pack 1 to 4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal
from email import message_from_bytes
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import answers
from quickkub.connectors.providers.gbprimepay.simulator.answers import Json, Refused, coded, incomplete
from quickkub.connectors.providers.gbprimepay.simulator.register import ADDRESS, Shop
from quickkub.connectors.reading import Garbled, read_object
from quickkub.kernel.money import Money

TEXT_MAX: Final = 250
REFERENCE_MAX: Final = 50
_BAHT: Final = re.compile(r"[0-9]{1,9}\.[0-9]{2}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9]+")
_LIMITED: Final = (
    "detail",
    "customerName",
    "customerEmail",
    "customerTelephone",
    "customerAddress",
    *(f"merchantDefined{n}" for n in range(1, 6)),
)


class Desk:
    """The shops and their keys."""

    def __init__(self) -> None:
        self.shops: dict[str, Shop] = {}

    def add(self, shop: Shop) -> None:
        self.shops[shop.secret_key] = shop

    def by_public_key(self, key: str) -> Shop:
        """Of a form. Raises Refused."""
        return self._known((s for s in self.shops.values() if s.public_key == key), "invalid public key")

    def by_token(self, token: str) -> Shop:
        """Of a QR form; a `+` that was not encoded came as a blank and is no token. Raises Refused."""
        return self._known((s for s in self.shops.values() if s.token == token), "invalid token")

    def by_basic(self, request: web.Request, *, public: bool) -> Shop:
        """By the Basic header: the key as user, and no password. Raises Refused."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user, colon, password = "", "", ""
        if scheme.lower() == "basic" and colon and not password:
            for shop in self.shops.values():
                key = shop.public_key if public else shop.secret_key
                if hmac.compare_digest(key.encode(), user.encode()):
                    return shop
        raise Refused("Unauthorized", 401)

    def _known(self, found: object, trouble: str) -> Shop:
        shop = next(iter(found), None)  # type: ignore[call-overload]
        if not isinstance(shop, Shop):
            raise Refused(trouble)
        return shop


async def form(request: web.Request) -> dict[str, str]:
    """url-encoded or multipart, in the query too where a client puts it there (pack 2, 5.9)."""
    body = await request.read()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return _multipart(kind, body)
    try:
        said = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    except UnicodeDecodeError:
        raise incomplete() from None
    return {**dict(request.query), **said}


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    message = message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    said: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        raw = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(raw, bytes):
            said[name] = raw.decode("utf-8", "replace")
    return said


async def json_words(request: web.Request) -> Json:
    """Raises Refused."""
    try:
        return read_object(await request.read())
    except Garbled:
        raise incomplete() from None


# --- fields; each raises Refused ---


def require(said: Mapping[str, str], *names: str) -> None:
    if not all(said.get(name) for name in names):
        raise incomplete()
    if any(len(said.get(name, "")) > TEXT_MAX for name in _LIMITED):
        raise incomplete()


def reference(said: Mapping[str, str]) -> str:
    found = said["referenceNo"]
    if len(found) > REFERENCE_MAX or _REFERENCE.fullmatch(found) is None:
        raise coded("11", referenceNo=found[:REFERENCE_MAX])
    return found


def amount(said: Mapping[str, str], least: int = 100, most: int = 200_000_000) -> Money:
    """`"100.00"`, from `least` to `most` satang."""
    text = said["amount"]
    if _BAHT.fullmatch(text) is None:
        raise coded("14", referenceNo=said.get("referenceNo"))
    satang = int(text.replace(".", ""))
    if not least <= satang <= most:
        raise coded("14", referenceNo=said.get("referenceNo"))
    return Money(satang)


def number_amount(said: Json) -> Money:
    """A JSON number of baht with two decimals at most."""
    value = said.get("amount")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise coded("14", referenceNo=said.get("referenceNo"))
    satang = Decimal(value) * 100
    if satang != satang.to_integral_value() or not 100 <= satang <= 200_000_000:  # noqa: PLR2004
        raise coded("14", referenceNo=said.get("referenceNo"))
    return Money(int(satang))


def address(said: Mapping[str, str], name: str) -> str:
    if ADDRESS.fullmatch(said.get(name, "")) is None:
        raise incomplete()
    return said[name]


def checksum(shop: Shop, said: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Over the exact texts as posted (pack 3)."""
    message = "".join(said.get(name, "") for name in names).encode()
    proper = hmac.new(shop.secret_key.encode(), message, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(proper.encode(), said.get("checksum", "").encode()):
        raise coded("99", "Invalid checksum")


__all__ = [
    "Desk",
    "address",
    "amount",
    "answers",
    "checksum",
    "form",
    "json_words",
    "number_amount",
    "require",
]
