"""Pages the payer sees at GBPrimePay and its simulated banks: server-rendered, no script but one submit."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator.book import KINDS, Transaction
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


def page(inner: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GBPrimePay simulator</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{inner}<p><small>A simulator: no real money moves here.</small></p></body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers=_SAFE)


def hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def form(action: str, fields: Mapping[str, str], button: str, inner: str = "") -> str:
    return (
        f'<form method="post" action="{escape(action)}">{hidden(fields)}{inner}'
        f"<button>{escape(button)}</button></form>"
    )


def head(one: Transaction) -> str:
    kind = KINDS[one.payment_type]
    price = f"{decimal_text(one.amount)} THB"
    detail = escape(one.said.get("detail", ""))
    return f"<h1>{escape(one.shop.name)}</h1><p>{kind}</p><p>{detail}</p><p>{price}</p>"


def wallet(one: Transaction) -> web.Response:
    """With the `ptx_id` that clients look for (pack 5.4)."""
    number = escape(one.said["customerTelephone"])
    ask = f'<input name="mobile_number" aria-label="wallet number" value="{number}">'
    return page(head(one) + form("/v1/trueWallet/payment", {"ptx_id": one.key}, "Send OTP", ask))


def otp(one: Transaction) -> web.Response:
    fields = {"otp_ref": one.key[:6], "auth_code": one.auth_code, "agreement_id": one.digits}
    ask = '<input name="otp_code" aria-label="OTP" inputmode="numeric" value="123456">'
    return page(head(one) + form("/true/payments/verifytokens", fields, "Pay", ask))


def choice(one: Transaction) -> web.Response:
    """Approve or decline: LINE Pay's page, a bank's page, the 3-D secure page."""
    buttons = "".join(
        f'<button name="button" value="{name}">{label}</button>'
        for name, label in (("approve", "Approve"), ("cancel", "Cancel"))
    )
    is_open = one.status == "G"
    return page(
        head(one) + (f'<form method="post">{buttons}</form>' if is_open else f"<p>It is {one.status}.</p>")
    )


def with_way(one: Transaction, title: str, inner: str) -> web.Response:
    """A bank's page, and the way to the simulated bank for people without its app."""
    link = f'<p><a href="/web/pay/{one.key}">Pay at the simulated bank</a></p>'
    return page(f"{head(one)}<h2>{escape(title)}</h2>{inner}{link}")


def autopost(one: Transaction) -> web.Response:
    """3-D secure: goes on to the bank's page by itself, or by its button (pack 5.9)."""
    return web.Response(
        text='<!doctype html><html><body onload="document.forms[0].submit()">'
        f'<form method="get" action="/web/pay/{one.key}"><button>Continue</button></form></body></html>',
        content_type="text/html",
        headers={"cache-control": "no-store"},
    )


def back(one: Transaction) -> web.Response:
    """To the shop, with what became of it, unsigned."""
    address = one.said.get("responseUrl", "")
    if not address:
        return page("<p>Done. Go back to the shop.</p>")
    words = {"resultCode": one.result, "referenceNo": one.reference, "gbpReferenceNo": one.number}
    return web.Response(
        status=303, headers={"location": f"{address}{'&' if '?' in address else '?'}{urlencode(words)}"}
    )
