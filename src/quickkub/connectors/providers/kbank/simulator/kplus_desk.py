"""Pay with K PLUS by the documents of 2019: token, inquiry, cancellation (pack C)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.answers import Refused
from quickkub.connectors.providers.kbank.simulator.book import TOKEN_LIVES, Book, Kind, Sale
from quickkub.connectors.providers.kbank.simulator.checks import Desk, baht
from quickkub.connectors.providers.kbank.simulator.register import App
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

_REQUIRED: Final = (
    "reference1",
    "shopName",
    "shopImageUrl",
    "osPlatform",
    "currencyCode",
    "currencyExponent",
)
_FORMS: Final = {"minor12": re.compile(r"[0-9]{12}"), "minor": re.compile(r"[0-9]{1,12}")}


class KplusDesk:
    """Handlers. The old documents do not say how a caller logs in, so a token is taken and not demanded."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk, self._book = desk, book

    async def generate(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._generate)

    async def inquire(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._inquire)

    async def cancel(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._cancel)

    async def _answered(self, request: web.Request, act: Any) -> web.Response:
        caller = self._desk.enter(request, needs_token=False)
        body = await self._desk.read(request)
        try:
            app = self._desk.check_common(body, caller, shop=False)
            self._desk.use_up(body)
            answer: web.Response = act(request, body, app)
        except Refused as refused:
            return answers.refusal(body, refused.short, self._desk.options.business_error_http_status)
        return answer

    def _generate(self, request: web.Request, body: dict[str, Any], app: App) -> web.Response:
        for name in _REQUIRED:
            if not isinstance(body.get(name), str) or not body[name]:
                raise Refused("EMIR" if name == "reference1" else "EMBR")
        if body["osPlatform"] not in ("IOS", "ANDROID"):
            raise Refused("EMBR")
        if body["currencyCode"] != "THB" or body["currencyExponent"] != "2":
            raise Refused("EMICC")
        amount = self._amount(body.get("totalAmount"))
        if not isinstance(body.get("shippingFee"), str):
            raise Refused("EMBR")
        now, key = self._book.now(), f"KMCMPT{self._book.luck(12)}"
        sale = self._book.add(
            Sale(key, Kind.KPLUS, app, body["partnerTxnUid"], amount, now, now + TOKEN_LIVES, "PENDING", body)
        )
        link = f"{request.url.origin()}/kplus/pay/{key}"
        return answers.business(body, callBackAppUrl=link, tokenId=key, expiryDate=_time(sale, "expires_at"))

    def _amount(self, value: Any) -> Money:
        how = self._desk.options.kplus_amount_format
        if not isinstance(value, str):
            raise Refused("EMITF")
        if how == "decimal":
            return baht(value)
        if _FORMS[how].fullmatch(value) is None or not int(value):
            raise Refused("EMITF")
        return Money(int(value))

    def _inquire(self, _: web.Request, body: dict[str, Any], app: App) -> web.Response:
        sale = self._token(body, app)
        return answers.business(body, **self.shown(sale))

    def _cancel(self, _: web.Request, body: dict[str, Any], app: App) -> web.Response:
        sale = self._token(body, app)
        if body.get("reference1") != sale.said["reference1"]:
            raise Refused("EMIR")
        state = self._book.state_of(sale)
        if state != "PENDING":
            raise Refused({"PAID": "EMQRP", "CANCELLED": "EMQRC", "EXPIRED": "EMQRE"}[state])
        sale.state = "CANCELLED"
        listed = {"tokenId": sale.key, "reference1": body["reference1"], "status": "CANCELLED"}
        return answers.business(body, tokenList=[listed])

    def _token(self, body: dict[str, Any], app: App) -> Sale:
        sale = self._book.sales.get(str(body.get("tokenId")))
        if sale is None or sale.kind is not Kind.KPLUS or sale.app.partner_id != app.partner_id:
            raise Refused("EMITDNE")
        return sale

    def shown(self, sale: Sale) -> dict[str, Any]:
        """The fields of an inquiry after the echo; `paymentRefernceId` is spelled so (pack C)."""
        said = sale.said
        paid = sale.paid_at is not None
        return {
            "paymentStatus": self._book.state_of(sale),
            "paymentTimeStamp": _time(sale, "paid_at"),
            "paymentRefernceId": sale.number if paid else None,
            "slipImage": None,
            "paymentAccount": "xxx-x-x0209-x" if paid else None,
            "paymentDt": _time(sale, "paid_at"),
            "reference1": said["reference1"],
            "reference2": said.get("reference2"),
            "totalAmount": self._written(sale.amount),
            "currencyCode": "THB",
            "currencyExponent": "2",
            "tokenId": sale.key,
            **{f"additionalInfo{n}": said.get(f"additionalInfo{n}") for n in (1, 2, 3)},
        }

    def _written(self, amount: Money) -> Decimal | int:
        if self._desk.options.kplus_amount_format == "decimal":
            return Decimal(decimal_text(amount))
        return amount.minor

    def callback_of(self, sale: Sale, amount: Money) -> dict[str, Any]:
        """The words of a paid token: those of the inquiry, and the ids of the creation."""
        return {
            "partnerTxnUid": sale.reference,
            "partnerId": sale.app.partner_id,
            "statusCode": "00",
            "errorCode": None,
            "errorDesc": None,
            **self.shown(sale),
            "totalAmount": self._written(amount),
        }


def _time(sale: Sale, which: str) -> str | None:
    moment = sale.paid_at if which == "paid_at" else sale.expires_at
    if moment is None:
        return None
    return moment.astimezone(BANGKOK).replace(tzinfo=None).isoformat(timespec="milliseconds")
