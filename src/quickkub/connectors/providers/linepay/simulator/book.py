"""What LINE Pay keeps: transactions with their states and refunds (pack 5, 13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from quickkub.connectors.providers.linepay.simulator.register import Channel, Options
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.money import Money, decimal_text

Json = dict[str, Any]


class State(Enum):
    """The life of a transaction (pack 13)."""

    RESERVED = "reserved"
    APPROVED = "approved"
    CAPTURED = "captured"
    AUTHORIZED = "authorized"
    VOIDED = "voided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    FAILED = "failed"


OPEN: Final = frozenset({State.RESERVED, State.APPROVED})
FINISHED: Final = {
    State.CAPTURED: "CAPTURE",
    State.AUTHORIZED: "AUTHORIZATION",
    State.VOIDED: "VOIDED_AUTHORIZATION",
    State.EXPIRED: "EXPIRED_AUTHORIZATION",
}
"""What the details find, by their word for it."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back. `whole` when nothing was left afterwards and nothing was given back before."""

    id: int
    amount: Money
    at: datetime
    whole: bool


@dataclass(slots=True)
class Transaction:
    """One payment, from the request on. `said` is what the merchant sent."""

    id: int
    number: int
    channel: Channel
    order_id: str
    amount: Money
    made_at: datetime
    said: Json
    reserve: str = ""
    state: State = State.RESERVED
    capture: bool = True
    preapproved: bool = False
    by_code: bool = False
    product: str = ""
    confirmed_at: datetime | None = None
    held_until: datetime | None = None
    taken: Money = field(default_factory=lambda: Money(0))
    refunds: list[Refund] = field(default_factory=list)
    reg_key: str = ""
    movement: Movement | None = None

    @property
    def refunded(self) -> Money:
        return sum((refund.amount for refund in self.refunds), Money(0, self.amount.currency))

    @property
    def confirm_url_type(self) -> str:
        urls: Json = self.said.get("redirectUrls", {})
        return str(urls.get("confirmUrlType", "CLIENT"))


class Book:
    """All transactions of one simulated LINE Pay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options = Options()
        self.transactions: dict[int, Transaction] = {}
        self.refunds: dict[int, tuple[Transaction, Refund]] = {}
        self.keys: dict[str, Transaction] = {}
        self.expired_keys: set[str] = set()
        self.codes: set[str] = set()
        self._orders: dict[tuple[str, str], Transaction] = {}
        self._reserves: dict[str, Transaction] = {}
        self._number = 0

    def clear(self) -> None:
        for kept in (self.transactions, self.refunds, self.keys, self._orders, self._reserves):
            kept.clear()
        self.expired_keys.clear()
        self.codes.clear()
        self._world.movements.clear()

    def now(self) -> datetime:
        return self._world.clock.now()

    def luck(self, digits: int) -> str:
        return f"{self._world.random.randrange(10**digits):0{digits}d}"

    def new_id(self) -> int:
        """19 digits that begin with the day."""
        return int(f"{self.now():%Y%m%d}{self.luck(11)}")

    def add(self, channel: Channel, order_id: str, amount: Money, said: Json) -> Transaction:
        self._number += 1
        reserve = "R" + self.luck(16)
        made = Transaction(self.new_id(), self._number, channel, order_id, amount, self.now(), said, reserve)
        made.taken = Money(0, amount.currency)
        self.transactions[made.id] = made
        self._orders[channel.id, order_id] = made
        self._reserves[reserve] = made
        return made

    def of_order(self, channel: Channel, order_id: str) -> Transaction | None:
        return self._orders.get((channel.id, order_id))

    def by_reserve(self, reserve: str) -> Transaction | None:
        return self._reserves.get(reserve)

    def find(self, name: str) -> Transaction | None:
        """By transaction id, or by the newest with this order id."""
        if name.isdigit() and int(name) in self.transactions:
            return self.transactions[int(name)]
        return next((t for t in reversed(self.transactions.values()) if t.order_id == name), None)

    def state_of(self, one: Transaction) -> State:
        """As it is now: requests and holds lapse by themselves."""
        lapses_at = one.made_at + timedelta(minutes=self.options.request_minutes)
        if one.state in OPEN and self.now() >= lapses_at:
            one.state = State.TIMEOUT
        if one.state is State.AUTHORIZED and one.held_until is not None and self.now() >= one.held_until:
            one.state = State.EXPIRED
        return one.state

    def approve(self, one: Transaction, amount: Money | None) -> Movement:
        """The payer approves; nothing moves before the merchant confirms. Raises CannotPay."""
        if self.state_of(one) is not State.RESERVED:
            raise CannotPay(f"it is {one.state.value}")
        if amount is not None and amount != one.amount:
            raise CannotPay("LINE Pay takes exactly what was asked")
        one.state = State.APPROVED
        return self._movement(one, one.amount)

    def confirm(self, one: Transaction) -> None:
        """Take the money, or hold it."""
        one.confirmed_at = self.now()
        if one.preapproved:
            one.reg_key = "RK" + self.luck(13)
            self.keys[one.reg_key] = one
        if one.capture:
            self.take(one, one.amount)
            return
        one.state = State.AUTHORIZED
        one.held_until = self.now() + timedelta(days=self.options.authorization_days)

    def take(self, one: Transaction, amount: Money) -> None:
        one.state, one.taken = State.CAPTURED, amount
        one.movement = self._movement(one, amount)
        self._world.movements.append(one.movement)

    def give_back(self, one: Transaction, amount: Money) -> Refund:
        whole = not one.refunds and amount == one.taken
        refund = Refund(self.new_id(), amount, self.now(), whole)
        one.refunds.append(refund)
        self.refunds[refund.id] = (one, refund)
        if one.movement is not None:
            one.movement.details["refunded"] = decimal_text(one.refunded)
            one.movement.reversed = one.refunded == one.taken
        return refund

    def pay_info(self, one: Transaction, amount: Money) -> list[Json]:
        """How it was paid, with the same split every time."""
        how = self.options.pay_info
        if how == "sometimes":
            how = "split" if one.number % 2 == 0 else "balance"
        if how == "card":
            card = {"creditCardNickname": "visa", "creditCardBrand": "VISA"}
            masked = {"maskedCreditCardNumber": "************1111"}
            return [{"method": "CREDIT_CARD", "amount": amount, **card, **masked}]
        if how == "split":
            discount, rest = amount.split([1, 9])
            if discount:
                return [{"method": "BALANCE", "amount": rest}, {"method": "DISCOUNT", "amount": discount}]
        return [{"method": "BALANCE", "amount": amount}]

    def _movement(self, one: Transaction, amount: Money) -> Movement:
        reference = str(one.id)
        details = {"order_id": one.order_id, "channel_id": one.channel.id}
        return Movement(reference, reference, one.order_id, amount, self.now(), details)
