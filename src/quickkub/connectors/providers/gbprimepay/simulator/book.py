"""What GBPrimePay keeps: transactions with their letters of state, card tokens (pack 5, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from quickkub.connectors.providers.gbprimepay.simulator.register import Options, Shop
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.money import Money

KINDS: Final = {
    "Q": "QR cash",
    "V": "QR credit",
    "B": "bill payment",
    "A": "Atome",
    "S": "ShopeePay",
    "C": "card",
    "I": "instalment",
    "W": "WeChat",
    "L": "LINE Pay",
    "T": "TrueMoney Wallet",
    "M": "mobile banking",
    "P": "Alipay",
}
"""By paymentType; Alipay's letter is not in the pack and is made up."""

REFERENCE_2_MAX: Final = 18


@dataclass(slots=True)
class Transaction:
    """One transaction. `said` is what came with it; `status` is the inquiry's letter once settled."""

    number: str
    digits: str
    shop: Shop
    reference: str
    amount: Money
    payment_type: str
    made_at: datetime
    said: Mapping[str, str]
    key: str
    status: str = "G"
    paid_at: datetime | None = None
    result: str = ""
    qr_text: str = ""
    card: str = ""
    bank: str = ""
    otp_sent_at: datetime | None = None
    auth_code: str = ""
    movement: Movement | None = field(default=None)

    @property
    def is_shown(self) -> bool:
        """Whether the payer pays it from a picture, so that nobody is told when they do not."""
        return self.payment_type in ("Q", "V", "B")


class Duplicate(Exception):
    """The shop has used this reference."""


@dataclass(slots=True)
class CardToken:
    """A card made into a token; the whole number is not kept."""

    masked: str
    location: str
    brand: str
    result: str


class Book:
    """All transactions of one simulated GBPrimePay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options = Options()
        self.transactions: dict[str, Transaction] = {}
        self.tokens: dict[tuple[str, str], CardToken] = {}
        self.refused_cards: dict[str, str] = {}
        self._by_reference: dict[tuple[str, str], Transaction] = {}
        self._by_key: dict[str, Transaction] = {}

    def clear(self) -> None:
        for kept in (self.transactions, self.tokens, self._by_reference, self._by_key):
            kept.clear()
        self._world.movements.clear()

    def now(self) -> datetime:
        return self._world.clock.now()

    def luck(self, digits: int) -> str:
        return f"{self._world.random.randrange(10**digits):0{digits}d}"

    def add(
        self, shop: Shop, reference: str, amount: Money, payment_type: str, said: Mapping[str, str]
    ) -> Transaction:
        """Raises Duplicate."""
        if (shop.secret_key, reference) in self._by_reference:
            raise Duplicate(reference)
        digits = self.luck(15)
        made = Transaction(
            f"gbp{digits}",
            digits,
            shop,
            reference,
            amount,
            payment_type,
            self.now(),
            said,
            self.luck(18),
        )
        self.transactions[made.number] = made
        self._by_reference[shop.secret_key, reference] = made
        self._by_key[made.key] = made
        return made

    def of_reference(self, shop: Shop, reference: str) -> Transaction | None:
        return self._by_reference.get((shop.secret_key, reference))

    def by_key(self, key: str) -> Transaction | None:
        """By ptx_id and the like."""
        return self._by_key.get(key)

    def find(self, name: str) -> Transaction | None:
        """By GBPrimePay's number, or by the newest with this reference."""
        found = self.transactions.get(name)
        return found or next((t for t in reversed(self.transactions.values()) if t.reference == name), None)

    def shown_status(self, one: Transaction) -> str:
        """The inquiry's letter: what was just paid is not settled yet, where the options say so."""
        if one.status == "S" and one.paid_at is not None:
            settled_at = one.paid_at + timedelta(seconds=self.options.settle_seconds)
            return "S" if self.now() >= settled_at else "G"
        return one.status

    def is_over(self, one: Transaction) -> bool:
        return one.is_shown and self.now() >= one.made_at + timedelta(seconds=self.options.qr_seconds)

    def settle(self, one: Transaction, amount: Money | None) -> Movement:
        """The payer pays. Raises CannotPay."""
        if one.status != "G":
            raise CannotPay(f"it is {one.status}")
        if amount is not None and amount != one.amount:
            raise CannotPay("the amount is fixed")
        if one.is_shown and len(one.reference) > REFERENCE_2_MAX:
            raise CannotPay("the bank app refuses this QR: reference 2 is too long")
        if self.is_over(one):
            raise CannotPay("the QR is over")
        one.status, one.result, one.paid_at = "S", "00", self.now()
        one.movement = Movement(
            one.number,
            one.number,
            one.reference,
            one.amount,
            one.paid_at,
            {"paymentType": one.payment_type},
        )
        self._world.movements.append(one.movement)
        return one.movement

    def decline(self, one: Transaction, result: str) -> None:
        """Raises CannotPay."""
        if one.status != "G":
            raise CannotPay(f"it is {one.status}")
        one.status, one.result = "D", result
