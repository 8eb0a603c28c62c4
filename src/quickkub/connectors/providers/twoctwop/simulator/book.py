"""What 2C2P has on its books: invoices, their tokens, what was paid, held, settled, given back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from quickkub.connectors.providers.twoctwop.simulator.register import Merchant, Options
from quickkub.connectors.simulation.base import CannotPay, Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

TOKEN_LIVES: Final = timedelta(minutes=30)
PAGE_LIVES: Final = timedelta(minutes=20)
CARDS: Final = frozenset({"CC", "LCC", "IPP", "ALL", ""})
SLIPS: Final = frozenset({"PPQR", "QR", "COUNTER", "123"})
"""Channels that take whatever amount comes: late, short and over are their own codes (pack 12.12)."""


class State(Enum):
    """How far the payer came."""

    NEW = "new"
    PENDING = "waiting"
    APPROVED = "paid"
    FAILED = "failed"
    VOIDED = "voided"


@dataclass(slots=True)
class Refund:
    """One refund. A pending one becomes `result` at `due_at`."""

    reference: str
    amount: Money
    made_at: datetime
    status: str
    due_at: datetime | None = None
    result: str = "RF"


@dataclass(slots=True)
class Sale:
    """An invoice. `manual`: approved money is only held until it is settled by an action."""

    invoice: str
    merchant: Merchant
    amount: Money
    made_at: datetime
    expires_at: datetime
    asked: dict[str, Any]
    manual: bool
    tokens: list[str] = field(default_factory=list)
    state: State = State.NEW
    channel: str = ""
    agent: str = ""
    code: str = ""
    special: str = ""
    paid: Money | None = None
    paid_at: datetime | None = None
    captured: Money | None = None
    captured_at: datetime | None = None
    reference: str = ""
    tran_ref: str = ""
    qr_text: str = ""
    refunds: list[Refund] = field(default_factory=list)
    charged_back: bool = False

    @property
    def is_card(self) -> bool:
        return self.channel in CARDS

    @property
    def given_back(self) -> int:
        """Satang refunded or about to be."""
        return sum(one.amount.minor for one in self.refunds if one.status in ("RF", "RP"))


class Book:
    """All invoices of one simulated 2C2P."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options = Options()
        self.sales: dict[tuple[str, str], Sale] = {}
        self._tokens: dict[str, tuple[Sale, datetime]] = {}
        self.first_answers: dict[tuple[str, str], dict[str, Any]] = {}
        self.first_actions: dict[tuple[str, str], str] = {}
        self._number = 0

    def clear(self) -> None:
        for kept in (self.sales, self._tokens, self.first_answers, self.first_actions):
            kept.clear()
        self._world.movements.clear()

    def number(self) -> int:
        """The next number of this run, not of the one before."""
        if not self._number:
            self._number = 3_000_000 + self._world.random.randrange(900_000)
        self._number += 1
        return self._number

    # --- invoices and tokens ---

    def find(self, name: str) -> Sale | None:
        """By invoice, token or reference number; the newest of that name."""
        if name in self._tokens:
            return self._tokens[name][0]
        matches = [s for s in self.sales.values() if name in (s.invoice, s.reference)]
        return matches[-1] if matches else None

    def of(self, merchant: Merchant, invoice: str) -> Sale | None:
        return self.sales.get((merchant.merchant_id, invoice))

    def issue(self, sale: Sale) -> str:
        """A token for the invoice; it lives 30 minutes."""
        self.sales[sale.merchant.merchant_id, sale.invoice] = sale
        token = uuid.uuid4().bytes.hex()[:24] + "=="
        sale.tokens.append(token)
        self._tokens[token] = (sale, self._world.clock.now() + TOKEN_LIVES)
        return token

    def by_token(self, token: object) -> Sale | None:
        """The invoice behind a token, dead or alive."""
        found = self._tokens.get(token) if isinstance(token, str) else None
        return found[0] if found else None

    def is_alive(self, token: str) -> bool:
        found = self._tokens.get(token)
        return found is not None and self._world.clock.now() < found[1]

    def lives(self, sale: Sale) -> bool:
        """Whether any token of the invoice does."""
        return any(self.is_alive(token) for token in sale.tokens)

    def is_over(self, sale: Sale) -> bool:
        """Not paid in time."""
        waits = sale.state in (State.NEW, State.PENDING)
        return waits and self._world.clock.now() >= sale.expires_at

    # --- what the payer does ---

    def begin(self, sale: Sale, channel: str, agent: str = "") -> None:
        sale.state, sale.channel, sale.agent = State.PENDING, channel, agent

    def approve(self, sale: Sale, amount: Money, channel: str) -> Movement:
        """Take or hold money. Raises CannotPay with what the payer's app would say."""
        if sale.state not in (State.NEW, State.PENDING):
            raise CannotPay(f"it is {sale.state.value}")
        if sale.state is State.NEW and not self.lives(sale):
            raise CannotPay("its payment token is over")
        channel = sale.channel or channel
        is_slip = channel in SLIPS
        late = self.is_over(sale)
        if late and not (is_slip and self.options.late_payments):
            raise CannotPay("it has expired")
        if amount != sale.amount and not is_slip:
            raise CannotPay("this channel takes the exact amount only")
        now = self._world.clock.now()
        sale.state, sale.channel, sale.code = State.APPROVED, channel, "0000"
        sale.paid, sale.paid_at = amount, now
        sale.special = (
            "AE" if late else "AL" if amount < sale.amount else "AM" if amount > sale.amount else ""
        )
        sale.reference, sale.tran_ref = str(self.number()), str(self.number())
        movement = self._movement(sale, amount, now)
        if not sale.manual:
            sale.captured, sale.captured_at = amount, now
            self._world.movements.append(movement)
        return movement

    def fail(self, sale: Sale, code: str) -> None:
        """End it unpaid. Raises CannotPay."""
        if sale.state not in (State.NEW, State.PENDING):
            raise CannotPay(f"it is {sale.state.value}")
        sale.state, sale.code = State.FAILED, code
        sale.reference, sale.tran_ref = str(self.number()), str(self.number())
        sale.paid_at = self._world.clock.now()

    def capture(self, sale: Sale, amount: Money) -> None:
        """Held money is taken: from now on it is a movement."""
        now = self._world.clock.now()
        sale.captured, sale.captured_at = amount, now
        self._world.movements.append(self._movement(sale, amount, now))

    def void(self, sale: Sale) -> None:
        sale.state = State.VOIDED
        if (movement := self._world.movement(sale.reference)) is not None:
            movement.reversed = True

    def _movement(self, sale: Sale, amount: Money, now: datetime) -> Movement:
        details = {"channel": sale.channel, "merchantID": sale.merchant.merchant_id, "tranRef": sale.tran_ref}
        return Movement(sale.reference, sale.invoice, sale.invoice, amount, now, details)

    # --- what time does ---

    def status(self, sale: Sale) -> str:
        """The transaction status code (pack 4.7)."""
        self.ripen(sale)
        if sale.state is State.VOIDED or self._has_lapsed(sale):
            return "V"
        if sale.state is not State.APPROVED:
            unpaid = "EX" if self.is_over(sale) else "AP"
            return "PF" if sale.state is State.FAILED else unpaid
        refunds = {one.status for one in sale.refunds}
        given_back = next((status for status in ("RP", "RF") if status in refunds), "")
        if sale.special or given_back:
            return given_back or sale.special
        if sale.captured_at is not None and self._is_settled(sale.captured_at):
            return "S"
        return "RS" if sale.manual and sale.captured_at is not None else "A"

    def lags(self, sale: Sale) -> bool:
        """Approved, and not yet told to whoever asks."""
        lag = timedelta(seconds=self.options.inquiry_lag_seconds)
        return sale.paid_at is not None and self._world.clock.now() < sale.paid_at + lag

    def ripen(self, sale: Sale) -> list[Refund]:
        """Let pending refunds whose time has come end; those that ended now."""
        now, ended = self._world.clock.now(), []
        for one in sale.refunds:
            if one.status == "RP" and one.due_at is not None and now >= one.due_at:
                one.status = one.result
                ended.append(one)
        return ended

    def _has_lapsed(self, sale: Sale) -> bool:
        if sale.state is not State.APPROVED or sale.captured_at is not None or sale.paid_at is None:
            return False
        return self._world.clock.now() >= sale.paid_at + timedelta(days=self.options.hold_days)

    def _is_settled(self, since: datetime) -> bool:
        if self.options.settle_after_seconds:
            due = since + timedelta(seconds=self.options.settle_after_seconds)
        else:
            local = since.astimezone(BANGKOK)
            due = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return self._world.clock.now() >= due
