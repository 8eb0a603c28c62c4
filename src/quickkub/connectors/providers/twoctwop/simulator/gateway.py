"""The simulated 2C2P as a whole: its operations, what a payer can do, and the notifications it sends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import answers, checks, results, seals
from quickkub.connectors.providers.twoctwop.simulator.actions import ActionDesk
from quickkub.connectors.providers.twoctwop.simulator.answers import Refused
from quickkub.connectors.providers.twoctwop.simulator.book import Book, Sale, State
from quickkub.connectors.providers.twoctwop.simulator.counter import Counter
from quickkub.connectors.providers.twoctwop.simulator.direct import Direct
from quickkub.connectors.providers.twoctwop.simulator.page import HostedPage
from quickkub.connectors.providers.twoctwop.simulator.register import (
    DEMO,
    Merchant,
    Options,
    Registry,
    address_of,
    read_options,
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
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.promptpay import BillPayment, QrRefusal, build, parse_payment

Handler = Callable[[web.Request], Awaitable[web.Response]]

REPEATS: Final = (60, 300, 900)
"""Seconds until a notification is sent again (ASSUMED, pack 5.1)."""
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_ENDS: Final = {"cancelled": ("0003", "5010"), "invalid": ("4005", "9035")}
_PAYMENTS: Final = ("/payment/4.3", "/payment/4.1")
_ACTIONS: Final = ("/2C2PFrontend/PaymentAction/2.0", "/PaymentAction/2.0")

log = logging.getLogger(__name__)


class Notices(Post):
    """Notifications, repeated after 1, 5 and 15 minutes unless the answer is HTTP 200."""

    async def _deliver(self, letter: Letter, tries: int) -> None:
        if await self._call(letter):
            letter.state = "accepted"
        elif tries < self.patience.tries_max:
            pause = REPEATS[min(tries, len(REPEATS)) - 1]
            self._at(1000 * pause, lambda: self._deliver(letter, tries + 1))
        else:
            letter.state = "given_up"


class TwoCTwoPSimulator:
    """See simulation.base.ProviderSimulator."""

    name = "2c2p"
    title = "2C2P simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._registered = Registry()
        for merchant in config.get("apps", [DEMO]):
            self._registered.register(merchant)
        if "callback_url" in config:
            self._registered.route_the_rest(str(config["callback_url"]))
        self._book = Book(self.world)
        self._book.options = read_options(config.get("options", {}), Options())
        self._post = Notices(self.world, _is_proper, _patience(self._book.options))
        self._counter = Counter(self.world, self._registered, self._book)
        self._direct = Direct(self.world, self._book, self._notify)
        self._actions = ActionDesk(self.world, self._registered, self._book, self._notify_refund)
        self._page = HostedPage(self._book, self.pay, self._notify)

    # --- the API ---

    def base_paths(self) -> tuple[str, ...]:
        """Version 4.3 and 4.1 of the payment API, payment actions of sandbox and live, and the page's own."""
        return (*_PAYMENTS, *_ACTIONS, "")

    def operations(self) -> tuple[Operation, ...]:
        """2C2P takes names in any letter case (pack 1)."""
        calls: tuple[tuple[str, Handler], ...] = (
            ("paymentToken", self._counter.payment_token),
            ("paymentInquiry", self._counter.inquiry),
            ("paymentOptionDetails", self._direct.option_details),
            ("paymentOption", self._direct.option),
            ("payment", self._direct.pay),
            ("transactionStatus", self._direct.status),
            ("cancelTransaction", self._direct.cancel),
        )
        pages: tuple[tuple[str, str, str, Handler], ...] = (
            ("page", "GET", "/", self._page.carry),
            ("page_token", "GET", "/pgw-ui/token/{token}", self._page.show),
            ("page_button", "POST", "/pgw-ui/token/{token}", self._page.press),
            ("page_qr", "GET", "/pgw-ui/qr/{token}", self._page.qr),
        )
        return (
            *(Operation(n, "POST", _any_case(n), self._at(_PAYMENTS, handler)) for n, handler in calls),
            Operation("action", "POST", _any_case("action"), self._at(_ACTIONS, self._actions.action)),
            *(
                Operation(name, method, path, self._at(_PAYMENTS if path == "/" else ("",), handler))
                for name, method, path, handler in pages
            ),
        )

    def _at(self, bases: tuple[str, ...], handler: Handler) -> Handler:
        """The handler below its own base paths, with refusals turned into answers."""

        async def handle(request: web.Request) -> web.Response:
            base = next((base for base in (*_PAYMENTS, *_ACTIONS) if request.path.startswith(f"{base}/")), "")
            if base not in bases:
                return web.Response(status=404)
            try:
                return await handler(request)
            except Refused as refused:
                return answers.refusal(refused, None, self._book.options)
            except Exception:
                # The outermost loop of a request. A mistake of ours looks to a client like one of 2C2P's.
                log.exception("the simulator failed on %s", request.path)
                return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

        return handle

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        """Signed answers are signed again, so that the amount is what is wrong with them."""
        if (sealed := self._actions.distorted(body, what)) is not None:
            return sealed
        try:
            words = answers.loads(body)
        except ValueError:
            return body
        if not isinstance(words, dict):
            return body
        if "payload" not in words:
            return seals.encode(_other_qr(words) if what == "wrong_amount" else words)
        claims = seals.peek(words["payload"])
        merchants = self._registered.merchants
        merchant = merchants.get(str(claims.get("merchantID"))) or next(iter(merchants.values()))
        return seals.encode({"payload": seals.signed(answers.other(claims, what), merchant.secret)})

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(sale) for sale in islice(reversed(self._book.sales.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._sale(ref))

    def _item(self, sale: Sale) -> Item:
        over = self._book.is_over(sale)
        note = f"2C2P calls it {self._book.status(sale)}" if sale.state is not State.NEW else ""
        return Item(
            sale.invoice,
            sale.channel or ", ".join(checks.channels_of(sale.asked)) or "hosted page",
            sale.amount,
            "expired" if over else "waiting" if sale.state is State.NEW else sale.state.value,
            sale.made_at,
            sale.expires_at,
            (sale.paid,) if sale.paid is not None else (),
            note=note if self._address(sale) else f"{note} no notification address is named for it".strip(),
            qr_text=sale.qr_text if sale.qr_text.startswith("0002") else "",
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        """`pay.by` is the channel on the hosted page; the first that the payment is narrowed to otherwise."""
        sale = self._sale(ref)
        channels = checks.channels_of(sale.asked) or ["CC"]
        channel = pay.by.upper() if pay.by.upper() in checks.CHANNELS else channels[0]
        movement = self._book.approve(sale, pay.amount or sale.amount, channel)
        self._notify(sale, "drop" if pay.lose_answer else pay.callback)
        if pay.lose_answer:
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, "paymentInquiry"))
        return movement

    def scan(self, qr: str) -> str:
        known = [sale for sale in self._book.sales.values() if qr and sale.qr_text == qr]
        if known:
            return known[-1].invoice
        try:
            parse_payment(qr, strict=False)
        except QrRefusal as refusal:
            raise CannotPay(f"the app cannot read this QR: {refusal.code}") from None
        raise CannotPay("this QR is of no payment here")

    def end(self, ref: str, state: str) -> None:
        sale = self._sale(ref)
        if state not in _ENDS:
            raise BadControl(f"state is one of {', '.join(_ENDS)}")
        if sale.state is State.NEW:
            self._book.begin(sale, (checks.channels_of(sale.asked) or ["CC"])[0])
        self._book.fail(sale, _ENDS[state][0 if sale.is_card else 1])
        self._notify(sale)

    def reverse(self, transaction_id: str) -> Movement:
        """A chargeback."""
        movement = self.world.movement(transaction_id)
        sale = self._book.find(transaction_id)
        if movement is None or sale is None:
            raise NoSuchThing(transaction_id[:60])
        movement.reversed, sale.charged_back = True, True
        return movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                merchant = self._registered.register(said)
                if merchant.public_key:
                    _try_key(merchant.public_key)
                return {"merchantID": merchant.merchant_id}
            case "registrations":
                self._registered.route(said)
                return {"url": address_of(said, "url")}
            case _:
                self._book.options = read_options(said, self._book.options)
                self._post.patience = _patience(self._book.options)
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()

    async def close(self) -> None:
        await self._post.close()

    # --- inside ---

    def _sale(self, ref: str) -> Sale:
        sale = self._book.find(ref)
        if sale is None:
            raise NoSuchThing(ref[:60])
        return sale

    def _address(self, sale: Sale) -> str | None:
        url = str(sale.asked.get("backendReturnUrl") or sale.merchant.backend_url)
        return url if url.startswith(("http://", "https://")) else None

    def _notify(self, sale: Sale, callback: str = "send") -> None:
        """The backend notification: the same claims as an inquiry's answer, signed (pack 5.1)."""
        options = self._book.options
        claims = results.result(sale, self._book)
        token = seals.signed(claims, sale.merchant.secret, badly=options.bad_signature)
        false = seals.signed(answers.other(claims, "wrong_amount"), sale.merchant.secret, badly=True)
        self._post.send(
            sale.invoice,
            self._address(sale),
            seals.encode({"payload": token}),
            callback=callback,
            forged=seals.encode({"payload": false}),
        )

    def _notify_refund(self, merchant: Merchant, url: str, text: str) -> None:
        """A refund that took time: a form with the sealed answer (pack 4.7)."""
        sealed = seals.sealed_for(text, merchant.public_key, badly=self._book.options.bad_signature)
        self._post.send("refund", url, urlencode({"notifyResponse": sealed}).encode(), headers=_FORM)


def _any_case(name: str) -> str:
    return f"/{{_{name}:(?i:{name})}}"


def _try_key(text: str) -> None:
    try:
        seals.key_of(text)
    except (ValueError, KeyError, TypeError):
        raise BadControl("publicKey is a PEM or a JWK") from None


def _is_proper(status: int, _answer: bytes, _letter: Letter) -> bool:
    """HTTP 200; the body is not read."""
    return status == 200  # noqa: PLR2004 -- HTTP's OK


def _patience(options: Options) -> Patience:
    return Patience(options.notify_tries, REPEATS[0], options.notify_answer_seconds)


def _other_qr(words: dict[str, Any]) -> dict[str, Any]:
    """Do Payment with a QR for one baht more; other plain answers name no amount."""
    extras = words.get("extras")
    if not isinstance(extras, dict) or not str(extras.get("qrData", "")).startswith("000201"):
        return words
    text = qr_for_more(str(extras["qrData"]))
    data = text if words.get("data") == extras["qrData"] else words.get("data")
    return {**words, "data": data, "extras": {**extras, "qrData": text}}


def qr_for_more(text: str) -> str:
    """The same QR asking for one baht more."""
    read = parse_payment(text, strict=False)
    assert read.biller is not None and read.amount is not None, "it is a QR of ours"
    more = type(read.amount)(read.amount.minor + 100, read.amount.currency)
    return build(BillPayment(read.biller.biller_id, read.biller.ref1, amount=more))
