"""What TrueMoney keeps: orders, payments, refunds, and links to wallets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from quickkub.connectors.providers.truemoney.simulator.answers import Json, local
from quickkub.connectors.providers.truemoney.simulator.register import Options, Partner
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.money import Money, decimal_text


class Status(Enum):
    """A payment's status; ORDERED and LAPSED are of orders nobody paid."""

    ORDERED = "ordered"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


PAYMENTS: Final = frozenset({Status.PROCESSING, Status.SUCCEEDED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    reference: str
    amount: Money
    at: datetime


@dataclass(slots=True)
class Sale:
    """A payment, or the order for one. `said` is what the merchant sent; `where` the address we answer at."""

    id: str
    reference: str
    partner: Partner
    amount: Money
    made_at: datetime
    said: Json
    status: Status = Status.PROCESSING
    code: str = ""
    order_id: str = ""
    where: str = ""
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)
    movement: Movement | None = None

    @property
    def refunded(self) -> Money:
        return sum((refund.amount for refund in self.refunds), Money(0, self.amount.currency))

    @property
    def page(self) -> str:
        return f"{self.where}/wallet/{self.order_id}"

    def shown(self, *, as_numbers: bool) -> Json:
        """As an inquiry tells it (pack 5.4)."""

        def satang(money: Money) -> int | str:
            return money.minor if as_numbers else str(money.minor)

        metadata: Json = {"description": self.said.get("description", "")}
        if isinstance(self.said.get("metadata"), dict):
            metadata |= self.said["metadata"]
        code = self.code or ("success" if self.status is Status.SUCCEEDED else self.status.value)
        shown: Json = {
            "payment_id": self.id,
            "isv_payment_ref": self.reference,
            "isv": "quickkub",
            "merchant": self.partner.merchant_id,
            "amount": satang(self.amount),
            "currency": self.amount.currency.code,
            "customer": "tmn.10000000001",
            "status": self.status.value,
            "response_code": code,
            "response_message": code.replace("_", " ").capitalize(),
            "refunded": satang(self.refunded),
            "created": local(self.made_at),
            "updated": local(self.updated_at or self.made_at),
            "metadata": metadata,
            "refunds": [
                {
                    "refund_id": refund.id,
                    "isv_refund_ref": refund.reference,
                    "amount": satang(refund.amount),
                    "created": local(refund.at),
                    "status": "succeeded",
                    "response_code": "success",
                    "response_message": "Success",
                }
                for refund in self.refunds
            ],
        }
        return shown


@dataclass(slots=True)
class Link:
    """A wallet being linked, or linked."""

    partner: Partner
    account: str
    otp_ref: str
    auth_code: str
    begun_at: datetime
    tries: int = 0
    token: str = ""
    token_until: datetime | None = None


@dataclass(slots=True)
class Code:
    """A payment code of a linked wallet: good once, and not for long."""

    until: datetime
    used: bool = False


class Book:
    """All sales and links of one simulated TrueMoney."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options = Options()
        self.sales: dict[str, Sale] = {}
        self.links: dict[str, Link] = {}
        self.codes: dict[str, Code] = {}
        self._by_reference: dict[tuple[str, str], Sale] = {}
        self._refund_references: set[tuple[str, str]] = set()

    def clear(self) -> None:
        for kept in (self.sales, self.links, self.codes, self._by_reference):
            kept.clear()
        self._refund_references.clear()
        self._world.movements.clear()

    def now(self) -> datetime:
        return self._world.clock.now()

    def luck(self, digits: int) -> str:
        return f"{self._world.random.randrange(10**digits):0{digits}d}"

    def add(self, partner: Partner, reference: str, amount: Money, said: Json) -> Sale:
        sale = Sale(f"52{self.luck(13)}", reference, partner, amount, self.now(), said)
        self.sales[sale.id] = sale
        self._by_reference[partner.merchant_id, reference] = sale
        return sale

    def of_reference(self, partner: Partner, reference: str) -> Sale | None:
        return self._by_reference.get((partner.merchant_id, reference))

    def find(self, name: str) -> Sale | None:
        """By payment id, order id, or the newest of this reference."""
        if name in self.sales:
            return self.sales[name]
        return next((s for s in reversed(self.sales.values()) if name in (s.order_id, s.reference)), None)

    def status_of(self, sale: Sale) -> Status:
        """As it is now: orders lapse by themselves."""
        if sale.status is Status.ORDERED and sale.expires_at is not None and self.now() >= sale.expires_at:
            sale.status = Status.LAPSED
        return sale.status

    def pay(self, sale: Sale, amount: Money | None) -> Movement:
        """Money moves. Raises CannotPay."""
        if self.status_of(sale) not in (Status.ORDERED, Status.PROCESSING):
            raise CannotPay(f"it is {sale.status.value}")
        if amount is not None and amount != sale.amount:
            raise CannotPay("the wallet pays exactly what was asked")
        now = self.now()
        if sale.status is Status.ORDERED:
            sale.made_at = now
        sale.status, sale.updated_at = Status.SUCCEEDED, now
        details: dict[str, str] = {"merchant_id": sale.partner.merchant_id}
        sale.movement = Movement(sale.id, sale.id, sale.reference, sale.amount, now, details)
        self._world.movements.append(sale.movement)
        return sale.movement

    def end(self, sale: Sale, code: str) -> None:
        """Nothing is paid any more. Raises CannotPay."""
        match self.status_of(sale):
            case Status.ORDERED:
                sale.status = Status.CANCELLED
            case Status.PROCESSING:
                sale.status, sale.code, sale.updated_at = Status.FAILED, code, self.now()
            case other:
                raise CannotPay(f"it is {other.value}")

    def is_used(self, sale: Sale, refund_reference: str) -> bool:
        return (sale.partner.merchant_id, refund_reference) in self._refund_references

    def is_over(self, sale: Sale) -> bool:
        """Whether the time for refunds is over."""
        return self.now() >= sale.made_at + timedelta(days=self.options.refund_days)

    def give_back(self, sale: Sale, reference: str, amount: Money) -> Refund:
        refund = Refund(f"53{self.luck(13)}", reference, amount, self.now())
        sale.refunds.append(refund)
        sale.updated_at = refund.at
        self._refund_references.add((sale.partner.merchant_id, reference))
        if sale.movement is not None:
            sale.movement.details["refunded"] = decimal_text(sale.refunded)
            sale.movement.reversed = sale.refunded == sale.amount
        return refund
