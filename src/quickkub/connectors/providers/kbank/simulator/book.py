"""Everything that can be paid, of all three products, and the money that moved for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from quickkub.connectors.providers.kbank.simulator.register import App
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

QR_LIVES: Final = timedelta(minutes=10)
TOKEN_LIVES: Final = timedelta(minutes=30)


class Kind(Enum):
    """What is sold. The product is the part before the blank."""

    THAI_QR = "qr thai"
    CARD_QR = "qr card"
    CARD = "kgp card"
    ALIPAY = "kgp alipay"
    KGP_QR = "kgp qr"
    KPLUS = "kplus app"

    @property
    def product(self) -> str:
        return self.value.partition(" ")[0]


# The states of all products mean one of these to a payer.
OPEN: Final = frozenset({"REQUESTED", "PENDING", "Initialize", "Pre-Authorized"})
DONE: Final = frozenset({"PAID", "Authorized", "Refund Sent"})


@dataclass(slots=True)
class Sale:
    """One thing to pay. `key` is its own id, `reference` the merchant's, `state` the product's own word.

    `number` is the payment's: a session number (`APIC…`) until a QR is paid. `said` are the words it was made
    with; `more` what the product has to remember.
    """

    key: str
    kind: Kind
    app: App
    reference: str
    amount: Money
    made_at: datetime
    expires_at: datetime | None
    state: str
    said: dict[str, Any]
    number: str = ""
    qr_text: str = ""
    paid_at: datetime | None = None
    paid_by: str = ""
    is_settled: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def refunds(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.more.setdefault("refunds", [])
        return found


class Book:
    """Sales by key, and used ids of requests."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sales: dict[str, Sale] = {}
        self.used_uids: set[tuple[str, str]] = set()
        self.used_tokens: set[str] = set()

    def clear(self) -> None:
        self.sales.clear()
        self.used_uids.clear()
        self.used_tokens.clear()
        self._world.movements.clear()

    def add(self, sale: Sale) -> Sale:
        self.sales[sale.key] = sale
        return sale

    def find(self, name: str, *products: str) -> Sale | None:
        """By its own id, the merchant's reference, or a number; the newest first."""
        for sale in reversed(self.sales.values()):
            names = (sale.key, sale.reference, sale.number, sale.more.get("order_id"))
            if name and name in names and (not products or sale.kind.product in products):
                return sale
        return None

    def now(self) -> datetime:
        return self._world.clock.now()

    def state_of(self, sale: Sale) -> str:
        """The state now: an open one ends by time (pack A12)."""
        if sale.state in OPEN and sale.expires_at is not None and self.now() >= sale.expires_at:
            return "Declined" if sale.kind.product == "kgp" else "EXPIRED"
        return sale.state

    def may_be_paid(self, sale: Sale) -> bool:
        """A cancelled card QR can still be paid while it lives (pack A6)."""
        late_card = sale.kind is Kind.CARD_QR and sale.state == "CANCELLED"
        alive = sale.expires_at is None or self.now() < sale.expires_at
        shown = sale.kind is not Kind.KGP_QR or bool(sale.qr_text)
        return alive and shown and (sale.state in OPEN or late_card)

    def pay(self, sale: Sale, amount: Money, by: str) -> Movement:
        """Move the money. Raises CannotPay."""
        if not self.may_be_paid(sale):
            raise CannotPay(f"it is {self.state_of(sale)}")
        if amount != sale.amount:
            raise CannotPay("the amount is fixed by the QR, the card page or the app")
        now = self.now()
        number = sale.key if sale.kind.product == "kgp" else self._number()
        sale.number, sale.paid_at, sale.paid_by = number, now, by or "KPLUS"
        sale.state = "Authorized" if sale.kind.product == "kgp" else "PAID"
        if sale.kind.product == "kgp":
            sale.more["approval_code"] = f"{self._world.random.randrange(10**6):06d}"
        movement = Movement(number, sale.key, sale.reference, amount, now, {"channel": sale.paid_by})
        self._world.movements.append(movement)
        return movement

    def movement_of(self, sale: Sale) -> Movement | None:
        return next((m for m in self._world.movements if m.item == sale.key), None)

    def take_back(self, sale: Sale, state: str) -> None:
        """The whole payment goes back."""
        movement = self.movement_of(sale)
        if movement is not None:
            movement.reversed = True
        sale.state = state

    def is_paid_today(self, sale: Sale) -> bool:
        """Whether it was paid on the present day of Bangkok, the bank's business day."""
        return sale.paid_at is not None and day(sale.paid_at) == day(self.now())

    def luck(self, letters: int) -> str:
        return "".join(self._world.random.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(letters))

    def _number(self) -> str:
        number = str(self._world.random.randrange(10_000_000, 100_000_000))
        return number if self._world.movement(number) is None else self._number()


def day(moment: datetime) -> str:
    return moment.astimezone(BANGKOK).strftime("%Y%m%d")
