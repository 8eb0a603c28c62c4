"""The simulated bank as a whole: its operations, what a payer can do, and what it tells."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.bbl.simulator import answers, portal
from quickkub.connectors.providers.bbl.simulator.book import Book, Kind, Order, Try
from quickkub.connectors.providers.bbl.simulator.calls import BankPost, Caller
from quickkub.connectors.providers.bbl.simulator.files import day_file
from quickkub.connectors.providers.bbl.simulator.ipay_page import CARDS, GOOD, Card, Till
from quickkub.connectors.providers.bbl.simulator.order_api import OrderApi
from quickkub.connectors.providers.bbl.simulator.setup import (
    Merchant,
    Options,
    read_merchant,
    read_options,
    route,
)
from quickkub.connectors.simulation.base import (
    BadControl,
    CannotPay,
    Config,
    Item,
    Movement,
    NoSuchThing,
    Operation,
    Pay,
    World,
)
from quickkub.connectors.simulation.faults import Fault, FaultKind
from quickkub.kernel.clock import BANGKOK
from quickkub.promptpay import QrRefusal, parse_payment

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_CARDS: Final = frozenset({Kind.SALE, Kind.HOLD})
_INQUIRIES: Final = {Kind.APP: "app_inquiry", Kind.QR: "pull_payment"}
_REJECTED: Final = next(card for card in CARDS.values() if card.status == "Rejected")
_TROUBLES: Final = {500: "Internal error", 503: "Service unavailable", 429: "Too many requests"}


class BblSimulator:
    """See simulation.base.ProviderSimulator."""

    name = "bbl"
    title = "Bangkok Bank simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._merchants: dict[str, Merchant] = {}
        for said in config.get("apps", [{}]):
            self._register(said)
        if "callback_url" in config:
            for merchant in self._merchants.values():
                route(merchant, {"url": config["callback_url"]})
        self._book = Book(self.world)
        self._post = BankPost(self.world)
        self._caller = Caller(self.world, self._post)
        self._till = Till(self.world, self._book, self._merchants, self._use_card)
        self._orders = OrderApi(self.world, self._book, self._merchants)
        self._portal = portal.Portal(
            self.world, self._book, lambda: list(self._merchants.values()), self._caller
        )
        self._set(read_options(config.get("options", {}), Options()))

    def _register(self, said: Mapping[str, Any]) -> Merchant:
        merchant = read_merchant(said)
        self._merchants[merchant.merchant_id] = merchant
        return merchant

    def _set(self, options: Options) -> None:
        self._options = options
        self._till.options = self._orders.options = self._caller.options = self._portal.options = options

    # --- the bank's API ---

    def base_paths(self) -> tuple[str, ...]:
        """iPay's path, and the portal's, which has none. Each answers below the other's as well."""
        return ("/b2c/eng", "")

    def operations(self) -> tuple[Operation, ...]:
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("pay_form", "POST", "/payment/payForm.jsp", self._till.form),
            ("pay_form_2", "POST", "/payment/payForm2.jsp", self._till.submit),
            ("direct_page", "POST", "/dPayment/payComp.jsp", self._till.direct),
            ("direct", "POST", "/directPay/payComp.jsp", self._till.direct),
            ("order_api", "POST", "/merchant/api/orderApi.jsp", self._orders.handle),
            ("order_api", "GET", "/merchant/api/orderApi.jsp", self._orders.handle),
            ("token", "POST", "/oauth/accesstoken", self._portal.token),
            ("app_payment", "POST", "/v1/billpayment/apptoapp/payment", self._portal.pay),
            ("app_inquiry", "POST", "/v1/billpayment/apptoapp/inquiry", self._portal.inquire),
            ("pull_payment", "POST", "/biller/v1/pull-payment", self._portal.pull),
            ("file", "GET", "/reconciliation/{day}.txt", self._file),
        )
        return tuple(Operation(name, method, path, _safe(handler)) for name, method, path, handler in routes)

    async def _file(self, request: web.Request) -> web.Response:
        """The reconciliation file of a day, `ddMMyyyy`; the bank hands it over some other way."""
        try:
            day = datetime.strptime(request.match_info["day"], "%d%m%Y").replace(tzinfo=BANGKOK).date()
        except ValueError:
            return web.Response(status=404)
        paid = [
            (order, moved)
            for order in self._book.orders.values()
            for moved in order.movements
            if order.kind is Kind.QR and moved.paid_at.astimezone(BANGKOK).date() == day
        ]
        return web.Response(body=day_file(day, paid), content_type="text/plain", charset="windows-874")

    def trouble(self, status: int) -> bytes:
        return portal.trouble(status, _TROUBLES[status])

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(order) for order in islice(reversed(self._book.orders.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._order(ref))

    def _item(self, order: Order) -> Item:
        state = order.state
        over = order.expires_at is not None and self.world.clock.now() >= order.expires_at
        if state == "waiting" and over:
            state = "expired"
        kind = {Kind.APP: "app", Kind.QR: self._options.notifies_qr_by}.get(order.kind, "datafeed")
        return Item(
            order.ref,
            order.kind.value,
            order.amount,
            state,
            order.made_at,
            order.expires_at,
            tuple(moved.amount for moved in order.movements),
            note="" if order.merchant.urls.get(kind) else f"no address is registered for {kind}",
            qr_text=order.qr_text,
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        order = self._order(ref)
        self._refuse_if_over(order)
        callback = "drop" if pay.lose_answer else pay.callback
        if order.kind in _CARDS:
            moved = self._pay_by_card(order, pay, callback)
        elif order.kind is Kind.APP:
            moved = self._book.move(order, order.payment_id, pay.amount or order.amount)
            order.state = "paid"
            self._caller.app(order, callback)
        else:
            moved = self._pay_qr(order, pay, callback)
        if pay.lose_answer:
            operation = _INQUIRIES.get(order.kind, "order_api")
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, operation, reference=order.reference))
        return moved

    def _refuse_if_over(self, order: Order) -> None:
        late = order.expires_at is not None and self.world.clock.now() >= order.expires_at
        if late or order.state in ("cancelled", "invalid", "Voided"):
            raise CannotPay("it has ended")
        if order.kind is Kind.APP and order.movements:
            raise CannotPay("it is paid already")

    def _pay_by_card(self, order: Order, pay: Pay, callback: str) -> Movement:
        """`by` may name a magic card by its label's or number's end; the amount is the merchant's."""
        card = next((c for c in CARDS.values() if pay.by and pay.by in (c.number, c.number[-4:])), GOOD)
        if pay.amount not in (None, order.amount):
            raise CannotPay("a card pays what the shop asks")
        made = self._use_card(order, card, "SPC", callback)
        if made.status == "Rejected":
            raise CannotPay(f"the card is rejected: prc {made.prc}, src {made.src}")
        # What is held or pending is no money that moved, so it is shown and not counted.
        return made.movement or Movement(made.pay_ref, order.ref, order.reference, made.amount, made.at)

    def _use_card(self, order: Order, card: Card, channel: str, callback: str = "send") -> Try:
        """One try by card, with its datafeed."""
        earlier = self._book.of(order.merchant, order.reference, *_CARDS)
        if self._options.unique_order_ref and any(one.tries for one in earlier):
            card = next(c for c in CARDS.values() if c.src == "2007")
        held = card is GOOD and order.kind is Kind.HOLD
        made = self._book.add_try(
            order,
            "Authorized" if held else card.status,
            prc=card.prc,
            src=card.src,
            payer_auth=card.payer_auth,
            card=card.number,
            channel=channel,
        )
        order.state = {"Accepted": "paid", "Authorized": "held"}.get(made.status, made.status.lower())
        if made.status == "Accepted":
            made.taken_at = made.at
            made.movement = self._book.move(order, made.pay_ref, made.amount, by="card")
        if made.status == "Rejected":
            order.state = "waiting"
        if made.status != "Pending":
            self._caller.datafeed(made, callback)
        return made

    def _pay_qr(self, order: Order, pay: Pay, callback: str) -> Movement:
        now = self.world.clock.now().astimezone(BANGKOK)
        two_way = self._options.notifies_qr_by == "two_way"
        bank_ref = f"{now:%Y%m%d%H%M%S}{self._book.digits(4)}"
        moved = self._book.move(
            order,
            self._book.digits(10) if two_way else bank_ref,
            pay.amount or order.amount,
            trans_ref=f"{now:%Y%m%d%H%M%S}{self._book.digits(5)}",
            approval_code=self._book.digits(6),
            from_bank="002" if two_way else "014",
            biller_id=order.merchant.biller_id,
            reference2=order.reference2,
        )
        order.state = "paid"
        self._caller.bill(order, moved, "C", callback)
        return moved

    def scan(self, qr: str) -> str:
        known = next((o for o in reversed(self._book.orders.values()) if o.qr_text == qr), None)
        if known is not None:
            return known.ref
        try:
            read = parse_payment(qr, strict=False)
        except QrRefusal as refusal:
            raise CannotPay(f"the app cannot read this QR: {refusal.code}") from None
        bill = read.biller
        merchant = next((m for m in self._merchants.values() if bill and m.biller_id == bill.biller_id), None)
        if bill is None or merchant is None or read.amount is None:
            raise CannotPay("this is no QR of a registered biller with an amount")
        order = Order(
            bill.ref1, Kind.QR, merchant, bill.ref1, read.amount, self.world.clock.now(), qr_text=qr
        )
        order.reference2 = bill.ref2 or ""
        extra = read.value("62") or ""
        order.reference3 = extra[4:] if extra.startswith("07") else ""
        return self._book.add(order).ref

    def end(self, ref: str, state: str) -> None:
        order = self._order(ref)
        if state not in ("cancelled", "invalid"):
            raise BadControl("state is one of cancelled, invalid")
        if order.kind is Kind.QR or order.state in ("paid", "held", "Voided"):
            raise CannotPay("only a page or link that is not paid can be ended")
        if order.kind in _CARDS and state == "cancelled":
            self._book.add_try(order, "Cancelled")
        elif order.kind in _CARDS:
            self._use_card(order, _REJECTED, "SPC")
        order.state = state

    def reverse(self, transaction_id: str) -> Movement:
        moved = self.world.movement(transaction_id)
        if moved is None:
            raise NoSuchThing(transaction_id[:60])
        order = self._order(moved.item)
        moved.reversed = True
        if order.kind is Kind.QR and self._options.notifies_qr_by == "bill":
            self._caller.bill(order, moved, "D", "send")
        for made in order.tries:
            if made.movement is moved:
                made.status = "Voided"
        return moved

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                merchant = self._register(said)
                return {"merchantId": merchant.merchant_id, "client_id": merchant.client_id}
            case "registrations":
                named = str(said.get("merchantId", next(iter(self._merchants))))
                if named not in self._merchants:
                    raise BadControl("this merchantId is not registered")
                return {"url": said.get("url"), "kinds": route(self._merchants[named], said)}
            case _:
                self._set(read_options(said, self._options))
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()
        self._portal.forget()

    async def close(self) -> None:
        await self._post.close()

    def _order(self, ref: str) -> Order:
        order = self._book.find(ref)
        if order is None:
            raise NoSuchThing(re.sub(r"\s", " ", ref[:60]))
        return order


def _safe(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Exception:
            # The outermost loop of a request. A mistake of ours looks to a client like one of the bank's.
            log.exception("the simulator failed on %s", request.path)
            return portal.trouble_answer(500, "Internal error")

    return handle
