"""The simulated TrueMoney as a whole: who calls, its operations, what a payer can do, the news it sends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.truemoney.simulator import answers, wire
from quickkub.connectors.providers.truemoney.simulator.answers import Json, Refused
from quickkub.connectors.providers.truemoney.simulator.book import PAYMENTS, Book, Sale, Status
from quickkub.connectors.providers.truemoney.simulator.desk import Desk
from quickkub.connectors.providers.truemoney.simulator.gate import Gate
from quickkub.connectors.providers.truemoney.simulator.linking import Links
from quickkub.connectors.providers.truemoney.simulator.payer_page import PayerPage
from quickkub.connectors.providers.truemoney.simulator.register import (
    DEMO,
    Options,
    Partner,
    read_address,
    read_options,
    read_partner,
)
from quickkub.connectors.providers.truemoney.simulator.telling import Notices
from quickkub.connectors.providers.truemoney.test_keys import TRUEMONEY_PRIVATE_KEY
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
from quickkub.connectors.simulation.post import Letter

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_ENDS: Final = {"cancelled": "payment_cancelled", "invalid": "wallet_inactive", "poor": "insufficient_fund"}


class TruemoneySimulator:
    """See simulation.base.ProviderSimulator."""

    name = "truemoney"
    title = "TrueMoney simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._book = Book(self.world)
        self._book.options = read_options(config.get("options", {}), Options())
        self._key = wire.private_key(str(config.get("private_key", TRUEMONEY_PRIVATE_KEY)))
        self._partners: dict[str, Partner] = {}
        for said in config.get("apps", [DEMO]):
            self.configure("apps", said)
        if "callback_url" in config:
            for partner in self._partners.values():
                partner.notify_url = partner.notify_url or read_address(config["callback_url"])
        self._gate = Gate(self._book, self._partners, self._key)
        self._desk = Desk(self._book)
        self._links = Links(self._book, self._partners)
        self._page = PayerPage(self._book, self.pay, self.end)
        self._notices = Notices(self.world, self._refund_by_itself)

    # --- the API ---

    def base_paths(self) -> tuple[str, ...]:
        return ("",)

    def operations(self) -> tuple[Operation, ...]:
        gate, desk, links = self._gate, self._desk, self._links
        signed: tuple[tuple[str, str, str, Callable[[Partner, Json, web.Request], Json]], ...] = (
            ("pay", "POST", "/payments", lambda p, said, r: desk.pay(p, said, "")),
            ("order", "POST", "/orders", lambda p, said, r: desk.order(p, said, f"{r.scheme}://{r.host}")),
            ("payment_by_ref", "GET", "/payments", lambda p, _, r: desk.payment_by_reference(p, r.query)),
            ("payment", "GET", "/payments/{id}", lambda p, _, r: desk.payment(p, r.match_info["id"])),
            (
                "refund",
                "POST",
                "/payments/{id}/refunds",
                lambda p, said, r: desk.refund(p, r.match_info["id"], said),
            ),
        )
        plain: tuple[tuple[str, str, str, Handler], ...] = (
            ("auth_apply", "POST", "/oauth2/auth-apply", links.apply),
            ("tokens", "POST", "/oauth2/tokens", links.tokens),
            ("codes", "GET", "/payment/codes", links.code),
        )
        return (
            *(Operation(name, m, path, gate.signed(name, work)) for name, m, path, work in signed),
            *(Operation(name, m, path, _refusing(handler)) for name, m, path, handler in plain),
            Operation("payer_page", "GET", "/wallet/{order}", self._page.show),
            Operation("payer_choice", "POST", "/wallet/{order}", self._page.press),
            Operation("other", "*", "/{tail:.*}", _refusing(_no_such_api)),
        )

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(sale) for sale in islice(reversed(self._book.sales.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._named(ref))

    def _item(self, sale: Sale) -> Item:
        return Item(
            sale.id,
            "order" if sale.order_id else "payment by code",
            sale.amount,
            self._book.status_of(sale).value,
            sale.made_at,
            sale.expires_at,
            (sale.amount,) if sale.status is Status.SUCCEEDED else (),
            note=sale.reference,
            qr_text=sale.page if sale.order_id else "",
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        """The payer pays an order, or allows a charge that is processing."""
        sale = self._named(ref)
        movement = self._book.pay(sale, pay.amount)
        if pay.lose_answer:
            for operation in ("payment", "payment_by_ref"):
                name = sale.id if operation == "payment" else sale.reference
                self.world.faults.add(Fault(FaultKind.DROP_ANSWER, operation, reference=name))
        if sale.order_id:
            self._notify(sale, "drop" if pay.lose_answer else pay.callback)
        return movement

    def scan(self, qr: str) -> str:
        found = next((s for s in self._book.sales.values() if s.order_id and s.page == qr), None)
        if found is None:
            raise CannotPay("this is no QR of an order")
        return found.id

    def end(self, ref: str, state: str) -> None:
        """`cancelled`, `invalid` or `poor`: an order is cancelled, a charge under way fails."""
        sale = self._named(ref)
        if state not in _ENDS:
            raise BadControl(f"state is one of {', '.join(_ENDS)}")
        self._book.end(sale, _ENDS[state])

    def reverse(self, transaction_id: str) -> Movement:
        """TrueMoney gives everything back; the merchant sees a refund without a reference of its own."""
        sale = self._book.sales.get(transaction_id)
        if sale is None or sale.movement is None:
            raise NoSuchThing(transaction_id[:60])
        self._give_back_all(sale, "TMN")
        return sale.movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        """`apps`: a partner; `registrations`: `merchant_id` and `url`; `options`: also `codes`, `spoil`."""
        match what:
            case "apps":
                partner = read_partner(said)
                self._partners[partner.api_key] = partner
                return {"merchant_id": partner.merchant_id}
            case "registrations":
                for partner in self._partners.values():
                    if partner.merchant_id == said.get("merchant_id"):
                        partner.notify_url = read_address(said.get("url"))
                        return {"url": partner.notify_url}
                raise BadControl("this merchant_id is not registered")
            case _:
                options = {name: value for name, value in said.items() if name not in ("codes", "spoil")}
                self._book.options = read_options(options, self._book.options)
                self._gate.take(said)
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._notices.letters]

    def reset(self) -> None:
        self._book.clear()
        self._notices.forget()
        self._gate.forget()

    async def close(self) -> None:
        await self._notices.close()

    # --- inside ---

    def _named(self, ref: str) -> Sale:
        sale = self._book.find(ref)
        if sale is None:
            raise NoSuchThing(ref[:60])
        return sale

    def _notify(self, sale: Sale, callback: str) -> None:
        url = str(sale.said.get("notify_url") or sale.partner.notify_url) or None
        words = {
            "notify_id": f"ntf-{self._book.luck(10)}",
            "payment_id": sale.id,
            "isv_payment_ref": sale.reference,
            "status": sale.status.value,
        }
        body, timestamp = answers.dumped(words), str(int(self._book.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "timestamp": timestamp,
            "content-signature": wire.seal(self._key, timestamp, body),
        }
        false = answers.dumped({**words, "payment_id": f"52{self._book.luck(13)}"})
        self._notices.send(sale.id, url, body, callback=callback, forged=false, headers=headers)

    def _refund_by_itself(self, letter: Letter) -> None:
        """The merchant's server said 400 or 404: the payer gets everything back."""
        sale = self._book.sales.get(letter.about)
        if sale is not None and sale.status in PAYMENTS:
            self._give_back_all(sale, "AUTO")

    def _give_back_all(self, sale: Sale, mark: str) -> None:
        if left := sale.amount - sale.refunded:
            self._book.give_back(sale, f"{mark}{sale.id}", left)


def _refusing(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refused as refused:
            body = answers.envelope(None, refused.code, str(refused))
            return web.Response(status=refused.status, body=body, content_type="application/json")

    return handle


async def _no_such_api(_: web.Request) -> web.Response:
    raise Refused("invalid_parameter", "there is no such API", status=404)
