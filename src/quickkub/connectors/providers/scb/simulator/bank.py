"""The simulated bank as a whole: its operations, what a payer can do, and the confirmations it sends."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import answers, records
from quickkub.connectors.providers.scb.simulator.answers import Refused
from quickkub.connectors.providers.scb.simulator.auth import Desk
from quickkub.connectors.providers.scb.simulator.bscanc import ScanCounter
from quickkub.connectors.providers.scb.simulator.deeplink import LinkCounter
from quickkub.connectors.providers.scb.simulator.inquiry import InquiryCounter
from quickkub.connectors.providers.scb.simulator.qr import QrCounter
from quickkub.connectors.providers.scb.simulator.register import DEMO, Options, Registry, read_options
from quickkub.connectors.providers.scb.simulator.sales import BILL, CARD, Book, Kind, LinkState, Payment, Sale
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
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.promptpay import QrRefusal, parse_payment

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_ENDS: Final = {"cancelled": LinkState.CANCELLED, "invalid": LinkState.INVALID}
_INQUIRIES: Final = ("inquiry", "deeplink_inquiry", "card_inquiry")


class ScbSimulator:
    """See simulation.base.ProviderSimulator."""

    name = "scb"
    title = "SCB simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._options = read_options(config.get("options", {}), Options())
        self._registered = Registry()
        for application in config.get("apps", [DEMO]):
            self._registered.register(application)
        if "callback_url" in config:
            self._registered.route_the_rest(str(config["callback_url"]))
        self._book = Book(self.world)
        self._desk = Desk(self.world, self._registered, self._options)
        self._post = Post(self.world, is_proper, _patience(self._options))
        self._qr = QrCounter(self.world, self._registered, self._desk, self._book)
        self._links = LinkCounter(self.world, self._desk, self._book, self._qr)
        self._inquiries = InquiryCounter(self._desk, self._book, self._qr)
        self._scans = ScanCounter(self.world, self._desk, self._book, self._qr, self._settle_at_once)

    # --- the bank's API ---

    def base_paths(self) -> tuple[str, ...]:
        """The sandbox's path, and that of UAT and production: what follows is the same (pack 1)."""
        return ("/partners/sandbox", "/partners")

    def operations(self) -> tuple[Operation, ...]:
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("token", "POST", "/v1/oauth/token", self._desk.token),
            ("token_refresh", "POST", "/v1/oauth/token/refresh", self._desk.refresh),
            ("authorize", "GET", "/v2/oauth/authorize", self._desk.authorize),
            ("qr_create", "POST", "/v1/payment/qrcode/create", self._qr.create),
            ("qr_create_v2", "POST", "/v2/payment/qrcode/create", self._qr.create_v2),
            ("deeplink_create", "POST", "/v3/deeplink/transactions", self._links.create),
            ("deeplink_inquiry", "GET", "/v2/transactions/{transaction}", self._links.inquire),
            ("inquiry", "GET", "/v1/payment/billpayment/inquiry", self._inquiries.bill),
            ("card_inquiry", "GET", "/v1/payment/qrcode/creditcard/{qr}", self._inquiries.card),
            ("slip", "GET", "/v1/payment/billpayment/transactions/{slip}", self._inquiries.slip),
            ("bscanc_confirm", "POST", "/v1/payment/merchant/rtp/confirm", self._scans.confirm),
            ("bscanc_refund", "POST", "/v1/payment/merchant/rtp/refund", self._scans.refund),
        )
        known = tuple(
            Operation(name, method, path, _refusing(handler)) for name, method, path, handler in routes
        )
        paths = dict.fromkeys(path for _, _, path, _ in routes)
        others = tuple(Operation("other_method", "*", path, _refusing(_no_such_method)) for path in paths)
        return (*known, *others, Operation("other", "*", "/{tail:.*}", _refusing(_no_such_api)))

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
        payments = self._book.of(sale)
        state = "paid" if payments else "waiting"
        if sale.kind is Kind.LINK or sale.state is not LinkState.PENDING:
            state = self._book.link_state(sale).name.lower()
        elif sale.expires_at is not None and not payments and self.world.clock.now() >= sale.expires_at:
            state = "expired"
        routed = self._address(sale, BILL if sale.biller else CARD)
        return Item(
            sale.ref,
            sale.kind.value,
            sale.amount,
            state,
            sale.made_at,
            sale.expires_at,
            tuple(payment.movement.amount for payment in payments),
            note="" if routed else "no confirmation address is registered for it",
            qr_text=sale.qr_text if sale.qr_text.startswith("0002") else "",
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        sale = self._sale(ref)
        payment = self._book.pay(
            sale, pay.amount or sale.amount, _by(sale, pay), self._options.confirmation_ids
        )
        if pay.by in sale.sub_types:
            payment.movement.details["by"] = pay.by
        elif sale.sub_types:
            payment.movement.details["by"] = sale.sub_types[0]
        self._confirm(payment, "drop" if pay.lose_answer else pay.callback)
        if pay.lose_answer:
            for operation in _INQUIRIES:
                self.world.faults.add(Fault(FaultKind.DROP_ANSWER, operation, reference=_name(sale)))
        return payment.movement

    def scan(self, qr: str) -> str:
        known = self._book.by_text(qr)
        if known is not None:
            return known.ref
        try:
            read = parse_payment(qr, strict=False)
        except QrRefusal as refusal:
            raise CannotPay(f"the app cannot read this QR: {refusal.code}") from None
        biller = self._registered.billers.get(read.biller.biller_id) if read.biller else None
        if read.biller is None or biller is None or read.amount is None:
            raise CannotPay("this is no QR of a registered biller with an amount")
        extra = read.value("62") or ""
        sale = Sale(
            read.biller.ref1,
            Kind.QR,
            "",
            read.amount,
            self.world.clock.now(),
            biller=biller,
            ref1=read.biller.ref1,
            ref2=read.biller.ref2 or "",
            ref3=extra[4:] if extra.startswith("07") else "",
            qr_text=qr,
        )
        return self._book.add(sale).ref

    def end(self, ref: str, state: str) -> None:
        sale = self._sale(ref)
        if state not in _ENDS:
            raise BadControl(f"state is one of {', '.join(_ENDS)}")
        if self._book.of(sale) or sale.kind is not Kind.LINK:
            raise CannotPay("only a deep link that is not paid can be ended")
        sale.state, sale.updated_at = _ENDS[state], self.world.clock.now()

    def reverse(self, transaction_id: str) -> Movement:
        movement = self.world.movement(transaction_id)
        if movement is None:
            raise NoSuchThing(transaction_id[:60])
        movement.reversed = True
        return movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                application = self._registered.register(said)
                return {"application_key": application.key, "billers": sorted(application.billers)}
            case "registrations":
                self._registered.route(said)
                return {"url": said["url"]}
            case _:
                self._options = read_options(said, self._options)
                self._desk.options = self._options
                self._post.patience = _patience(self._options)
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() | _mailed(letter) for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()
        self._desk.forget_tokens()

    async def close(self) -> None:
        await self._post.close()

    # --- inside ---

    def _sale(self, ref: str) -> Sale:
        sale = self._book.find(ref)
        if sale is None:
            raise NoSuchThing(ref[:60])
        return sale

    def _settle_at_once(self, sale: Sale) -> None:
        self.pay(sale.ref, Pay())

    def _address(self, sale: Sale, by: str) -> str | None:
        if by == CARD:
            return (sale.merchant.callback_url or None) if sale.merchant else None
        return sale.biller.address_for(sale.ref3) if sale.biller else None

    def _confirm(self, payment: Payment, callback: str) -> None:
        """Only payments in full are sent (pack 6); a deep link that is paid in part is no success."""
        if payment.sale.kind is Kind.LINK and payment.sale.state is LinkState.PARTIAL:
            return
        body = records.confirmation(payment, self._options)
        false = records.forged(payment, self._options)
        url = self._address(payment.sale, payment.by)
        self._post.send(payment.confirmation_id, url, body, callback=callback, forged=false)


def is_proper(status: int, answer: bytes, letter: Letter) -> bool:
    """Whether the merchant understood: 200, `resCode` 00, and the transaction it is about (pack 6)."""
    try:
        said = json.loads(answer, parse_float=str)
    except (ValueError, RecursionError):
        return False
    if status != 200 or not isinstance(said, dict):  # noqa: PLR2004 -- HTTP's OK
        return False
    return bool(said.get("resCode") == "00" and said.get("transactionId") == letter.about)


def _patience(options: Options) -> Patience:
    return Patience(
        options.confirmation_tries, options.confirmation_apart_seconds, options.confirmation_answer_seconds
    )


def _mailed(letter: Letter) -> dict[str, bool]:
    """After the last try the bank writes an e-mail to the merchant."""
    return {"mailed": letter.state == "given_up"}


def _by(sale: Sale, pay: Pay) -> str:
    """Whether account or card pays: what the sale takes, and what was asked for where it takes both."""
    if sale.kind is Kind.LINK:
        return BILL if (pay.by or sale.sub_types[0]) == "BP" else CARD
    if sale.kind is Kind.QR_BOTH:
        return CARD if pay.by == CARD else BILL
    return CARD if sale.biller is None else BILL


def _name(sale: Sale) -> str:
    """What an inquiry about the sale carries."""
    return sale.transaction or sale.qr_code_id or sale.ref1


def _refusing(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refused as refused:
            return answers.refusal(refused)
        except Exception:
            # The outermost loop of a request. A mistake of ours looks to a client like one of the bank's.
            log.exception("the simulator failed on %s", request.path)
            return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

    return handle


async def _no_such_method(_: web.Request) -> web.Response:
    raise Refused(405, 9900)


async def _no_such_api(_: web.Request) -> web.Response:
    raise Refused(404, 9900)
