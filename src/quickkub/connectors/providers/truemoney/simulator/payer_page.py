"""The page behind `payment_url`: the payer pays or cancels, and is sent back (pack 5.3, ASSUMED)."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.truemoney.simulator.book import Book, Sale, Status
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
        sale = self._sale(request)
        status = self._book.status_of(sale)
        buttons = "".join(
            f'<button name="button" value="{name}">{label}</button>'
            for name, label in (("approve", "Pay"), ("decline", "Cancel"))
        )
        is_open = status is Status.ORDERED
        form = f'<form method="post">{buttons}</form>' if is_open else f"<p>It is {status.value}.</p>"
        title = f"<h1>{escape(sale.partner.name)}</h1><p>{escape(str(sale.said['description']))}</p>"
        return _page(f"{title}<p>{decimal_text(sale.amount)} THB</p>{form}")

    async def press(self, request: web.Request) -> web.Response:
        """`button=approve` or `decline`; then the way back to the shop."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="these buttons are pressed on this page only")
        sale = self._sale(request)
        form = await request.post()
        try:
            if form.get("button") == "approve":
                self._pay(sale.id, Pay())
            else:
                self._end(sale.id, "cancelled")
        except CannotPay as trouble:
            return _page(f"<p>Not done: {escape(str(trouble))}</p>")
        return web.Response(status=303, headers={"location": str(sale.said["return_url"])})

    def _sale(self, request: web.Request) -> Sale:
        sale = self._book.find(request.match_info["order"])
        if sale is None or not sale.order_id:
            raise web.HTTPNotFound(text="there is nothing to pay here")
        return sale


def _page(inner: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>TrueMoney simulator</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{inner}<p><small>A simulator: no real money moves here.</small></p></body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_SAFE)
