"""Simulated Omise as a whole: its operations, what a payer can do, and the hand inside."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.omise.simulator import answers
from quickkub.connectors.providers.omise.simulator.answers import Refused
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.counter import FAILURES, ChargeCounter
from quickkub.connectors.providers.omise.simulator.desk import Desk, Handler, Key
from quickkub.connectors.providers.omise.simulator.giving_back import CLOSED, DisputeCounter, RefundCounter
from quickkub.connectors.providers.omise.simulator.mail import Mail
from quickkub.connectors.providers.omise.simulator.pages import Pages
from quickkub.connectors.providers.omise.simulator.register import (
    DEMO,
    Options,
    read_address,
    read_options,
    read_shop,
)
from quickkub.connectors.providers.omise.simulator.sources import SourceCounter
from quickkub.connectors.providers.omise.simulator.things import PENDING, Charge
from quickkub.connectors.providers.omise.simulator.treasury import Front, Treasury
from quickkub.connectors.providers.omise.simulator.vault import Vault
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
from quickkub.kernel.money import Money

log = logging.getLogger(__name__)

Serve = Callable[[web.Request], Awaitable[web.Response]]

_ENDS: Final = {"cancelled": "payment_cancelled", "invalid": "payment_rejected"}


class OmiseSimulator:
    """See simulation.base.ProviderSimulator."""

    name = "omise"
    title = "Omise simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        options = read_options(config.get("options", {}), Options())
        self._desk = Desk(self.world, options)
        for said in config.get("apps", [DEMO]):
            self._desk.add(read_shop(said))
        if "callback_url" in config:
            url = read_address(config["callback_url"])
            for shop in self._desk.shops.values():
                shop.webhook_uri = shop.webhook_uri or url
        self._book = Book(self.world)
        self._mail = Mail(self._book, options)
        self._sources = SourceCounter(self._book)
        self._charges = ChargeCounter(self._book, self._sources, self._mail, options)
        self._refunds = RefundCounter(self._book, self._charges, self._mail, options)
        self._disputes = DisputeCounter(self._book, self._mail)
        self._treasury = Treasury(self._book, self._mail, options)
        self._front = Front(self._book)
        self._vault = Vault(self._book)
        self._pages = Pages(self._book, self._charges, options)

    # --- Omise's API ---

    def base_paths(self) -> tuple[str, ...]:
        """Both hosts are this one: their paths do not collide (pack 12)."""
        return ("",)

    def operations(self) -> tuple[Operation, ...]:
        """Each with and without a slash at its end, as libraries write them (pack 2)."""
        known = [
            Operation(name, method, path + slash, self._served(key, handler))
            for name, method, path, key, handler in self._routes()
            for slash in ("", "/")
        ]
        return (*known, Operation("other", "*", "/{tail:.*}", self._served(Key.NONE, _no_such_thing)))

    def _routes(self) -> tuple[tuple[str, str, str, Key, Handler], ...]:
        charges, refunds, disputes, money = self._charges, self._refunds, self._disputes, self._treasury
        secret, one, refund = Key.SECRET, "/charges/{charge}", "/charges/{charge}/refunds"
        dispute, transfer = "/disputes/{dispute}", "/transfers/{transfer}"
        recipient = "/recipients/{recipient}"
        return (
            ("token", "POST", "/tokens", Key.PUBLIC, self._vault.create),
            ("token_get", "GET", "/tokens/{token}", Key.PUBLIC, self._vault.show),
            ("capability", "GET", "/capability", Key.EITHER, self._front.capability),
            ("source_create", "POST", "/sources", Key.EITHER, self._sources.create),
            ("source_get", "GET", "/sources/{source}", Key.EITHER, self._sources.show),
            ("charge_create", "POST", "/charges", secret, charges.create),
            ("charge_list", "GET", "/charges", secret, charges.list),
            ("charge_get", "GET", one, secret, charges.show),
            ("charge_update", "PATCH", one, secret, charges.update),
            ("search", "GET", "/search", secret, charges.search),
            ("capture", "POST", f"{one}/capture", secret, charges.capture),
            ("reverse", "POST", f"{one}/reverse", secret, charges.reverse),
            ("expire", "POST", f"{one}/expire", secret, charges.expire),
            ("mark_as_paid", "POST", f"{one}/mark_as_paid", secret, charges.mark_as_paid),
            ("mark_as_failed", "POST", f"{one}/mark_as_failed", secret, charges.mark_as_failed),
            ("refund_create", "POST", refund, secret, refunds.create),
            ("refund_list", "GET", refund, secret, refunds.list),
            ("refund_get", "GET", f"{refund}/{{refund}}", secret, refunds.show),
            ("refund_list_all", "GET", "/refunds", secret, refunds.list_all),
            ("dispute_list", "GET", "/disputes", secret, disputes.list),
            ("dispute_list", "GET", "/disputes/{status:open|pending|closed}", secret, disputes.list),
            ("dispute_get", "GET", dispute, secret, disputes.show),
            ("dispute_update", "PATCH", dispute, secret, disputes.update),
            ("dispute_accept", "PATCH", f"{dispute}/accept", secret, disputes.accept),
            ("dispute_document", "POST", f"{dispute}/documents", secret, disputes.add_document),
            ("dispute_documents", "GET", f"{dispute}/documents", secret, disputes.list_documents),
            ("balance", "GET", "/balance", secret, money.balance),
            ("transaction_list", "GET", "/transactions", secret, money.transactions),
            ("transaction_get", "GET", "/transactions/{transaction}", secret, money.transaction),
            ("transfer_create", "POST", "/transfers", secret, money.create_transfer),
            ("transfer_list", "GET", "/transfers", secret, money.transfers),
            ("transfer_get", "GET", transfer, secret, money.transfer),
            ("transfer_update", "PATCH", transfer, secret, money.update_transfer),
            ("transfer_delete", "DELETE", transfer, secret, money.delete_transfer),
            ("transfer_mark_as_sent", "POST", f"{transfer}/mark_as_sent", secret, money.mark_as_sent),
            ("transfer_mark_as_paid", "POST", f"{transfer}/mark_as_paid", secret, money.mark_as_paid),
            ("recipient_create", "POST", "/recipients", secret, money.create_recipient),
            ("recipient_list", "GET", "/recipients", secret, money.recipients),
            ("recipient_get", "GET", recipient, secret, money.recipient),
            ("recipient_verify", "PATCH", f"{recipient}/verify", secret, money.verify_recipient),
            ("account", "GET", "/account", secret, self._front.account),
            ("account_update", "PATCH", "/account", secret, self._front.update_account),
            ("event_list", "GET", "/events", secret, self._front.events),
            ("event_get", "GET", "/events/{event}", secret, self._front.event),
            (
                "picture",
                "GET",
                f"{one}/documents/{{document}}/downloads/{{download}}",
                Key.NONE,
                self._pages.picture,
            ),
            ("page", "GET", "/payments/{payment}/authorize", Key.NONE, self._pages.authorize),
            ("page_decide", "POST", "/payments/{payment}/authorize", Key.NONE, self._pages.decide),
        )

    def _served(self, key: Key, handler: Handler) -> Serve:
        async def handle(request: web.Request) -> web.Response:
            try:
                return await self._desk.serve(request, key, handler)
            except Refused as refused:
                return answers.refusal(refused)
            except Exception:
                # The outermost loop of a request. A mistake of ours looks to a client like one of Omise's.
                log.exception("the simulator failed on %s", request.path)
                return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

        return handle

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(charge) for charge in islice(reversed(self._book.charges.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._charge(ref))

    def _item(self, charge: Charge) -> Item:
        charge = self._charges.fresh(charge)
        kind = charge.source.type if charge.source else "card"
        state = {"successful": "paid", PENDING: "held" if charge.is_held else "waiting"}
        told = charge.shop.webhook_uri or charge.webhook_endpoints
        return Item(
            charge.id,
            kind,
            charge.amount,
            state.get(charge.status, charge.failure_code or charge.status),
            charge.made_at,
            charge.expires_at,
            (Money(charge.captured),) if charge.is_paid else (),
            note=" ".join(
                [*map(str, charge.metadata.values()), *(() if told else ("nobody is told of it",))]
            ),
            qr_text=charge.qr_text,
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        """The payer pays, or approves a hold, whose movement is then not in the truth."""
        charge = self._payable(ref)
        if pay.amount is not None and pay.amount != charge.amount:
            raise CannotPay("the amount is fixed")
        if charge.failure_of_card:
            raise CannotPay(f"the card is refused: {charge.failure_of_card}")
        moved = self._charges.complete(charge, "", "drop" if pay.lose_answer else pay.callback)
        if pay.lose_answer:
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, "charge_get", reference=charge.id))
        return moved or Movement(
            charge.id, charge.id, "", charge.amount, self.world.clock.now(), {"kind": "held"}
        )

    def scan(self, qr: str) -> str:
        found = next((c for c in self._book.charges.values() if c.qr_text and c.qr_text == qr), None)
        if found is None:
            raise CannotPay("this is no QR of a charge here")
        return found.id

    def end(self, ref: str, state: str) -> None:
        """`cancelled`, `invalid`, a failure code, `won` or `lost` for a dispute, `closed` for a refund."""
        if ref in self._book.disputes:
            self._decide(ref, state)
            return
        if state == "closed":
            if not self._refunds.close(ref):
                raise NoSuchThing(ref[:60])
            return
        code = _ENDS.get(state, state)
        if code not in FAILURES:
            raise BadControl(f"state is one of {', '.join([*_ENDS, *sorted(FAILURES)])}")
        self._charges.complete(self._payable(ref), code)

    def _decide(self, ref: str, state: str) -> None:
        dispute = self._book.disputes[ref]
        if state not in CLOSED:
            raise BadControl(f"a dispute ends as one of {', '.join(CLOSED)}")
        if dispute.status in CLOSED:
            raise CannotPay(f"the dispute is {dispute.status}")
        self._disputes.decide(dispute, state)

    def reverse(self, transaction_id: str) -> Movement:
        """The payer's bank takes the money back: a dispute is opened."""
        movement = self.world.movement(transaction_id)
        if movement is None:
            raise NoSuchThing(transaction_id[:60])
        charge = self._book.charges[movement.item]
        if charge.dispute is None:
            movement.details["dispute"] = self._disputes.open(charge).id
        movement.reversed = True
        return movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                shop = read_shop(said)
                self._desk.add(shop)
                return {"public_key": shop.public_key}
            case "registrations":
                return self._register(said)
            case _:
                options = read_options(said, self._desk.options)
                for part in (
                    self._desk,
                    self._mail,
                    self._charges,
                    self._refunds,
                    self._treasury,
                    self._pages,
                ):
                    part.options = options
                return dict(said)

    def _register(self, said: Config) -> Mapping[str, Any]:
        """`{"url": …}`, of one shop with its `secret_key`, or `{"card": …, "failure_code": …}`."""
        if "card" in said:
            code = str(said.get("failure_code", ""))
            if code and code not in FAILURES:
                raise BadControl(f"failure_code is one of {', '.join(sorted(FAILURES))}")
            self._charges.refused_cards[str(said["card"])] = code
            return {"card": said["card"]}
        url = read_address(said.get("url"))
        key = said.get("secret_key")
        shops = [shop for shop in self._desk.shops.values() if key is None or shop.secret_key == key]
        if not shops:
            raise BadControl("this secret_key is not registered")
        for shop in shops:
            shop.webhook_uri = url
        return {"url": url}

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._mail.post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._desk.forget()
        self._mail.post.forget()

    async def close(self) -> None:
        await self._mail.post.close()

    # --- inside ---

    def _charge(self, ref: str) -> Charge:
        charge = self._book.named(ref)
        if charge is None:
            raise NoSuchThing(ref[:60])
        return charge

    def _payable(self, ref: str) -> Charge:
        charge = self._charges.fresh(self._charge(ref))
        if charge.status != PENDING or charge.is_held:
            raise CannotPay(f"the charge is {'held' if charge.is_held else charge.status}")
        return charge


async def _no_such_thing(asked: Any) -> web.Response:
    raise answers.missing(f"{asked.request.method} {asked.request.path}")
