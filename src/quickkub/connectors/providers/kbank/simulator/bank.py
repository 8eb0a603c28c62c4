"""The simulated bank as a whole: its three products, what a payer can do, and the callbacks it sends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers, qr_desk
from quickkub.connectors.providers.kbank.simulator.answers import AtTheGate, KgpRefused
from quickkub.connectors.providers.kbank.simulator.book import Book, Sale
from quickkub.connectors.providers.kbank.simulator.checks import Desk
from quickkub.connectors.providers.kbank.simulator.kgp_desk import KgpDesk
from quickkub.connectors.providers.kbank.simulator.kplus_desk import KplusDesk
from quickkub.connectors.providers.kbank.simulator.payer_pages import PayerPages
from quickkub.connectors.providers.kbank.simulator.qr_desk import QrDesk
from quickkub.connectors.providers.kbank.simulator.register import DEMO, Options, Registry, read_options
from quickkub.connectors.providers.kbank.simulator.slips import SlipDesk, slip_ref
from quickkub.connectors.providers.kbank.simulator.telling import Teller
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
from quickkub.kernel.money import Money, decimal_text

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_INQUIRIES: Final = {
    "qr": ("inquiry",),
    "kgp": ("kgp_inquiry", "kgp_qr_inquiry"),
    "kplus": ("kplus_inquiry",),
}


class KbankSimulator:
    """See simulation.base.ProviderSimulator."""

    name = "kbank"
    title = "KBank simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._options = read_options(config.get("options", {}), Options())
        self._registered = Registry()
        for app in config.get("apps", [DEMO]):
            self._registered.register(app)
        if "callback_url" in config:
            self._registered.route({"url": config["callback_url"]})
        self._book = Book(self.world)
        self._desk = Desk(self.world, self._registered, self._book, self._options)
        self._qr = QrDesk(self._desk, self._book)
        self._slips = SlipDesk(self._desk, self._book)
        self._kgp = KgpDesk(self._desk, self._registered, self._book)
        self._kplus = KplusDesk(self._desk, self._book)
        self._pages = PayerPages(self._desk, self._book, self.pay, self.end)
        words = {"qr": qr_desk.callback_of, "kgp": self._kgp_words, "kplus": self._kplus.callback_of}
        self._teller = Teller(self.world, self._registered, self._options, words)

    # --- the bank's API ---

    def base_paths(self) -> tuple[str, ...]:
        """All products answer at the root: their paths do not meet."""
        return ("",)

    def operations(self) -> tuple[Operation, ...]:
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("token", "POST", "/v2/oauth/token", self._desk.token),
            ("token", "POST", "/oauth/token", self._desk.token),
            ("ssl_test", "POST", "/exercise/ssl", self._qr.ssl_test),
            ("create", "POST", "/v1/qrpayment/request", self._qr.create),
            ("inquiry", "POST", "/v1/qrpayment/v4/inquiry", self._qr.inquire),
            ("inquiry", "POST", "/v1/qrpayment/v5/inquiry", self._qr.inquire),
            ("cancel", "POST", "/v1/qrpayment/cancel", self._qr.cancel),
            ("void", "POST", "/v1/qrpayment/void", self._qr.void),
            ("settlement", "POST", "/v1/qrpayment/settlement", self._qr.settle),
            ("slip", "POST", "/v1/verslip/kbank/verify", self._slips.verify),
            ("kgp_charge", "POST", "/card/v2/charge", self._kgp.create),
            ("kgp_inquiry", "GET", "/card/v2/charge/{name}", self._kgp.inquire),
            ("kgp_inquiry", "GET", "/card/v2/charge/{name}/{on:[0-9]{8}}", self._kgp.inquire),
            ("kgp_instruct", "POST", "/card/v2/charge/{name}/{what}", self._kgp.tell),
            ("kgp_order", "POST", "/qr/v2/order", self._kgp.create_order),
            ("kgp_order_inquiry", "GET", "/qr/v2/order/{name}", self._kgp.inquire_order),
            ("kgp_order_cancel", "POST", "/qr/v2/order/{name}/cancel", self._kgp.cancel_order),
            ("kgp_qr", "POST", "/qr/v2/qr", self._kgp.create_picture),
            ("kgp_qr_inquiry", "GET", "/qr/v2/qr/{name}", self._kgp.inquire),
            ("kgp_qr_instruct", "POST", "/qr/v2/qr/{name}/{what}", self._kgp.tell),
            ("kplus_token", "POST", "/kplus/payment/generate-token", self._kplus.generate),
            ("kplus_inquiry", "POST", "/kplus/payment/inquire-token", self._kplus.inquire),
            ("kplus_cancel", "POST", "/kplus/payment/cancel-token", self._kplus.cancel),
            ("page", "GET", "/3ds/{name}", self._pages.show),
            ("page", "POST", "/3ds/{name}", self._pages.press),
            ("page", "GET", "/kplus/pay/{name}", self._pages.show),
            ("page", "POST", "/kplus/pay/{name}", self._pages.press),
        )
        known = tuple(Operation(name, method, path, _refusing(act)) for name, method, path, act in routes)
        paths = dict.fromkeys(path for _, _, path, _ in routes)
        others = tuple(Operation("other_method", "*", path, _refusing(_no_such_method)) for path in paths)
        return (*known, *others, Operation("other", "*", "/{tail:.*}", _refusing(_no_such_path)))

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(sale) for sale in islice(reversed(self._book.sales.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._sale(ref))

    def _item(self, sale: Sale) -> Item:
        movement = self._book.movement_of(sale)
        routed = sale.kind.product in self._registered.addresses
        return Item(
            sale.reference,
            sale.kind.value,
            sale.amount,
            self._book.state_of(sale).lower(),
            sale.made_at,
            sale.expires_at,
            (movement.amount,) if movement else (),
            note="" if routed else "no callback address is registered for it",
            qr_text=sale.qr_text,
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        """`by` is the channel of a QR (`KPLUS`, `KPSME`, other banks' cannot be voided)."""
        sale = self._sale(ref)
        movement = self._book.pay(sale, pay.amount or sale.amount, pay.by.upper())
        movement.details |= {"product": sale.kind.product, "slip": slip_ref(sale)}
        self._teller.tell(sale, "drop" if pay.lose_answer else pay.callback)
        if pay.lose_answer:
            for operation in _INQUIRIES[sale.kind.product]:
                self.world.faults.add(Fault(FaultKind.DROP_ANSWER, operation, reference=_asked_by(sale)))
        return movement

    def scan(self, qr: str) -> str:
        found = next((sale for sale in self._book.sales.values() if sale.qr_text == qr), None)
        if found is None:
            raise CannotPay("the bank made no such QR")
        return found.reference

    def end(self, ref: str, state: str) -> None:
        """The payer stops: a QR is cancelled, a card is declined. `invalid` is a card the issuer declines."""
        sale = self._sale(ref)
        if state not in ("cancelled", "invalid"):
            raise BadControl("state is cancelled or invalid")
        if not self._book.may_be_paid(sale) or sale.state == "CANCELLED":
            raise CannotPay(f"it is {self._book.state_of(sale)}")
        if sale.kind.product != "kgp":
            sale.state = "CANCELLED"
            return
        self._kgp.decline(sale)
        self._teller.tell(sale)

    def reverse(self, transaction_id: str) -> Movement:
        """The bank takes a payment back by itself."""
        movement = self.world.movement(transaction_id)
        if movement is None:
            raise NoSuchThing(transaction_id[:60])
        sale = self._sale(movement.item)
        self._book.take_back(sale, "Reversed" if sale.kind.product == "kgp" else "VOIDED")
        return movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                app = self._registered.register(said)
                return {"consumer_id": app.consumer_id, "partner_id": app.partner_id}
            case "registrations":
                return self._registered.route(said)
            case _:
                self._options = read_options(said, self._options)
                self._desk.options = self._options
                self._teller.change(self._options)
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._teller.letters()]

    def reset(self) -> None:
        self._book.clear()
        self._teller.forget()
        self._desk.forget_tokens()

    async def close(self) -> None:
        await self._teller.close()

    # --- inside ---

    def _sale(self, ref: str) -> Sale:
        sale = self._book.find(ref)
        if sale is None:
            raise NoSuchThing(ref[:60])
        return sale

    def _kgp_words(self, sale: Sale, amount: Money) -> dict[str, Any]:
        return {**self._kgp.shown(sale), "amount": Decimal(decimal_text(amount))}


def _asked_by(sale: Sale) -> str:
    """What an inquiry about the sale carries."""
    return sale.reference if sale.kind.product == "qr" else sale.key


def _refusing(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except AtTheGate as refused:
            return answers.gate(refused)
        except KgpRefused as refused:
            return answers.kgp_error(refused)
        except web.HTTPException:
            raise
        except Exception:
            # The outermost loop of a request. A mistake of ours looks to a client like one of the bank's.
            log.exception("the simulator failed on %s", request.path)
            return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

    return handle


async def _no_such_method(_: web.Request) -> web.Response:
    raise AtTheGate(405)


async def _no_such_path(_: web.Request) -> web.Response:
    raise AtTheGate(404)
