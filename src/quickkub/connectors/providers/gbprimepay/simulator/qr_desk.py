"""QR cash, QR credit, the bill slip and WeChat: what is shown to the payer (pack 5.1 to 5.3, 5.6)."""

from __future__ import annotations

import base64
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import answers, checks, qr_text
from quickkub.connectors.providers.gbprimepay.simulator.answers import Refused, coded
from quickkub.connectors.providers.gbprimepay.simulator.book import Book, Duplicate, Transaction
from quickkub.connectors.providers.gbprimepay.simulator.checks import Desk
from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.money import decimal_text
from quickkub.promptpay import BillBarcode, QrRefusal, build_barcode

WECHAT_SIGNS: Final = ("amount", "referenceNo", "backgroundUrl")


class QrDesk:
    """Handlers; each takes a form and answers with JSON, a picture or a PDF."""

    def __init__(self, world: World, book: Book, desk: Desk) -> None:
        self._world, self._book, self._desk = world, book, desk

    async def cash_text(self, request: web.Request) -> web.Response:
        return self._as_json(await self._made(request, "Q"))

    async def cash_picture(self, request: web.Request) -> web.Response:
        return _as_picture(await self._made(request, "Q"))

    async def credit_text(self, request: web.Request) -> web.Response:
        return self._as_json(await self._made(request, "V"))

    async def credit_picture(self, request: web.Request) -> web.Response:
        return _as_picture(await self._made(request, "V"))

    async def slip(self, request: web.Request) -> web.Response:
        """The bill payment slip: a PDF whose text is the barcode."""
        one = await self._made(request, "B")
        try:
            bill = BillBarcode(one.shop.biller, one.digits, one.reference.upper(), one.amount)
            text = build_barcode(bill).replace("\r", " ")
        except QrRefusal:
            raise coded("11", referenceNo=one.reference) from None
        return web.Response(body=_pdf(f"{text} {decimal_text(one.amount)}"), content_type="application/pdf")

    async def wechat_text(self, request: web.Request) -> web.Response:
        one = await self._wechat(request)
        return answers.answer(
            {
                "referenceNo": one.reference,
                "resultCode": "00",
                "gbpReferenceNo": one.number,
                "wechat": one.qr_text,
                "resultMessage": None,
            }
        )

    async def wechat_picture(self, request: web.Request) -> web.Response:
        return _as_picture(await self._wechat(request))

    async def _made(self, request: web.Request, payment_type: str) -> Transaction:
        said = await checks.form(request)
        checks.require(said, "token", "amount", "referenceNo")
        shop = self._desk.by_token(said["token"])
        reference = checks.reference(said)
        amount = checks.amount(said)
        if said.get("backgroundUrl"):
            checks.address(said, "backgroundUrl")
        try:
            one = self._book.add(shop, reference, amount, payment_type, said)
        except Duplicate:
            raise _taken(reference) from None
        one.qr_text = qr_text.card_qr(one) if payment_type == "V" else qr_text.bill_qr(one)
        return one

    async def _wechat(self, request: web.Request) -> Transaction:
        said = await checks.form(request)
        checks.require(said, "publicKey", "amount", "referenceNo", "backgroundUrl", "checksum")
        shop = self._desk.by_public_key(said["publicKey"])
        checks.checksum(shop, said, WECHAT_SIGNS)
        reference = checks.reference(said)
        amount = checks.amount(said, most=10_000_000)
        checks.address(said, "backgroundUrl")
        try:
            one = self._book.add(shop, reference, amount, "W", said)
        except Duplicate:
            raise _taken(reference) from None
        one.qr_text = f"weixin://wxpay/bizpayurl?pr={one.key}"
        return one

    def _as_json(self, one: Transaction) -> web.Response:
        return answers.answer(
            {
                "referenceNo": one.reference,
                "qrcode": one.qr_text,
                "resultCode": "00",
                "gbpReferenceNo": one.number,
                "resultMessage": None,
            }
        )


def _taken(reference: str) -> Refused:
    return coded("21", referenceNo=reference, qrcode=None, gbpReferenceNo=None)


def _as_picture(one: Transaction) -> web.Response:
    return web.Response(body=base64.b64decode(picture(one.qr_text)), content_type="image/png")


def _pdf(line: str) -> bytes:
    """One page with one line of text; whoever reads it looks for the words."""
    safe = line.replace("\\", "").replace("(", "").replace(")", "")
    stream = f"BT /F1 12 Tf 40 780 Td ({safe}) Tj ET".encode("ascii", "replace")
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>",
    )
    body = bytearray(b"%PDF-1.4\n")
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj%b endobj\n" % (number, part)
    start = len(body)
    body += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(body)
