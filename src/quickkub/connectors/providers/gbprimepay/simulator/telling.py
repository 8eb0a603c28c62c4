"""Webhooks: JSON for QRs, a form for all else, unsigned, repeated with retryFlag `Y` (pack 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from quickkub.connectors.providers.gbprimepay.simulator.answers import MESSAGES, written
from quickkub.connectors.providers.gbprimepay.simulator.book import Book, Transaction
from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.kernel.clock import BANGKOK

AS_JSON: Final = frozenset({"Q", "V", "B", "A", "S"})
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_JSON: Final = {"content-type": "application/json"}
_ECHOED: Final = (
    "customerName",
    "customerEmail",
    "customerTelephone",
    "customerAddress",
    *(f"merchantDefined{n}" for n in range(1, 6)),
    "detail",
)
_FEES: Final = {"Q": Decimal("0.01"), "B": Decimal("0.01")}
_FEE: Final = Decimal("0.025")
_VAT: Final = Decimal("0.07")


class Telling:
    """Tells a shop what became of a transaction."""

    def __init__(self, world: World, book: Book) -> None:
        self._book = book
        self._world = world
        # Each try is a letter of its own, because its words differ: the post itself does not repeat.
        self.post = Post(world, _is_proper, Patience(1, 1))

    def tell(self, one: Transaction, callback: str) -> None:
        url = one.said.get("backgroundUrl") or one.shop.callback_url or None
        body, headers = self._written(one, "N")
        forged, _ = self._written(one, "N", false=True)
        letter = self.post.send(one.number, url, body, callback=callback, headers=headers, forged=forged)
        if url is not None and letter.state == "waiting":
            self._again(one, letter, url, 1)

    def _again(self, one: Transaction, letter: Letter, url: str, tries: int) -> None:
        """Look later whether the letter was accepted, and if not write another."""
        options = self._book.options
        if tries >= options.callback_tries:
            return

        async def look() -> None:
            if letter.state == "accepted":
                return
            body, headers = self._written(one, "Y")
            self._again(one, self.post.send(one.number, url, body, headers=headers), url, tries + 1)

        self._world.schedule.after(timedelta(seconds=options.callback_apart_seconds), look)

    def _written(
        self, one: Transaction, retry: str, *, false: bool = False
    ) -> tuple[bytes, Mapping[str, str]]:
        words = self._words(one, retry, false=false)
        if one.payment_type in AS_JSON:
            return written(words).encode(), _JSON
        said = {name: _text(value) for name, value in words.items() if value is not None}
        return urlencode(said).encode(), _FORM

    def _words(self, one: Transaction, retry: str, *, false: bool) -> dict[str, Any]:
        amount = Decimal(one.amount.minor).scaleb(-2)
        if false or self._book.options.wrong_webhook_amount:
            amount += 1
        fee, vat = charges_of(one)
        at = (one.paid_at or self._book.now()).astimezone(BANGKOK)
        words: dict[str, Any] = {
            "amount": amount,
            "retryFlag": retry,
            "referenceNo": one.reference,
            "gbpReferenceNo": one.number,
            "currencyCode": "764",
            "resultCode": "00" if false else one.result,
            "resultMessage": None if one.result == "00" else MESSAGES.get(one.result),
            "totalAmount": amount,
            "fee": fee,
            "vat": vat,
            "thbAmount": amount,
            **{name: one.said.get(name) for name in _ECHOED},
            "date": at.strftime("%d%m%Y"),
            "time": at.strftime("%H%M%S"),
            "paymentType": one.payment_type,
        }
        if one.payment_type in ("C", "I"):
            words |= {"cardNo": one.card or "453501XXXXXX5741", "issuerBank": one.bank or "KBANK"}
        if one.payment_type == "I":
            months = int(one.said["term"])
            words |= {"payMonth": str(months), "amountPerMonth": (amount * 100 // months).scaleb(-2)}
        return words


def charges_of(one: Transaction) -> tuple[Decimal, Decimal]:
    """What GBPrimePay keeps, and the VAT on it, in baht and finer than a satang (pack 5.12)."""
    amount = Decimal(one.amount.minor).scaleb(-2)
    fee = (amount * _FEES.get(one.payment_type, _FEE)).quantize(Decimal("0.001"))
    return fee, (fee * _VAT).quantize(Decimal("0.00001"))


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _is_proper(status: int, _: bytes, __: Letter) -> bool:
    """Any 200; what it says is not read."""
    return status == 200  # noqa: PLR2004 -- HTTP's OK
