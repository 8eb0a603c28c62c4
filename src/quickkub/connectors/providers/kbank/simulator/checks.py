"""What the bank looks at first: token, body, and the fields common to every request (pack A2, A3)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.answers import AtTheGate, Refused
from quickkub.connectors.providers.kbank.simulator.book import Book
from quickkub.connectors.providers.kbank.simulator.register import App, Options, Registry
from quickkub.connectors.reading import Garbled, read_json
from quickkub.connectors.simulation.base import World
from quickkub.kernel.money import THB, BadAmount, Money, read_decimal

UID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
REQUEST_DT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
AMOUNT_MAX: Final = 200_000_000
_SATANG_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class _Granted:
    consumer: str
    until: datetime


class Desk:
    """Lets callers of the Open API in."""

    def __init__(self, world: World, registered: Registry, book: Book, options: Options) -> None:
        self._world, self._registered, self._book = world, registered, book
        self.options = options
        self._granted: dict[str, _Granted] = {}
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)  # not money: moments

    def forget_tokens(self) -> None:
        self._granted.clear()

    async def token(self, request: web.Request) -> web.Response:
        """`POST /v2/oauth/token` (pack A2.1)."""
        app = self._by_basic(request.headers.get("authorization", ""))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        form = dict(parse_qsl((await request.read()).decode("utf-8", "replace")))
        if kind != "application/x-www-form-urlencoded" or form.get("grant_type") != "client_credentials":
            raise AtTheGate(400)
        if (
            self.options.mode != "stateful"
            and is_exercise(request)
            and request.headers.get("env-id") != "OAUTH2"
        ):
            raise AtTheGate(400)
        self._limit(app.consumer_id)
        value, lives = secrets.token_urlsafe(21), self.options.token_lives_seconds
        until = self._world.clock.now() + timedelta(seconds=lives)
        self._granted[value] = _Granted(app.consumer_id, until)
        return answers.said(
            {
                "token_type": "Bearer",
                "client_id": app.consumer_id,
                "access_token": value,
                "scope": "",
                "expires_in": str(lives) if self.options.expires_in == "text" else lives,
                "status": "approved",
            }
        )

    def _by_basic(self, header: str) -> App:
        scheme, _, pair = header.partition(" ")
        if scheme.lower() != "basic" or not pair:
            raise AtTheGate(401, "Unresolved variable Authorization")
        try:
            name, _, key = base64.b64decode(pair, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise AtTheGate(401, "OAuth 2.0 Token Generate Error") from None
        app = self._registered.apps.get(name)
        if app is None:
            raise AtTheGate(401, "OAuth 2.0 Token Generate Error")
        if app.consumer_secret != key:
            raise AtTheGate(401, "Invalid Consumer Secret")
        return app

    def enter(self, request: web.Request, *, needs_token: bool = True) -> App | None:
        """The partner behind the access token. Raises AtTheGate. K PLUS of 2019 is let in without one."""
        header = request.headers.get("authorization", "")
        if not header and not needs_token:
            return None
        scheme, _, value = header.partition(" ")
        granted = self._granted.get(value.strip())
        if scheme.lower() != "bearer" or granted is None:
            raise AtTheGate(401, "Invalid Access Token")
        if self._world.clock.now() >= granted.until:
            raise AtTheGate(401, "Access Token expired")
        app = self._registered.apps.get(granted.consumer)
        if app is None:
            raise AtTheGate(401, "Access Token not approved")
        self._limit(app.consumer_id)
        return app

    def _limit(self, consumer: str) -> None:
        allowed = self.options.rate_limit_per_second
        if not allowed:
            return
        asked, now_seconds = self._asked[consumer], time.monotonic()
        while asked and now_seconds - asked[0] >= 1:
            asked.popleft()
        if len(asked) >= allowed:
            raise AtTheGate(429)
        asked.append(now_seconds)

    async def read(self, request: web.Request) -> dict[str, Any]:
        """The JSON object of a request. Raises AtTheGate: the API manager refuses everything else."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            body = read_json(await request.read())
        except Garbled:
            raise AtTheGate(400) from None
        if kind != "application/json" or not isinstance(body, dict):
            raise AtTheGate(400)
        return body

    def check_common(self, body: dict[str, Any], app: App | None, *, shop: bool = True) -> App:
        """Types and lengths, then the partner, then that the id is new (pack A3). Raises Refused."""
        uid, at = body.get("partnerTxnUid"), body.get("requestDt")
        if not isinstance(uid, str) or UID.fullmatch(uid) is None:
            raise Refused("EMBR")
        if not isinstance(at, str) or (shop and REQUEST_DT.fullmatch(at) is None):
            raise Refused("EMBR")
        limits = (("partnerId", 10), ("partnerSecret", 32), *((("merchantId", 14),) if shop else ()))
        for name, longest in limits:
            value = body.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= longest:
                raise Refused("EMBR")
        terminal = body.get("terminalId")
        if terminal is not None and (not isinstance(terminal, str) or len(terminal) > 8):  # noqa: PLR2004 -- pack A3
            raise Refused("EMBR")
        partner = self._registered.by_partner(body["partnerId"])
        if partner is None or partner.partner_secret != body["partnerSecret"] or app not in (None, partner):
            raise Refused("EMA")
        if shop and partner.merchant_id != body["merchantId"]:
            raise Refused("EMPM")
        if (partner.partner_id, uid) in self._book.used_uids:
            raise Refused("EMDR")
        return partner

    def use_up(self, body: dict[str, Any]) -> None:
        """From now on this `partnerTxnUid` is a duplicate."""
        self._book.used_uids.add((body["partnerId"], body["partnerTxnUid"]))


def is_exercise(request: web.Request) -> bool:
    """Whether a call carries the sandbox's headers (pack A1)."""
    return request.headers.get("x-test-mode") == "true" or "env-id" in request.headers


def baht(value: Any, most: int = AMOUNT_MAX) -> Money:
    """`txnAmount`: a number, or its text as production clients send it; at most `most` satang.

    Raises Refused.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise Refused("EMITF")
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if len(text.partition(".")[2].rstrip("0")) > _SATANG_DECIMALS:
        raise Refused("EMITF")
    whole, point, fraction = text.partition(".")
    try:
        money = read_decimal(whole + point + fraction[:_SATANG_DECIMALS], THB)
    except BadAmount:
        raise Refused("EMITA" if text.startswith("-") else "EMITF") from None
    if not 1 <= money.minor <= most:
        raise Refused("EMITA")
    return money


def text_of(body: dict[str, Any], name: str, longest: int) -> str | None:
    """An optional text. Raises Refused for another type, or one that is too long."""
    value = body.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > longest):
        raise Refused("EMBR")
    return value
