"""What can be paid at the bank, and what was paid: the simulator's memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from quickkub.connectors.providers.scb.simulator.register import Biller, Merchant
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money


class Kind(Enum):
    """What the payer is shown."""

    QR = "QR 30"
    QR_V2 = "QR 30 with expiry"
    QR_CARD = "card QR"
    QR_BOTH = "QR 30 and card"
    LINK = "SCB EASY deep link"
    B_SCAN_C = "B-scan-C"


class LinkState(Enum):
    """The states of a deep link, by the bank's number (pack 5.1)."""

    PENDING = 0
    PAID = 1
    CANCELLED = 2
    INVALID = 3
    PARTIAL = 4
    EXPIRED = 5


BILL: Final = "bill"
CARD: Final = "card"
_ONCE: Final = frozenset({Kind.QR_CARD, Kind.QR_BOTH, Kind.LINK, Kind.B_SCAN_C})


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody with an account; all of them made up."""

    name: str
    short_name: str
    account: str
    phone: str
    bank: str


PAYERS: Final = (
    Payer("Somchai Jaidee", "Somchai J", "1502830001", "0812345671", "014"),
    Payer("Malee Srisuk", "Malee S", "1502830002", "0812345672", "004"),
    Payer("Anan Thongdee", "Anan T", "1502830003", "0812345673", "002"),
    Payer("Ploy Rattana", "Ploy R", "1502830004", "0812345674", "025"),
)


@dataclass(slots=True)
class Sale:
    """A QR, a deep link or a B-scan-C order. `times_max` None may be paid for ever."""

    ref: str
    kind: Kind
    key: str
    amount: Money
    made_at: datetime
    biller: Biller | None = None
    merchant: Merchant | None = None
    ref1: str = ""
    ref2: str = ""
    ref3: str = ""
    terminal: str = ""
    invoice: str = ""
    note: str = ""
    qr_text: str = ""
    qr_code_id: str = ""
    partner_transaction: str = ""
    transaction: str = ""
    sub_types: tuple[str, ...] = ()
    asked: dict[str, Any] = field(default_factory=dict)
    expires_at: datetime | None = None
    times_max: int | None = None
    state: LinkState = LinkState.PENDING
    session_seconds: int = 0
    updated_at: datetime | None = None

    @property
    def event_code(self) -> str:
        return "00300104" if self.kind is Kind.B_SCAN_C else "00300100"


@dataclass(slots=True)
class Payment:
    """One payment of a sale, with what the bank's records add to the movement."""

    movement: Movement
    sale: Sale
    by: str
    payer: Payer
    number: int
    trans_ref: str
    confirmation_id: str


class Book:
    """All sales and payments of one simulated bank."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sales: dict[str, Sale] = {}
        self.payments: dict[str, Payment] = {}
        self._by_name: dict[str, Sale] = {}
        self._by_text: dict[str, Sale] = {}
        self._paid: defaultdict[str, list[Payment]] = defaultdict(list)
        self._billed: defaultdict[str, list[Payment]] = defaultdict(list)
        self._number = 0

    def clear(self) -> None:
        self.sales.clear()
        self.payments.clear()
        self._by_name.clear()
        self._by_text.clear()
        self._paid.clear()
        self._billed.clear()
        self._world.movements.clear()

    def number(self) -> int:
        """The next number of this run."""
        self._number += 1
        return self._number

    def add(self, sale: Sale) -> Sale:
        """Keep a sale under a ref of its own; it is also found by each of its other names."""
        if sale.ref in self.sales:
            sale.ref = f"{sale.ref}-{self.number()}"
        self.sales[sale.ref] = sale
        names = (sale.ref1, sale.invoice, sale.qr_code_id, sale.partner_transaction, sale.transaction)
        self._by_name.update(dict.fromkeys(filter(None, names), sale))
        if sale.qr_text:
            self._by_text[sale.qr_text] = sale
        return sale

    def find(self, name: str) -> Sale | None:
        """By ref, or by the newest sale of this reference, invoice or id."""
        return self.sales.get(name) or self._by_name.get(name)

    def by_text(self, text: str) -> Sale | None:
        """The newest sale with this very QR text."""
        return self._by_text.get(text)

    def of(self, sale: Sale) -> list[Payment]:
        """The payments of a sale, oldest first."""
        return self._paid[sale.ref]

    def billed(self, ref1: str) -> list[Payment]:
        """Payments from accounts under this reference 1, oldest first."""
        return self._billed[ref1]

    def refuse_if_over(self, sale: Sale) -> None:
        """What a payer's app says about a sale that cannot be paid any more. Raises CannotPay."""
        if sale.state in (LinkState.CANCELLED, LinkState.INVALID):
            raise CannotPay(f"it is {sale.state.name.lower()}")
        if sale.expires_at is not None and self._world.clock.now() >= sale.expires_at:
            raise CannotPay("it has expired")
        times_max = 1 if sale.kind in _ONCE else sale.times_max
        if times_max and len(self.of(sale)) >= times_max:
            raise CannotPay("it has been paid as often as it may be")

    def pay(self, sale: Sale, amount: Money, by: str, confirmation_ids: str) -> Payment:
        """Move money. Raises CannotPay."""
        self.refuse_if_over(sale)
        number, now = self.number(), self._world.clock.now()
        payer = PAYERS[len(self.payments) % len(PAYERS)]
        transaction = self._card_id(now, number) if by == CARD else self._bank_id(now, number)
        movement = Movement(transaction, sale.ref, sale.ref1 or sale.invoice, amount, now)
        confirmation = self._confirmation_id(sale, transaction, by, confirmation_ids)
        payment = Payment(movement, sale, by, payer, number, self._trans_ref(now), confirmation)
        movement.details.update(
            {
                "kind": sale.kind.value,
                "by": by,
                "trans_ref": payment.trans_ref,
                "sending_bank": payer.bank,
                "biller_id": sale.biller.biller_id if sale.biller else "",
                "merchant_id": sale.merchant.merchant_id if sale.merchant else "",
                "reference1": sale.ref1,
                "reference2": sale.ref2,
                "reference3": sale.ref3,
            }
        )
        self.payments[transaction] = payment
        self._paid[sale.ref].append(payment)
        if by == BILL:
            self._billed[sale.ref1].append(payment)
        self._world.movements.append(movement)
        if sale.kind is Kind.LINK:
            sale.state = LinkState.PAID if amount >= sale.amount else LinkState.PARTIAL
            sale.updated_at = now
        return payment

    def link_state(self, sale: Sale) -> LinkState:
        """A pending link past its session has expired."""
        over = sale.expires_at is not None and self._world.clock.now() >= sale.expires_at
        return LinkState.EXPIRED if over and sale.state is LinkState.PENDING else sale.state

    def visible(self, payment: Payment, lag_seconds: int) -> bool:
        """Whether the records show it yet."""
        return self._world.clock.now() >= payment.movement.paid_at + timedelta(seconds=lag_seconds)

    def _luck(self, digits: int) -> str:
        return f"{self._world.random.randrange(10**digits):0{digits}d}"

    def _bank_id(self, now: datetime, number: int) -> str:
        local = now.astimezone(BANGKOK)
        return f"{local:%y%j%H%M%S}FI{number:06d}B{self._luck(9)}"

    def _card_id(self, now: datetime, number: int) -> str:
        # In Greenwich time, as card confirmations are (pack 14.4).
        return f"{now:%Y%m%d%H%M%S}{number:09d}"

    def _trans_ref(self, now: datetime) -> str:
        return f"{now.astimezone(BANGKOK):%Y%m%d}{self._luck(8)}"

    def _confirmation_id(self, sale: Sale, transaction: str, by: str, confirmation_ids: str) -> str:
        """A deep link's confirmation names the link's id; others name the record's unless told otherwise."""
        if sale.kind is Kind.LINK:
            return sale.transaction
        if by == CARD or confirmation_ids == "same":
            return transaction
        return f"{self._luck(8)}-{self._luck(4)}-{self._luck(12)}"
