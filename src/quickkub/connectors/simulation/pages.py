"""The page on which a person plays the payer: what can be paid, and buttons to pay it well or badly.

Server-rendered, no script and nothing from elsewhere, readable on a phone.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from quickkub.connectors.simulation.base import BadControl, CannotPay, Item, NoSuchThing, ProviderSimulator
from quickkub.connectors.simulation.control import Control
from quickkub.connectors.simulation.faults import Fault, FaultKind
from quickkub.connectors.simulation.pictures import picture
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

_LATE_SECONDS: Final = 60
_SHOWN_MAX: Final = 50

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:46rem;padding:1rem}
body{color:#1a1a2e;background:#f6f5fb}
h1{font-size:1.3rem}
article{background:#fff;border:1px solid #d9d6ea;border-radius:.6rem;padding:1rem;margin:1rem 0}
.amount{font-size:1.6rem;font-weight:700}
.ref{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.state{float:right;border-radius:1rem;padding:.1rem .7rem;background:#e7e3f7}
.said{background:#fff3cd;padding:.6rem}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.5rem 0 0}
button{font:inherit;padding:.5rem .9rem;border:0;border-radius:.5rem;background:#4e2e7f;color:#fff}
button.odd{background:#8a5a00}
button:focus-visible,input:focus-visible{outline:3px solid #1a6fd4;outline-offset:2px}
input{font:inherit;width:6rem;padding:.4rem}
img{width:9rem;image-rendering:pixelated}
small{color:#55516b}
"""

_SAFE: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Page:
    """The page of one simulator and the forms on it."""

    def __init__(self, simulator: ProviderSimulator, control: Control) -> None:
        self._simulator = simulator
        self._control = control

    def mount(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/", self.show)
        app.router.add_post("/pay/{ref}", self.pressed)
        app.router.add_post("/drop-answer", self.drop_answer)
        app.router.add_post("/scan", self.scan)

    async def show(self, request: web.Request) -> web.Response:
        """The page; `?said=` is what came of the last button."""
        items = self._simulator.items(_SHOWN_MAX)
        said = request.query.get("said", "")
        now = self._simulator.world.clock.now()
        text = render(self._simulator.title, items, said=said, now=now)
        return web.Response(text=text, content_type="text/html", headers=_SAFE)

    async def pressed(self, request: web.Request) -> web.Response:
        """A button below an item."""
        _refuse_other_sites(request)
        form = await request.post()
        ref, button = request.match_info["ref"], str(form.get("button", ""))
        try:
            said = self._press(ref, button, {name: str(value) for name, value in form.items()})
        except (CannotPay, BadControl, NoSuchThing) as trouble:
            said = f"Not done: {trouble}"
        return _back(said)

    def _press(self, ref: str, button: str, form: dict[str, str]) -> str:
        match button:
            case "pay":
                self._control.do_pay(ref, {})
                return f"{ref} is paid."
            case "less":
                amount = form.get("amount", "")
                self._control.do_pay(ref, {"amount": amount})
                return f"{ref} is paid with {amount} baht."
            case "twice":
                moved = self._control.do_pay(ref, {"times": 2})
                return f"{ref} is paid {'twice' if len(moved) > 1 else 'once; it cannot be paid again'}."
            case "late":
                seconds = form.get("seconds", "")
                if not (seconds.isascii() and seconds.isdigit()):
                    raise BadControl("how late is a number of seconds")
                self._control.do_pay(ref, {"after_seconds": int(seconds)})
                return f"{ref} will be paid in {seconds} s."
            case "lose":
                self._control.do_pay(ref, {"callback": "drop", "lose_answer": True})
                return f"{ref} is paid, no confirmation is sent, and the next answer about it is dropped."
            case "cancelled" | "invalid":
                self._simulator.end(ref, button)
                return f"{ref} is {button}."
            case _:
                raise BadControl("there is no such button")

    async def drop_answer(self, request: web.Request) -> web.Response:
        """The button above the list: the next request is carried out and its answer never arrives."""
        _refuse_other_sites(request)
        self._simulator.world.faults.add(Fault(FaultKind.DROP_ANSWER))
        return _back("The answer to the next request will be dropped.")

    async def scan(self, request: web.Request) -> web.Response:
        """Pay a QR by its text."""
        _refuse_other_sites(request)
        form = await request.post()
        try:
            ref = self._simulator.scan(str(form.get("qr", "")).strip())
            self._control.do_pay(ref, {})
        except (CannotPay, BadControl, NoSuchThing) as trouble:
            return _back(f"Not done: {trouble}")
        return _back(f"{ref} is paid.")


def _refuse_other_sites(request: web.Request) -> None:
    """A page elsewhere in the same browser must not press our buttons."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="these buttons are pressed on this page only")


def _back(said: str) -> web.Response:
    return web.Response(status=303, headers={"location": f"/?said={quote(said)}"})


def render(title: str, items: list[Item], *, said: str, now: datetime) -> str:
    """The whole page as HTML."""
    listed = (
        "".join(_item(item) for item in items) or "<p>Nothing to pay yet. Make a payment and come back.</p>"
    )
    told = f'<p class="said" role="status">{escape(said)}</p>' if said else ""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>
<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>
<p><small>You are the payer. No real money moves here.
The bank's clock says {_clock(now)} in Bangkok.</small></p>
{told}
<form method="post" action="/drop-answer">
<button class="odd">Drop the answer to the next request</button></form>
<form method="post" action="/scan"><input name="qr" aria-label="QR text" placeholder="0002…">
<button>Pay this QR text</button></form>
{listed}</body></html>"""


def _item(item: Item) -> str:
    ref = escape(item.ref)
    ends = f" · until {_clock(item.expires_at)}" if item.expires_at else ""
    paid = f"<p>Paid: {', '.join(decimal_text(amount) for amount in item.paid)} baht</p>" if item.paid else ""
    image = (
        f'<img alt="QR code" src="data:image/png;base64,{escape(picture(item.qr_text))}">'
        if item.qr_text
        else ""
    )
    return f"""<article><span class="state">{escape(item.state)}</span>
<div class="amount">{decimal_text(item.amount)} baht</div><div class="ref">{ref}</div>
<small>{escape(item.kind)} · made {_clock(item.made_at)}{ends} {escape(item.note)}</small>{paid}{image}
<form method="post" action="/pay/{quote(item.ref)}">
{_button("pay", "Pay")}{_button("twice", "Pay twice")}{_button("lose", "Drop the answer")}
{_button("cancelled", "Cancel")}</form>
<form method="post" action="/pay/{quote(item.ref)}"><input name="amount" aria-label="amount in baht"
 value="{_less(item.amount)}">{_button("less", "Pay less")}</form>
<form method="post" action="/pay/{quote(item.ref)}"><input name="seconds" aria-label="seconds"
 inputmode="numeric" value="{_LATE_SECONDS}"> s {_button("late", "Pay late")}</form></article>"""


def _button(name: str, label: str) -> str:
    odd = "" if name == "pay" else ' class="odd"'
    return f'<button name="button" value="{name}"{odd}>{label}</button>'


def _less(amount: Money) -> str:
    return decimal_text(Money(max(amount.minor // 2, 1), amount.currency))


def _clock(moment: Any) -> str:
    return str(moment.astimezone(BANGKOK).strftime("%Y-%m-%d %H:%M:%S"))
