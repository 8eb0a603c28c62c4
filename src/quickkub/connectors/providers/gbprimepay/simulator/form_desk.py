"""Forms that the payer's browser posts: wallets, bank apps, instalments (pack 5.4 to 5.8)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import checks, pages
from quickkub.connectors.providers.gbprimepay.simulator.answers import Refused, coded, incomplete
from quickkub.connectors.providers.gbprimepay.simulator.book import Book, Duplicate, Transaction
from quickkub.connectors.providers.gbprimepay.simulator.checks import Desk
from quickkub.kernel.money import decimal_text

Handler = Callable[[web.Request], Awaitable[web.Response]]

WALLET: Final = ("amount", "referenceNo", "responseUrl", "backgroundUrl")
_MONTH_MIN: Final = 50_000
_PLAN_MIN: Final = 300_000
_WALLET_MAX: Final = 10_000_000
_APPS: Final = {"004": "K PLUS", "014": "SCB EASY", "025": "KMA", "002": "Bualuang", "006": "Krungthai NEXT"}
_TERM: Final = re.compile(r"[1-9][0-9]?")
_LENDERS: Final = frozenset({"002", "004", "006", "011", "014", "025", "026"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One form: what it needs, what its checksum is over, how the payer goes on."""

    payment_type: str
    signs: tuple[str, ...]
    needs: tuple[str, ...]
    most: int = _WALLET_MAX
    least: int = 100
    goes_on: str = "redirect"


_BASE: Final = ("publicKey", "amount", "referenceNo", "backgroundUrl", "checksum")
_BACK: Final = (*_BASE, "responseUrl")

KINDS: Final = {
    "trueWallet": Kind("T", WALLET, (*_BACK, "customerTelephone"), goes_on="wallet"),
    "linepay": Kind("L", WALLET, (*_BACK, "detail")),
    "shopeePay": Kind("S", WALLET, _BACK),
    "atome": Kind("A", WALLET, _BACK),
    "alipay": Kind("P", ("amount", "referenceNo", "backgroundUrl"), _BASE),
    "mobileBanking": Kind("M", (*WALLET, "bankCode"), (*_BACK, "bankCode"), 200_000_000, goes_on="app"),
    "installment": Kind(
        "I", (*WALLET, "bankCode", "term"), (*_BACK, "bankCode", "term"), 200_000_000, _PLAN_MIN
    ),
}


class FormDesk:
    """Handlers by kind of form."""

    def __init__(self, book: Book, desk: Desk) -> None:
        self._book, self._desk = book, desk

    def of(self, name: str) -> Handler:
        kind = KINDS[name]

        async def handle(request: web.Request) -> web.Response:
            return self._answer(kind, self._made(kind, await checks.form(request)))

        return handle

    def _made(self, kind: Kind, said: dict[str, str]) -> Transaction:
        checks.require(said, *kind.needs)
        shop = self._desk.by_public_key(said["publicKey"])
        checks.checksum(shop, said, kind.signs)
        reference = checks.reference(said)
        amount = checks.amount(said, kind.least, kind.most)
        checks.address(said, "backgroundUrl")
        if "responseUrl" in kind.needs:
            checks.address(said, "responseUrl")
        if kind.payment_type == "M" and said["bankCode"] not in _APPS:
            raise incomplete()
        if kind.payment_type == "I":
            _check_plan(said, amount.minor)
        try:
            return self._book.add(shop, reference, amount, kind.payment_type, said)
        except Duplicate:
            raise Refused("duplicate") from None

    def _answer(self, kind: Kind, one: Transaction) -> web.Response:
        match kind.goes_on:
            case "wallet":
                return pages.wallet(one)
            case "app":
                return _app_page(one)
            case _:
                # A chain, as LINE Pay's: only its last address is what the payer sees (pack 5.5).
                return web.Response(status=302, headers={"location": f"/web/go/{one.key}"})


def _check_plan(said: dict[str, str], satang: int) -> None:
    """At least 3,000 baht, and 500 baht a month (pack 5.8)."""
    term = said["term"]
    if said["bankCode"] not in _LENDERS or _TERM.fullmatch(term) is None:
        raise incomplete()
    if satang < _MONTH_MIN * int(term):
        raise coded("14", referenceNo=said["referenceNo"])


def _app_page(one: Transaction) -> web.Response:
    """By bank: a form into the app, hidden inputs that make the link, or a notice (pack 5.7)."""
    bank, price = one.said["bankCode"], decimal_text(one.amount)
    name = _APPS[bank]
    if bank == "014":
        link = f"scbeasy://payments/{one.key}?callback_url={one.said['responseUrl']}"
        return pages.with_way(one, name, pages.form(link, {}, "Open SCB EASY"))
    if bank == "002":
        hidden = {"billerId": one.shop.biller, "ref1": one.digits, "ref2": one.reference, "amount": price}
        return pages.with_way(
            one, name, pages.hidden({"scheme": "bualuangmbanking://mbanking.payment", **hidden})
        )
    return pages.with_way(one, name, f"<p>Open {name}: a notice to pay {price} baht waits there.</p>")
