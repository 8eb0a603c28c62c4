"""The simulator's memory of all shops: things by id, the ledger, and what is made when money moves."""

from __future__ import annotations

import string
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from quickkub.connectors.providers.omise.simulator.answers import Json, missing
from quickkub.connectors.providers.omise.simulator.register import Shop
from quickkub.connectors.providers.omise.simulator.things import Charge, Dispute, Source, Token
from quickkub.connectors.simulation.base import Movement, World
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money

_LETTERS: Final = string.digits + string.ascii_lowercase
_ID_LETTERS: Final = 19

T = TypeVar("T", Charge, Source, Token, Dispute)


class Book:
    """Everything that was made. Objects of another shop are not found."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.charges: dict[str, Charge] = {}
        self.sources: dict[str, Source] = {}
        self.tokens: dict[str, Token] = {}
        self.disputes: dict[str, Dispute] = {}
        self.transactions: dict[str, list[Json]] = {}
        self.transfers: dict[str, dict[str, Json]] = {}
        self.recipients: dict[str, dict[str, Json]] = {}
        self.events: dict[str, list[Json]] = {}
        self._by_name: dict[str, Charge] = {}

    def clear(self) -> None:
        for kept in (self.charges, self.sources, self.tokens, self.disputes, self._by_name):
            kept.clear()
        for kept_by_shop in (self.transactions, self.transfers, self.recipients, self.events):
            kept_by_shop.clear()
        self.world.movements.clear()

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def new_id(self, prefix: str, shop: Shop) -> str:
        """`chrg_test_` and 19 letters of base 36; without `test_` for a live shop (pack 2)."""
        tail = "".join(self.world.random.choice(_LETTERS) for _ in range(_ID_LETTERS))
        return f"{prefix}_{'' if shop.is_live else 'test_'}{tail}"

    def charge(self, shop: Shop, charge: str) -> Charge:
        """Raises Refused."""
        return _of(shop, self.charges.get(charge), f"charge {charge}")

    def source(self, shop: Shop, source: str) -> Source:
        return _of(shop, self.sources.get(source), f"source {source}")

    def token(self, shop: Shop, token: str) -> Token:
        return _of(shop, self.tokens.get(token), f"token {token}")

    def dispute(self, shop: Shop, dispute: str) -> Dispute:
        return _of(shop, self.disputes.get(dispute), f"dispute {dispute}")

    def charges_of(self, shop: Shop) -> list[Charge]:
        """Oldest first."""
        return [charge for charge in self.charges.values() if charge.shop is shop]

    def keep(self, charge: Charge) -> Charge:
        """A charge is also found by its source, its payment page and every text of its metadata."""
        self.charges[charge.id] = charge
        names: Iterable[Any] = (*charge.metadata.values(), charge.payment, charge.source and charge.source.id)
        self._by_name.update({name: charge for name in names if isinstance(name, str) and name})
        return charge

    def named(self, name: str) -> Charge | None:
        """By id, or the newest charge of that name."""
        return self.charges.get(name) or self._by_name.get(name)

    def enter(self, shop: Shop, key: str, direction: str, amount: Money, origin: str) -> Json:
        """A line of the ledger (pack 4.10)."""
        name, now = self.new_id("trxn", shop), rfc3339(self.now)
        line = {
            "object": "transaction",
            "id": name,
            "livemode": shop.is_live,
            "location": f"/transactions/{name}",
            "direction": direction,
            "key": key,
            "amount": amount.minor,
            "currency": amount.currency.code,
            "origin": origin,
            "transferable_at": now,
            "created_at": now,
        }
        self.transactions.setdefault(shop.secret_key, []).append(line)
        return line

    def ledger(self, shop: Shop) -> list[Json]:
        return self.transactions.get(shop.secret_key, [])

    def balance(self, shop: Shop, opening: int) -> int:
        """In satang: what came in less what went out."""
        total = opening
        for line in self.ledger(shop):
            total += line["amount"] if line["direction"] == "credit" else -line["amount"]
        return total

    def take(self, charge: Charge, amount: Money) -> Movement:
        """The payer's money is Omise's now; the ledger gets what is left of it."""
        charge.captured, charge.paid_at, charge.status = amount.minor, self.now, "successful"
        line = self.enter(charge.shop, "charge.captured.net", "credit", charge.net(), charge.id)
        charge.transaction = line["id"]
        movement = Movement(
            charge.id,
            charge.id,
            str(charge.metadata.get("qk_payment", "")),
            amount,
            self.now,
            {"kind": charge.source.type if charge.source else "card", "transaction": line["id"]},
        )
        self.world.movements.append(movement)
        return movement


def _of(shop: Shop, found: T | None, what: str) -> T:
    if found is None or found.shop is not shop:
        raise missing(what)
    return found
