"""The counter of the QR API: who asks, is it signed, and what is answered (bay.md A2 to A7)."""

from __future__ import annotations

import hmac
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from aiohttp import web

from quickkub.connectors.providers.bay.simulator import answers
from quickkub.connectors.providers.bay.simulator.answers import No, Stopped, success, written
from quickkub.connectors.providers.bay.simulator.book import Book, Kind, Trade
from quickkub.connectors.providers.bay.simulator.setup import Merchant, Options
from quickkub.connectors.reading import Garbled, read_object
from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text, read_decimal
from quickkub.promptpay import BankSlip, QrRefusal, parse_payment, parse_slip
from quickkub.promptpay.aids import BILL_DOMESTIC
from quickkub.promptpay.tlv import put, put_all

ROWS_MAX: Final = 30
FEE: Final = "1.00"
REFERENCE: Final = re.compile(r"[A-Z0-9]{1,20}")
AMOUNT: Final = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00")

Body: TypeAlias = Mapping[str, Any]
Act: TypeAlias = Callable[[Merchant, Body], dict[str, Any]]


class Counter:
    """Every call of the QR API."""

    def __init__(self, world: World, book: Book, merchants: Callable[[], list[Merchant]]) -> None:
        self._world, self._book, self._merchants = world, book, merchants
        self.options = Options()
        self._seen: set[str] = set()
        self._asked: deque[float] = deque()  # not money: moments

    def forget(self) -> None:
        self._seen.clear()

    # --- operations ---

    async def precreate(self, request: web.Request) -> web.Response:
        """`POST trans/precreate`."""
        return await self.answered(request, self._precreate, failure={"trxId": "", "qrcodeContent": ""})

    async def detail(self, request: web.Request) -> web.Response:
        """`POST trans/detail`."""
        return await self.answered(request, self._detail)

    async def list(self, request: web.Request) -> web.Response:
        """`POST trans/list`."""
        return await self.answered(request, self._list)

    async def settle_list(self, request: web.Request) -> web.Response:
        """`POST trans/settle/list`."""
        return await self.answered(request, self._settle_list)

    async def verify(self, request: web.Request) -> web.Response:
        """`POST trans/verify`."""
        return await self.answered(request, self._verify)

    # --- at the counter ---

    async def answered(
        self, request: web.Request, act: Act, *, failure: Body | None = None, signed: bool = True
    ) -> web.Response:
        """The gateway's checks, then the bank's, then the answer."""
        now, client_id = self._world.clock.now(), request.headers.get("X-Client-Transaction-ID", "")
        try:
            merchant = self._passes(request, client_id)
            body = _body(await request.read())
            if signed:
                _check(merchant, body)
            said = act(merchant, body)
        except Stopped as trouble:
            return answers.stopped(trouble, now, client_id)
        except No as no:
            said = {"success": "false"} if failure is not None else {}
            return written({**said, "returnCode": no.code, "message": str(no), **(failure or {})})
        if signed and self.options.answers_are_signed:
            said["sign"] = merchant.seal.sign({n: v for n, v in said.items() if isinstance(v, str)})
        return written(said)

    def _passes(self, request: web.Request, client_id: str) -> Merchant:
        """API key, a fresh id, the time's form, JSON. Raises Stopped."""
        key = request.headers.get("API-Key", "")
        found = [m for m in self._merchants() if hmac.compare_digest(m.api_key.encode(), key.encode())]
        if not found:
            raise Stopped(401, "401", "Invalid API key")
        try:
            is_fresh = uuid.UUID(client_id).version == 4 and client_id not in self._seen  # noqa: PLR2004
        except ValueError:
            is_fresh = False
        if not is_fresh:
            raise Stopped(400, "98", "X-Client-Transaction-ID is not a fresh UUID v4")
        self._seen.add(client_id)
        moment = request.headers.get("X-Client-Transaction-DateTime")
        if (moment is None and self.options.requires_datetime_header) or (
            moment is not None and _DATE_TIME.fullmatch(moment) is None
        ):
            raise Stopped(400, "55", "X-Client-Transaction-DateTime is missing or wrong")
        if request.content_type != "application/json":
            raise Stopped(415, "98", "Content-Type is not application/json")
        if self._too_fast():
            raise Stopped(429, "429", "Too many requests")
        return found[0]

    def _too_fast(self) -> bool:
        if not self.options.requests_per_second:
            return False
        now = time.monotonic()
        while self._asked and now - self._asked[0] >= 1:
            self._asked.popleft()
        self._asked.append(now)
        return len(self._asked) > self.options.requests_per_second

    # --- QR ---

    def _precreate(self, merchant: Merchant, body: Body) -> dict[str, Any]:
        if body.get("billerId") != merchant.biller:
            raise No("21002")
        for name, shape in (
            ("channel", r"2"),
            ("reference1", REFERENCE),
            ("reference2", REFERENCE),
            ("terminalId", r"[0-9]{1,15}"),
            ("remark", r".{1,200}"),
            ("amount", AMOUNT),
        ):
            if not isinstance(body.get(name), str) or re.fullmatch(shape, body[name]) is None:
                raise Stopped(400, "98", f"{name} is missing or wrong")
        amount = read_decimal(body["amount"], THB)
        if amount.minor <= 0:
            raise Stopped(400, "98", "amount is missing or wrong")
        if self.options.amount_selects_code and body["amount"].removesuffix(".00") in answers.TEXTS:
            code = body["amount"].removesuffix(".00")
            if code != "10000":
                raise No(code)
        now = self._world.clock.now()
        trade = Trade(
            self._book.next_number(),
            Kind.QR,
            merchant,
            body["reference1"],
            body["reference2"],
            amount,
            now,
            now + timedelta(seconds=self.options.ttl_seconds),
            body["remark"],
            body["terminalId"],
            body["channel"],
        )
        trade.qr_text = qr_text(trade)
        self._book.trades[trade.number] = trade
        return {"success": "true", **success(trxId=trade.number, qrcodeContent=trade.qr_text)}

    def _detail(self, merchant: Merchant, body: Body) -> dict[str, Any]:
        trade = self._book.trades.get(str(body.get("trxId", "")))
        if trade is None or trade.merchant is not merchant or trade.kind is not Kind.QR:
            raise No("32201")
        if trade.movement is None:
            over = self._book.is_over(trade)
            code = self.options.ended_answer if over else self.options.unpaid_answer
            if code != "0":
                raise No(code)
        return success(transaction=self._row(trade, references=True))

    def _row(self, trade: Trade, *, references: bool) -> dict[str, Any]:
        moved = trade.movement
        status = "0" if moved is None else "4" if moved.reversed else "1"
        row: dict[str, Any] = {
            "trxId": trade.number,
            "billerId": trade.merchant.biller,
            "amount": self.amount(moved.amount if moved else trade.amount),
            "datetime": _epoch(trade),
            "fromAccount": moved.details["from_account"] if moved else "",
            "feeMerchant": FEE if moved else "0.00",
            "remark": trade.remark,
            "trxStatus": status,
            "terminalId": trade.terminal,
        }
        if references:
            row |= {
                "channel": trade.channel,
                "reference1": trade.reference1,
                "reference2": trade.reference2,
            }
        return row

    def amount(self, amount: Money) -> str:
        """`150.75` and, in the short style, `175` instead of `175.00`."""
        text = decimal_text(amount)
        return text.removesuffix(".00") if self.options.amount_style == "short" else text

    # --- lists ---

    def _list(self, merchant: Merchant, body: Body) -> dict[str, Any]:
        if body.get("billerId") != merchant.biller:
            raise No("21002")
        since = _since(body)
        paid = [
            self._row(trade, references=self.options.list_shows_references)
            for trade in reversed(self._book.trades.values())
            if trade.merchant is merchant and trade.kind is Kind.QR
            if trade.movement is not None and (since is None or trade.movement.paid_at >= since)
        ]
        return success(data={"transactions": _page(paid, body)})

    def _settle_list(self, merchant: Merchant, body: Body) -> dict[str, Any]:
        """Each Bangkok day that is over, newest first: what came in and what the bank kept of it."""
        today, since = self._world.clock.now().astimezone(BANGKOK).date(), _since(body)
        days: dict[str, list[Money]] = {}
        for trade in self._book.trades.values():
            moved = trade.movement
            if moved is None or moved.reversed or trade.merchant is not merchant:
                continue
            day = moved.paid_at.astimezone(BANGKOK).date()
            if day < today and (since is None or moved.paid_at >= since):
                days.setdefault(day.isoformat(), []).append(moved.amount)
        rows = [
            {
                "settleDate": day,
                "settleAmount": decimal_text(Money(sum(one.minor for one in amounts))),
                "feeMerchant": decimal_text(Money(100 * len(amounts))),
                "count": str(len(amounts)),
            }
            for day, amounts in sorted(days.items(), reverse=True)
        ]
        return success(data={"settles": _page(rows, body)})

    # --- verify ---

    def _verify(self, merchant: Merchant, body: Body) -> dict[str, Any]:
        """A slip's mini QR, or the text of a QR of this bank."""
        text = str(body.get("trxQr", ""))
        trade = self._of_slip(text)
        if trade is None or trade.merchant is not merchant:
            raise No("32201")
        return success(transaction=self._row(trade, references=True))

    def _of_slip(self, text: str) -> Trade | None:
        try:
            slip = parse_slip(text, strict=False)
        except QrRefusal:
            return self._of_qr(text)
        wanted = slip.trans_ref if isinstance(slip, BankSlip) else ""
        trades = self._book.trades.values()
        return next((t for t in trades if t.movement and t.movement.details["trans_ref"] == wanted), None)

    def _of_qr(self, text: str) -> Trade | None:
        """A payment QR: what can be said of it is a refusal. Raises No."""
        try:
            parse_payment(text, strict=False)
        except QrRefusal:
            raise No("32301") from None
        trade = next((t for t in self._book.trades.values() if t.qr_text == text), None)
        if trade is not None and trade.movement is not None:
            raise No("31001")
        if trade is not None and self._book.is_over(trade):
            raise No("31002")
        return None


def _body(raw: bytes) -> Body:
    try:
        return read_object(raw)
    except Garbled:
        raise Stopped(400, "98", "Invalid JSON") from None


def _check(merchant: Merchant, body: Body) -> None:
    """Merchant first, then the sign of it. Raises No."""
    if body.get("bizMchId") != merchant.number:
        raise No("21001")
    if not merchant.seal.opens(body):
        raise No("21000")


def _page(rows: list[Any], body: Body) -> list[Any]:
    """Raises No for a page that is too long."""
    number, size = str(body.get("pageNumber", "")), str(body.get("numberPerPage", ""))
    if not (number.isdigit() and size.isdigit() and int(number) and int(size)):
        raise Stopped(400, "98", "pageNumber or numberPerPage is missing or wrong")
    if int(size) > ROWS_MAX:
        raise No("21004")
    first = (int(number) - 1) * int(size)
    return rows[first : first + int(size)]


def _since(body: Body) -> datetime | None:
    text = body.get("timeStart")
    if text is None:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BANGKOK)
    except ValueError:
        raise Stopped(400, "98", "timeStart is wrong") from None


def _epoch(trade: Trade) -> int:
    """True epoch milliseconds of the payment, or of the QR while nobody paid."""
    moment = trade.movement.paid_at if trade.movement else trade.made_at
    return (moment - _EPOCH) // _MILLISECOND


def qr_text(trade: Trade) -> str:
    """The layout of the fake bank's sample: the bank's number of the trade is in tag 62 (A3)."""
    bill = put_all(
        (
            ("00", BILL_DOMESTIC),
            ("01", trade.merchant.biller),
            ("02", trade.reference1),
            ("03", trade.reference2 or None),
        )
    )
    return answers.sealed(
        put_all(
            (
                ("00", "01"),
                ("01", "12"),
                ("30", bill),
                ("53", "764"),
                ("54", decimal_text(trade.amount)),
                ("58", "TH"),
                ("62", put("07", trade.number)),
            )
        )
    )
