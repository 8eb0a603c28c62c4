"""Creating QRs: `POST /v1/payment/qrcode/create` and its version 2 with an expiry (pack 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import checks, qr_text
from quickkub.connectors.providers.scb.simulator.answers import Refused, success
from quickkub.connectors.providers.scb.simulator.auth import Desk
from quickkub.connectors.providers.scb.simulator.checks import AMOUNT_TEXT, DIGITS_15, REFERENCE, Field, Kind
from quickkub.connectors.providers.scb.simulator.register import Application, Biller, Merchant, Registry
from quickkub.connectors.providers.scb.simulator.sales import Book, Sale
from quickkub.connectors.providers.scb.simulator.sales import Kind as Sold
from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.pictures import PIXEL, picture
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

CARD_MINUTES_USUAL: Final = 15
TIMES_MAX: Final = 9999
_CARD: Final = ("CS", "PPCS")
_CHANNELS: Final = (("VISA", "VISA"), ("MASTERCARD", "MASTER"))


def _v1_fields(qr_type: Any, references: int) -> tuple[Field, ...]:
    bill, card = qr_type in ("PP", "PPCS"), qr_type in _CARD
    return (
        Field("qrType", required=True, shape="PP|CS|PPCS"),
        Field("amount", required=True, shape=AMOUNT_TEXT),
        Field("ppType", required=bill, shape="BILLERID"),
        Field("ppId", required=bill, shape=DIGITS_15),
        Field("ref1", required=bill, shape=REFERENCE),
        Field("ref2", required=bill and references > 1, shape=REFERENCE),
        Field("ref3", required=bill, shape=REFERENCE),
        Field("merchantId", required=card, shape=DIGITS_15),
        Field("terminalId", required=card, shape=r"[A-Za-z0-9]{1,15}"),
        Field("invoice", required=card, shape=r"[A-Z0-9]{1,20}"),
        Field("csExtExpiryTime", shape=r"[1-9][0-9]{0,4}", kind=Kind.TEXT_OR_NUMBER),
        Field("csNote"),
        Field("csUserDefined"),
    )


def _v2_fields(body: dict[str, Any], references: int) -> tuple[Field, ...]:
    return (
        Field("qrType", required=True, shape="PP"),
        Field("amount", required=True, shape=r"[0-9]{1,13}(\.[0-9]{1,2})?", kind=Kind.NUMBER),
        Field("ppType", required=True, shape="BILLERID"),
        Field("ppId", required=True, shape=DIGITS_15),
        Field("ref1", required=True, shape=REFERENCE),
        Field("ref2", required=references > 1, shape=REFERENCE),
        Field("ref3", shape=REFERENCE),
        Field("numberOfTimes", shape=r"[0-9]{1,4}", kind=Kind.NUMBER),
        Field("expiryDate", required=body.get("numberOfTimes") is not None),
    )


class QrCounter:
    """The two operations that make QRs."""

    def __init__(self, world: World, registered: Registry, desk: Desk, book: Book) -> None:
        self._world, self._registered, self._desk, self._book = world, registered, desk, book

    async def create(self, request: web.Request) -> web.Response:
        """Version 1: PP is payable for ever, CS and PPCS once and until `csExtExpiryTime`."""
        application = self._desk.enter(request, "qr_create", with_body=True)
        body = checks.read_body(await request.read())
        qr_type = body.get("qrType")
        checks.check_fields(body, _v1_fields(qr_type, self._references(body)))
        amount = checks.baht(body["amount"], "amount", 10)
        biller = self.biller(application, body["ppId"]) if "ppId" in body else None
        if qr_type not in _CARD:
            assert biller is not None, "ppId is required"
            return success(self._pp_answer(self._plain(application, biller, body, amount)))
        sale = self._card(application, biller if qr_type == "PPCS" else None, body, amount)
        return success(self._pp_answer(sale) | self._card_answer(sale, body))

    async def create_v2(self, request: web.Request) -> web.Response:
        """Version 2: payable `numberOfTimes` times (0 is taken as no limit) until `expiryDate`."""
        application = self._desk.enter(request, "qr_create_v2", with_body=True)
        body = checks.read_body(await request.read())
        checks.check_fields(body, _v2_fields(body, self._references(body)))
        biller = self.biller(application, body["ppId"])
        if not biller.v2_enabled:
            raise Refused(403, 9503)
        amount = checks.baht(body["amount"], "amount", 13)
        sale = self._sale(Sold.QR_V2, application, biller, body, amount)
        if "expiryDate" in body:
            sale.expires_at = checks.bangkok_time(body["expiryDate"], "expiryDate")
            if sale.expires_at <= self._world.clock.now():
                raise Refused(400, 1102, "expiryDate")
        sale.times_max = int(body["numberOfTimes"]) if body.get("numberOfTimes") else None
        self._book.add(sale)
        data = {
            "qrRawData": sale.qr_text,
            "url": f"https://qr.sandbox.example/{sale.ref}",
            "expiryDate": body.get("expiryDate"),
            "numberOfTimes": body.get("numberOfTimes"),
        }
        about = {"success": True, "code": "00", "message": "Success", "moreInfo": None}
        return success({**about, "data": data, "request": body})

    def biller(self, application: Application, biller_id: str) -> Biller:
        """A biller of this application; others are an invalid value (not public which code; ASSUMED 1102)."""
        if biller_id not in application.billers:
            raise Refused(400, 1102, "biller id")
        return self._registered.billers[biller_id]

    def merchant(self, application: Application, merchant_id: str) -> Merchant:
        """A card merchant of this application."""
        if merchant_id not in application.merchants:
            raise Refused(400, 1102, "merchantId")
        return self._registered.merchants[merchant_id]

    def _references(self, body: dict[str, Any]) -> int:
        biller = self._registered.billers.get(str(body.get("ppId")))
        return biller.references if biller else 1

    def _plain(self, application: Application, biller: Biller, body: dict[str, Any], amount: Money) -> Sale:
        sale = self._sale(Sold.QR, application, biller, body, amount)
        known = self._book.by_text(sale.qr_text)
        # The same words give the same QR (pack 12).
        return known if known is not None and known.kind is Sold.QR else self._book.add(sale)

    def _sale(
        self, kind: Sold, application: Application, biller: Biller, body: dict[str, Any], amount: Money
    ) -> Sale:
        ref1, ref2, ref3 = (str(body.get(name) or "") for name in ("ref1", "ref2", "ref3"))
        text = qr_text.bill_qr(biller.biller_id, ref1, ref2, ref3, amount)
        return Sale(
            ref1,
            kind,
            application.key,
            amount,
            self._world.clock.now(),
            biller=biller,
            ref1=ref1,
            ref2=ref2,
            ref3=ref3,
            qr_text=text,
        )

    def _card(
        self, application: Application, biller: Biller | None, body: dict[str, Any], amount: Money
    ) -> Sale:
        merchant = self.merchant(application, body["merchantId"])
        if self._invoice_is_taken(merchant, body["invoice"]):
            raise Refused(400, 1111, "invoice")
        now, number = self._world.clock.now(), self._book.number()
        ref1, ref2, ref3 = (str(body.get(name) or "") if biller else "" for name in ("ref1", "ref2", "ref3"))
        bill = qr_text.bill_content(biller.biller_id, ref1, ref2) if biller else None
        minutes = int(body.get("csExtExpiryTime", CARD_MINUTES_USUAL))
        return self._book.add(
            Sale(
                ref1 or body["invoice"],
                Sold.QR_BOTH if biller else Sold.QR_CARD,
                application.key,
                amount,
                now,
                biller=biller,
                merchant=merchant,
                ref1=ref1,
                ref2=ref2,
                ref3=ref3,
                terminal=body["terminalId"],
                invoice=body["invoice"],
                note=body.get("csNote", ""),
                qr_text=qr_text.card_qr(
                    merchant.name, body["invoice"], body["terminalId"], amount, number, bill
                ),
                qr_code_id=f"{now.astimezone(BANGKOK):%Y%m%d%H%M%S}{number:09d}",
                expires_at=now + timedelta(minutes=minutes),
            )
        )

    def _invoice_is_taken(self, merchant: Merchant, invoice: str) -> bool:
        taken = self._book.find(invoice)
        return taken is not None and taken.merchant is merchant and taken.invoice == invoice

    def _card_answer(self, sale: Sale, body: dict[str, Any]) -> dict[str, Any]:
        assert sale.expires_at is not None and sale.merchant is not None, "a card QR has both"
        return {
            "csExtExpiryTime": f"{sale.expires_at.astimezone(BANGKOK):%Y-%m-%d %H:%M:%S}",
            "responseCode": "000",
            "qrCodeType": "EM",
            "qrCodeId": sale.qr_code_id,
            "poi": "12",
            "amount": decimal_text(sale.amount),
            "currencyCode": "764",
            "currencyName": "Baht",
            "csNote": sale.note,
            "invoice": sale.invoice,
            "merchantId": sale.merchant.merchant_id,
            "merchantName": sale.merchant.name,
            "csUserDefined": body.get("csUserDefined", ""),
            "terminalId": sale.terminal,
            "terminalName": "T1",
            "channels": [
                {"seqNo": place, "channelName": name, "channelCode": code}
                for place, (name, code) in enumerate(_CHANNELS, start=1)
            ],
        }

    def _pp_answer(self, sale: Sale) -> dict[str, Any]:
        full = self._desk.options.qr_image == "full"
        return {"qrRawData": sale.qr_text, "qrImage": picture(sale.qr_text) if full else PIXEL}
