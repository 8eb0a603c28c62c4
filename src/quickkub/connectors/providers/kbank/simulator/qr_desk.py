"""The QR Payment API: create, inquire, cancel, void, settle (pack A4 to A8)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers, exercises
from quickkub.connectors.providers.kbank.simulator.answers import AtTheGate, Refused
from quickkub.connectors.providers.kbank.simulator.book import QR_LIVES, Book, Kind, Sale
from quickkub.connectors.providers.kbank.simulator.checks import Desk, baht, is_exercise, text_of
from quickkub.connectors.providers.kbank.simulator.qr_text import card_qr, thai_qr
from quickkub.connectors.providers.kbank.simulator.register import App
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_SHOP_CLOSED: Final = ((22, 0), (2, 30))
VOIDABLE: Final = frozenset({"KPLUS", "KPSME", "CARD"})
"""Channels whose payments can be voided; the others give EMQRVOTCH."""
_OVER: Final = {"PAID": "EMQRP", "CANCELLED": "EMQRC", "EXPIRED": "EMQRE", "VOIDED": "EMQRVOTCH"}


class QrDesk:
    """Handlers; each answers an exercise instead where the request is one (pack A13)."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk, self._book = desk, book

    async def create(self, request: web.Request) -> web.Response:
        app = self._desk.enter(request)
        body = await self._desk.read(request)
        if self._is_exercise(request):
            return exercises.create(request, body)
        return self._answered(body, lambda: self._create(body, app))

    async def inquire(self, request: web.Request) -> web.Response:
        app = self._desk.enter(request)
        body = await self._desk.read(request)
        if self._is_exercise(request):
            return exercises.inquire(request, body)
        return self._answered(body, lambda: self._inquire(body, app))

    async def cancel(self, request: web.Request) -> web.Response:
        app = self._desk.enter(request)
        body = await self._desk.read(request)
        if self._is_exercise(request):
            return exercises.cancel(request, body)
        self._check_cancel_fields(body)
        return self._answered(body, lambda: self._cancel(body, app))

    async def void(self, request: web.Request) -> web.Response:
        app = self._desk.enter(request)
        body = await self._desk.read(request)
        if self._is_exercise(request):
            return exercises.void(request, body)
        return self._answered(body, lambda: self._void(body, app))

    async def settle(self, request: web.Request) -> web.Response:
        app = self._desk.enter(request)
        body = await self._desk.read(request)
        return self._answered(body, lambda: self._settle(body, app))

    async def ssl_test(self, request: web.Request) -> web.Response:
        """`POST /exercise/ssl`: what the bank sees of the client certificate (pack A2.3)."""
        body = await self._desk.read(request)
        partner = self._desk_partner(body)
        shown: Any = request.transport.get_extra_info("peercert") if request.transport else None
        return answers.said(
            {
                "statusCode": "00" if partner and shown else "10",
                "certStatus": "valid" if shown else "not found",
                "partnerStatus": "valid" if partner else "invalid",
                "errorMsg": None if shown else "No client certificate",
                "certificateObjs": [_certificate(shown)] if shown else [],
            }
        )

    # --- inside ---

    def _is_exercise(self, request: web.Request) -> bool:
        """With `x-test-mode` every call names its exercise; without, the bank keeps state."""
        named = is_exercise(request)
        match self._desk.options.mode:
            case "stateful":
                return False
            case "exercise" if not named:
                raise AtTheGate(400)
            case _:
                return named

    def _answered(self, body: dict[str, Any], act: Any) -> web.Response:
        try:
            answer: web.Response = act()
        except Refused as refused:
            return answers.refusal(body, refused.short, self._desk.options.business_error_http_status)
        return answer

    def _desk_partner(self, body: dict[str, Any]) -> bool:
        try:
            self._desk.check_common(
                {**body, "partnerTxnUid": "SSL", "requestDt": "2026-01-15T10:30:00Z"}, None, shop=False
            )
        except Refused:
            return False
        return True

    def _create(self, body: dict[str, Any], caller: App | None) -> web.Response:
        app = self._desk.check_common(body, caller)
        kind = self._kind(body, app)
        amount = baht(body.get("txnAmount"))
        if body.get("txnCurrencyCode") != "THB":
            raise Refused("EMICC")
        if not text_of(body, "reference1", 100):
            raise Refused("EMIR")
        for name in ("reference2", "reference3", "reference4"):
            text_of(body, name, 100)
        text_of(body, "metadata", 500)
        self._desk.use_up(body)
        sale = self._book.add(self._sale(body, app, kind, amount))
        sof = ["VISA", "MASTERCARD", "UNIONPAY"] if kind is Kind.CARD_QR else ["PP"]
        return answers.business(body, accountName=app.name, qrCode=sale.qr_text, sof=sof)

    def _kind(self, body: dict[str, Any], app: App) -> Kind:
        match body.get("qrType"):
            case "3" | "5":
                return Kind.THAI_QR
            case "4" if app.card_qr == "on":
                return Kind.CARD_QR
            case "4":
                raise Refused("EMQRNECC" if app.card_qr == "off" else "EMQRNCC")
            case _:
                raise Refused("EMIQR")

    def _sale(self, body: dict[str, Any], app: App, kind: Kind, amount: Money) -> Sale:
        now, uid = self._book.now(), body["partnerTxnUid"]
        number = len(self._book.sales) + 1
        if kind is Kind.CARD_QR:
            text = card_qr(number, amount)
        else:
            text = thai_qr(f"LEX{number:08d}", self._book.luck(13).upper(), amount)
        return Sale(
            uid,
            kind,
            app,
            uid,
            amount,
            now,
            now + QR_LIVES,
            "REQUESTED",
            body,
            number=f"APIC{now:%y%m%d%H%M%S}{number:04d}",
            qr_text=text,
        )

    def _inquire(self, body: dict[str, Any], caller: App | None) -> web.Response:
        app = self._desk.check_common(body, caller)
        sale = self._original(body, app)
        self._check_number(body, sale)
        self._desk.use_up(body)
        return answers.business(body, **shown(sale, self._book.state_of(sale)))

    def _cancel(self, body: dict[str, Any], caller: App | None) -> web.Response:
        app = self._desk.check_common(body, caller)
        sale = self._original(body, app)
        self._desk.use_up(body)
        state = self._book.state_of(sale)
        if state in _OVER:
            raise Refused(_OVER[state])
        sale.state = "CANCELLED"
        return answers.business(body)

    def _check_cancel_fields(self, body: dict[str, Any]) -> None:
        """The newer version refuses a label as qrType and any txnNo; the table of 2020 demands two fields."""
        legacy = self._desk.options.cancel_fields == "legacy2020"
        is_label = body.get("qrType") not in (None, "1", "2", "3", "4", "5")
        if not legacy and (is_label or "txnNo" in body):
            raise AtTheGate(400)
        if legacy and not (body.get("qrType") and body.get("terminalId")):
            raise AtTheGate(400)

    def _void(self, body: dict[str, Any], caller: App | None) -> web.Response:
        app = self._desk.check_common(body, caller)
        sale = self._original(body, app)
        if sale.kind is Kind.CARD_QR and _NUMBER.fullmatch(str(body.get("txnNo"))) is None:
            raise Refused("EMBR")
        self._check_number(body, sale)
        self._desk.use_up(body)
        state = self._book.state_of(sale)
        if state != "PAID":
            raise Refused({**_OVER, "REQUESTED": "EMBR"}[state])
        if sale.is_settled or not self._book.is_paid_today(sale):
            raise Refused("EMSET")
        if sale.paid_by not in VOIDABLE:
            raise Refused("EMQRVOTCH")
        self._book.take_back(sale, "VOIDED")
        return answers.business(body)

    def _settle(self, body: dict[str, Any], caller: App | None) -> web.Response:
        app = self._desk.check_common(body, caller)
        if not body.get("terminalId"):
            raise Refused("EMBR")
        if body.get("qrType") != "3":
            raise Refused("EMIQR")
        self._desk.use_up(body)
        if _is_closed(self._book.now()):
            raise Refused("EMSMSG")
        due = [sale for sale in self._book.sales.values() if self._is_due(sale, app)]
        for sale in due:
            sale.is_settled = True
        total = Money(sum(sale.amount.minor for sale in due))
        return answers.business(
            body,
            accountNo="xxx-x-x1234-x",
            accountName=app.name,
            settlementAmount=Decimal(decimal_text(total)),
            settlementCurrencyCode="THB",
        )

    def _is_due(self, sale: Sale, app: App) -> bool:
        is_paid = sale.kind is Kind.THAI_QR and sale.state == "PAID"
        return is_paid and sale.app.merchant_id == app.merchant_id and not sale.is_settled

    def _original(self, body: dict[str, Any], app: App) -> Sale:
        name = body.get("origPartnerTxnUid")
        if not isinstance(name, str) or not name:
            raise Refused("EMBR")
        sale = self._book.sales.get(name)
        if sale is None or sale.kind.product != "qr" or sale.app.partner_id != app.partner_id:
            raise Refused("EMITDNE")
        return sale

    def _check_number(self, body: dict[str, Any], sale: Sale) -> None:
        """A payment number that is given has to be this payment's; a session number is no proof (pack E2)."""
        number = text_of(body, "txnNo", 30)
        if number is None:
            return
        if number.startswith("APIC"):
            if sale.kind is Kind.CARD_QR:
                raise Refused("EMBR")
            return
        if number != sale.number:
            raise Refused("EMITDNE")


def shown(sale: Sale, state: str) -> dict[str, Any]:
    """The fields of an inquiry after the echo (pack A5): the amount is text here."""
    said = sale.said
    fields: dict[str, Any] = {
        "merchantId": sale.app.merchant_id,
        "terminalId": said.get("terminalId") or sale.app.terminal_id,
        "qrType": said["qrType"],
        "txnAmount": decimal_text(sale.amount),
        "txnCurrencyCode": "THB",
        **{f"reference{n}": said.get(f"reference{n}") for n in (1, 2, 3, 4)},
        "txnStatus": state,
        "txnNo": sale.number,
        "loyaltyId": None,
        "channel": sale.paid_by if sale.paid_at else None,
    }
    if sale.kind is Kind.CARD_QR and sale.paid_at is not None:
        fields |= {"cardScheme": "VISA", "cardNo": "4147XXXXXXXX0001", "approvalCode": "764253"}
    return fields


def callback_of(sale: Sale, amount: Money) -> dict[str, Any]:
    """The words of a paid QR (pack A9): the amount is a number here."""
    more = shown(sale, "PAID")
    body = {
        "partnerTxnUid": sale.reference,
        "partnerId": sale.app.partner_id,
        "statusCode": "00",
        "errorCode": None,
        "errorDesc": None,
        "merchantId": sale.app.merchant_id,
        "txnAmount": Decimal(decimal_text(amount)),
        "txnCurrencyCode": "THB",
        "txnNo": sale.number,
        "loyaltyId": "00199100000",
        "additionalInfo": "",
    }
    return {**more, **body}


def _is_closed(now: datetime) -> bool:
    """From 22:00 to 02:30 in Bangkok (pack A8)."""
    local = now.astimezone(BANGKOK)
    closes, opens = _SHOP_CLOSED
    at = (local.hour, local.minute)
    return at >= closes or at < opens


def _certificate(shown_: Any) -> dict[str, Any]:
    def named(name: str) -> str:
        return ", ".join(f"{key}={value}" for ((key, value),) in shown_.get(name, ()))

    return {
        "subject": named("subject"),
        "issuer": named("issuer"),
        "startDate": shown_.get("notBefore"),
        "expireDate": shown_.get("notAfter"),
        "serialNumber": shown_.get("serialNumber"),
    }
