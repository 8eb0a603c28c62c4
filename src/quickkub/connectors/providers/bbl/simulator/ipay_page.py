"""iPay's hosted page: the form of the merchant, the card the payer chooses, and the way back (bbl.md A3)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from quickkub.connectors.providers.bbl.simulator.book import Book, Kind, Order, Try
from quickkub.connectors.providers.bbl.simulator.hashing import is_right
from quickkub.connectors.providers.bbl.simulator.setup import Merchant, Options
from quickkub.connectors.simulation.base import World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, BadAmount, Money, decimal_text, read_decimal

BAHT: Final = "764"
ORDER_REF_MAX: Final = 35
URL_MAX: Final = 300
REMARK_MAX: Final = 200
LANGUAGES: Final = frozenset("ETCXKJFGVS")
BRANDS: Final = frozenset({"VISA", "Master", "JCB", "AMEX", "Diners"})
_AMOUNT: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Card:
    """A magic card: what the bank says when it is used. Not one of them exists."""

    number: str
    label: str
    status: str = "Accepted"
    prc: str = "0"
    src: str = "0"
    payer_auth: str = "Y"


CARDS: Final = {
    card.number: card
    for card in (
        Card("4918914107195005", "approved"),
        Card("4918914107195013", "declined by the bank (05)", "Rejected", "1", "05"),
        Card("4918914107195021", "not enough money (51)", "Rejected", "1", "51"),
        Card("4918914107195039", "expired card (54)", "Rejected", "1", "54"),
        Card("4918914107195047", "3-D Secure fails", "Rejected", "3", "0", "N"),
        Card("4918914107195054", "stopped as a duplicate (fraud rule 2007)", "Rejected", "-8", "2007"),
        Card("4918914107195062", "bank host away (-9)", "Rejected", "-9", "0"),
        Card("4918914107195070", "still pending", "Pending"),
    )
}
GOOD: Final = CARDS["4918914107195005"]

Pay = Callable[[Order, Card, str], Try]


class BadForm(Exception):
    """The page cannot be shown; the text says why."""


class Till:
    """The page and what is posted to it."""

    def __init__(self, world: World, book: Book, merchants: Mapping[str, Merchant], pay: Pay) -> None:
        self._world, self._book, self._merchants, self._pay = world, book, merchants, pay
        self.options = Options()

    async def form(self, request: web.Request) -> web.Response:
        """`POST payment/payForm.jsp`: the merchant's order; answers with the page for the payer."""
        try:
            order = self._order(await _words(request))
        except BadForm as trouble:
            return _page("Not possible", f"<p>{escape(str(trouble))}</p>", status=400)
        return _page("Pay", self._choices(order))

    async def submit(self, request: web.Request) -> web.Response:
        """`POST payment/payForm2.jsp`: the payer chose a card or cancelled; the browser goes back."""
        words = await _words(request)
        order = self._book.sessions.get(words.get("session", ""))
        if order is None or self._is_over(order):
            return _page("Session expired", "<p>This page has expired.</p>", status=400)
        if words.get("button") == "cancel":
            self._book.add_try(order, "Cancelled")
            return _back(order, "cancelUrl")
        card = CARDS.get(words.get("cardNo", ""))
        if card is None:
            return _page("Card", "<p>There is no such card here.</p>", status=400)
        made = self._pay(order, card, "SPC")
        return _back(order, "failUrl" if made.status == "Rejected" else "successUrl")

    async def direct(self, request: web.Request) -> web.Response:
        """`POST directPay/payComp.jsp` and `dPayment/payComp.jsp`: the card comes with the order."""
        words = await _words(request)
        is_direct = "directPay" in request.path
        try:
            order = self._order(words)
            if words.get("pMethod") not in BRANDS:
                raise BadForm("pMethod")
            card = CARDS.get(words.get("cardNo", ""))
            if card is None or not re.fullmatch(r"(0[1-9]|1[0-2])/20[0-9]{2}", _expiry(words)):
                raise BadForm("cardNo, epMonth or epYear")
        except BadForm as trouble:
            failed = {
                "successcode": "-1",
                "prc": "-1",
                "src": "-1",
                "errMsg": f"Parameter {trouble} Incorrect",
            }
            return web.Response(text=urlencode(failed), content_type="text/html")
        made = self._pay(order, card, "DPS" if is_direct else "DPC")
        if not is_direct:
            return _back(order, "failUrl" if made.status == "Rejected" else "successUrl")
        return web.Response(text=direct_answer(made), content_type="text/html")

    def _order(self, words: Mapping[str, str]) -> Order:
        merchant = self._merchants.get(words.get("merchantId", ""))
        if merchant is None:
            raise BadForm("Parameter merchantId Incorrect")
        amount = _amount(words.get("amount", ""))
        for name, fits in (
            ("orderRef", 0 < len(words.get("orderRef", "")) <= ORDER_REF_MAX),
            ("currCode", words.get("currCode") == BAHT),
            ("lang", words.get("lang") in LANGUAGES),
            ("payType", words.get("payType") in ("N", "H")),
            ("remark", len(words.get("remark", "")) <= REMARK_MAX),
        ):
            if not fits:
                raise BadForm(f"Parameter {name} Incorrect")
        if "cardNo" not in words:
            _check_page_fields(words)
        self._check_hash(merchant, words)
        kind = Kind.HOLD if words["payType"] == "H" else Kind.SALE
        now = self._world.clock.now()
        return self._book.add(
            Order(
                words["orderRef"],
                kind,
                merchant,
                words["orderRef"],
                amount,
                now,
                now + timedelta(minutes=self.options.session_minutes),
                form=dict(words),
                session=secrets.token_hex(16),
            )
        )

    def _check_hash(self, merchant: Merchant, words: Mapping[str, str]) -> None:
        said = words.get("secureHash", "")
        if not merchant.secret or (not said and self.options.secure_hash == "optional"):
            return
        names = ("merchantId", "orderRef", "currCode", "amount", "payType")
        if not is_right(said, [*(words[name] for name in names), merchant.secret]):
            raise BadForm("Parameter secureHash Incorrect")

    def _is_over(self, order: Order) -> bool:
        over = order.expires_at is not None and self._world.clock.now() >= order.expires_at
        return over or order.state != "waiting"

    def _choices(self, order: Order) -> str:
        cards = "".join(
            f'<option value="{c.number}">{c.number[:4]} … {c.number[-4:]}: {escape(c.label)}</option>'
            for c in CARDS.values()
        )
        return f"""<p class="amount">{decimal_text(order.amount)} baht</p><p>{escape(order.reference)}</p>
<form method="post" action="payForm2.jsp"><input type="hidden" name="session" value="{order.session}">
<label>Card <select name="cardNo">{cards}</select></label>
<button name="button" value="pay">Approve</button>
<button name="button" value="cancel">Cancel</button></form>"""


def _check_page_fields(words: Mapping[str, str]) -> None:
    if not words.get("payMethod"):
        raise BadForm("Parameter payMethod Incorrect")
    for name in ("successUrl", "failUrl", "cancelUrl"):
        if not re.fullmatch(r"https?://\S+", words.get(name, "")) or len(words[name]) > URL_MAX:
            raise BadForm(f"Parameter {name} Incorrect")


def _amount(text: str) -> Money:
    try:
        amount = read_decimal(text, THB) if _AMOUNT.fullmatch(text) else Money(0)
    except BadAmount:
        amount = Money(0)
    if amount.minor <= 0:
        raise BadForm("Parameter amount Incorrect")
    return amount


def _expiry(words: Mapping[str, str]) -> str:
    return f"{words.get('epMonth', '')}/{words.get('epYear', '')}"


def direct_answer(made: Try) -> str:
    """The url-encoded answer of directPay; `errMsg` is always there."""
    good = made.prc == "0"
    return urlencode(
        {
            "successcode": "0" if good else "1",
            "Ref": made.order.reference,
            "PayRef": made.pay_ref,
            "Amt": decimal_text(made.amount),
            "Cur": BAHT,
            "prc": made.prc,
            "src": made.src,
            "Ord": f"{made.number:08d}",
            "Holder": made.order.form.get("cardHolder", made.holder)[:20],
            "AuthId": f"{made.number:06d}" if good else "",
            "TxTime": tx_time(made),
            "errMsg": "Transaction completed" if good else "Transaction rejected",
        }
    )


def tx_time(made: Try) -> str:
    """`2026-01-15 10:30:21.0`, Bangkok time."""
    return f"{made.at.astimezone(BANGKOK):%Y-%m-%d %H:%M:%S}.0"


async def _words(request: web.Request) -> dict[str, str]:
    form = await request.post()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _back(order: Order, where: str) -> web.Response:
    address = order.form.get(where, "")
    mark = "&" if "?" in address else "?"
    query = urlencode({"Ref": order.reference})
    return web.Response(status=303, headers={"location": f"{address}{mark}{query}"})


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"></head>
<body><h1>Merchant iPay simulator</h1>{body}<p>No real money moves here.</p></body></html>"""
    return web.Response(text=text, status=status, content_type="text/html")
