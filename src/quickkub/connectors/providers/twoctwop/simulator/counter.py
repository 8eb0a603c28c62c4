"""The signed calls: a payment token is given out, and how a payment stands is told (pack 4.1, 4.5)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import answers, checks, results, seals
from quickkub.connectors.providers.twoctwop.simulator.answers import Refused, said
from quickkub.connectors.providers.twoctwop.simulator.book import PAGE_LIVES, Book, Sale, State
from quickkub.connectors.providers.twoctwop.simulator.register import Merchant, Registry
from quickkub.connectors.reading import Garbled, read_json
from quickkub.connectors.simulation.base import World


class Counter:
    """Two operations behind the merchant's secret key."""

    def __init__(self, world: World, registered: Registry, book: Book) -> None:
        self._world, self._registered, self._book = world, registered, book

    async def payment_token(self, request: web.Request) -> web.Response:
        """`POST paymentToken`."""
        merchant, claims = self._enter(await request.read())
        try:
            return answers.signed(self._issue(request, merchant, claims), merchant, self._book.options)
        except Refused as refused:
            return answers.refusal(refused, merchant, self._book.options)

    async def inquiry(self, request: web.Request) -> web.Response:
        """`POST paymentInquiry`, by invoice or by token."""
        merchant, claims = self._enter(await request.read())
        invoice, token = claims.get("invoiceNo"), claims.get("paymentToken")
        if not invoice and not token:
            return answers.refusal(Refused("9005", "invoiceNo"), merchant, self._book.options)
        sale = self._book.of(merchant, str(invoice)) if invoice else self._book.by_token(token)
        if sale is None or sale.merchant.merchant_id != merchant.merchant_id:
            return answers.signed(said("2002"), merchant, self._book.options)
        words = results.result(sale, self._book)
        if self._book.lags(sale):
            words = said("2001", {"invoiceNo": sale.invoice})
        return answers.signed(words, merchant, self._book.options)

    def _enter(self, raw: bytes) -> tuple[Merchant, dict[str, Any]]:
        """Whose call it is. What is refused here is refused in plain JSON: there is no key to sign with."""
        try:
            body = read_json(raw)
            token = body["payload"]
            claims = seals.peek(token)
        except (Garbled, KeyError, TypeError, AttributeError, seals.Unsealed):
            raise Refused("6103", plain=True) from None
        merchant = self._registered.merchants.get(str(claims.get("merchantID")))
        if merchant is None:
            raise Refused("6107", plain=True)
        if not seals.is_signed_by(token, merchant.secret):
            raise Refused("9042", plain=True)
        return merchant, claims

    def _issue(self, request: web.Request, merchant: Merchant, claims: dict[str, Any]) -> dict[str, Any]:
        checks.check_request(claims)
        key = (merchant.merchant_id, str(claims.get("idempotencyID") or ""))
        if key[1] and key in self._book.first_answers:
            return self._book.first_answers[key]
        known = self._book.of(merchant, claims["invoiceNo"])
        if known is not None and known.state is not State.NEW:
            raise Refused("9015")
        token = self._book.issue(self._sale(merchant, claims))
        page = f"{request.url.origin()}/payment/4.3/#/token/{quote(token, safe='').lower()}"
        answer = {"webPaymentUrl": page, "paymentToken": token, **said("0000")}
        if key[1]:
            self._book.first_answers[key] = answer
        return answer

    def _sale(self, merchant: Merchant, claims: dict[str, Any]) -> Sale:
        now = self._world.clock.now()
        return Sale(
            claims["invoiceNo"],
            merchant,
            checks.money_of(claims),
            now,
            checks.expiry_of(claims, now, PAGE_LIVES),
            claims,
            # Which values only hold the money is not public; whatever is not a sale does here.
            manual=str(claims.get("transactionMode") or "").upper() not in ("", "S", "SALE"),
        )
