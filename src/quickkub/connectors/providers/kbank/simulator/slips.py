"""Slip verification: payments of this bank as transfers, and the samples of the retired portal (pack A14)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.answers import AtTheGate
from quickkub.connectors.providers.kbank.simulator.book import Book, Sale, day
from quickkub.connectors.providers.kbank.simulator.checks import Desk
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text

BANK: Final = "004"
SAMPLES: Final = frozenset(
    {
        "019182105907167129",
        "019183135058827134",
        "019183135540904172",
        "019183135837377182",
        "019183140443361142",
    }
)
_RQUID: Final = re.compile(r"[0-9a-fA-F]{32}")


class SlipDesk:
    """One handler: `POST /v1/verslip/kbank/verify`."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk, self._book = desk, book

    async def verify(self, request: web.Request) -> web.Response:
        self._desk.enter(request)
        body = await self._desk.read(request)
        data, uid = body.get("data"), body.get("rqUID")
        if not isinstance(data, dict) or not isinstance(uid, str) or _RQUID.fullmatch(uid) is None:
            raise AtTheGate(400)
        if not isinstance(body.get("rqDt"), str):
            raise AtTheGate(400)
        found = self._found(str(data.get("sendingBank")), str(data.get("transRef")))
        if found is None:
            # The codes beside 0000 are not public.
            return answers.said(
                {"rqUID": uid, "statusCode": "9999", "statusMessage": "NOT FOUND", "data": None}
            )
        return answers.said({"rqUID": uid, "statusCode": "0000", "statusMessage": "SUCCESS", "data": found})

    def _found(self, bank: str, ref: str) -> dict[str, Any] | None:
        if bank != BANK:
            return None
        if ref in SAMPLES:
            return _slip(ref, "20190702", "10:59:07", Decimal("1.00"), "", "")
        sale = self._by_slip(ref)
        if sale is None or sale.paid_at is None:
            return None
        local = sale.paid_at.astimezone(BANGKOK)
        references = [str(sale.said.get(f"reference{n}") or "") for n in (1, 2)]
        amount = Decimal(decimal_text(sale.amount))
        return _slip(ref, f"{local:%Y%m%d}", f"{local:%H:%M:%S}", amount, *references)

    def _by_slip(self, ref: str) -> Sale | None:
        return next(
            (sale for sale in self._book.sales.values() if sale.paid_at and slip_ref(sale) == ref), None
        )


def slip_ref(sale: Sale) -> str:
    """The reference on the payer's slip: day and payment number."""
    return f"{day(sale.paid_at)}{sale.number:0>10}" if sale.paid_at else ""


def _slip(ref: str, on: str, at: str, amount: Decimal, ref1: str, ref2: str) -> dict[str, Any]:
    nothing = {"type": "", "value": ""}
    sender = {
        "displayName": "MR. SOMCHAI J",
        "name": "Mr. Somchai J",
        "proxy": nothing,
        "account": {"type": "BANKAC", "value": "xxx-x-x0209-x"},
    }
    receiver = {
        "displayName": "QUICKKUB DEMO",
        "name": "QUICKKUB DEMO SHOP",
        "proxy": {"type": "BILLERID", "value": "010555808077800"},
        "account": {"type": "BANKAC", "value": "xxx-x-x1234-x"},
    }
    return {
        "language": "TH",
        "transRef": ref,
        "sendingBank": BANK,
        "receivingBank": BANK,
        "transDate": on,
        "transTime": at,
        "sender": sender,
        "receiver": receiver,
        "amount": amount,
        "paidLocalAmount": amount,
        "paidLocalCurrency": "764",
        "countryCode": "TH",
        "transFeeAmount": Decimal("0"),
        "ref1": ref1,
        "ref2": ref2,
        "ref3": "",
        "toMerchantId": "",
    }
