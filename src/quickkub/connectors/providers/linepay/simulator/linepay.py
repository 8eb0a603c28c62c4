"""The simulated LINE Pay as a whole: its operations, what a payer can do, the one call it makes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.linepay.simulator import answers
from quickkub.connectors.providers.linepay.simulator.answers import Refused
from quickkub.connectors.providers.linepay.simulator.book import FINISHED, OPEN, Book, State, Transaction
from quickkub.connectors.providers.linepay.simulator.checks import Desk
from quickkub.connectors.providers.linepay.simulator.online import Online
from quickkub.connectors.providers.linepay.simulator.others import Counter, SavedPayers
from quickkub.connectors.providers.linepay.simulator.payer_page import PayerPage, way_back
from quickkub.connectors.providers.linepay.simulator.register import (
    DEMO,
    Options,
    read_channel,
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

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_V: Final = "/{version:v[34]}/payments"
_BEFORE: Final = "before:"
_ENDS: Final = {"cancelled": State.CANCELLED, "invalid": State.FAILED, "failed": State.FAILED}


class LinepaySimulator:
    """See simulation.base.ProviderSimulator."""

    name = "linepay"
    title = "LINE Pay simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._book = Book(self.world)
        self._book.options = read_options(config.get("options", {}), Options())
        self._desk = Desk(lambda: self._book.options)
        for said in config.get("apps", [DEMO]):
            self.configure("apps", said)
        self._codes: dict[str, list[str]] = {}
        # One call without a repeat (pack 5.2, ASSUMED).
        self._post = Post(self.world, is_proper, Patience(1, 1, self._book.options.confirm_url_seconds))
        self._online = Online(self._desk, self._book)
        self._counter = Counter(self._desk, self._book, self._online)
        self._saved = SavedPayers(self._desk, self._book, self._online)
        self._page = PayerPage(self._book, self.pay, self.end)

    # --- the API ---

    def base_paths(self) -> tuple[str, ...]:
        return ("",)

    def operations(self) -> tuple[Operation, ...]:
        online, counter, saved = self._online, self._counter, self._saved
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("request", "POST", f"{_V}/request", online.request),
            ("check", "GET", f"{_V}/requests/{{id}}/check", online.check),
            ("confirm", "POST", f"{_V}/{{id:[0-9]+}}/confirm", online.confirm),
            ("capture", "POST", f"{_V}/authorizations/{{id}}/capture", online.capture),
            ("void", "POST", f"{_V}/authorizations/{{id}}/void", online.void),
            ("refund", "POST", f"{_V}/{{id:[0-9]+}}/refund", online.refund),
            ("details", "GET", _V, online.details),
            ("preapproved_pay", "POST", f"{_V}/preapprovedPay/{{key}}/payment", saved.pay),
            ("preapproved_check", "GET", f"{_V}/preapprovedPay/{{key}}/check", saved.check),
            ("preapproved_expire", "POST", f"{_V}/preapprovedPay/{{key}}/expire", saved.expire),
            ("code_pay", "POST", "/v4/payments/oneTimeKeys/pay", counter.pay),
            ("code_check", "GET", "/v4/payments/orders/{order}/check", counter.check),
            ("code_capture", "POST", "/v4/payments/orders/{order}/capture", counter.capture),
            ("code_void", "POST", "/v4/payments/orders/{order}/void", counter.void),
            ("code_refund", "POST", "/v4/payments/orders/{order}/refund", counter.refund),
            ("authorizations", "GET", "/v4/payments/authorizations", counter.authorizations),
        )
        pages = (
            Operation("payer_page", "GET", "/web/payment/wait", self._page.show),
            Operation("payer_choice", "POST", "/web/payment/wait", self._page.press),
        )
        known = tuple(
            Operation(name, method, path, self._guarded(name, handler))
            for name, method, path, handler in routes
        )
        return (*known, *pages, Operation("other", "*", "/{tail:.*}", _no_such_api))

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(one) for one in islice(reversed(self._book.transactions.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._named(ref))

    def _item(self, one: Transaction) -> Item:
        note = "approved; waits for the merchant's confirmation" if one.state is State.APPROVED else ""
        return Item(
            str(one.id),
            "scanned code" if one.by_code else "LINE Pay request",
            one.amount,
            self._book.state_of(one).value,
            one.made_at,
            None,
            (one.taken,) if one.taken else (),
            note=" ".join(filter(None, (one.order_id, note))),
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        """The payer approves. What is returned has not moved yet: that takes the merchant's confirmation."""
        one = self._named(ref)
        movement = self._book.approve(one, pay.amount)
        if pay.lose_answer:
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, "confirm", reference=str(one.id)))
        if one.confirm_url_type == "SERVER":
            address = way_back(str(one.said["redirectUrls"]["confirmUrl"]), one)
            callback = "drop" if pay.lose_answer else pay.callback
            self._post.send(str(one.id), address, b"", callback=callback, method="GET", headers={})
        return movement

    def scan(self, qr: str) -> str:
        raise CannotPay("LINE Pay shows no QR here: open paymentUrl.web")

    def end(self, ref: str, state: str) -> None:
        """`cancelled`, `invalid` or `failed` before the confirmation; `expired` for a hold."""
        one = self._named(ref)
        now = self._book.state_of(one)
        if state == "expired" and now is State.AUTHORIZED:
            one.state = State.EXPIRED
            return
        if state not in _ENDS:
            raise BadControl(f"state is one of {', '.join(_ENDS)}, or expired for a hold")
        if now not in OPEN:
            raise CannotPay(f"it is {now.value}")
        one.state = _ENDS[state]

    def reverse(self, transaction_id: str) -> Movement:
        """LINE Pay gives everything back, as its staff can; the merchant sees a refund."""
        one = self._book.find(transaction_id)
        if one is None or one.movement is None or self._book.state_of(one) not in FINISHED:
            raise NoSuchThing(transaction_id[:60])
        if left := one.taken - one.refunded:
            self._book.give_back(one, left)
        return one.movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        """`apps`: a channel. `options`: see Options, and `codes` to answer with in turn by operation."""
        match what:
            case "apps":
                channel = read_channel(said)
                self._desk.channels[channel.id] = channel
                return {"channel_id": channel.id}
            case "registrations":
                raise BadControl("LINE Pay keeps no address: it is told with each request")
            case _:
                options = {name: value for name, value in said.items() if name != "codes"}
                self._book.options = read_options(options, self._book.options)
                self._take_codes(said.get("codes", {}))
                return dict(said)

    def _take_codes(self, said: object) -> None:
        if not isinstance(said, dict) or not all(isinstance(codes, list) for codes in said.values()):
            raise BadControl('codes is {"confirm": ["1199", "before:1288"]}')
        for operation, codes in said.items():
            self._codes.setdefault(str(operation), []).extend(map(str, codes))

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()
        self._codes.clear()

    async def close(self) -> None:
        await self._post.close()

    # --- inside ---

    def _named(self, ref: str) -> Transaction:
        one = self._book.find(ref)
        if one is None:
            raise NoSuchThing(ref[:60])
        return one

    def _guarded(self, operation: str, handler: Handler) -> Handler:
        """Refusals become answers; a code that waits for this operation is said instead of the answer."""

        async def handle(request: web.Request) -> web.Response:
            waiting = self._codes.get(operation)
            code = waiting.pop(0) if waiting else ""
            try:
                if code.startswith(_BEFORE):
                    await self._desk.caller(request)
                    return answers.refusal(code.removeprefix(_BEFORE))
                answer = await handler(request)
                return answers.refusal(code) if code else answer
            except Refused as refused:
                return answers.refusal(refused.code, str(refused))
            except Exception:
                # The outermost loop of a request. A mistake of ours looks to a client like one of LINE Pay's.
                log.exception("the simulator failed on %s", request.path)
                return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

        return handle


def is_proper(status: int, _: bytes, __: Letter) -> bool:
    """Whether the merchant's server took the call: any 200 (pack 5.2)."""
    return status == 200  # noqa: PLR2004 -- HTTP's OK


async def _no_such_api(_: web.Request) -> web.Response:
    return answers.answer({"returnCode": "2101", "returnMessage": "There is no such API."}, 404)
