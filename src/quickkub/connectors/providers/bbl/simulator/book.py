"""What was ordered at the bank and what became of it: the simulator's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import Enum
from typing import Final

from quickkub.connectors.providers.bbl.simulator.setup import Merchant
from quickkub.connectors.simulation.base import Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

PAY_REF_FIRST: Final = 1_154_604
DAY: Final = timedelta(days=1)


class Kind(Enum):
    """What the payer is shown."""

    SALE = "card"
    HOLD = "card, hold only"
    APP = "Bualuang mBanking link"
    QR = "Thai QR"


@dataclass(slots=True)
class Try:
    """One try to pay by card; `refunds` are (amount, when it was asked for)."""

    order: Order
    pay_ref: str
    number: int
    at: datetime
    status: str
    amount: Money
    prc: str
    src: str
    card: str
    payer_auth: str
    holder: str = "TEST CARD"
    channel: str = "SPC"
    taken_at: datetime | None = None
    movement: Movement | None = None
    refunds: list[tuple[Money, datetime]] = field(default_factory=list)

    def settled_at(self) -> datetime | None:
        """The batch runs at midnight in Bangkok; None while nothing is taken."""
        return next_midnight(self.taken_at) if self.taken_at else None


@dataclass(slots=True)
class Order:
    """A form that was posted, an app link, or a QR that somebody scanned."""

    ref: str
    kind: Kind
    merchant: Merchant
    reference: str
    amount: Money
    made_at: datetime
    expires_at: datetime | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    qr_text: str = ""
    reference2: str = ""
    reference3: str = ""
    payment_id: str = ""
    state: str = "waiting"
    tries: list[Try] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)


class Book:
    """All orders, tries and movements."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.orders: dict[str, Order] = {}
        self.sessions: dict[str, Order] = {}
        self.tries: dict[str, Try] = {}
        self._number = 0
        # Ids of an earlier run are not said again, unless a seed asks for the same run.
        self._first = PAY_REF_FIRST + (world.random.randrange(1000) * 1000)

    def clear(self) -> None:
        self.orders.clear()
        self.sessions.clear()
        self.tries.clear()
        self._world.movements.clear()

    def number(self) -> int:
        self._number += 1
        return self._number

    def add(self, order: Order) -> Order:
        """Keep it under a ref of its own."""
        while order.ref in self.orders:
            order.ref = f"{order.reference}-{self.number()}"
        self.orders[order.ref] = order
        if order.session:
            self.sessions[order.session] = order
        return order

    def find(self, name: str) -> Order | None:
        """By ref, by the newest order of this reference, or by a payment id."""
        if name in self.orders:
            return self.orders[name]
        if name in self.tries:
            return self.tries[name].order
        newest = reversed(self.orders.values())
        return next((o for o in newest if name in (o.reference, o.payment_id, o.session)), None)

    def of(self, merchant: Merchant, reference: str, *kinds: Kind) -> list[Order]:
        """A merchant's orders under a reference, oldest first."""
        return [
            order
            for order in self.orders.values()
            if order.merchant is merchant and order.reference == reference and order.kind in kinds
        ]

    def add_try(
        self,
        order: Order,
        status: str,
        *,
        prc: str = "",
        src: str = "",
        card: str = "",
        payer_auth: str = "U",
        channel: str = "SPC",
    ) -> Try:
        """A new try of an order, not moving any money."""
        number = self.number()
        made = Try(
            order,
            str(self._first + number - 1),
            number,
            self._world.clock.now(),
            status,
            order.amount,
            prc,
            src,
            card,
            payer_auth,
            channel=channel,
        )
        self.tries[made.pay_ref] = made
        order.tries.append(made)
        return made

    def move(self, order: Order, transaction_id: str, amount: Money, **details: str) -> Movement:
        """Money moves; from now on it is part of the truth."""
        moved = Movement(
            transaction_id,
            order.ref,
            order.reference,
            amount,
            self._world.clock.now(),
            {"kind": order.kind.value, **details},
        )
        order.movements.append(moved)
        self._world.movements.append(moved)
        return moved

    def digits(self, count: int) -> str:
        """Made-up digits."""
        return f"{self._world.random.randrange(10**count):0{count}d}"


def next_midnight(moment: datetime) -> datetime:
    """The end of the Bangkok day."""
    local = moment.astimezone(BANGKOK)
    return datetime.combine(local.date() + DAY, time(), BANGKOK)
