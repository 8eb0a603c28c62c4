"""B-scan-C: the merchant scans the payer (pack 8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import checks
from quickkub.connectors.providers.scb.simulator.answers import Refused, success
from quickkub.connectors.providers.scb.simulator.auth import Desk
from quickkub.connectors.providers.scb.simulator.checks import DIGITS_15, REFERENCE, Field
from quickkub.connectors.providers.scb.simulator.qr import QrCounter
from quickkub.connectors.providers.scb.simulator.sales import Book, Kind, Sale
from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import BANGKOK

LAST_REFUND: Final = time(23, 0)
_PARTNER: Final = r"[0-9]{15}[A-Z0-9]{20}"
# The published sample code spells it `Id`, the page `ID`; both are taken (pack 8).
_SPELLINGS: Final = ("partnerTransactionID", "partnerTransactionId")


def _confirm_fields(body: dict[str, Any], references: int) -> tuple[Field, ...]:
    said = any(body.get(name) is not None for name in _SPELLINGS)
    return (
        Field("qrData", required=True, shape=r"(?s).{1,512}"),
        Field("payeeBillerId", required=True, shape=DIGITS_15),
        Field("transactionAmount", required=True, shape=r"[0-9]{1,15}(\.[0-9]{1,2})?"),
        Field("reference1", required=True, shape=REFERENCE),
        Field("reference2", required=references > 1, shape=REFERENCE),
        Field("reference3", required=True, shape=REFERENCE),
        Field("partnerTransactionID", required=not said, shape=_PARTNER),
        Field("partnerTransactionId", shape=_PARTNER),
        Field("payeeTerminalNo"),
    )


_REFUND: Final = (Field("partnerTransactionId", required=True, shape=_PARTNER),)


class ScanCounter:
    """The two operations of B-scan-C. `settle` pays a sale at once and confirms it."""

    def __init__(
        self, world: World, desk: Desk, book: Book, qr: QrCounter, settle: Callable[[Sale], Any]
    ) -> None:
        self._world, self._desk, self._book, self._qr, self._settle = world, desk, book, qr, settle

    async def confirm(self, request: web.Request) -> web.Response:
        """`POST /v1/payment/merchant/rtp/confirm`: 1000 is accepted; the row or the confirmation is proof."""
        application = self._desk.enter(request, "bscanc_confirm", with_body=True)
        body = checks.read_body(await request.read())
        checks.check_fields(body, _confirm_fields(body, 1))
        biller = self._qr.biller(application, body["payeeBillerId"])
        checks.check_fields(body, _confirm_fields(body, biller.references))
        partner = next(str(body[name]) for name in _SPELLINGS if body.get(name))
        if not partner.startswith(biller.biller_id):
            raise Refused(400, 1102, "partnerTransactionID")
        if self._book.find(partner) is not None:
            raise Refused(400, 1111, "partnerTransactionID")
        sale = self._book.add(
            Sale(
                body["reference1"],
                Kind.B_SCAN_C,
                application.key,
                checks.baht(body["transactionAmount"], "transactionAmount", 15),
                self._world.clock.now(),
                biller=biller,
                ref1=body["reference1"],
                ref2=body.get("reference2", ""),
                ref3=body["reference3"],
                terminal=body.get("payeeTerminalNo", ""),
                partner_transaction=partner,
            )
        )
        if self._desk.options.bscanc == "immediate":
            self._settle(sale)
        return success({})

    async def refund(self, request: web.Request) -> web.Response:
        """`POST /v1/payment/merchant/rtp/refund`: all of it, on the same day before 23:00."""
        application = self._desk.enter(request, "bscanc_refund", with_body=True)
        body = checks.read_body(await request.read())
        checks.check_fields(body, _REFUND)
        sale = self._book.find(body["partnerTransactionId"])
        if sale is None or sale.kind is not Kind.B_SCAN_C or sale.key != application.key:
            raise Refused(404, 1104)
        payments = self._book.of(sale)
        now = self._world.clock.now().astimezone(BANGKOK)
        if not payments:
            raise Refused(404, 1104)
        movement = payments[0].movement
        if movement.reversed:
            raise Refused(400, 1111, "refund")
        if movement.paid_at.astimezone(BANGKOK).date() != now.date() or now.time() >= LAST_REFUND:
            raise Refused(400, 8102)
        movement.reversed = True
        return success({})
