"""The account's feed: whose it is, and its statement, page by page."""

from __future__ import annotations

import base64
import hmac
from datetime import date
from html import escape

from aiohttp import web

from quickkub.connectors.providers.promptpay.simulator import writing
from quickkub.connectors.providers.promptpay.simulator.book import Book
from quickkub.connectors.providers.promptpay.simulator.register import Receiving
from quickkub.connectors.providers.promptpay.simulator.writing import Refused
from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text


class Feed:
    """Handlers; each but the slip needs the account's key."""

    def __init__(self, world: World, book: Book) -> None:
        self._world, self._book = world, book

    async def account(self, request: web.Request) -> web.Response:
        one = self._caller(request)
        return writing.answer(one, {"receiver_kind": one.kind, "receiver": one.id, "name": one.name})

    async def statement(self, request: web.Request) -> web.Response:
        """`?from=2026-01-15&to=2026-01-16&after=<transaction_id>`, days of Bangkok, both included."""
        one = self._caller(request)
        first, last = (_day(request, name) for name in ("from", "to"))
        if last < first:
            raise Refused(400, "to is not before from")
        entries = [
            entry
            for entry in self._book.statement(one)
            if first <= entry.at.astimezone(BANGKOK).date() <= last
        ]
        after = request.query.get("after", "")
        if after:
            places = [n for n, entry in enumerate(entries) if entry.transaction_id == after]
            if not places:
                raise Refused(400, "after is no transaction of these days")
            entries = entries[places[0] + 1 :]
        size = self._book.options.page_lines
        page = entries[:size]
        words = {
            "receiver": one.id,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "lines": [writing.line(entry) for entry in page],
            "next": page[-1].transaction_id if len(entries) > size else "",
        }
        return writing.answer(one, words)

    async def slip(self, request: web.Request) -> web.Response:
        """What the payer's app shows after a transfer; its QR holds only bank and reference (pack 3.1)."""
        movement = self._world.movement(request.match_info["id"])
        if movement is None:
            raise web.HTTPNotFound(text="there is no such transfer")
        text = movement.details["slip"]
        if request.query.get("as") == "png":
            return web.Response(body=base64.b64decode(picture(text)), content_type="image/png")
        shown = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Slip</title></head><body>'
            f"<h1>Transfer done</h1><p>{decimal_text(movement.amount)} THB</p>"
            f"<p>{escape(movement.transaction_id)}</p>"
            f'<img alt="slip QR" src="data:image/png;base64,{escape(picture(text))}">'
            f"<p><code>{escape(text)}</code></p></body></html>"
        )
        return web.Response(text=shown, content_type="text/html")

    def _caller(self, request: web.Request) -> Receiving:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        for one in self._book.receivings.values():
            if hmac.compare_digest(one.feed_key.encode(), given):
                return one
        raise Refused(401, "nobody has this key")


def _day(request: web.Request, name: str) -> date:
    try:
        return date.fromisoformat(request.query.get(name, ""))
    except ValueError:
        raise Refused(400, f"{name} is a day, such as 2026-01-15") from None
