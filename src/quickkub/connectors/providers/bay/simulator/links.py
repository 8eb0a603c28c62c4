"""The krungsri app's deep link, as the pack assumes it (bay.md part B)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.bay.simulator.answers import Stopped
from quickkub.connectors.providers.bay.simulator.book import Book, Kind, Trade
from quickkub.connectors.providers.bay.simulator.counter import AMOUNT, REFERENCE, Counter
from quickkub.connectors.providers.bay.simulator.setup import Merchant
from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, decimal_text, read_decimal

LEAST, MOST = 2_000, 70_000_000
_WORDS: Final = {"paid": "SUCCESS", "cancelled": "CANCELLED", "invalid": "FAILED"}


class LinkCounter:
    """Generate and inquiry; headers as at the QR counter, without `sign`."""

    def __init__(self, world: World, book: Book, counter: Counter) -> None:
        self._world, self._book, self._counter = world, book, counter

    async def generate(self, request: web.Request) -> web.Response:
        """`POST /native/deeplink/payment/generate`."""
        return await self._counter.answered(request, self._generate, signed=False)

    async def inquire(self, request: web.Request) -> web.Response:
        """`POST /native/deeplink/payment/inquiry`."""
        return await self._counter.answered(request, self._inquire, signed=False)

    def _generate(self, merchant: Merchant, body: Mapping[str, Any]) -> dict[str, Any]:
        shapes: tuple[tuple[str, Any, bool], ...] = (
            ("billerId", re.escape(merchant.biller), True),
            ("reference1", REFERENCE, True),
            ("reference2", REFERENCE, True),
            ("amount", AMOUNT, True),
            ("currencyCode", "THB", True),
            ("callbackUrl", r"\S{1,300}", False),
            ("notifyUrl", r"https?://\S{1,300}", False),
            ("expiryMinutes", r"[1-9][0-9]{0,3}", True),
        )
        for name, shape, required in shapes:
            value = body.get(name)
            if value is None and not required:
                continue
            if not isinstance(value, str) or re.fullmatch(shape, value) is None:
                raise Stopped(400, "98", f"{name} is missing or wrong")
        amount = read_decimal(body["amount"], THB)
        if not LEAST <= amount.minor <= MOST:
            raise Stopped(400, "98", "amount is out of range")
        now = self._world.clock.now()
        trade = Trade(
            f"DL{self._book.next_number()}",
            Kind.LINK,
            merchant,
            body["reference1"],
            body["reference2"],
            amount,
            now,
            now + timedelta(minutes=int(body["expiryMinutes"])),
            notify_url=body.get("notifyUrl", ""),
        )
        self._book.trades[trade.number] = trade
        return {
            "deeplinkUrl": f"{self._counter.options.link_scheme}://pay?ref={trade.number}",
            "referenceNumber": trade.number,
            "expiryDateTime": trade.expires_at.astimezone(BANGKOK).isoformat(timespec="milliseconds"),
        }

    def _inquire(self, merchant: Merchant, body: Mapping[str, Any]) -> dict[str, Any]:
        trade = self._book.trades.get(str(body.get("referenceNumber", "")))
        if trade is None or trade.kind is not Kind.LINK or trade.merchant is not merchant:
            raise Stopped(404, "98", "referenceNumber is not known")
        return self.told(trade)

    def told(self, trade: Trade) -> dict[str, Any]:
        """How a link stands, as inquiry and callback say it."""
        over = trade.state == "waiting" and self._book.is_over(trade)
        moved = trade.movement
        at = moved.paid_at if moved else trade.made_at
        return {
            "referenceNumber": trade.number,
            "transactionStatus": "EXPIRED" if over else _WORDS.get(trade.state, "PENDING"),
            "amount": decimal_text(moved.amount if moved else trade.amount),
            "reference1": trade.reference1,
            "reference2": trade.reference2,
            "transactionDateTime": at.astimezone(BANGKOK).isoformat(timespec="milliseconds"),
        }
