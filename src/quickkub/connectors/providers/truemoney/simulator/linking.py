"""Linking a wallet by a one-time password, and payment codes of it (pack 5.1). Nothing here is signed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.truemoney.simulator.answers import Json, Refused, envelope
from quickkub.connectors.providers.truemoney.simulator.book import Book, Code, Link
from quickkub.connectors.providers.truemoney.simulator.register import Partner
from quickkub.connectors.reading import Garbled, read_object

TERMS: Final = "https://www.truemoney.com/terms-conditions/"
AGREEMENT: Final = "online_merchant"
_PHONE: Final = re.compile(r"0[0-9]{9}")


class Links:
    """Handlers; each raises Refused."""

    def __init__(self, book: Book, partners: Mapping[str, Partner]) -> None:
        self._book, self._partners = book, partners

    async def apply(self, request: web.Request) -> web.Response:
        """Send the password. It is always the one of the options."""
        said = await _words(request)
        partner = self._partner(said)
        if said.get("client_secret") != partner.client_secret:
            raise Refused("invalid_client", status=401)
        account = said.get("tmn_account")
        if not isinstance(account, str) or _PHONE.fullmatch(account) is None or not said.get("mobile_number"):
            raise Refused("invalid_parameter", "tmn_account is a mobile number")
        link = Link(partner, account, self._book.luck(4), self._book.luck(12), self._book.now())
        self._book.links[link.auth_code] = link
        return _ok(
            {
                "otp_ref": link.otp_ref,
                "auth_code": link.auth_code,
                "agreement_id": AGREEMENT,
                "linking_agreement": TERMS,
            }
        )

    async def tokens(self, request: web.Request) -> web.Response:
        said = await _words(request)
        partner = self._partner(said)
        link = self._book.links.get(str(said.get("auth_code")))
        asked = (said.get("grant_type"), said.get("agreement_id"))
        if link is None or link.partner is not partner or asked != ("password", AGREEMENT):
            raise Refused("invalid_parameter", "auth_code, grant_type or agreement_id is wrong")
        if (said.get("tmn_account"), said.get("otp_ref")) != (link.account, link.otp_ref):
            raise Refused("invalid_parameter", "tmn_account or otp_ref is wrong")
        options, now = self._book.options, self._book.now()
        if now >= link.begun_at + timedelta(seconds=options.otp_seconds) or link.token:
            raise Refused("otp_expired")
        link.tries += 1
        if link.tries > options.otp_tries:
            raise Refused("otp_expired")
        if said.get("otp_code") != options.otp_code:
            raise Refused("invalid_otp")
        link.token = f"at-{self._book.luck(20)}"
        link.token_until = now + timedelta(seconds=options.token_seconds)
        return _ok(
            {
                "access_token": link.token,
                "refresh_token": f"rt-{self._book.luck(20)}",
                "scope": "",
                "token_type": "bearer",
                "expires_in": options.token_seconds,
            }
        )

    async def code(self, request: web.Request) -> web.Response:
        """A code that works once."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        link = next((one for one in self._book.links.values() if token and one.token == token), None)
        now = self._book.now()
        is_good = link is not None and link.token_until is not None and now < link.token_until
        if scheme.lower() != "bearer" or not is_good:
            raise Refused("invalid_client", "the token is not valid", status=401)
        if request.query.get("type") != "online-merchant":
            raise Refused("invalid_parameter", "type is online-merchant")
        code = f"17{self._book.luck(16)}"
        self._book.codes[code] = Code(now + timedelta(seconds=self._book.options.code_seconds))
        return _ok({"payment_code": code})

    def _partner(self, said: Json) -> Partner:
        found = next((p for p in self._partners.values() if p.client_id == said.get("client_id")), None)
        if found is None:
            raise Refused("invalid_client", status=401)
        return found


async def _words(request: web.Request) -> Json:
    try:
        return read_object(await request.read())
    except Garbled as garbled:
        raise Refused("invalid_parameter", str(garbled)) from None


def _ok(data: Json) -> web.Response:
    return web.Response(body=envelope(data), content_type="application/json")
