"""What the banks keep: QRs that were scanned, and every movement of the receiving accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from quickkub.connectors.providers.promptpay.simulator.register import Options, Receiving
from quickkub.connectors.simulation.base import BadControl, CannotPay, Movement, NoSuchThing, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money
from quickkub.promptpay import (
    BankSlip,
    PaymentQr,
    QrKind,
    QrRefusal,
    build_slip,
    parse_payment,
)

PAYER_NAME: Final = "นาย สมชาย จ."
_TYPED: Final = Money(10_000)
"""What a payer types into a QR without an amount, unless told otherwise."""


@dataclass(slots=True)
class Scanned:
    """A QR in the payer's app. The same QR is the same one, however often it is paid."""

    ref: str
    receiving: Receiving
    amount: Money | None
    reference: str
    qr_text: str
    made_at: datetime
    is_open: bool = True
    paid: list[Money] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement."""

    kind: str
    transaction_id: str
    receiving: Receiving
    amount: Money
    at: datetime
    bank: str
    reference: str
    reverses: str = ""


class Book:
    """All of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options = Options()
        self.receivings: dict[str, Receiving] = {}
        self.scanned: dict[str, Scanned] = {}
        self.entries: list[Entry] = []
        self._by_text: dict[str, Scanned] = {}

    def clear(self) -> None:
        self.scanned.clear()
        self._by_text.clear()
        self.entries.clear()
        self._world.movements.clear()

    def now(self) -> datetime:
        return self._world.clock.now()

    def scan(self, text: str) -> Scanned:
        """What the payer's app makes of a QR. Raises CannotPay."""
        if text in self._by_text:
            found = self._by_text[text]
            found.is_open = True
            return found
        try:
            qr = parse_payment(text)
        except QrRefusal as refusal:
            raise CannotPay(f"the app refuses this QR: {refusal.code}") from None
        receiving = self._receiver(qr)
        made = Scanned(
            f"SCAN{len(self.scanned) + 1:06d}",
            receiving,
            qr.amount,
            qr.ref1 or "",
            text,
            self.now(),
        )
        self.scanned[made.ref] = self._by_text[text] = made
        return made

    def _receiver(self, qr: PaymentQr) -> Receiving:
        if qr.kind not in (QrKind.CREDIT_TRANSFER, QrKind.BILL_PAYMENT, QrKind.TRUEMONEY):
            raise CannotPay("this is no PromptPay QR")
        for one in self.receivings.values():
            if one.biller and qr.biller is not None and one.biller == qr.biller.biller_id:
                return one
            if one.proxy is not None and one.proxy == qr.proxy:
                return one
        raise CannotPay("nobody has this PromptPay id")

    def named(self, ref: str) -> Scanned:
        """By our own name of it, or by the newest with this reference. Raises NoSuchThing."""
        found = self.scanned.get(ref)
        found = found or next((s for s in reversed(self.scanned.values()) if s.reference == ref), None)
        if found is None:
            raise NoSuchThing(ref[:60])
        return found

    def transfer(self, one: Scanned, amount: Money | None, bank: str) -> tuple[Movement, Entry]:
        """Money moves. The same QR can be paid again and again (pack 2.5). Raises CannotPay."""
        if not one.is_open:
            raise CannotPay("the payer left the app; scan it again")
        if self.options.locks_amount and amount is not None and one.amount not in (None, amount):
            raise CannotPay("the app does not let this amount be changed")
        moved = amount or one.amount or _TYPED
        bank = bank or self.options.sending_bank
        at = self.now()
        stamp = at.astimezone(BANGKOK).strftime("%Y%m%d%H%M%S")
        transaction_id = f"{stamp}{self._world.random.randrange(10**9):09d}"
        entry = Entry("credit", transaction_id, one.receiving, moved, at, bank, one.reference)
        movement = Movement(
            transaction_id,
            one.ref,
            one.reference,
            moved,
            at,
            {
                "sending_bank": bank,
                "trans_ref": transaction_id,
                "slip": build_slip(BankSlip(bank, transaction_id)),
            },
        )
        one.paid.append(moved)
        self.entries.append(entry)
        self._world.movements.append(movement)
        return movement, entry

    def take_back(self, transaction_id: str) -> Movement:
        """The payer's bank takes a transfer back. Raises NoSuchThing, BadControl."""
        movement = self._world.movement(transaction_id)
        entry = next((e for e in self.entries if e.transaction_id == transaction_id), None)
        if movement is None or entry is None:
            raise NoSuchThing(transaction_id[:60])
        if movement.reversed:
            raise BadControl("it was taken back before")
        movement.reversed = True
        self.entries.append(
            Entry(
                "debit",
                f"R{transaction_id}",
                entry.receiving,
                entry.amount,
                self.now(),
                entry.bank,
                "",
                transaction_id,
            )
        )
        return movement

    def statement(self, receiving: Receiving) -> list[Entry]:
        """What the account's statement shows by now."""
        until = self.now() - timedelta(seconds=self.options.lag_seconds)
        return [entry for entry in self.entries if entry.receiving is receiving and entry.at <= until]
