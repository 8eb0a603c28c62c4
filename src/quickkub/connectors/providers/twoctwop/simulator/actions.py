"""Payment actions: inquiry, void, settle, refund, refund status, each sealed both ways (pack 2.3, 4.7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import seals
from quickkub.connectors.providers.twoctwop.simulator.book import Book, Refund, Sale, State
from quickkub.connectors.providers.twoctwop.simulator.register import ADDRESS, Merchant, Registry
from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

TEXTS: Final[Mapping[str, str]] = {
    "00": "Success", "0000": "Success", "02": "Invalid request", "03": "Invalid merchant ID",
    "10": "Mandatory value is missing", "11": "Validation failed",
    "12": "Payment status does not allow the action",
    "13": "Invalid hash value", "15": "Invalid invoice number", "16": "Transaction does not exist",
    "17": "Invalid process type", "18": "Invalid action amount", "21": "Void is not allowed",
    "29": "Transaction is already voided", "30": "Amount exceeds the transaction amount",
    "31": "Settlement is not allowed", "32": "Settlement is not required",
    "33": "Partial settlement is not allowed", "36": "Settlement is too late",
    "39": "Transaction is already settled", "40": "Refund amount exceeds the remaining amount",
    "41": "Refund is not allowed", "42": "Refund is pending", "43": "Partial refund is not allowed",
    "49": "Transaction is already refunded", "54": "Refund period is over", "96": "Unable to decrypt",
}  # fmt: skip
_AMOUNT: Final = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_TO_A_BANK: Final = ("bankCode", "accountName", "accountNumber")

Words = dict[str, str]


class No(Exception):
    """The action is refused."""

    def __init__(self, code: str) -> None:
        super().__init__(TEXTS[code])
        self.code = code


class ActionDesk:
    """One operation with five process types."""

    def __init__(
        self, world: World, registered: Registry, book: Book, notify: Callable[[Merchant, str, str], None]
    ) -> None:
        self._world, self._registered, self._book, self._notify = world, registered, book, notify
        self._plain: dict[bytes, tuple[str, Merchant]] = {}

    async def action(self, request: web.Request) -> web.Response:
        """`POST action`. A message that shows no merchant is answered in the clear: nobody to encrypt to."""
        try:
            token, xml = seals.opened(await request.read())
            asked = _words(xml)
        except (seals.Unsealed, ValueError):
            return _bare("96")
        merchant = self._registered.merchants.get(asked.get("merchantID", ""))
        if merchant is None or not merchant.public_key:
            return _bare("03")
        if not seals.is_signed_with(token, merchant.public_key):
            return self._sealed(_xml(asked, {"respCode": "13"}, self._now()), merchant)
        return self._sealed(self._answer(merchant, asked), merchant)

    def _answer(self, merchant: Merchant, asked: Words) -> str:
        key = (merchant.merchant_id, asked.get("idempotencyID", ""))
        if key[1] and key in self._book.first_actions:
            return self._book.first_actions[key]
        try:
            sale, said, refunds = self._carry_out(merchant, asked)
            said = {"respCode": self._book.options.success_code, **said}
            text = _xml(asked, _about(sale) | said, self._now(), refunds)
        except No as no:
            return _xml(asked, {"respCode": no.code}, self._now())
        if key[1]:
            self._book.first_actions[key] = text
        return text

    def _carry_out(self, merchant: Merchant, asked: Words) -> tuple[Sale, Words, list[Refund]]:
        for name in ("processType", "invoiceNo"):
            if not asked.get(name):
                raise No("10")
        processes = {
            "I": self._inquire,
            "V": self._void,
            "S": self._settle,
            "R": self._refund,
            "RS": self._list,
        }
        process = processes.get(asked["processType"])
        if process is None:
            raise No("17")
        sale = self._book.of(merchant, asked["invoiceNo"])
        if sale is None or sale.state is State.NEW:
            raise No("16")
        said = process(sale, asked)
        return sale, said, sale.refunds if asked["processType"] == "RS" else []

    def _inquire(self, sale: Sale, _: Words) -> Words:
        return self._standing(sale, sale.captured or sale.paid or sale.amount)

    def _void(self, sale: Sale, _: Words) -> Words:
        status = self._book.status(sale)
        if status == "V":
            raise No("29")
        if status not in ("A", "RS"):
            raise No("21" if status in ("S", "RF", "RP") else "12")
        self._book.void(sale)
        return self._standing(sale, sale.paid or sale.amount)

    def _settle(self, sale: Sale, asked: Words) -> Words:
        status, amount = self._book.status(sale), _amount(asked)
        if not sale.manual:
            raise No("32")
        if sale.captured is not None:
            raise No("39")
        if status == "V":
            raise No("36")
        if status != "A" or sale.paid is None:
            raise No("12")
        if amount > sale.paid:
            raise No("30")
        if amount < sale.paid and not self._book.options.partial_settle:
            raise No("33")
        self._book.capture(sale, amount)
        return self._standing(sale, amount)

    def _refund(self, sale: Sale, asked: Words) -> Words:
        amount, status, captured = _amount(asked), self._book.status(sale), sale.captured
        if captured is None or status not in ("S", "RP", "RF"):
            raise No("12")
        left = captured.minor - sale.given_back
        if left <= 0:
            raise No("49")
        if amount.minor > left:
            raise No("40")
        if amount < captured and not self._book.options.partial_refunds:
            raise No("43")
        assert sale.captured_at is not None, "captured money has a time"
        if self._world.clock.now() > sale.captured_at + timedelta(days=self._book.options.refund_days):
            raise No("54")
        if sale.channel in ("PPQR", "123", "COUNTER") and not all(asked.get(name) for name in _TO_A_BANK):
            raise No("11")
        return self._give_back(sale, amount, asked)

    def _give_back(self, sale: Sale, amount: Money, asked: Words) -> Words:
        options, now = self._book.options, self._world.clock.now()
        takes_time = options.refund_mode == "async" or (options.refund_mode == "auto" and not sale.is_card)
        one = Refund(str(self._book.number()), amount, now, "RP" if takes_time else "RF")
        sale.refunds.append(one)
        said = {"amount": decimal_text(amount), "status": one.status, "refundReferenceNo": one.reference}
        if takes_time:
            one.result = options.async_refund_result
            one.due_at = now + timedelta(seconds=options.async_refund_seconds)
            self._world.schedule.after(
                timedelta(seconds=options.async_refund_seconds), self._telling(sale, one, asked)
            )
        return said

    def _telling(self, sale: Sale, one: Refund, asked: Words) -> Callable[[], Coroutine[Any, Any, None]]:
        """Once it is over, the notifyURL hears of it."""

        async def tell() -> None:
            self._book.ripen(sale)
            said = {
                "respCode": self._book.options.success_code,
                "amount": decimal_text(one.amount),
                "status": one.status,
                "refundReferenceNo": one.reference,
            }
            url = asked.get("notifyURL", "")
            if ADDRESS.fullmatch(url):
                self._notify(sale.merchant, url, _xml(asked, _about(sale) | said, self._now()))

        return tell

    def _list(self, sale: Sale, _: Words) -> Words:
        return self._standing(sale, sale.captured or sale.amount)

    def _standing(self, sale: Sale, amount: Money) -> Words:
        return {"amount": decimal_text(amount), "status": self._book.status(sale)}

    def _now(self) -> datetime:
        return self._world.clock.now().astimezone(BANGKOK)

    # --- sealing ---

    def _sealed(self, text: str, merchant: Merchant) -> web.Response:
        options = self._book.options
        body = seals.sealed_for(text, merchant.public_key, badly=options.bad_signature).encode()
        # Only the merchant can open it; kept for a moment so that a fault can say something else instead.
        self._plain.clear()
        self._plain[body] = (text, merchant)
        return web.Response(body=body, content_type="text/plain")

    def distorted(self, body: bytes, what: str) -> bytes | None:
        """The same answer with one baht more; it names no currency. None for what this desk never said."""
        if body not in self._plain:
            return None
        text, merchant = self._plain[body]
        if what == "wrong_amount":
            text = re.sub(r"<amount>(\d+)\.", lambda found: f"<amount>{int(found[1]) + 1}.", text)
            text = re.sub(r' amount="(\d+)\.', lambda found: f' amount="{int(found[1]) + 1}.', text)
        return seals.sealed_for(text, merchant.public_key).encode()


def _words(xml: bytes) -> Words:
    """The request's elements. Raises ValueError."""
    if b"<!" in xml:
        raise ValueError("no document types here")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 -- without "<!" there is nothing to expand
    except ElementTree.ParseError as broken:
        raise ValueError("no XML") from broken
    if root.tag != "PaymentProcessRequest":
        raise ValueError("no PaymentProcessRequest")
    return {child.tag: (child.text or "").strip() for child in root}


def _amount(asked: Words) -> Money:
    text = asked.get("actionAmount", "")
    if not text:
        raise No("10")
    if _AMOUNT.fullmatch(text) is None or not int(text.replace(".", "")):
        raise No("18")
    return Money(int(text.replace(".", "")))


def _about(sale: Sale) -> Words:
    paid_at = sale.paid_at.astimezone(BANGKOK) if sale.paid_at else None
    return {
        "approvalCode": sale.reference[-6:] if sale.is_card else "",
        "referenceNo": sale.reference,
        "transactionDateTime": f"{paid_at:%Y%m%d%H%M%S}" if paid_at else "",
        "maskedPan": "411111XXXXXX1111" if sale.is_card else "",
        "eci": "05" if sale.is_card else "",
        "paymentScheme": "VI" if sale.is_card else "AP",
    }


def _xml(asked: Words, said: Words, now: datetime, refunds: list[Refund] | None = None) -> str:
    head = {
        "version": "4.3",
        "timeStamp": f"{now:%d%m%y%H%M%S}",
        "respCode": said["respCode"],
        "respDesc": TEXTS[said["respCode"]],
        "processType": asked.get("processType", ""),
        "invoiceNo": asked.get("invoiceNo", ""),
    }
    echoed = {f"userDefined{n}": asked.get(f"userDefined{n}", "") for n in range(1, 6)}
    words = {**head, **{name: value for name, value in said.items() if name != "respCode"}, **echoed}
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in words.items() if value)
    rows = "".join(
        f"<refund amount={quoteattr(decimal_text(one.amount))} status={quoteattr(one.status)}"
        f" referenceNo={quoteattr(one.reference)}"
        f' dateTime="{one.made_at.astimezone(BANGKOK):%Y%m%d%H%M%S}"/>'
        for one in refunds or ()
    )
    listed = (
        f"<refundList>{rows}</refundList>" if refunds is not None and asked.get("processType") == "RS" else ""
    )
    return f"<PaymentProcessResponse>{text}{listed}</PaymentProcessResponse>"


def _bare(code: str) -> web.Response:
    text = f"<PaymentProcessResponse><version>4.3</version><respCode>{code}</respCode>"
    text += f"<respDesc>{TEXTS[code]}</respDesc></PaymentProcessResponse>"
    return web.Response(text=text, content_type="text/plain")
