"""Deep links into SCB EASY: creating one and asking how it stands (pack 5)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import checks, records
from quickkub.connectors.providers.scb.simulator.answers import Refused, success
from quickkub.connectors.providers.scb.simulator.auth import Desk
from quickkub.connectors.providers.scb.simulator.checks import DIGITS_15, REFERENCE, Field, Kind
from quickkub.connectors.providers.scb.simulator.qr import QrCounter
from quickkub.connectors.providers.scb.simulator.register import Application
from quickkub.connectors.providers.scb.simulator.sales import Book, LinkState, Sale
from quickkub.connectors.providers.scb.simulator.sales import Kind as Sold
from quickkub.connectors.simulation.base import World

_NUMBER: Final = r"[0-9]{1,15}(\.[0-9]{1,2})?"
_SESSION: Final = r"0|[6-9][0-9]|[1-9][0-9]{2}|1[0-7][0-9]{2}|1800"
_UNTIL_MINUTES: Final = (1, 30)
_PAYMENT_INFO_MAX: Final = 10

PARTS: Final = {"BP": "billPayment", "CCFA": "creditCardFullAmount", "CCIPP": "installmentPaymentPlan"}

_TOP: Final = (
    Field("transactionType", required=True, shape="PURCHASE"),
    Field("transactionSubType", required=True, kind=Kind.ARRAY),
    Field("sessionValidityPeriod", shape=_SESSION, kind=Kind.NUMBER),
    Field("sessionValidUntil", shape=r"[0-9]{9,13}", kind=Kind.TEXT_OR_NUMBER),
    Field("billPayment", kind=Kind.OBJECT),
    Field("creditCardFullAmount", kind=Kind.OBJECT),
    Field("installmentPaymentPlan", kind=Kind.OBJECT),
    Field("merchantMetaData", kind=Kind.OBJECT),
)
_CARD: Final = (
    Field("merchantId", required=True, shape=DIGITS_15),
    Field("terminalId", required=True, shape=r"[A-Za-z0-9]{1,15}"),
    Field("orderReference", required=True, shape=r"[A-Za-z0-9]{1,20}"),
    Field("paymentAmount", required=True, shape=_NUMBER, kind=Kind.NUMBER),
)
_PLAN: Final = (
    *_CARD,
    Field("tenor", required=True, shape=r"[0-9]{1,2}", kind=Kind.TEXT_OR_NUMBER),
    Field("ippType", required=True, shape="1|2|3"),
    Field("prodCode", required=True, shape=r"[0-9]{4}"),
)
_ABOUT: Final = (
    Field("callbackUrl", shape=r"[!-~]{1,2048}"),
    Field("merchantInfo", kind=Kind.OBJECT),
    Field("paymentInfo", kind=Kind.ARRAY),
)


def _bill_fields(references: int) -> tuple[Field, ...]:
    return (
        Field("paymentAmount", required=True, shape=_NUMBER, kind=Kind.NUMBER),
        Field("accountTo", required=True, shape=DIGITS_15),
        Field("accountFrom"),
        Field("ref1", required=True, shape=REFERENCE),
        Field("ref2", required=references > 1, shape=REFERENCE),
        Field("ref3", required=True, shape=REFERENCE),
    )


class LinkCounter:
    """The two operations about deep links."""

    def __init__(self, world: World, desk: Desk, book: Book, qr: QrCounter) -> None:
        self._world, self._desk, self._book, self._qr = world, desk, book, qr

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v3/deeplink/transactions` answers 201, not 200 (pack 14.9)."""
        application = self._desk.enter(request, "deeplink_create", "channel", with_body=True)
        if request.headers["channel"] != "scbeasy":
            raise Refused(501, 4101)
        body = checks.read_body(await request.read())
        sub_types = _check(body)
        sale = self._sale(application, body, sub_types)
        self._book.add(sale)
        data = {
            "transactionId": sale.transaction,
            "deeplinkUrl": sale.qr_text,
            "userRefId": sale.asked["userRefId"],
        }
        return success(data, status=201, description="Deeplink successfully created")

    async def inquire(self, request: web.Request) -> web.Response:
        """`GET /v2/transactions/{transactionId}`."""
        application = self._desk.enter(request, "deeplink_inquiry", with_body=False)
        sale = self._book.find(request.match_info["transaction"])
        if sale is None or sale.kind is not Sold.LINK or sale.key != application.key:
            raise Refused(404, 1104)
        state = self._book.link_state(sale)
        return success(records.link_details(sale, state.value, self._book.of(sale)))

    def _sale(self, application: Application, body: dict[str, Any], sub_types: tuple[str, ...]) -> Sale:
        transaction, now = str(uuid.uuid4()), self._world.clock.now()
        part = body[PARTS[sub_types[0]]]
        amount = checks.baht(part["paymentAmount"], "paymentAmount", 13)
        bill = body.get("billPayment", {})
        card = body.get("creditCardFullAmount") or body.get("installmentPaymentPlan") or {}
        if bill:
            biller = self._qr.biller(application, bill["accountTo"])
            checks.check_fields(bill, _bill_fields(biller.references), "billPayment.")
        expires_at, session = _session(body, now)
        return Sale(
            str(bill.get("ref1") or card.get("orderReference")),
            Sold.LINK,
            application.key,
            amount,
            now,
            biller=self._qr.biller(application, bill["accountTo"]) if bill else None,
            merchant=self._qr.merchant(application, card["merchantId"]) if card else None,
            ref1=bill.get("ref1", ""),
            ref2=bill.get("ref2", ""),
            ref3=bill.get("ref3", ""),
            terminal=card.get("terminalId", ""),
            invoice=card.get("orderReference", ""),
            transaction=transaction,
            sub_types=sub_types,
            asked={**body, "userRefId": f"usr-{self._book.number():04d}"},
            expires_at=expires_at,
            session_seconds=session,
            qr_text=f"{self._desk.options.deeplink_scheme}://purchase/{transaction}",
            state=LinkState.PENDING,
        )


def _check(body: dict[str, Any]) -> tuple[str, ...]:
    """Every field, and the part that each sub type needs."""
    checks.check_fields(body, _TOP)
    sub_types = body["transactionSubType"]
    if not sub_types or not all(isinstance(one, str) and one in PARTS for one in sub_types):
        raise Refused(400, 1102, "transactionSubType")
    for sub_type in sub_types:
        if PARTS[sub_type] not in body:
            raise Refused(400, 1101, PARTS[sub_type])
    if "billPayment" in body:
        checks.check_fields(body["billPayment"], _bill_fields(1), "billPayment.")
    if "creditCardFullAmount" in body:
        checks.check_fields(body["creditCardFullAmount"], _CARD, "creditCardFullAmount.")
    if "installmentPaymentPlan" in body:
        checks.check_fields(body["installmentPaymentPlan"], _PLAN, "installmentPaymentPlan.")
    about = body.get("merchantMetaData", {})
    checks.check_fields(about, _ABOUT, "merchantMetaData.")
    if len(about.get("paymentInfo", ())) > _PAYMENT_INFO_MAX:
        raise Refused(400, 1102, "merchantMetaData.paymentInfo")
    return tuple(sub_types)


def _session(body: dict[str, Any], now: datetime) -> tuple[datetime | None, int]:
    """Until when the payer may open it: the period wins over the moment, 0 is no limit (pack 5)."""
    if "sessionValidityPeriod" in body:
        seconds = int(body["sessionValidityPeriod"])
        return (now + timedelta(seconds=seconds) if seconds else None), seconds
    if "sessionValidUntil" not in body:
        return None, 0
    soonest, latest = (now + timedelta(minutes=minutes) for minutes in _UNTIL_MINUTES)
    try:
        until = datetime.fromtimestamp(int(body["sessionValidUntil"]), UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused(400, 1102, "sessionValidUntil") from None
    if not soonest <= until <= latest:
        raise Refused(400, 1102, "sessionValidUntil")
    return until, 0
