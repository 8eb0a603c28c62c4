"""Who calls, proven by key and signature; and answers with TrueMoney's signature (pack 3)."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.truemoney.simulator import answers, wire
from quickkub.connectors.providers.truemoney.simulator.answers import Json, Refused
from quickkub.connectors.providers.truemoney.simulator.book import Book
from quickkub.connectors.providers.truemoney.simulator.register import Partner
from quickkub.connectors.reading import Garbled, read_object
from quickkub.connectors.simulation.base import BadControl

Work = Callable[[Partner, Json, web.Request], Json]
Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

SKEW_SECONDS: Final = 300
SPOILT: Final = frozenset({"bad_signature", "no_signature", "wrong_amount", "wrong_currency", "empty"})
_BEFORE: Final = "before:"
_BAD_REQUEST: Final = 400


class Gate:
    """Checks, lets work, signs. What waits in `codes` or `spoil` for an operation changes its next answer."""

    def __init__(self, book: Book, partners: Mapping[str, Partner], key: wire.PrivateKey) -> None:
        self._book, self._partners, self._key = book, partners, key
        self._codes: dict[str, list[str]] = {}
        self._spoilt: dict[str, list[str]] = {}

    def take(self, said: Mapping[str, Any]) -> None:
        """`{"codes": {"pay": ["internal_error"]}, "spoil": {"pay": ["no_signature"]}}`. Raises BadControl."""
        for name, kept in (("codes", self._codes), ("spoil", self._spoilt)):
            listed = said.get(name, {})
            if not isinstance(listed, dict) or not all(isinstance(one, list) for one in listed.values()):
                raise BadControl(f'{name} is {{"pay": ["…"]}}')
            for operation, words in listed.items():
                if name == "spoil" and not SPOILT.issuperset(words):
                    raise BadControl(f"spoil is one of {', '.join(sorted(SPOILT))}")
                kept.setdefault(str(operation), []).extend(map(str, words))

    def forget(self) -> None:
        self._codes.clear()
        self._spoilt.clear()

    def signed(self, operation: str, work: Work) -> Handler:
        """A handler that answers as TrueMoney does, refusals included."""

        async def handle(request: web.Request) -> web.Response:
            waiting = self._codes.get(operation)
            code = waiting.pop(0) if waiting else ""
            try:
                partner = await self._caller(request)
                if code and not code.startswith(_BEFORE):
                    work(partner, await _words(request), request)
                if code:
                    raise Refused(code.removeprefix(_BEFORE))
                data = work(partner, await _words(request), request)
                return self._answer(operation, answers.envelope(data))
            except Refused as refused:
                return self._answer(operation, self._refusal(refused), refused.status)
            except Exception:
                # The outermost loop of a request. A mistake of ours looks like one of TrueMoney's.
                log.exception("the simulator failed on %s", request.path)
                return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

        return handle

    async def _caller(self, request: web.Request) -> Partner:
        partner = self._partners.get(request.headers.get("X-API-Key", ""))
        if partner is None:
            raise Refused("invalid_api_key", status=401)
        timestamp, seal = request.headers.get("Timestamp", ""), request.headers.get("Content-Signature", "")
        if request.content_type != "application/json" and request.method == "POST":
            raise Refused("invalid_parameter", "Content-Type is application/json", status=415)
        if not timestamp or not wire.is_sealed(partner.key, timestamp, await request.read(), seal):
            raise Refused("invalid_signature", status=401)
        if self._book.options.check_clock and not self._is_now(timestamp):
            raise Refused("invalid_timestamp", status=401)
        return partner

    def _is_now(self, timestamp: str) -> bool:
        """Seconds, or milliseconds as one client sends them."""
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 13:  # noqa: PLR2004 -- digits
            return False
        seconds = int(timestamp[:10])
        return abs(seconds - int(self._book.now().timestamp())) <= SKEW_SECONDS

    def _refusal(self, refused: Refused) -> bytes:
        """In the words of the in-store gateway, if that is switched on (pack 5.4)."""
        if refused.code == "payment_not_found" and self._book.options.gateway_errors:
            return answers.dumped({"code": "data_not_found", "message": "tx_ref_id not found"})
        return answers.envelope(None, refused.code, str(refused))

    def _answer(self, operation: str, body: bytes, status: int = 200) -> web.Response:
        spoilt = self._spoilt.get(operation)
        how = spoilt.pop(0) if spoilt else ""
        if how in ("wrong_amount", "wrong_currency"):
            body = answers.distort(body, how)
        if how == "empty":
            body = answers.envelope(None)
        timestamp = str(int(self._book.now().timestamp()))
        sealed = body + b" " if how == "bad_signature" else body
        headers = {"Timestamp": timestamp, "Content-Signature": wire.seal(self._key, timestamp, sealed)}
        return web.Response(
            status=200 if how == "empty" else status,
            body=body,
            headers={} if how == "no_signature" else headers,
            content_type="application/json",
        )


async def _words(request: web.Request) -> Json:
    raw = await request.read()
    try:
        return read_object(raw) if raw else {}
    except (Garbled, json.JSONDecodeError) as trouble:
        raise Refused("invalid_parameter", str(trouble)) from None
