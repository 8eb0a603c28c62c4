"""The plain calls, let in by the payment token alone: options, Do Payment, status, cancel (pack 2.2, 4)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import answers, checks, results
from quickkub.connectors.providers.twoctwop.simulator.answers import Refused, said
from quickkub.connectors.providers.twoctwop.simulator.book import Book, Sale, State
from quickkub.connectors.reading import Garbled, read_json
from quickkub.connectors.simulation.base import CannotPay, World
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import decimal_text
from quickkub.promptpay import BillPayment, build

BILLER: Final = "010556107515499"
MENU: Final[tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...]] = (
    ("GCARD", "Cards", (("CC", "Credit and debit cards", "CC"), ("IPP", "Instalments", "IPP"))),
    ("QR", "QR", (("THQR", "Thai QR Payment", "PPQR"),)),
    (
        "DPAY",
        "Wallets",
        (
            ("TRUEMONEY", "TrueMoney Wallet", "TRUEMONEY"),
            ("LINE", "LINE Pay", "LINE"),
            ("SHPPAY", "ShopeePay", "SHPPAY"),
            ("ALIPAY", "Alipay", "ALIPAY"),
            ("WCQR", "WeChat Pay", "WCQR"),
            ("GRAB", "GrabPay", "GRAB"),
        ),
    ),
    ("IMBANK", "Mobile banking", (("IMBANK", "Mobile banking", "123"),)),
    ("WEBPAY", "Internet banking", (("WEBPAY", "Internet banking", "123"),)),
    ("COUNTER", "Counters", (("BCTR", "Bank counters", "COUNTER"), ("OTCTR", "Shops", "COUNTER"))),
)


class Direct:
    """Operations that a self-built picker calls from the merchant's server or the payer's phone."""

    def __init__(self, world: World, book: Book, ended: Any) -> None:
        self._world, self._book, self._ended = world, book, ended

    async def option(self, request: web.Request) -> web.Response:
        """`POST paymentOption`: which channels this payment can be paid by."""
        _, sale = self._enter(await request.read())
        menu = [
            {"code": code, "name": name, "groups": [{"code": c, "name": n} for c, n, _ in groups]}
            for code, name, groups in MENU
        ]
        details = {
            "merchantDetails": {"id": sale.merchant.merchant_id, "name": "QUICKKUB DEMO"},
            "transactionDetails": {
                "amount": decimal_text(sale.amount),
                "currencyCode": sale.amount.currency.code,
                "invoiceNo": sale.invoice,
                "description": sale.asked["description"],
            },
            "channelCategories": menu,
        }
        return answers.plain(said("0000", details))

    async def option_details(self, request: web.Request) -> web.Response:
        """`POST paymentOptionDetails`: the codes to pay with, by category and group."""
        body, _ = self._enter(await request.read())
        for category, name, groups in MENU:
            for group, title, channel in groups:
                if (category, group) == (body.get("categoryCode"), body.get("groupCode")):
                    one = {"name": title, "payment": {"code": {"channelCode": channel}}}
                    words = {"name": name, "categoryCode": category, "groupCode": group, "channels": [one]}
                    return answers.plain(said("0000", words))
        raise Refused("9058", plain=True)

    async def pay(self, request: web.Request) -> web.Response:
        """`POST payment`: Do Payment."""
        body, sale = self._enter(await request.read())
        payment = body.get("payment")
        code = payment.get("code") if isinstance(payment, dict) else None
        if not isinstance(code, dict) or not isinstance(code.get("channelCode"), str):
            raise Refused("9005", "payment.code.channelCode", plain=True)
        data = payment.get("data") or {} if isinstance(payment, dict) else {}
        channel = code["channelCode"].upper()
        narrowed = checks.channels_of(sale.asked)
        if channel not in checks.CHANNELS or (narrowed and channel not in narrowed):
            raise Refused("6108", channel, plain=True)
        if channel == "PPQR" and checks.QR_INVOICE.fullmatch(sale.invoice) is None:
            raise Refused("9006", "invoiceNo", plain=True)
        if sale.state not in (State.NEW, State.PENDING) or sale.channel not in ("", channel):
            raise Refused("9041", plain=True)
        if self._book.is_over(sale):
            raise Refused("9020", plain=True)
        self._book.begin(sale, channel, str(code.get("agentCode", "")))
        return answers.plain(self._step(request, sale, code, data))

    def _step(
        self, request: web.Request, sale: Sale, code: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        page = f"{request.url.origin()}/pgw-ui/token/{quote(sale.tokens[-1], safe='')}"
        if sale.channel in ("CC", "LCC", "IPP"):
            if not any(data.get(name) for name in ("securePayToken", "cardNo", "customerToken")):
                raise Refused("9005", "payment.data.securePayToken", plain=True)
            return self._words("1001", sale, {"type": "URL", "data": page})
        if sale.channel in ("PPQR", "WCQR"):
            return self._words("1005", sale, self._qr(request, sale, str(data.get("qrType") or "URL")))
        if code.get("agentChannelCode") == "DEEPLINK":
            link = {
                "type": "DEEPLINK",
                "data": f"scbeasysim://purchase/{sale.tokens[-1]}",
                "fallbackData": page,
            }
            return self._words("1004", sale, link)
        return self._words(
            "1003" if sale.channel in ("123", "COUNTER") else "1001", sale, {"type": "URL", "data": page}
        )

    def _qr(self, request: web.Request, sale: Sale, kind: str) -> dict[str, Any]:
        if sale.channel == "PPQR":
            sale.qr_text = build(BillPayment(BILLER, sale.invoice.upper(), amount=sale.amount))
        else:
            sale.qr_text = f"weixin://wxpay/bizpayurl?pr={sale.tokens[-1][:8]}"
        forms = {
            "RAW": sale.qr_text,
            "BASE64": picture(sale.qr_text),
            "URL": f"{request.url.origin()}/pgw-ui/qr/{quote(sale.tokens[-1], safe='')}",
        }
        extras = {"qrData": sale.qr_text, "referenceNo": str(self._book.number())}
        return {"type": kind, "data": forms.get(kind, forms["URL"]), "extras": extras}

    def _words(self, code: str, sale: Sale, words: dict[str, Any]) -> dict[str, Any]:
        left = sale.expires_at - self._world.clock.now()
        return said(
            code,
            {
                **words,
                "expiryTimer": str(int(left.total_seconds()) * 1000),
                "expiryDescription": f"Pay before {sale.expires_at.astimezone(BANGKOK):%d/%m/%Y %H:%M}",
                "channelCode": sale.channel,
            },
        )

    async def status(self, request: web.Request) -> web.Response:
        """`POST transactionStatus`: for the payer's screen, never for the books."""
        body, sale = self._enter(await request.read(), finished=True)
        code = results.code_of(sale, self._book)
        flow = code if code in ("2001", "2002") else "2000"
        words: dict[str, Any] = {
            "locale": str(body.get("locale") or "en"),
            "invoiceNo": sale.invoice,
            "channelCode": sale.channel,
        }
        if body.get("additionalInfo") is True:
            words["additionalInfo"] = {
                "paymentResultDetails": {
                    "code": code,
                    "description": answers.TEXTS.get(code, ""),
                    "autoRedirect": True,
                    "frontendReturnUrl": sale.asked.get("frontendReturnUrl", ""),
                }
            }
        return answers.plain(said(flow, words))

    async def cancel(self, request: web.Request) -> web.Response:
        """`POST canceltransaction`: 2000 is assumed to mean done; the inquiry then shows 0003."""
        _, sale = self._enter(await request.read(), finished=True)
        words = {"invoiceNo": sale.invoice, "channelCode": sale.channel}
        if sale.state is State.FAILED and sale.code == "0003":
            return answers.plain(said("2000", words))
        if self._book.is_over(sale):
            raise Refused("9020", plain=True)
        try:
            self._book.fail(sale, "0003")
        except CannotPay:
            raise Refused("9041", plain=True) from None
        self._ended(sale)
        return answers.plain(said("2000", words))

    def _enter(self, raw: bytes, *, finished: bool = False) -> tuple[dict[str, Any], Sale]:
        """What the token lets in: unknown or past its 30 minutes is 9040, used up is 9041."""
        try:
            body = read_json(raw)
        except Garbled:
            raise Refused("9005", "body", plain=True) from None
        if not isinstance(body, dict) or not isinstance(body.get("paymentToken"), str):
            raise Refused("9005", "paymentToken", plain=True)
        sale = self._book.by_token(body["paymentToken"])
        if sale is None:
            raise Refused("9040", plain=True)
        if finished:
            return body, sale
        if sale.state not in (State.NEW, State.PENDING):
            raise Refused("9041", plain=True)
        if not self._book.is_alive(body["paymentToken"]):
            raise Refused("9040", plain=True)
        return body, sale
