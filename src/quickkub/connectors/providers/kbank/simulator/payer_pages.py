"""What the payer's browser sees: the 3-D Secure or wallet page of KGP, and the K PLUS app (pack B4, C).

Afterwards the browser is posted to the shop's return URL. That post proves nothing, as at the real bank.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator.book import OPEN, Book, Sale
from quickkub.connectors.providers.kbank.simulator.checks import Desk
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


class PayerPages:
    """GET shows the page; POST is one of its buttons."""

    def __init__(
        self, desk: Desk, book: Book, pay: Callable[[str, Pay], object], end: Callable[[str, str], None]
    ) -> None:
        self._desk, self._book, self._pay, self._end = desk, book, pay, end

    async def show(self, request: web.Request) -> web.Response:
        sale = self._sale(request)
        state = self._book.state_of(sale)
        buttons = "".join(
            f'<button name="button" value="{name}">{text}</button>'
            for name, text in (("approve", "Approve"), ("decline", "Decline"))
        )
        form = f'<form method="post">{buttons}</form>' if state in OPEN else f"<p>It is {escape(state)}.</p>"
        return _page(f"<h1>{escape(sale.app.name)}</h1><p>{decimal_text(sale.amount)} THB</p>{form}")

    async def press(self, request: web.Request) -> web.Response:
        """`button=approve` or `decline`; then the way back to the shop."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="these buttons are pressed on this page only")
        sale = self._sale(request)
        form = await request.post()
        try:
            if form.get("button") == "approve":
                self._pay(sale.key, Pay())
            else:
                self._end(sale.key, "cancelled")
        except CannotPay as trouble:
            return _page(f"<p>Not done: {escape(str(trouble))}</p>")
        return self._way_back(sale)

    def _way_back(self, sale: Sale) -> web.Response:
        """KGP posts form fields to the registered return URL (pack B4)."""
        url, state = self._desk.options.kgp_return_url, self._book.state_of(sale)
        if sale.kind.product != "kgp" or not url:
            return _page(f"<p>It is {escape(state)}. Go back to the shop.</p>")
        is_paid = state == "Authorized"
        fields = {
            "objectId": sale.key,
            "token": str(sale.said.get("token", "")),
            "status": "true" if is_paid else "false",
            "message": "" if is_paid else str(sale.more.get("failure_message", "")),
            "saveCard": "false",
        }
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
        )
        back = f'<form method="post" action="{escape(url)}">{hidden}<button>Back to the shop</button></form>'
        return _page(f"<p>It is {escape(state)}.</p>{back}")

    def _sale(self, request: web.Request) -> Sale:
        sale = self._book.sales.get(request.match_info["name"])
        if sale is None:
            raise web.HTTPNotFound(text="there is nothing to pay here")
        return sale


def _page(inner: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>KBank simulator</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{inner}<p><small>A simulator: no real money moves here.</small></p></body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_SAFE)
