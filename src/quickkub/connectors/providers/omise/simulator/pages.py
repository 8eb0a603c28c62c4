"""The payer's pages behind `authorize_uri`, and the pictures behind `download_uri`: both without a key."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import bad, missing
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.counter import FAILURES, ChargeCounter
from quickkub.connectors.providers.omise.simulator.desk import Asked
from quickkub.connectors.providers.omise.simulator.register import Options
from quickkub.connectors.providers.omise.simulator.things import PENDING, Charge
from quickkub.connectors.simulation.pictures import PIXEL
from quickkub.kernel.money import decimal_text
from quickkub.promptpay import images

_STYLE: Final = "body{font:18px/1.5 system-ui,sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem}"
_BUTTON: Final = "button{font:inherit;padding:.6rem 1.2rem;margin:.3rem .5rem .3rem 0}"


class Pages:
    """What a payer's browser sees of Omise."""

    def __init__(self, book: Book, charges: ChargeCounter, options: Options) -> None:
        self._book = book
        self._charges = charges
        self.options = options

    async def authorize(self, asked: Asked) -> web.Response:
        """Buttons to approve or decline; once it is decided, the way back to the shop."""
        charge = self._charge(asked)
        return self._over(charge) if charge.status != PENDING or charge.is_held else _page(charge)

    async def decide(self, asked: Asked) -> web.Response:
        charge, button = self._charge(asked), str(asked.words.get("button", ""))
        if button != "approve" and button not in FAILURES:
            raise bad("button is approve, or a failure code")
        if charge.status == PENDING and not charge.is_held:
            failure = charge.failure_of_card if button == "approve" else button
            self._charges.complete(charge, failure)
        return self._over(charge)

    async def picture(self, asked: Asked) -> web.Response:
        info = asked.request.match_info
        charge = self._book.charges.get(info["charge"])
        source = charge.source if charge else None
        if charge is None or source is None or not charge.qr_text:
            raise missing("the document")
        if not source.document == info["document"] == info["download"]:
            raise missing("the document")
        if self.options.qr_image == "svg":
            return web.Response(body=_svg(charge.qr_text), content_type="image/svg+xml")
        body = base64.b64decode(PIXEL) if self.options.qr_image == "pixel" else images.png(charge.qr_text)
        return web.Response(body=body, content_type="image/png")

    def _charge(self, asked: Asked) -> Charge:
        charge = self._book.named(asked.request.match_info["payment"])
        if charge is None:
            raise missing("the payment")
        return self._charges.fresh(charge)

    def _over(self, charge: Charge) -> web.Response:
        """Back to the shop, whatever came of it; the address says nothing about that (pack 4.3)."""
        if charge.return_uri:
            return web.Response(status=303, headers={"location": charge.return_uri})
        return _html(f"<h1>The payment is {escape(charge.status)}</h1><p>You can close this page.</p>", "")


@lru_cache(maxsize=256)
def _svg(text: str) -> bytes:
    return images.svg(text, scale=4)


def _page(charge: Charge) -> web.Response:
    kind = charge.source.type if charge.source else "card"
    return _html(
        f"<h1>{decimal_text(charge.amount)} baht</h1>"
        f"<p>{escape(kind)} · {escape(charge.description or '')}</p>"
        '<form method="post"><button name="button" value="approve">Pay</button>'
        '<button name="button" value="payment_cancelled">Cancel</button>'
        '<button name="button" value="payment_rejected">Be refused</button></form>'
        "<p><small>Simulated Omise. No real money moves here.</small></p>",
        charge.return_uri or "",
    )


def _html(body: str, back: str) -> web.Response:
    parts = urlsplit(back)
    shop = f" {parts.scheme}://{parts.netloc}" if back else ""
    head = f"<title>Omise simulator</title><style>{_STYLE}{_BUTTON}</style>"
    # Browsers hold the address a form is sent on to against this policy, so the shop is named in it.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{shop}; base-uri 'none'"
    return web.Response(
        text=f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{head}</head>'
        f"<body>{body}</body></html>",
        content_type="text/html",
        headers={"content-security-policy": policy, "cache-control": "no-store"},
    )
