"""The K-Payment Gateway: charges, orders and QR pictures, void and refund (pack B3 to B6)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.answers import KgpRefused, Refused
from quickkub.connectors.providers.kbank.simulator.book import QR_LIVES, Book, Kind, Sale, day
from quickkub.connectors.providers.kbank.simulator.checks import Desk, baht
from quickkub.connectors.providers.kbank.simulator.qr_text import thai_qr
from quickkub.connectors.providers.kbank.simulator.register import App, Registry
from quickkub.connectors.reading import Garbled, read_json
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import AMOUNT_MAX, Money, decimal_text

TOKEN: Final = re.compile(r"tokn_[A-Za-z0-9_]{1,45}")
REFERENCE_MAX: Final = 50
DESCRIPTION_MAX: Final = 255
CHARGE_LIVES: Final = timedelta(minutes=15)


class KgpDesk:
    """Handlers. Magic words in a token: `decline`, `expired`, `no3ds`."""

    def __init__(self, desk: Desk, registered: Registry, book: Book) -> None:
        self._desk, self._registered, self._book = desk, registered, book

    def _enter(self, request: web.Request) -> App:
        key = request.headers.get("x-api-key", "")
        app = self._registered.by_key(key)
        if app is None:
            raise KgpRefused(401, "unauthorized", "The secret key is missing or wrong")
        return app

    async def _read(self, request: web.Request, *, may_be_empty: bool = False) -> dict[str, Any]:
        raw = await request.read()
        if may_be_empty and not raw.strip():
            return {}
        try:
            body = read_json(raw)
        except Garbled:
            raise KgpRefused(400, "invalid_request", "The body is not JSON") from None
        if not isinstance(body, dict):
            raise KgpRefused(400, "invalid_request", "The body is not an object")
        return body

    # --- charges ---

    async def create(self, request: web.Request) -> web.Response:
        """`POST /card/v2/charge` (pack B4)."""
        app, body = self._enter(request), await self._read(request)
        amount = self._check_asked(body)
        match body.get("source_type"):
            case "card":
                kind = Kind.CARD
                self._check_card(body)
            case "alipay":
                kind = Kind.ALIPAY
            case _:
                raise KgpRefused(400, "invalid_request", "source_type is invalid")
        sale = self._sale("chrg_test_", app, kind, body, amount, CHARGE_LIVES)
        sale.state = "Pre-Authorized" if kind is Kind.CARD else "Initialize"
        sale.more["redirect_url"] = f"{request.url.origin()}/3ds/{sale.key}"
        if kind is Kind.CARD:
            self._book.used_tokens.add(str(body.get("token")))
            self._authenticate(sale, str(body.get("token")))
        return answers.said(self.shown(sale))

    def _authenticate(self, sale: Sale, token: str) -> None:
        if "decline" in token:
            self.decline(sale)
        elif "no3ds" in token or self._desk.options.kgp_3ds == "never":
            self._book.pay(sale, sale.amount, "CARD")

    def decline(self, sale: Sale) -> None:
        """The issuer, or the payer on the 3-D Secure page, says no."""
        sale.state = "Declined"
        sale.more |= {"failure_code": "card_declined", "failure_message": "The card was declined"}

    def _check_asked(self, body: dict[str, Any]) -> Money:
        try:
            amount = baht_of(body.get("amount"))
        except Refused:
            raise KgpRefused(400, "invalid_request", "amount is invalid") from None
        if body.get("currency") != "THB":
            raise KgpRefused(400, "invalid_request", "currency is invalid")
        for name, longest in (("description", DESCRIPTION_MAX), ("reference_order", REFERENCE_MAX)):
            value = body.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= longest:
                raise KgpRefused(400, "invalid_request", f"{name} is missing or too long")
        if self._book.find(body["reference_order"], "kgp") is not None:
            raise KgpRefused(400, "duplicate_reference_order", "reference_order is already used")
        return amount

    def _check_card(self, body: dict[str, Any]) -> None:
        if body.get("mode") == "customer":
            held = body.get("customer")
            if not isinstance(held, dict) or not held.get("customer_id") or not held.get("card_id"):
                raise KgpRefused(400, "invalid_request", "customer is invalid")
            return
        token = body.get("token")
        if body.get("mode") != "token" or not isinstance(token, str) or TOKEN.fullmatch(token) is None:
            raise KgpRefused(400, "invalid_request", "mode or token is invalid")
        if token in self._book.used_tokens or "expired" in token:
            raise KgpRefused(400, "token_used", "The token is used or older than 10 minutes")

    async def inquire(self, request: web.Request) -> web.Response:
        """By charge id, reference_order or order id, and the day if one is named."""
        self._enter(request)
        sale = self._found(request)
        on = request.match_info.get("on")
        if on and on != day(sale.made_at):
            raise KgpRefused(404, "not_found", "There is no such charge on this day")
        return answers.said(self.shown(sale))

    async def tell(self, request: web.Request) -> web.Response:
        """`POST …/void`, `/refund` or `/cancel`; letters of any case (pack B3)."""
        self._enter(request)
        sale, what = self._found(request), request.match_info["what"].lower()
        body = await self._read(request, may_be_empty=True)
        match what:
            case "void":
                self._void(sale)
            case "refund" if sale.kind is not Kind.KGP_QR:
                self._refund(sale, body)
            case "cancel" if sale.kind is Kind.KGP_QR:
                self._cancel(sale)
            case _:
                raise KgpRefused(404, "not_found", "There is no such operation")
        return answers.said(self.shown(sale))

    def _void(self, sale: Sale) -> None:
        if sale.state != "Authorized":
            raise KgpRefused(400, "invalid_state", f"The charge is {sale.state}")
        if sale.is_settled or not self._book.is_paid_today(sale):
            raise KgpRefused(400, "already_settled", "The charge is already settled")
        self._book.take_back(sale, "Voided")

    def _refund(self, sale: Sale, body: dict[str, Any]) -> None:
        if sale.state not in ("Authorized", "Refund Sent"):
            raise KgpRefused(400, "invalid_state", f"The charge is {sale.state}")
        before = sum(refund["satang"] for refund in sale.refunds)
        try:
            amount = baht_of(body["amount"]) if "amount" in body else Money(sale.amount.minor - before)
        except Refused:
            raise KgpRefused(400, "invalid_request", "amount is invalid") from None
        if before + amount.minor > sale.amount.minor or amount.minor < 1:
            raise KgpRefused(400, "refund_exceeds_charge", "More than is left of the charge")
        sale.refunds.append({"satang": amount.minor, "at": self._book.now(), "reason": body.get("reason")})
        sale.state = "Refund Sent"
        if before + amount.minor == sale.amount.minor:
            self._book.take_back(sale, "Refund Sent")

    def _cancel(self, sale: Sale) -> None:
        if self._book.state_of(sale) != "Initialize":
            raise KgpRefused(400, "invalid_state", f"The QR is {self._book.state_of(sale)}")
        sale.state = "Declined"
        sale.more |= {"failure_code": "cancelled", "failure_message": "The QR was cancelled"}

    # --- QR ---

    async def create_order(self, request: web.Request) -> web.Response:
        """`POST /qr/v2/order`: nothing to pay yet (pack B6)."""
        app, body = self._enter(request), await self._read(request)
        amount = self._check_asked(body)
        if body.get("source_type") not in ("qr", "wechat"):
            raise KgpRefused(400, "invalid_request", "source_type is invalid")
        sale = self._sale("chrg_test_", app, Kind.KGP_QR, body, amount, QR_LIVES)
        sale.more["order_id"] = f"order_test_{self._book.luck(16)}"
        return answers.said(self._order(sale))

    async def inquire_order(self, request: web.Request) -> web.Response:
        self._enter(request)
        return answers.said(self._order(self._found(request)))

    async def cancel_order(self, request: web.Request) -> web.Response:
        self._enter(request)
        sale = self._found(request)
        self._cancel(sale)
        return answers.said(self._order(sale))

    async def create_picture(self, request: web.Request) -> web.Response:
        """`POST /qr/v2/qr`: the picture of an order's QR, ten minutes from now."""
        self._enter(request)
        body = await self._read(request)
        sale = self._book.find(str(body.get("order_id")), "kgp")
        if sale is None or sale.kind is not Kind.KGP_QR or body.get("sof") != "ThaiQR":
            raise KgpRefused(400, "invalid_request", "order_id or sof is invalid")
        if sale.state != "Initialize" or _satang(body.get("amount")) != sale.amount.minor:
            raise KgpRefused(400, "invalid_request", "the order is over, or amount is another")
        now = self._book.now()
        sale.expires_at = now + QR_LIVES
        sale.qr_text = sale.qr_text or thai_qr(
            f"KGP{len(self._book.sales):08d}", self._book.luck(13).upper(), sale.amount
        )
        return answers.said(
            {
                "id": sale.key,
                "object": "qr",
                "order_id": sale.more["order_id"],
                "account_name": sale.app.name,
                "image_with_base64": picture(sale.qr_text),
                "created": created(now),
                "expire_time_seconds": int(QR_LIVES.total_seconds()),
                "status": "success",
            }
        )

    # --- inside ---

    def _sale(
        self, prefix: str, app: App, kind: Kind, body: dict[str, Any], amount: Money, lives: timedelta
    ) -> Sale:
        now = self._book.now()
        key = prefix + self._book.luck(18)
        reference = body["reference_order"]
        return self._book.add(Sale(key, kind, app, reference, amount, now, now + lives, "Initialize", body))

    def _found(self, request: web.Request) -> Sale:
        sale = self._book.find(request.match_info["name"], "kgp")
        is_qr = request.path.startswith("/qr/")
        # A charge is asked for in the same way whatever paid it; the paths of QRs know QRs only.
        if sale is None or (is_qr and sale.kind is not Kind.KGP_QR):
            raise KgpRefused(404, "not_found", "There is no such charge")
        return sale

    def _order(self, sale: Sale) -> dict[str, Any]:
        return {
            "id": sale.more["order_id"],
            "object": "order",
            "amount": Decimal(decimal_text(sale.amount)),
            "currency": "THB",
            "reference_order": sale.reference,
            "source_type": sale.said["source_type"],
            "description": sale.said["description"],
            "status": "success",
            "created": created(sale.made_at),
            "livemode": False,
            "failure_code": sale.more.get("failure_code"),
            "failure_message": sale.more.get("failure_message"),
        }

    def shown(self, sale: Sale) -> dict[str, Any]:
        """The charge object (pack B4, B6). `status` success only says that nothing failed."""
        state = self._book.state_of(sale)
        if state == "Declined" and sale.state != "Declined":
            sale.more |= {"failure_code": "expired", "failure_message": "The time is over"}
        object_: dict[str, Any] = {
            "id": sale.key,
            "object": "charge",
            "amount": Decimal(decimal_text(sale.amount)),
            "currency": "THB",
            "transaction_state": state,
            "source": _source(sale),
            "created": created(sale.made_at),
            "status": self._status(sale, state),
            "reference_order": sale.reference,
            "description": sale.said["description"],
            "livemode": False,
            "failure_code": sale.more.get("failure_code"),
            "failure_message": sale.more.get("failure_message"),
        }
        if sale.kind is Kind.KGP_QR:
            return {**object_, "object_id": sale.more["order_id"], "order_id": sale.more["order_id"]}
        open_ = state in ("Pre-Authorized", "Initialize")
        return {
            **object_,
            "approval_code": sale.more.get("approval_code"),
            "metadata": {},
            "redirect_url": sale.more["redirect_url"] if open_ else "",
            "settlement_info": None,
            "refund_info": _refund_info(sale),
        }

    def _status(self, sale: Sale, state: str) -> str:
        if state == "Declined":
            return "fail"
        return "pending" if sale.kind is Kind.KGP_QR and state == "Initialize" else "success"


def created(moment: datetime) -> str:
    """`yyyyMMddHHmmssSSS` in Bangkok."""
    local = moment.astimezone(BANGKOK)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def baht_of(value: Any) -> Money:
    """Baht as a number or its text, with at most two decimals (pack B1). Raises Refused."""
    return baht(value, AMOUNT_MAX - 1)


def _satang(value: Any) -> int:
    try:
        return baht_of(value).minor
    except Refused:
        return 0


def _source(sale: Sale) -> dict[str, Any]:
    tail = sale.key[-6:]
    match sale.kind:
        case Kind.CARD:
            return {
                "id": f"card_test_{tail}",
                "object": "card",
                "brand": "VISA",
                "card_masking": "414793xxxxxx0001",
                "issuer_bank": "DEMO BANK",
            }
        case Kind.ALIPAY:
            return {"id": f"src_test_{tail}", "object": "alipay", "brand": "Alipay"}
        case _:
            return {"id": f"src_test_{tail}", "object": "qr", "brand": "ThaiQR"}


def _refund_info(sale: Sale) -> dict[str, Any] | None:
    """The sum, and each refund: the form is not public."""
    if not sale.refunds:
        return None
    total = Money(sum(refund["satang"] for refund in sale.refunds))
    listed = [
        {
            "amount": Decimal(decimal_text(Money(refund["satang"]))),
            "created": created(refund["at"]),
            "reason": refund["reason"],
        }
        for refund in sale.refunds
    ]
    return {"amount": Decimal(decimal_text(total)), "refunds": listed}
