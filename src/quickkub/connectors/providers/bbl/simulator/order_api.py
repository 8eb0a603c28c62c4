"""orderApi.jsp: query, capture, void, reversal, refund (bbl.md A5, A6)."""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from quickkub.connectors.providers.bbl.simulator.book import Book, Kind, Try, next_midnight
from quickkub.connectors.providers.bbl.simulator.ipay_page import BAHT, tx_time
from quickkub.connectors.providers.bbl.simulator.setup import Merchant, Options
from quickkub.connectors.simulation.base import World
from quickkub.kernel.money import THB, BadAmount, Money, decimal_text, read_decimal

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Refused(Exception):
    """The action is not carried out; the text becomes errMsg."""


class OrderApi:
    """The merchant's server asks and tells here."""

    def __init__(self, world: World, book: Book, merchants: Mapping[str, Merchant]) -> None:
        self._world, self._book, self._merchants = world, book, merchants
        self.options = Options()
        self._asked: deque[float] = deque()  # not money: moments

    async def handle(self, request: web.Request) -> web.Response:
        """POST, and GET as well: the bank takes both."""
        words = {name: str(value) for name, value in {**request.query, **await request.post()}.items()}
        if self._too_fast():
            return web.Response(status=429, text="Too Many Requests")
        merchant = self._merchants.get(words.get("merchantId", ""))
        if merchant is None or not _are_credentials(merchant, words):
            return _told(-1, None, "", "Authentication Failed")
        action = words.get("actionType", "")
        if action == "Query":
            return self._query(merchant, words)
        made = self._book.tries.get(words.get("payRef", ""))
        if made is None or made.order.merchant is not merchant:
            return _told(-1, None, "", "Order not found")
        try:
            return self._act(action, made, words)
        except Refused as refused:
            return _told(-1, made, self.status(made), str(refused))

    def status(self, made: Try) -> str:
        """The state as a query says it now: refunds are carried out in a later batch."""
        if not made.refunds:
            return made.status
        now, days = self._world.clock.now(), timedelta(days=max(self.options.refund_days - 1, 0))
        if any(now < next_midnight(asked) + days for _, asked in made.refunds):
            return "RequestRefund"
        back = sum(amount.minor for amount, _ in made.refunds)
        return "Refunded" if back == made.amount.minor else "Accepted_Adj"

    def is_settled(self, made: Try) -> bool:
        settled_at = made.settled_at()
        return settled_at is not None and self._world.clock.now() >= settled_at

    # --- query ---

    def _query(self, merchant: Merchant, words: Mapping[str, str]) -> web.Response:
        if pay_ref := words.get("payRef"):
            one = self._book.tries.get(pay_ref)
            found = [one] if one is not None and one.order.merchant is merchant else []
        elif reference := words.get("orderRef"):
            orders = self._book.of(merchant, reference, Kind.SALE, Kind.HOLD)
            found = [made for order in orders for made in order.tries]
        else:
            return _told(-1, None, "", "Parameter orderRef Incorrect")
        body = HEAD + "<records>" + "".join(self._record(made) for made in found) + "</records>"
        return web.Response(body=body.encode(), content_type="text/xml", charset="UTF-8")

    def _record(self, made: Try) -> str:
        good, settled = made.prc == "0", self.is_settled(made)
        settled_at = made.settled_at() if settled else None
        fields = {
            "orderStatus": self.status(made),
            "ref": made.order.reference,
            "payRef": made.pay_ref,
            "amt": decimal_text(made.amount),
            "cur": BAHT,
            "prc": made.prc,
            "src": made.src,
            "ord": f"{made.number:08d}",
            "holder": made.holder,
            "authId": f"{made.number:06d}" if good else "",
            "remark": made.order.form.get("remark", ""),
            "eci": "05" if made.payer_auth == "Y" else "07",
            "payerAuth": made.payer_auth,
            "sourceIp": "203.0.113.10",
            "ipCountry": "TH",
            "payMethod": "VISA",
            "cc0104": made.card[:4],
            "cc1316": made.card[-4:],
            "cardIssuingCountry": "TH",
            "channelType": made.channel,
            "txTime": tx_time(made),
            "settle": "T" if settled else "F",
            "settleTime": f"{settled_at:%Y-%m-%d %H:%M:%S}.0" if settled_at else "",
            "settleBatchId": f"{settled_at:%Y%m%d}" if settled_at else "",
            "errMsg": "Transaction completed" if good else "Transaction rejected",
        }
        return "<record>" + "".join(f"<{n}>{escape(v)}</{n}>" for n, v in fields.items()) + "</record>"

    # --- actions ---

    def _act(self, action: str, made: Try, words: Mapping[str, str]) -> web.Response:
        match action:
            case "Capture":
                return self._capture(made, _amount(words))
            case "Void":
                return self._void(made)
            case "OnlineReversal":
                if not self.options.online_reversal or made.status == "Authorized":
                    raise Refused("Online reversal is not supported")
                return self._void(made)
            case "RequestRefund" | "Refund":
                return self._refund(made, _amount(words))
            case _:
                raise Refused("Parameter actionType Incorrect")

    def _capture(self, made: Try, amount: Money) -> web.Response:
        """Once, in whole or in part; what is left of the hold lapses."""
        if made.status != "Authorized":
            raise Refused("Order is not authorized")
        if amount > made.amount:
            raise Refused("Amount exceeds the authorized amount")
        made.status, made.amount, made.taken_at = "Captured", amount, self._world.clock.now()
        made.movement = self._book.move(made.order, made.pay_ref, amount, by="capture")
        made.order.state = "paid"
        return _told(0, made, "Captured", "Capture successfully.")

    def _void(self, made: Try) -> web.Response:
        if made.status not in ("Accepted", "Captured", "Authorized") or made.refunds:
            raise Refused("Order cannot be voided")
        if self.is_settled(made):
            raise Refused("Order already settled")
        made.status = made.order.state = "Voided"
        if made.movement is not None:
            made.movement.reversed = True
        return _told(0, made, "Voided", "Void successfully.")

    def _refund(self, made: Try, amount: Money) -> web.Response:
        if made.status not in ("Accepted", "Captured"):
            raise Refused("Order is not accepted")
        if not self.is_settled(made):
            raise Refused("Order not yet settled")
        back = sum(one.minor for one, _ in made.refunds)
        if back + amount.minor > made.amount.minor:
            raise Refused("Refund amount exceeds the order amount")
        made.refunds.append((amount, self._world.clock.now()))
        if made.movement is not None:
            made.movement.details["refunded"] = decimal_text(Money(back + amount.minor))
            made.movement.reversed = back + amount.minor == made.amount.minor
        return _told(0, made, "RequestRefund", "Request refund successfully.", amount)

    def _too_fast(self) -> bool:
        """More requests within a second than the option allows, by the machine's clock."""
        if not self.options.orders_per_second:
            return False
        now = time.monotonic()
        while self._asked and now - self._asked[0] >= 1:
            self._asked.popleft()
        self._asked.append(now)
        return len(self._asked) > self.options.orders_per_second


def _are_credentials(merchant: Merchant, words: Mapping[str, str]) -> bool:
    said = f"{words.get('loginId', '')}\n{words.get('password', '')}".encode()
    return hmac.compare_digest(said, f"{merchant.login_id}\n{merchant.password}".encode())


def _amount(words: Mapping[str, str]) -> Money:
    try:
        amount = read_decimal(words.get("amount", ""), THB)
    except BadAmount:
        raise Refused("Parameter amount Incorrect") from None
    if amount.minor <= 0:
        raise Refused("Parameter amount Incorrect")
    return amount


def _told(
    code: int, made: Try | None, status: str, message: str, amount: Money | None = None
) -> web.Response:
    """The url-encoded answer; without an order its fields are empty."""
    words = {
        "resultCode": str(code),
        "orderStatus": status,
        "ref": made.order.reference if made else "",
        "payRef": made.pay_ref if made else "",
        "amt": decimal_text(amount or made.amount) if made else "",
        "cur": BAHT if made else "",
        "errMsg": message,
    }
    text = urlencode(words)
    return web.Response(text=text, content_type="text/html")
