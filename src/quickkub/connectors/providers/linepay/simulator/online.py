"""The Online API: request, check, confirm, capture, void, refund, details (pack 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from quickkub.connectors.providers.linepay.simulator import checks
from quickkub.connectors.providers.linepay.simulator.answers import Json, Refused, ok
from quickkub.connectors.providers.linepay.simulator.book import (
    FINISHED,
    Book,
    Refund,
    State,
    Transaction,
)
from quickkub.connectors.providers.linepay.simulator.checks import Desk
from quickkub.connectors.providers.linepay.simulator.register import Channel
from quickkub.connectors.providers.linepay.simulator.requests import reserve
from quickkub.kernel.money import Money

ROWS_MAX: Final = 100

_PROGRESS: Final = {
    State.RESERVED: ("0000", "reserved transaction."),
    State.APPROVED: ("0110", "OK"),
    State.CANCELLED: ("0121", "The payment was cancelled by the user or timed out."),
    State.TIMEOUT: ("0121", "The payment was cancelled by the user or timed out."),
    State.FAILED: ("0122", "The payment failed."),
}
_NOT_CONFIRMABLE: Final = {
    State.RESERVED: "1169",
    State.TIMEOUT: "1180",
    State.CANCELLED: "1159",
    State.FAILED: "1159",
}


class Online:
    """Handlers of the Online API; each raises Refused."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk, self._book = desk, book

    async def request(self, request: web.Request) -> web.Response:
        channel = await self._desk.caller(request)
        made = reserve(self._book, channel, await self._desk.words(request))
        page = f"{request.scheme}://{request.host}/web/payment/wait?transactionReserveId={made.reserve}"
        return ok(
            {
                "paymentUrl": {"web": page, "app": f"line://pay/payment/{made.reserve}"},
                "transactionId": made.id,
                "paymentAccessToken": self._book.luck(12),
            }
        )

    async def check(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        code, message = _PROGRESS.get(self._book.state_of(one), ("0123", "OK"))
        return ok(code=code, message=message)

    async def confirm(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        said = await self._desk.words(request)
        amount = checks.amount(said, "amount", checks.currency(said))
        state = self._book.state_of(one)
        if state is not State.APPROVED:
            raise Refused(_NOT_CONFIRMABLE.get(state, "1152"))
        if amount != one.amount:
            raise Refused("1153")
        self._book.confirm(one)
        packages = [
            {"id": package["id"], "amount": package["amount"], "userFeeAmount": package.get("userFee", 0)}
            for package in one.said["packages"]
        ]
        held = {"authorizationExpireDate": one.held_until} if one.held_until else {}
        key = {"regKey": one.reg_key} if one.reg_key else {}
        return ok({**self.paid(request, one, one.amount), **held, **key, "packages": packages})

    async def capture(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        return ok(self.captured(request, one, await self._desk.words(request)))

    def captured(self, request: web.Request, one: Transaction, said: Json) -> Json:
        amount = checks.amount(said, "amount", checks.currency(said))
        if self._book.state_of(one) is not State.AUTHORIZED or amount.currency != one.amount.currency:
            raise Refused("1155")
        if amount > one.amount:
            raise Refused("1184")
        self._book.take(one, amount)
        return self.paid(request, one, amount)

    async def void(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        await self._desk.words(request)
        self.voided(one)
        return ok()

    def voided(self, one: Transaction) -> None:
        state = self._book.state_of(one)
        if state is not State.AUTHORIZED:
            raise Refused("1165" if state is State.VOIDED else "1155")
        one.state = State.VOIDED

    async def refund(self, request: web.Request) -> web.Response:
        one = self._named(request, await self._desk.caller(request))
        return ok(self.refunded(one, await self._desk.words(request)))

    def refunded(self, one: Transaction, said: Json) -> Json:
        """Everything that is left unless `refundAmount` says less (pack 5.7)."""
        state = self._book.state_of(one)
        if state is not State.CAPTURED or one.confirmed_at is None:
            raise Refused("1155" if state in FINISHED else "1150")
        left = one.taken - one.refunded
        amount = left
        if said.get("refundAmount") is not None:
            amount = checks.amount(said, "refundAmount", one.amount.currency)
        if not left:
            raise Refused("1165")
        if amount > left:
            raise Refused("1164")
        if self._book.now() >= one.confirmed_at + timedelta(days=self._book.options.refund_days):
            raise Refused("1163")
        refund = self._book.give_back(one, amount)
        return {"refundTransactionId": refund.id, "refundTransactionDate": refund.at}

    async def details(self, request: web.Request) -> web.Response:
        """Finished payments, and refunds by their own ids (pack 5.8)."""
        channel = await self._desk.caller(request)
        query = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True)
        asked = {
            name: [v for key, text in query if key == name for v in text.split(",")] for name, _ in query
        }
        ids, orders = asked.get("transactionId", []), asked.get("orderId", [])
        fields = (asked.get("fields") or ["ALL"])[0]
        if not (ids or orders) or fields not in ("ALL", "TRANSACTION", "ORDER"):
            raise Refused("2101")
        if len(ids) + len(orders) > ROWS_MAX:
            raise Refused("1177")
        rows = self._rows(request, channel, ids, orders, fields)
        if not rows:
            raise Refused("1150")
        return ok(rows)

    def _rows(
        self, request: web.Request, channel: Channel, ids: list[str], orders: list[str], fields: str
    ) -> list[Json]:
        numbers = [int(one) for one in ids if one.isascii() and one.isdigit()]
        found = {n: self._book.transactions[n] for n in numbers if n in self._book.transactions}
        for order_id in orders:
            if (one := self._book.of_order(channel, order_id)) is not None:
                found[one.id] = one
        rows = [
            self.shown(request, one, fields)
            for one in found.values()
            if one.channel is channel and self._book.state_of(one) in FINISHED
        ]
        given_back = [self._book.refunds[n] for n in numbers if n in self._book.refunds]
        return rows + [_refund_row(one, refund) for one, refund in given_back if one.channel is channel]

    def shown(self, request: web.Request, one: Transaction, fields: str) -> Json:
        state = self._book.state_of(one)
        row: Json = {
            "transactionId": one.id,
            "orderId": one.order_id,
            "transactionDate": one.confirmed_at,
            "transactionType": "PAYMENT",
            "payStatus": FINISHED[state],
            "productName": one.product,
            "merchantName": one.channel.name,
            "currency": one.amount.currency.code,
            "payInfo": self._book.pay_info(one, one.taken or one.amount),
            **_provider(request),
        }
        if state in (State.AUTHORIZED, State.EXPIRED):
            row["authorizationExpireDate"] = one.held_until
        if one.refunds:
            row["refundList"] = [_listed(refund) for refund in one.refunds]
        if fields != "TRANSACTION":
            row["packages"] = one.said.get("packages", [])
        return row

    def paid(self, request: web.Request, one: Transaction, amount: Money) -> Json:
        info = self._book.pay_info(one, amount)
        return {"orderId": one.order_id, "transactionId": one.id, "payInfo": info, **_provider(request)}

    def _named(self, request: web.Request, channel: Channel) -> Transaction:
        name = request.match_info["id"]
        one = self._book.transactions.get(int(name)) if name.isascii() and name.isdigit() else None
        if one is None or one.channel is not channel:
            raise Refused("1150")
        return one


def _provider(request: web.Request) -> Json:
    """What v4 adds (pack 4)."""
    return {"paymentProvider": "TSP"} if request.path.startswith("/v4/") else {}


def _listed(refund: Refund) -> Json:
    return {
        "refundTransactionId": refund.id,
        "transactionType": "PAYMENT_REFUND" if refund.whole else "PARTIAL_REFUND",
        "refundAmount": -refund.amount,
        "refundTransactionDate": refund.at,
    }


def _refund_row(one: Transaction, refund: Refund) -> Json:
    return {
        "transactionId": refund.id,
        "originalTransactionId": one.id,
        "orderId": one.order_id,
        "transactionDate": refund.at,
        "transactionType": _listed(refund)["transactionType"],
        "productName": one.product,
        "merchantName": one.channel.name,
        "currency": one.amount.currency.code,
        "payInfo": [{"method": "BALANCE", "amount": -refund.amount}],
    }
