"""The hosted page: the payer picks a channel, approves or not, goes back with an unsigned form (pack 5.2).

The address a merchant gets has the token behind a `#`, which browsers keep to themselves; a line of script
carries it over, as on the real page.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import answers, checks, results, seals
from quickkub.connectors.providers.twoctwop.simulator.book import Book, Sale, State
from quickkub.connectors.simulation.base import CannotPay, Movement, Pay
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.money import decimal_text

_SAFE: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
    " img-src data:; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:30rem;padding:1rem}"
    "button{font:inherit;padding:.6rem 1rem;margin:.3rem .3rem 0 0;border:0;border-radius:.5rem;"
    "background:#1f4e79;color:#fff}.no{background:#8a3b00}.amount{font-size:1.6rem;font-weight:700}"
)
_CARRY: Final = (
    "var t=location.hash.split('/token/')[1];"
    "if(t){location.replace(location.origin+'/pgw-ui/token/'+t)}"
    "else{document.body.append('There is no payment token in this address.')}"
)
_ENDS: Final = {"decline": ("4005", "9035"), "cancel": ("0003", "5010")}


class HostedPage:
    """Three pages and one form. `pay` moves money, `ended` tells the merchant of an unpaid end."""

    def __init__(
        self, book: Book, pay: Callable[[str, Pay], Movement], ended: Callable[[Sale], None]
    ) -> None:
        self._book, self._pay, self._ended = book, pay, ended

    async def carry(self, _: web.Request) -> web.Response:
        """`GET /payment/4.3/#/token/…`."""
        return _page(
            "2C2P simulator", f"<script>{_CARRY}</script><noscript>This page needs script.</noscript>"
        )

    async def show(self, request: web.Request) -> web.Response:
        """`GET /pgw-ui/token/{token}`: what is to be paid, and buttons."""
        token = request.match_info["token"]
        sale = self._book.by_token(token)
        if sale is None:
            return _page("Payment", "<p>This payment is not known.</p>", status=404)
        begun = sale.state is State.PENDING or (sale.state is State.NEW and self._book.is_alive(token))
        if begun and not self._book.is_over(sale):
            return _page("Payment", _form(sale))
        return self._back(sale)

    async def press(self, request: web.Request) -> web.Response:
        """`POST /pgw-ui/token/{token}`: `button` is approve, decline or cancel; `channel` one of the menu."""
        sale = self._book.by_token(request.match_info["token"])
        if sale is None:
            return _page("Payment", "<p>This payment is not known.</p>", status=404)
        form = await request.post()
        button, channel = str(form.get("button", "")), str(form.get("channel", ""))
        try:
            if button == "approve":
                self._pay(sale.tokens[-1], Pay(by=channel))
            elif button in _ENDS:
                if sale.state is State.NEW:
                    self._book.begin(sale, _first(sale, channel))
                self._book.fail(sale, _ENDS[button][0 if sale.is_card else 1])
                self._ended(sale)
            else:
                return _page("Payment", "<p>There is no such button.</p>", status=400)
        except CannotPay as trouble:
            return _page("Payment", f"<p>Not possible: {escape(str(trouble))}.</p>", status=409)
        return self._back(sale)

    async def qr(self, request: web.Request) -> web.Response:
        """`GET /pgw-ui/qr/{token}`: the picture that Do Payment links to."""
        sale = self._book.by_token(request.match_info["token"])
        if sale is None or not sale.qr_text:
            return web.Response(status=404)
        return web.Response(body=base64.b64decode(picture(sale.qr_text)), content_type="image/png")

    def _back(self, sale: Sale) -> web.Response:
        code = results.code_of(sale, self._book)
        text = f"<p>{escape(sale.invoice)}: {escape(answers.TEXTS.get(code, code))}</p>"
        url = str(sale.asked.get("frontendReturnUrl") or sale.merchant.frontend_url)
        if not url:
            return _page("Payment", text)
        value = escape(frontend_response(sale))
        text += (
            f'<form method="post" action="{escape(url)}">'
            f'<input type="hidden" name="paymentResponse" value="{value}">'
            "<button>Back to the shop</button></form><script>document.forms[0].submit()</script>"
        )
        return _page("Payment", text)


def frontend_response(sale: Sale) -> str:
    """What the browser brings back: only which invoice it is about may be taken from it."""
    words = {"invoiceNo": sale.invoice, "channelCode": sale.channel or "CC", **answers.said("2000")}
    return base64.urlsafe_b64encode(seals.encode(words)).decode().rstrip("=")


def _first(sale: Sale, wanted: str) -> str:
    channels = checks.channels_of(sale.asked) or ["CC", "PPQR", "TRUEMONEY", "LINE"]
    return wanted if wanted in channels else channels[0]


def _form(sale: Sale) -> str:
    channels = (
        [sale.channel]
        if sale.channel
        else checks.channels_of(sale.asked) or ["CC", "PPQR", "TRUEMONEY", "LINE"]
    )
    options = "".join(f'<option value="{escape(one)}">{escape(one)}</option>' for one in channels)
    return (
        f"<p>{escape(str(sale.asked['description']))}</p>"
        f'<p class="amount">{decimal_text(sale.amount)} {sale.amount.currency.code}</p>'
        f"<p>{escape(sale.invoice)}</p>"
        f'<form method="post"><label>Pay by <select name="channel">{options}</select></label><p>'
        '<button name="button" value="approve">Approve</button>'
        '<button class="no" name="button" value="decline">Decline</button>'
        '<button class="no" name="button" value="cancel">Cancel</button></p></form>'
    )


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_SAFE, status=status)
