"""The page behind `paymentUrl.web`: the payer approves or cancels, and is sent back (pack 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from quickkub.connectors.providers.linepay.simulator.book import Book, State, Transaction
from quickkub.connectors.simulation.base import CannotPay, Pay
from quickkub.kernel.money import decimal_text

_SAFE: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:0 auto;padding:1rem}"
    "button{font:inherit;padding:.6rem 1rem;margin:.3rem .3rem 0 0}"
)


class PayerPage:
    """GET shows the page; POST is one of its buttons."""

    def __init__(
        self, book: Book, pay: Callable[[str, Pay], object], end: Callable[[str, str], None]
    ) -> None:
        self._book, self._pay, self._end = book, pay, end

    async def show(self, request: web.Request) -> web.Response:
        one = self._one(request)
        state = self._book.state_of(one)
        buttons = "".join(
            f'<button name="button" value="{name}">{label}</button>'
            for name, label in (("approve", "Approve"), ("cancel", "Cancel"))
        )
        is_open = state is State.RESERVED
        form = f'<form method="post">{buttons}</form>' if is_open else f"<p>It is {state.value}.</p>"
        price = f"{decimal_text(one.amount)} {one.amount.currency.code}"
        return _page(f"<h1>{escape(one.channel.name)}</h1><p>{escape(one.product)}</p><p>{price}</p>{form}")

    async def press(self, request: web.Request) -> web.Response:
        """`button=approve` or `cancel`; then the way back to the shop."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="these buttons are pressed on this page only")
        one = self._one(request)
        form = await request.post()
        approves = form.get("button") == "approve"
        try:
            if approves:
                self._pay(str(one.id), Pay())
            else:
                self._end(str(one.id), "cancelled")
        except CannotPay as trouble:
            return _page(f"<p>Not done: {escape(str(trouble))}</p>")
        if approves and one.confirm_url_type != "CLIENT":
            return _page("<p>Approved. Go back to the shop.</p>")
        urls = one.said["redirectUrls"]
        target = way_back(str(urls["confirmUrl" if approves else "cancelUrl"]), one)
        return web.Response(status=303, headers={"location": target})

    def _one(self, request: web.Request) -> Transaction:
        one = self._book.by_reserve(request.query.get("transactionReserveId", ""))
        if one is None:
            raise web.HTTPNotFound(text="there is nothing to pay here")
        return one


def way_back(address: str, one: Transaction) -> str:
    """The shop's address with the two parameters LINE Pay adds."""
    words = urlencode({"transactionId": one.id, "orderId": one.order_id})
    return f"{address}{'&' if '?' in address else '?'}{words}"


def _page(inner: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>LINE Pay simulator</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{inner}<p><small>A simulator: no real money moves here.</small></p></body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_SAFE)
