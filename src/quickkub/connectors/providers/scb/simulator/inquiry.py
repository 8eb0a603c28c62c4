"""Asking what was paid: by reference and day, by card QR, by slip (pack 7)."""

from __future__ import annotations

from datetime import date
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import checks, records
from quickkub.connectors.providers.scb.simulator.answers import Refused, success, success_without_data
from quickkub.connectors.providers.scb.simulator.auth import Desk
from quickkub.connectors.providers.scb.simulator.checks import DIGITS_15, REFERENCE, Field
from quickkub.connectors.providers.scb.simulator.qr import QrCounter
from quickkub.connectors.providers.scb.simulator.sales import BILL, CARD, Book, Payment
from quickkub.kernel.clock import BANGKOK

_INQUIRY: Final = (
    Field("eventCode", required=True, shape="00300100|00300104"),
    # The day of the payment in Bangkok; `20260115` is refused (pack 14.3).
    Field("transactionDate", required=True, shape=r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Field("billerId", required=True, shape=DIGITS_15),
    Field("reference1", required=True, shape=REFERENCE),
    Field("reference2", shape=REFERENCE),
    Field("partnerTransactionId", shape=r"[0-9]{15}[A-Z0-9]{20}"),
    Field("amount", shape=r"[0-9]{1,13}(\.[0-9]{1,2})?"),
)
_SLIP: Final = (Field("sendingBank", required=True, shape=r"[0-9]{3}"),)


class InquiryCounter:
    """Three operations that only read."""

    def __init__(self, desk: Desk, book: Book, qr: QrCounter) -> None:
        self._desk, self._book, self._qr = desk, book, qr

    async def bill(self, request: web.Request) -> web.Response:
        """`GET /v1/payment/billpayment/inquiry`: an array, one row for each payment of that day."""
        application = self._desk.enter(request, "inquiry", with_body=False)
        asked = dict(request.query)
        checks.check_fields(asked, _INQUIRY)
        day = _day(asked["transactionDate"])
        self._qr.biller(application, asked["billerId"])
        found = [p for p in self._book.billed(asked["reference1"]) if self._fits(p, asked, day)]
        if found:
            return success([records.row(payment) for payment in found])
        match self._desk.options.unpaid_inquiry:
            case "missing":
                return success_without_data()
            case "1104":
                raise Refused(404, 1104)
            case "8101":
                raise Refused(400, 8101)
            case _:
                return success([])

    def _fits(self, payment: Payment, asked: dict[str, str], day: date) -> bool:
        sale, movement = payment.sale, payment.movement
        wanted = {
            "eventCode": sale.event_code,
            "billerId": sale.biller.biller_id if sale.biller else "",
            "reference1": sale.ref1,
            "reference2": sale.ref2,
            "partnerTransactionId": sale.partner_transaction,
        }
        return (
            movement.paid_at.astimezone(BANGKOK).date() == day
            and self._book.visible(payment, self._desk.options.inquiry_lag_seconds)
            and all(asked.get(name, value) == value for name, value in wanted.items())
            and ("amount" not in asked or checks.baht(asked["amount"], "amount", 13) == movement.amount)
        )

    async def card(self, request: web.Request) -> web.Response:
        """`GET /v1/payment/qrcode/creditcard/{qrCodeId}`: a record once it is paid, 1104 before (ASSUMED)."""
        application = self._desk.enter(request, "card_inquiry", with_body=False)
        sale = self._book.find(request.match_info["qr"])
        lag = self._desk.options.inquiry_lag_seconds
        payments = [
            payment
            for payment in (self._book.of(sale) if sale and sale.key == application.key else ())
            if payment.by == CARD and self._book.visible(payment, lag)
        ]
        if not payments:
            raise Refused(404, 1104)
        return success(records.card_record(payments[0]))

    async def slip(self, request: web.Request) -> web.Response:
        """`GET /v1/payment/billpayment/transactions/{transRef}?sendingBank=014`."""
        self._desk.enter(request, "slip", with_body=False)
        asked = dict(request.query)
        checks.check_fields(asked, _SLIP)
        keys = (asked["sendingBank"], request.match_info["slip"])
        for payment in self._book.payments.values():
            if payment.by == BILL and (payment.payer.bank, payment.trans_ref) == keys:
                return success(records.slip(payment))
        raise Refused(404, 1104)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(400, 1102, "transactionDate") from None
