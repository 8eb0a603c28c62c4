"""The simulated banks as a whole: the payer's app, the receiving account, and the hand inside."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from quickkub.connectors.providers.promptpay.simulator import writing
from quickkub.connectors.providers.promptpay.simulator.book import Book, Entry, Scanned
from quickkub.connectors.providers.promptpay.simulator.feed import Feed
from quickkub.connectors.providers.promptpay.simulator.register import (
    DEMO,
    Options,
    Receiving,
    read_address,
    read_options,
    read_receiving,
)
from quickkub.connectors.providers.promptpay.simulator.writing import Refused
from quickkub.connectors.reading import Garbled, read_object
from quickkub.connectors.simulation.base import (
    BadControl,
    Config,
    Item,
    Movement,
    Operation,
    Pay,
    World,
)
from quickkub.connectors.simulation.faults import Fault, FaultKind
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.kernel.money import Money

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)


class PromptpaySimulator:
    """See simulation.base.ProviderSimulator."""

    name = "promptpay"
    title = "PromptPay simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._book = Book(self.world)
        self._book.options = read_options(config.get("options", {}), Options())
        for said in config.get("apps", [DEMO]):
            self.configure("apps", said)
        if "callback_url" in config:
            self.configure("registrations", {"url": config["callback_url"]})
        options = self._book.options
        patience = Patience(options.notice_tries, options.notice_apart_seconds)
        self._post = Post(self.world, _is_proper, patience)
        self._feed = Feed(self.world, self._book)

    # --- the feed ---

    def base_paths(self) -> tuple[str, ...]:
        return ("/feed",)

    def operations(self) -> tuple[Operation, ...]:
        feed = self._feed
        routes: tuple[tuple[str, str, str, Handler], ...] = (
            ("account", "GET", "/v1/account", feed.account),
            ("statement", "GET", "/v1/statement", feed.statement),
            ("page_slip", "GET", "/slips/{id}", feed.slip),
        )
        known = tuple(Operation(name, method, path, _guarded(run)) for name, method, path, run in routes)
        return (*known, Operation("other", "*", "/{tail:.*}", _nothing_here))

    def trouble(self, status: int) -> bytes:
        return writing.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        try:
            return writing.dumped(writing.distorted(read_object(body), what))
        except Garbled:
            return body

    # --- the payer's app ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(one) for one in islice(reversed(self._book.scanned.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._book.named(ref))

    def _item(self, one: Scanned) -> Item:
        state = "paid" if one.paid else "waiting" if one.is_open else "cancelled"
        note = " ".join(filter(None, (one.receiving.id, one.reference)))
        return Item(
            one.ref,
            "bill payment" if one.reference else "transfer",
            one.amount or Money(10_000),
            state,
            one.made_at,
            None,
            tuple(one.paid),
            note=note,
            qr_text=one.qr_text,
        )

    def scan(self, qr: str) -> str:
        return self._book.scan(qr).ref

    def pay(self, ref: str, pay: Pay) -> Movement:
        """`by` names the payer's bank by its three digits."""
        one = self._book.named(ref)
        movement, entry = self._book.transfer(one, pay.amount, pay.by)
        if pay.lose_answer:
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, "statement"))
        if self._book.options.sends_notices:
            self._tell(entry, "drop" if pay.lose_answer else pay.callback)
        return movement

    def end(self, ref: str, state: str) -> None:
        """The payer leaves the app; nobody hears of it, and the QR can be scanned again."""
        if state not in ("cancelled", "invalid"):
            raise BadControl("state is cancelled or invalid")
        self._book.named(ref).is_open = False

    def reverse(self, transaction_id: str) -> Movement:
        return self._book.take_back(transaction_id)

    def _tell(self, entry: Entry, callback: str) -> None:
        receiving = entry.receiving
        body = writing.dumped(writing.line(entry))
        forged = writing.dumped({**writing.line(entry), "transaction_id": f"F{entry.transaction_id}"[:25]})
        self._post.send(
            entry.transaction_id,
            receiving.callback_url or None,
            body,
            callback=callback,
            forged=forged,
            headers=writing.headers(receiving, body),
        )

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                one = read_receiving(said)
                self._book.receivings[one.id] = one
                return {"promptpay_id": one.id}
            case "registrations":
                return self._register(said)
            case _:
                self._book.options = read_options(said, self._book.options)
                options = self._book.options
                self._post.patience = Patience(options.notice_tries, options.notice_apart_seconds)
                return dict(said)

    def _register(self, said: Config) -> Mapping[str, Any]:
        """`{"url": …}` for every account, or of one with its `promptpay_id`."""
        url, named = read_address(said.get("url")), said.get("promptpay_id")
        found: list[Receiving] = [
            one for one in self._book.receivings.values() if named is None or one.id == named
        ]
        if not found:
            raise BadControl("nobody has this promptpay_id")
        for one in found:
            one.callback_url = url
        return {"url": url}

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._post.forget()

    async def close(self) -> None:
        await self._post.close()


def _is_proper(status: int, _: bytes, __: Letter) -> bool:
    """Any 200; what it says is not read."""
    return status == 200  # noqa: PLR2004 -- HTTP's OK


def _guarded(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refused as refused:
            return writing.refusal(refused)
        except web.HTTPException:
            raise
        except Exception:
            # The outermost loop of a request. A mistake of ours looks to a client like one of the feed's.
            log.exception("the simulator failed on %s", request.path)
            return web.Response(status=500, body=writing.trouble(500), content_type="application/json")

    return handle


async def _nothing_here(_: web.Request) -> web.Response:
    return web.json_response({"error": "there is no such thing"}, status=404)
