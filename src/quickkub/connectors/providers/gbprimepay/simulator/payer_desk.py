"""What the payer does on GBPrimePay's pages: OTPs of the wallet, Approve and Cancel everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import checks, pages
from quickkub.connectors.providers.gbprimepay.simulator.answers import Refused, incomplete
from quickkub.connectors.providers.gbprimepay.simulator.book import Book, Transaction
from quickkub.connectors.simulation.base import CannotPay, Pay

WRONG_OTP: Final = "000000"
CANCELLED: Final = "17"
BAD_OTP: Final = "55"


class PayerDesk:
    """`pay` and `end` are the simulator's own."""

    def __init__(
        self, book: Book, pay: Callable[[str, Pay], object], end: Callable[[str, str], None]
    ) -> None:
        self._book, self._pay, self._end = book, pay, end

    # --- the wallet's OTP (pack 5.4) ---

    async def send_otp(self, request: web.Request) -> web.Response:
        said = await checks.form(request)
        checks.require(said, "mobile_number", "ptx_id")
        return self._sent(self._wallet(said["ptx_id"]))

    async def resend_otp(self, request: web.Request) -> web.Response:
        return self._sent(self._wallet(request.query.get("paymentTransaction", "")))

    async def verify_otp(self, request: web.Request) -> web.Response:
        """Within 60 s, any six digits but 000000; then back to the shop."""
        said = await checks.form(request)
        checks.require(said, "otp_code", "otp_ref", "auth_code")
        one = next((t for t in self._book.transactions.values() if t.auth_code == said["auth_code"]), None)
        if one is None or one.otp_sent_at is None:
            raise incomplete()
        code = said["otp_code"]
        ends_at = one.otp_sent_at + timedelta(seconds=self._book.options.otp_seconds)
        is_right = len(code) == len(WRONG_OTP) and code.isascii() and code.isdigit() and code != WRONG_OTP
        return self._decided(one, "" if is_right and self._book.now() < ends_at else BAD_OTP)

    def _wallet(self, ptx_id: str) -> Transaction:
        one = self._book.by_key(ptx_id)
        if one is None or one.payment_type != "T":
            raise incomplete()
        return one

    def _sent(self, one: Transaction) -> web.Response:
        if one.status != "G":
            raise Refused(f"It is {one.status}")
        one.otp_sent_at, one.auth_code = self._book.now(), self._book.luck(24)
        return pages.otp(one)

    # --- everything else ---

    async def go(self, request: web.Request) -> web.Response:
        """The middle of the redirects."""
        one = self._at(request)
        return web.Response(status=302, headers={"location": f"/web/pay/{one.key}"})

    async def show(self, request: web.Request) -> web.Response:
        return pages.choice(self._at(request))

    async def press(self, request: web.Request) -> web.Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="these buttons are pressed on this page only")
        one = self._at(request)
        form = await request.post()
        return self._decided(one, "" if form.get("button") == "approve" else CANCELLED)

    def _at(self, request: web.Request) -> Transaction:
        one = self._book.by_key(request.match_info["key"])
        if one is None:
            raise web.HTTPNotFound(text="there is nothing to pay here")
        return one

    def _decided(self, one: Transaction, result: str) -> web.Response:
        try:
            if result:
                self._end(one.number, result)
            else:
                self._pay(one.number, Pay())
        except CannotPay as trouble:
            return pages.page(f"<p>Not done: {trouble}</p>")
        return pages.back(one)
