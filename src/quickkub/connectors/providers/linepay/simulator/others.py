"""Scanned codes (Offline API v4) and saved payers (pack 5.9, 5.10)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.linepay.simulator import checks
from quickkub.connectors.providers.linepay.simulator.answers import Json, Refused, ok
from quickkub.connectors.providers.linepay.simulator.book import FINISHED, Book, State, Transaction
from quickkub.connectors.providers.linepay.simulator.checks import Desk
from quickkub.connectors.providers.linepay.simulator.online import Online
from quickkub.connectors.providers.linepay.simulator.register import Channel
from quickkub.connectors.providers.linepay.simulator.requests import refuse_rights

CODE: Final = re.compile(r"[0-9]{12,18}")
"""12 digits in Thailand; other countries have more."""

_STANDS: Final = {State.CAPTURED: "COMPLETE", State.AUTHORIZED: "AUTHORIZATION"}


class Counter:
    """The payer shows a code and is charged at once. The answer to `check` is not public: ASSUMED."""

    def __init__(self, desk: Desk, book: Book, online: Online) -> None:
        self._desk, self._book, self._online = desk, book, online

    async def pay(self, request: web.Request) -> web.Response:
        channel = await self._desk.caller(request)
        said = await self._desk.words(request)
        amount = checks.amount(said, "amount", checks.currency(said))
        order_id, product = checks.text(said, "orderId", 100), checks.text(said, "productName", 4000)
        code, capture = checks.text(said, "oneTimeKey", 18), checks.flag(said, "capture", usual=True)
        if CODE.fullmatch(code) is None or (self._book.options.codes_once and code in self._book.codes):
            raise Refused("2101", "oneTimeKey is not valid.")
        refuse_rights(self._book, capture=capture, preapproved=False)
        if self._book.of_order(channel, order_id) is not None:
            raise Refused("1172")
        self._book.codes.add(code)
        one = self._book.add(channel, order_id, amount, said)
        one.capture, one.by_code, one.product = capture, True, product
        self._book.confirm(one)
        return ok({**self._online.paid(request, one, amount), **_dates(one)})

    async def check(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        state = _STANDS.get(self._book.state_of(one), "CANCEL")
        return ok({"status": state, **self._online.paid(request, one, one.taken or one.amount)})

    async def capture(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        return ok(self._online.captured(request, one, await self._desk.words(request)))

    async def void(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        self._online.voided(one)
        return ok()

    async def refund(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        return ok(self._online.refunded(one, await self._desk.words(request)))

    async def authorizations(self, request: web.Request) -> web.Response:
        """Everything that is held now, or what `orderId` or `transactionId` name of it."""
        channel = await self._desk.caller(request)
        names = {*request.query.getall("orderId", []), *request.query.getall("transactionId", [])}
        held = [
            self._online.shown(request, one, "TRANSACTION")
            for one in self._book.transactions.values()
            if one.channel is channel
            and self._book.state_of(one) in (State.AUTHORIZED, State.EXPIRED, State.VOIDED)
            and (not names or names & {one.order_id, str(one.id)})
        ]
        if not held:
            raise Refused("1150")
        return ok(held)

    def _named(self, request: web.Request, channel: Channel) -> Transaction:
        one = self._book.of_order(channel, request.match_info["order"])
        if one is None or self._book.state_of(one) not in FINISHED:
            raise Refused("1150")
        return one


class SavedPayers:
    """A key that the first confirmation gave charges without the payer."""

    def __init__(self, desk: Desk, book: Book, online: Online) -> None:
        self._desk, self._book, self._online = desk, book, online

    async def pay(self, request: web.Request) -> web.Response:
        channel = await self._desk.caller(request)
        self._key(request, channel)
        said = await self._desk.words(request)
        amount = checks.amount(said, "amount", checks.currency(said))
        order_id, product = checks.text(said, "orderId", 100), checks.text(said, "productName", 4000)
        if self._book.of_order(channel, order_id) is not None:
            raise Refused("1172")
        one = self._book.add(channel, order_id, amount, said)
        one.capture, one.product = checks.flag(said, "capture", usual=True), product
        self._book.confirm(one)
        return ok({"orderId": order_id, "transactionId": one.id, **_dates(one)})

    async def check(self, request: web.Request) -> web.Response:
        self._key(request, await self._desk.caller(request))
        return ok()

    async def expire(self, request: web.Request) -> web.Response:
        self._book.expired_keys.add(self._key(request, await self._desk.caller(request)))
        return ok()

    def _key(self, request: web.Request, channel: Channel) -> str:
        key = request.match_info["key"]
        first = self._book.keys.get(key)
        if first is None or first.channel is not channel:
            raise Refused("1190")
        if key in self._book.expired_keys:
            raise Refused("1193")
        return key


def _dates(one: Transaction) -> Json:
    held = {"authorizationExpireDate": one.held_until} if one.held_until else {}
    return {"transactionDate": one.confirmed_at, **held}
