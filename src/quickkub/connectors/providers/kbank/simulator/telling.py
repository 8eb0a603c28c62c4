"""Callbacks of each product with its own words, patience and proper answer (pack A9, B7, C)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.book import Sale
from quickkub.connectors.providers.kbank.simulator.register import Options, Registry
from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.kernel.money import Money, decimal_text

Words = Callable[[Sale, Money], dict[str, Any]]

OK: Final = 200


class Teller:
    """A post for each product, because each has its own patience."""

    def __init__(
        self, world: World, registered: Registry, options: Options, words: Mapping[str, Words]
    ) -> None:
        self._registered, self._words = registered, words
        self.options = options
        self._posts = {
            "qr": Post(world, _is_business_ok, _patience(options, "qr")),
            "kgp": Post(world, _is_ok, _patience(options, "kgp")),
            "kplus": Post(world, _is_business_ok, _patience(options, "kplus")),
        }

    def change(self, options: Options) -> None:
        self.options = options
        for product, post in self._posts.items():
            post.patience = _patience(options, product)

    def tell(self, sale: Sale, callback: str = "send") -> None:
        """Send what the product says about this sale now; the false one claims twice the amount."""
        product = sale.kind.product
        doubled = Money(2 * sale.amount.minor)
        self._posts[product].send(
            f"{sale.key}:{sale.state}",
            self._registered.addresses.get(product),
            self._body(sale, sale.amount, genuine=self.options.kgp_checksum == "right"),
            callback=callback,
            forged=self._body(sale, doubled, genuine=False),
        )

    def _body(self, sale: Sale, amount: Money, *, genuine: bool) -> bytes:
        words = self._words[sale.kind.product](sale, amount)
        if sale.kind.product == "kgp":
            key = sale.app.kgp_secret_key if genuine else "skey_test_somebodyELSE"
            words = {**words, "checksum": checksum(words, amount, key)}
        return answers.encoded(words)

    def letters(self) -> list[Letter]:
        found = [letter for post in self._posts.values() for letter in post.letters]
        return sorted(found, key=lambda letter: (letter.tries[0].at if letter.tries else "", letter.number))

    def forget(self) -> None:
        for post in self._posts.values():
            post.forget()

    async def close(self) -> None:
        for post in self._posts.values():
            await post.close()


def checksum(charge: Mapping[str, Any], amount: Money, key: str) -> str:
    """SHA-256 of id, amount with four decimals, currency, status, state and secret key (pack B7)."""
    parts = (
        charge["id"],
        f"{decimal_text(amount)}00",
        charge["currency"],
        charge["status"],
        charge["transaction_state"],
        key,
    )
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _is_business_ok(status: int, answer: bytes, _: Letter) -> bool:
    """HTTP 200 and `statusCode` 00."""
    try:
        said = json.loads(answer, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return status == OK and isinstance(said, dict) and said.get("statusCode") == "00"


def _is_ok(status: int, answer: bytes, letter: Letter) -> bool:
    """KGP looks at the status only, as far as known."""
    return status == OK


def _patience(options: Options, product: str) -> Patience:
    if product == "kgp":
        tries, apart = options.kgp_webhook_tries, options.kgp_webhook_apart_seconds
    else:
        tries, apart = options.callback_tries, options.callback_apart_seconds
    return Patience(tries, apart, options.callback_answer_seconds)
