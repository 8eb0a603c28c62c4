"""The made-up bank with a memory: it holds the truth about money, however and whenever it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    Authorized,
    Declined,
    Doing,
    Done,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    InstructionOutcome,
    Order,
    Outcome,
    Paid,
    Receipt,
    Unknown,
    Waiting,
)
from quickkub.kernel.money import THB, Money
from tests.support.shop import QR, MadeUpBank


@dataclass(slots=True)
class Sale:
    """What the bank knows of one of our references."""

    amount: Money
    receipts: list[Receipt] = field(default_factory=list)
    is_hold: bool = False
    hold_open: bool = False

    @property
    def captured(self) -> int:
        return sum(receipt.amount.minor for receipt in self.receipts)


@dataclass
class RememberingBank(MadeUpBank):
    """Answers by what happened. `loses` are answers to lose from now on: done, and nobody hears it."""

    sales: dict[str, Sale] = field(default_factory=dict)
    carried: dict[str, Done] = field(default_factory=dict)
    given_back: int = 0
    loses: int = 0

    @property
    def total(self) -> int:
        """Satang that came in and were not given back."""
        return sum(sale.captured for sale in self.sales.values()) - self.given_back

    def pays(self, reference: str, amount: Money) -> str:
        """A payer pays; the transaction's id."""
        sale = self.sales[reference]
        transaction = f"T{len(sale.receipts) + 1}{reference}"
        sale.receipts.append(Receipt(transaction, amount, datetime.now(UTC)))
        return transaction

    def create(self, account: Account, order: Order) -> Exchange:
        yield from ()
        self.created.append(order.reference)
        new = Sale(order.amount, is_hold=order.capture_later, hold_open=order.capture_later)
        self.sales.setdefault(order.reference, new)
        return self._heard(self._standing(order.reference, fresh=True))

    def inquire(self, account: Account, order: Order) -> Exchange:
        yield from ()
        self.inquired.append(order.reference)
        return self._heard(self._standing(order.reference, fresh=False))

    def _standing(self, reference: str, *, fresh: bool) -> Outcome:
        sale = self.sales.get(reference)
        if sale is None:
            return Waiting()
        if sale.receipts:
            return Paid(tuple(sale.receipts))
        if sale.hold_open:
            return Authorized(sale.amount, datetime.now(UTC), provider_reference=f"hold-{reference}")
        if sale.is_hold:
            return Declined(Failure.DECLINED, "V", "it was let go")
        return Waiting(Action(ActionKind.DISPLAY_QR, QR)) if fresh else Waiting()

    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        yield from ()
        self.told.append(instruction)
        return self._heard_about(self._carries(order.reference, instruction))

    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        yield from ()
        self.asked_about.append(instruction.reference)
        done = self.carried.get(instruction.reference)
        return self._heard_about(done or Declined(Failure.DECLINED, "N", "never heard of it"))

    def _carries(self, reference: str, instruction: Instruction) -> InstructionOutcome:
        """Once for each reference of ours, and never more than there is."""
        if instruction.reference in self.carried:
            return self.carried[instruction.reference]
        if not self._may(self.sales[reference], instruction):
            return Declined(Failure.DECLINED, "X", "there is not so much")
        now = datetime.now(UTC)
        done = Done(f"M{instruction.reference}", instruction.amount, now)
        self.carried[instruction.reference] = done
        sale = self.sales[reference]
        if instruction.doing is Doing.CAPTURE:
            sale.receipts.append(Receipt(done.transaction_id, instruction.amount, now))
            sale.hold_open = sale.hold_open and not instruction.is_last
        elif instruction.doing is Doing.REFUND:
            self.given_back += instruction.amount.minor
        else:
            sale.hold_open = False
        return done

    def _may(self, sale: Sale, instruction: Instruction) -> bool:
        match instruction.doing:
            case Doing.CAPTURE:
                return sale.hold_open and sale.captured + instruction.amount.minor <= sale.amount.minor
            case Doing.VOID:
                return sale.hold_open
            case _:
                return True

    def _heard(self, outcome: Outcome) -> Outcome:
        return Unknown("the line was cut") if self._loses_one() else outcome

    def _heard_about(self, outcome: InstructionOutcome) -> InstructionOutcome:
        return Unknown("the line was cut") if self._loses_one() else outcome

    def _loses_one(self) -> bool:
        if not self.loses:
            return False
        self.loses -= 1
        return True


def satang(amount: int) -> Money:
    """An amount in baht's minor units."""
    return Money(amount, THB)


def told_of(reference: str, transaction: str, amount: Money) -> dict[str, Any]:
    """The bank's callback about a payment."""
    return {
        "id": transaction,
        "ref": reference,
        "amount": f"{amount.minor // 100}.{amount.minor % 100:02d}",
    }
