"""Events: kept, signed, sent (pack 5), and again after one, five and thirty minutes (pack 5.2, ASSUMED)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from quickkub.connectors.providers.omise.simulator.answers import Json, dumped
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.register import Options, Shop
from quickkub.connectors.simulation.post import Letter, Patience, Post
from quickkub.kernel.clock import rfc3339

RETRY_MINUTES: Final = (1, 5, 30)
ANSWER_SECONDS: Final = 10
NEWEST: Final = "2019-05-29"


class RetryingPost(Post):
    """The first try and those after it, each later than the one before."""

    async def _deliver(self, letter: Letter, tries: int) -> None:
        if await self._call(letter):
            letter.state = "accepted"
        elif tries <= len(RETRY_MINUTES):
            wait_ms = 60_000 * RETRY_MINUTES[tries - 1]
            self._at(wait_ms, lambda: self._deliver(letter, tries + 1))
        else:
            letter.state = "given_up"


class Mail:
    """Sends events to a shop's address and to those a charge names."""

    def __init__(self, book: Book, options: Options) -> None:
        self._book = book
        self.options = options
        self.post = RetryingPost(
            book.world, is_proper, Patience(1 + len(RETRY_MINUTES), 60 * RETRY_MINUTES[0], ANSWER_SECONDS)
        )

    def send(
        self, shop: Shop, key: str, data: Json, endpoints: list[str] | None = None, callback: str = "send"
    ) -> None:
        """Keep the event and let it go its way."""
        name = self._book.new_id("evnt", shop)
        event: Json = {
            "object": "event",
            "id": name,
            "livemode": shop.is_live,
            "location": f"/events/{name}",
            "key": key,
            "created_at": rfc3339(self._book.now),
            "webhook_deliveries": [],
            "data": data,
        }
        self._book.events.setdefault(shop.secret_key, []).append(event)
        body = dumped({**event, "data": self._aged(data)})
        forged = dumped(
            {**event, "data": {**data, "amount": 2 * data.get("amount", 0), "status": "successful"}}
        )
        headers = {"content-type": "application/json", **self._signed(shop, body)}
        for url in dict.fromkeys([*filter(None, [shop.webhook_uri]), *(endpoints or [])]) or [None]:
            self.post.send(name, url, body, callback=callback, forged=forged, headers=headers)

    def _signed(self, shop: Shop, body: bytes) -> Mapping[str, str]:
        if self.options.webhook_signing == "off" or not shop.webhook_secret:
            return {}
        stamp = str(int(self._book.now.timestamp()))
        secrets = [shop.webhook_secret]
        if self.options.webhook_signing == "rotating" and shop.previous_webhook_secret:
            secrets.append(shop.previous_webhook_secret)
        marks = ",".join(signature(secret, stamp, body) for secret in secrets)
        return {"Omise-Signature": marks, "Omise-Signature-Timestamp": stamp}

    def _aged(self, data: Json) -> Json:
        """An account of an older version hears of its charges in that version's words (pack 5, 11.5)."""
        if self.options.webhook_version == NEWEST:
            return data
        older: dict[str, Any] = {**data, "currency": str(data.get("currency", "")).lower()}
        if "paid" in older:
            older["captured"] = older.pop("paid")
        return older


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over `timestamp.body` with the secret taken out of its base64."""
    return hmac.new(base64.b64decode(secret), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def is_proper(status: int, answer: bytes, letter: Letter) -> bool:
    """Any success; nobody reads the answer (pack 5.2)."""
    return 200 <= status < 300  # noqa: PLR2004 -- HTTP's successes
