"""The vault: card tokens (pack 4.1). In the simulator only; QuickKub never sees a card's number."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, bad, written
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.desk import Asked, mapping, text, whole
from quickkub.connectors.providers.omise.simulator.things import Token
from quickkub.kernel.clock import rfc3339

REFUSED_CARDS: Final = {"4111111111140011": "insufficient_fund"}
"""The test card of the documents; further ones are registered through the control API."""

_BRANDS: Final = {"4": "Visa", "5": "MasterCard", "3": "JCB"}
_MONTHS: Final = range(1, 13)
_DIGITS: Final = range(13, 20)


class Vault:
    """Takes cards and gives tokens."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def create(self, asked: Asked) -> web.Response:
        card = mapping(asked.words, "card")
        number = text(card, "number").replace(" ", "")
        month, year = whole(card, "expiration_month"), whole(card, "expiration_year")
        if not text(card, "name"):
            raise bad("name can't be blank", "invalid_card")
        if not (number.isascii() and number.isdigit() and len(number) in _DIGITS and _adds_up(number)):
            raise bad("number is invalid", "invalid_card")
        brand = _BRANDS.get(number[0])
        if brand is None:
            raise bad("brand not supported", "brand_not_supported")
        now = self._book.now
        if month not in _MONTHS or year is None or (year, month) < (now.year, now.month):
            raise bad("expiration date is invalid or in the past", "invalid_card")
        card_id = self._book.new_id("card", asked.shop)
        words = {
            "object": "card",
            "id": card_id,
            "livemode": asked.shop.is_live,
            "deleted": False,
            "brand": brand,
            "last_digits": number[-4:],
            "bank": "QUICKKUB DEMO BANK",
            "country": text(card, "country") or "th",
            "financing": "credit",
            "expiration_month": month,
            "expiration_year": year,
            "name": text(card, "name"),
            "city": text(card, "city") or None,
            "postal_code": text(card, "postal_code") or None,
            "phone_number": text(card, "phone_number") or None,
            "street1": text(card, "street1") or None,
            "security_code_check": bool(text(card, "security_code")),
            "created_at": rfc3339(now),
        }
        token = Token(self._book.new_id("tokn", asked.shop), card_id, asked.shop, number, now, words)
        self._book.tokens[token.id] = token
        return written(_shown(token))

    async def show(self, asked: Asked) -> web.Response:
        return written(_shown(self._book.token(asked.shop, asked.request.match_info["token"])))


def _shown(token: Token) -> Json:
    return {
        "object": "token",
        "id": token.id,
        "livemode": token.shop.is_live,
        "location": f"/tokens/{token.id}",
        "used": token.used,
        "charge_status": "unknown",
        "card": token.words,
        "created_at": rfc3339(token.made_at),
    }


def _adds_up(number: str) -> bool:
    """The check digit of a card's number (ISO/IEC 7812)."""
    total = 0
    for place, letter in enumerate(reversed(number)):
        digit = int(letter) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit  # noqa: PLR2004 -- a digit has one place
    return total % 10 == 0
