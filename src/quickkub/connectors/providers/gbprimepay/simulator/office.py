"""What a merchant asks: how a transaction stands, whether keys are right, what was settled (pack 1, 5.10)."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import answers, checks
from quickkub.connectors.providers.gbprimepay.simulator.answers import Json, coded, incomplete
from quickkub.connectors.providers.gbprimepay.simulator.book import Book, Transaction
from quickkub.connectors.providers.gbprimepay.simulator.checks import Desk
from quickkub.connectors.providers.gbprimepay.simulator.register import Shop
from quickkub.connectors.providers.gbprimepay.simulator.telling import charges_of
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

COLUMNS: Final = ("gbpReferenceNo", "referenceNo", "paymentType", "amount", "fee", "vat", "date", "time")


class Office:
    """Handlers that change nothing."""

    def __init__(self, book: Book, desk: Desk) -> None:
        self._book, self._desk = book, desk

    async def status(self, request: web.Request) -> web.Response:
        """`txn`, or for cards `txns` (pack 5.10)."""
        shop = self._desk.by_basic(request, public=False)
        reference = (await checks.json_words(request)).get("referenceNo")
        if not isinstance(reference, str) or not reference:
            raise incomplete()
        one = self._book.of_reference(shop, reference)
        if one is None:
            raise coded("11", txn=None)
        shown = self._shown(one)
        as_list = one.payment_type == "C" and self._book.options.card_rows == "txns"
        rows = {"txns": [shown]} if as_list else {"txn": shown}
        return answers.answer({"resultCode": "00", "resultMessage": "Success", **rows})

    def _shown(self, one: Transaction) -> Json:
        return {
            "amount": decimal_text(one.amount),
            "referenceNo": one.reference,
            "gbpReferenceNo": one.number,
            "status": self._book.shown_status(one),
            "paymentType": one.payment_type,
            **{f"merchantDefined{n}": one.said.get(f"merchantDefined{n}") for n in range(1, 6)},
        }

    async def check_public(self, request: web.Request) -> web.Response:
        return _merchant(self._desk.by_basic(request, public=True))

    async def check_private(self, request: web.Request) -> web.Response:
        return _merchant(self._desk.by_basic(request, public=False))

    async def check_token(self, request: web.Request) -> web.Response:
        said = await checks.form(request)
        checks.require(said, "token")
        return _merchant(self._desk.by_token(said["token"]))

    async def merchant(self, request: web.Request) -> web.Response:
        shop = self._desk.by_basic(request, public=True)
        return answers.answer(
            {
                "merchantId": shop.merchant_id,
                "merchant_companyname": shop.name,
                "merchant_taxid": shop.tax_id,
                "currency_code": "764",
            }
        )

    async def settlement(self, request: web.Request) -> web.Response:
        """The portal's list of one day (`?date=2026-01-15`), or of everything. Its form is made up."""
        try:
            day = date.fromisoformat(request.query["date"]) if "date" in request.query else None
        except ValueError:
            raise incomplete() from None
        sheet = io.StringIO()
        rows = csv.writer(sheet)
        rows.writerow(COLUMNS)
        for one in self._book.transactions.values():
            if one.paid_at is None:
                continue
            at = one.paid_at.astimezone(BANGKOK)
            if day is not None and at.date() != day:
                continue
            fee, vat = charges_of(one)
            when = (at.strftime("%d%m%Y"), at.strftime("%H%M%S"))
            start = (one.number, one.reference, one.payment_type)
            rows.writerow((*start, decimal_text(one.amount), f"{fee:f}", f"{vat:f}", *when))
            if one.status == "V":
                rows.writerow((*start, f"-{decimal_text(one.amount)}", "0.00", "0.00", *when))
        return web.Response(text=sheet.getvalue(), content_type="text/csv")


def _merchant(shop: Shop) -> web.Response:
    return answers.answer({"merchantId": shop.merchant_id, "initialShop": "QKK", "merchantName": shop.name})
