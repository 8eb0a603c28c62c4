"""The signed API: payments by code, orders, inquiries, refunds (pack 5.2 - 5.5). Each raises Refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from quickkub.connectors.providers.truemoney.simulator.answers import Json, Refused, local
from quickkub.connectors.providers.truemoney.simulator.book import PAYMENTS, Book, Sale, Status
from quickkub.connectors.providers.truemoney.simulator.register import ADDRESS, Partner
from quickkub.kernel.money import THB, Money

REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{1,32}")
CODE: Final = re.compile(r"[0-9]{10,24}")
SATANG: Final = re.compile(r"[1-9][0-9]{0,11}")
DESCRIPTION_MAX: Final = 20
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+07:00")


class Desk:
    """What a partner may ask, once it is known who asks."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def pay(self, partner: Partner, said: Json, _: str) -> Json:
        """Create and capture in one step."""
        reference, amount = self._common(partner, said)
        if said.get("payment_method") != "BALANCE":
            raise _bad("payment_method")
        code = _text(said, "payment_code", 40)
        metadata = said.get("metadata", {})
        if not isinstance(metadata, dict):
            raise _bad("metadata")
        self._use(code)
        sale = self._book.add(partner, reference, amount, said)
        if not self._book.options.pending:
            self._book.pay(sale, None)
        return {"payment_id": sale.id}

    def _use(self, code: str) -> None:
        issued = self._book.codes.get(code)
        if issued is None:
            # The code of a payer's app: any number will do here.
            if CODE.fullmatch(code) is None:
                raise Refused("invalid_payment_code")
            return
        if issued.used:
            raise Refused("invalid_payment_code")
        if self._book.now() >= issued.until:
            raise Refused("payment_code_expired")
        issued.used = True

    def order(self, partner: Partner, said: Json, where: str) -> Json:
        """ASSUMED, path and fields (pack 5.3)."""
        reference, amount = self._common(partner, said)
        for name in ("return_url", "notify_url"):
            address = _text(said, name, 500, needed=name == "return_url")
            if address and ADDRESS.fullmatch(address) is None:
                raise _bad(name)
        seconds = said.get("expires_in", self._book.options.order_seconds)
        if type(seconds) is not int or seconds < 1:
            raise _bad("expires_in")
        sale = self._book.add(partner, reference, amount, said)
        sale.status, sale.where, sale.order_id = Status.ORDERED, where, f"51{self._book.luck(13)}"
        lives = min(seconds, self._book.options.order_seconds)
        sale.expires_at = self._book.now() + timedelta(seconds=lives)
        return {
            "order_id": sale.order_id,
            "payment_url": sale.page,
            "deeplink": f"truemoney://payment/{sale.order_id}",
            "qr_code": sale.page,
            "expired_at": local(sale.expires_at),
        }

    def payment(self, partner: Partner, payment_id: str) -> Json:
        sale = self._book.sales.get(payment_id)
        return self._shown(sale if sale is not None and sale.partner is partner else None)

    def payment_by_reference(self, partner: Partner, query: Mapping[str, str]) -> Json:
        reference, day = query.get("isv_payment_ref", ""), query.get("transaction_date", "")
        if REFERENCE.fullmatch(reference) is None:
            raise _bad("isv_payment_ref")
        if not _is_time(day):
            raise _bad("transaction_date")
        return self._shown(self._book.of_reference(partner, reference))

    def _shown(self, sale: Sale | None) -> Json:
        """An order that nobody paid is no payment."""
        if sale is None or self._book.status_of(sale) not in PAYMENTS:
            raise Refused("payment_not_found")
        return sale.shown(as_numbers=self._book.options.integer_amounts)

    def refund(self, partner: Partner, payment_id: str, said: Json) -> Json:
        sale = self._book.sales.get(payment_id)
        if sale is None or sale.partner is not partner or self._book.status_of(sale) not in PAYMENTS:
            raise Refused("payment_not_found")
        reference, amount = _reference(said, "isv_refund_ref"), _satang(said)
        if self._book.is_used(sale, reference):
            raise Refused("duplicate_isv_refund_ref")
        if sale.status is not Status.SUCCEEDED or self._book.is_over(sale):
            raise Refused("refund_not_allowed")
        if amount > sale.amount - sale.refunded:
            raise Refused("refund_exceeds")
        return {"refund_id": self._book.give_back(sale, reference, amount).id, "type": "refund"}

    def _common(self, partner: Partner, said: Json) -> tuple[str, Money]:
        """What payments and orders share."""
        reference, amount = _reference(said, "isv_payment_ref"), _satang(said)
        if _text(said, "merchant_id", 40) != partner.merchant_id:
            raise Refused("invalid_merchant")
        if said.get("currency") != THB.code:
            raise _bad("currency")
        _text(said, "description", DESCRIPTION_MAX)
        options = self._book.options
        if not options.amount_min <= amount.minor <= options.amount_max:
            raise Refused("amount_exceeds_limit")
        if self._book.of_reference(partner, reference) is not None:
            raise Refused("duplicate_isv_payment_ref")
        return reference, amount


def _bad(name: str) -> Refused:
    return Refused("invalid_parameter", f"{name} is missing or wrong")


def _text(said: Json, name: str, letters_max: int, *, needed: bool = True) -> str:
    value = said.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value or len(value) > letters_max:
        raise _bad(name)
    return value


def _reference(said: Json, name: str) -> str:
    value = _text(said, name, 32)
    if REFERENCE.fullmatch(value) is None:
        raise _bad(name)
    return value


def _satang(said: Json) -> Money:
    """A text of satang, without a point (pack 4)."""
    value: Any = said.get("request_amount")
    if not isinstance(value, str) or SATANG.fullmatch(value) is None:
        raise _bad("request_amount")
    return Money(int(value))


def _is_time(text: str) -> bool:
    if _TIME.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
