"""Cards: a token by the public key, a charge by the secret key, 3-D secure by the payer (pack 5.9)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import answers, checks, pages
from quickkub.connectors.providers.gbprimepay.simulator.answers import Json, coded, incomplete
from quickkub.connectors.providers.gbprimepay.simulator.book import (
    Book,
    CardToken,
    Duplicate,
    Transaction,
)
from quickkub.connectors.providers.gbprimepay.simulator.checks import Desk
from quickkub.connectors.simulation.base import Pay, World

_NUMBER: Final = re.compile(r"[0-9]{12,19}")
_BRANDS: Final = {"3": "JCB", "4": "VIS", "5": "MAS", "6": "UPI"}
_ECHOED: Final = (
    "detail",
    "customerName",
    "customerEmail",
    "customerTelephone",
    "customerAddress",
    *(f"merchantDefined{n}" for n in range(1, 6)),
)


class CardDesk:
    """`pay` and `end` are the simulator's own."""

    def __init__(
        self,
        world: World,
        book: Book,
        desk: Desk,
        pay: Callable[[str, Pay], object],
        end: Callable[[str, str], None],
    ) -> None:
        self._world, self._book, self._desk = world, book, desk
        self._pay, self._end = pay, end

    async def make_token(self, request: web.Request) -> web.Response:
        shop = self._desk.by_basic(request, public=True)
        said = await checks.json_words(request)
        card = said.get("card")
        if not isinstance(card, dict):
            raise incomplete()
        number, name = str(card.get("number", "")), str(card.get("name", ""))
        month, year = str(card.get("expirationMonth", "")), str(card.get("expirationYear", ""))
        if _NUMBER.fullmatch(number) is None:
            raise coded("14", "Invalid card number")
        if not name or re.fullmatch(r"[0-9]{3,4}", str(card.get("securityCode", ""))) is None:
            raise incomplete()
        if re.fullmatch(r"(0[1-9]|1[0-2])[0-9]{2}", month + year) is None:
            raise coded("30")
        now = self._book.now()
        if (2000 + int(year), int(month)) < (now.year, now.month):
            raise coded("54")
        token = str(uuid.UUID(int=self._world.random.getrandbits(128), version=4))
        masked = f"{number[:6]}{'X' * (len(number) - 10)}{number[-4:]}"
        brand = _BRANDS.get(number[0], "UNK")
        result = self._book.refused_cards.get(number, "00")
        self._book.tokens[shop.secret_key, token] = CardToken(masked, "I", brand, result)
        shown = {"number": masked, "expirationMonth": month, "expirationYear": year, "name": name}
        return answers.answer(
            {
                "rememberCard": said.get("rememberCard") is True,
                "resultCode": "00",
                "resultMessage": None,
                "card": {**shown, "token": token, "cardLocation": "I", "cardType": brand},
            }
        )

    async def charge(self, request: web.Request) -> web.Response:
        shop = self._desk.by_basic(request, public=False)
        said = await checks.json_words(request)
        card = said.get("card")
        texts = {name: str(value) for name, value in said.items() if isinstance(value, str)}
        checks.require(texts, "referenceNo", "otp")
        reference, amount = checks.reference(texts), checks.number_amount(said)
        if not isinstance(card, dict) or texts["otp"] not in ("Y", "N"):
            raise incomplete()
        if texts["otp"] == "Y":
            checks.address(texts, "responseUrl")
            checks.address(texts, "backgroundUrl")
        token = self._book.tokens.get((shop.secret_key, str(card.get("token", ""))))
        if token is None:
            raise coded("14", "Invalid card token", referenceNo=reference)
        try:
            one = self._book.add(shop, reference, amount, "C", texts)
        except Duplicate:
            raise coded("94", referenceNo=reference) from None
        one.card = token.masked
        if token.result != "00":
            self._end(one.number, token.result)
        elif texts["otp"] == "N":
            self._pay(one.number, Pay())
        return answers.answer(_charged(one, token.result))

    async def prove_payer(self, request: web.Request) -> web.Response:
        """`publicKey` and `gbpReferenceNo` in a form or in the query; answers with a page that goes on."""
        said = await checks.form(request)
        checks.require(said, "publicKey", "gbpReferenceNo")
        shop = self._desk.by_public_key(said["publicKey"])
        one = self._book.transactions.get(said["gbpReferenceNo"])
        if one is None or one.shop is not shop or one.payment_type != "C":
            raise coded("12")
        return pages.autopost(one)


def _charged(one: Transaction, result: str) -> Json:
    body: dict[str, Any] = {
        "resultCode": result,
        "resultMessage": None if result == "00" else answers.MESSAGES.get(result, "Refused"),
        "referenceNo": one.reference,
        "gbpReferenceNo": one.number,
        "amount": Decimal(one.amount.minor).scaleb(-2),
    }
    return {**body, **{name: one.said.get(name) for name in _ECHOED}, "messageToMerchant": None}
