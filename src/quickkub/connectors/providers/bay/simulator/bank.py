"""The simulated bank as a whole: its operations, what a payer can do, and what it calls back."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from quickkub.connectors.providers.bay.simulator import answers
from quickkub.connectors.providers.bay.simulator.book import Book, Kind, Trade
from quickkub.connectors.providers.bay.simulator.counter import FEE, Counter
from quickkub.connectors.providers.bay.simulator.links import LinkCounter
from quickkub.connectors.providers.bay.simulator.setup import (
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
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)


class BaySimulator:
    """See simulation.base.ProviderSimulator."""

    name = "bay"
    title = "Krungsri simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._merchants: dict[str, Merchant] = {}
        for said in config.get("apps", [{}]):
            self._register(said)
        if "callback_url" in config:
            for merchant in self._merchants.values():
                route(merchant, config["callback_url"])
        self._book = Book(self.world)
        self._counter = Counter(self.world, self._book, lambda: list(self._merchants.values()))
        self._links = LinkCounter(self.world, self._book, self._counter)
        self._set(read_options(config.get("options", {}), Options()))
        self._post = Post(self.world, self._is_proper, self._patience())

    def _register(self, said: Mapping[str, Any]) -> Merchant:
        merchant = read_merchant(said)
        self._merchants[merchant.number] = merchant
        return merchant

    def _set(self, options: Options) -> None:
        self._options = self._counter.options = options

    def _patience(self) -> Patience:
        return Patience(self._options.callback_tries, self._options.callback_apart_seconds)

    # --- the bank's API ---

    def base_paths(self) -> tuple[str, ...]:
        """The QR API's path, and the deep link's, which has none. Each answers below the other's, too."""
        return ("/native/QRPayment", "")

    def operations(self) -> tuple[Operation, ...]:
        routes: tuple[tuple[str, str, Handler], ...] = (
            ("precreate", "/trans/precreate", self._counter.precreate),
            ("detail", "/trans/detail", self._counter.detail),
            ("list", "/trans/list", self._counter.list),
            ("settle_list", "/trans/settle/list", self._counter.settle_list),
            ("verify", "/trans/verify", self._counter.verify),
            ("link_create", "/native/deeplink/payment/generate", self._links.generate),
            ("link_inquiry", "/native/deeplink/payment/inquiry", self._links.inquire),
        )
        known = tuple(Operation(name, "POST", path, self._safe(handler)) for name, path, handler in routes)
        return (*known, Operation("other", "*", "/native/{tail:.*}", _no_such_file))

    def _safe(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except Exception:
                # The outermost loop of a request. A mistake of ours looks like one of the bank's.
                log.exception("the simulator failed on %s", request.path)
                return web.Response(status=500, body=self.trouble(500), content_type="application/json")

        return handle

    def trouble(self, status: int) -> bytes:
        """The gateway cannot reach the bank; as seen, with code -200 whatever the status."""
        said = answers.gateway_error("-200", "Cannot contact backend", self.world.clock.now(), "")
        return json.dumps(said).encode()

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(trade) for trade in islice(reversed(self._book.trades.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._trade(ref))

    def _item(self, trade: Trade) -> Item:
        over = trade.state == "waiting" and self._book.is_over(trade)
        return Item(
            trade.number,
            trade.kind.value,
            trade.amount,
            "expired" if over else trade.state,
            trade.made_at,
            trade.expires_at,
            (trade.movement.amount,) if trade.movement else (),
            note="" if self._address(trade) else "no callback address is registered for it",
            qr_text=trade.qr_text,
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        trade = self._trade(ref)
        if trade.movement is not None:
            raise CannotPay("it is paid already")
        if self._book.is_over(trade):
            raise CannotPay("it has ended")
        moved = self._book.pay(trade, pay.amount or trade.amount)
        self._call(trade, moved, "drop" if pay.lose_answer else pay.callback)
        if pay.lose_answer:
            operation = "link_inquiry" if trade.kind is Kind.LINK else "detail"
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, operation, reference=trade.number))
        return moved

    def scan(self, qr: str) -> str:
        for trade in reversed(self._book.trades.values()):
            if trade.qr_text == qr:
                return trade.number
        raise CannotPay("the bank did not make this QR")

    def end(self, ref: str, state: str) -> None:
        trade = self._trade(ref)
        if state not in ("cancelled", "invalid"):
            raise BadControl("state is one of cancelled, invalid")
        if trade.movement is not None:
            raise CannotPay("it is paid already")
        trade.state = state
        if trade.kind is Kind.LINK:
            self._call(trade, None, "send")

    def reverse(self, transaction_id: str) -> Movement:
        moved = self.world.movement(transaction_id)
        if moved is None:
            raise NoSuchThing(transaction_id[:60])
        moved.reversed = True
        return moved

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                return {"bizMchId": self._register(said).number}
            case "registrations":
                named = str(said.get("bizMchId", next(iter(self._merchants))))
                if named not in self._merchants:
                    raise BadControl("this bizMchId is not registered")
                route(self._merchants[named], said.get("url"))
                return {"url": said["url"]}
            case _:
                self._set(read_options(said, self._options))
                self._post.patience = self._patience()
                return dict(said)

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()
        self._counter.forget()

    async def close(self) -> None:
        await self._post.close()

    # --- inside ---

    def _trade(self, ref: str) -> Trade:
        trade = self._book.find(ref)
        if trade is None:
            raise NoSuchThing(ref[:60])
        return trade

    def _address(self, trade: Trade) -> str | None:
        """A deep link may name its own; a QR's is the one that was registered."""
        return trade.notify_url or trade.merchant.callback_url or None

    def _call(self, trade: Trade, moved: Movement | None, callback: str) -> None:
        if trade.kind is Kind.LINK or moved is None:
            said = self._links.told(trade)
        else:
            said = self._callback(trade, moved)
        false = {**said, "amount": self._counter.amount(Money(2 * trade.amount.minor))}
        if trade.kind is Kind.QR:
            false["trxId"] = f"9{trade.number[1:]}"
        body, forged = (json.dumps(words).encode() for words in (said, false))
        self._post.send(trade.number, self._address(trade), body, callback=callback, forged=forged)

    def _callback(self, trade: Trade, moved: Movement) -> dict[str, str]:
        """Without references, with local time that wears a Z, and a blank behind the fee (A9)."""
        local = moved.paid_at.astimezone(BANGKOK)
        return {
            "trxId": trade.number,
            "trxStatus": "1",
            "amount": self._counter.amount(moved.amount),
            "datetime": f"{local:%Y-%m-%dT%H:%M:%S}Z",
            "terminalId": trade.terminal,
            "feeMerchant": f"{FEE} ",
            "fromAccount": moved.details["from_account"],
            "billerId": trade.merchant.biller,
            "channel": trade.channel,
        }

    def _is_proper(self, status: int, answer: bytes, letter: Letter) -> bool:
        """A QR's: returnCode is the number 10000, under a good sign. A deep link's: the text."""
        try:
            said = json.loads(answer, parse_float=str)
        except (ValueError, RecursionError):
            return False
        if status != 200 or not isinstance(said, dict):  # noqa: PLR2004 -- HTTP's OK
            return False
        trade = self._book.trades.get(letter.about)
        if trade is None or trade.kind is Kind.LINK:
            return bool(said.get("returnCode") == "10000")
        is_received = type(said.get("returnCode")) is int and said["returnCode"] == 10000  # noqa: PLR2004
        return is_received and (not self._options.checks_answer_sign or trade.merchant.seal.opens(said))


async def _no_such_file(_: web.Request) -> web.Response:
    """What a proxy in front says about a path it does not know; no JSON."""
    return web.Response(status=404, text="File not found.")
