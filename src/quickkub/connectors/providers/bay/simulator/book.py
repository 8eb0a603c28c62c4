"""The QRs and deep links of the bank and what was paid: the simulator's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from quickkub.connectors.providers.bay.simulator.setup import Merchant
from quickkub.connectors.simulation.base import Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

PAYERS: Final = ("XXX-X-XX302-9", "XXXXXX8109", "XXX-X-XX114-2")


class Kind(Enum):
    """What the payer is shown."""

    QR = "Krungsri QR"
    LINK = "krungsri app link"


@dataclass(slots=True)
class Trade:
    """One QR or deep link; `number` is its trxId or referenceNumber."""

    number: str
    kind: Kind
    merchant: Merchant
    reference1: str
    reference2: str
    amount: Money
    made_at: datetime
    expires_at: datetime
    remark: str = ""
    terminal: str = ""
    channel: str = ""
    qr_text: str = ""
    notify_url: str = ""
    state: str = "waiting"
    movement: Movement | None = None
    details: dict[str, str] = field(default_factory=dict)


class Book:
    """All trades, by their numbers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.trades: dict[str, Trade] = {}
        self._count = world.random.randrange(100_000) * 10

    def clear(self) -> None:
        self.trades.clear()
        self._world.movements.clear()

    def next_number(self) -> str:
        """`yyMMddHHmmss` in Bangkok and six running digits (F)."""
        self._count += 1
        local = self._world.clock.now().astimezone(BANGKOK)
        return f"{local:%y%m%d%H%M%S}{self._count % 1_000_000:06d}"

    def find(self, name: str) -> Trade | None:
        """By number, else the newest of this reference."""
        known = self.trades.get(name)
        return known or next((t for t in reversed(self.trades.values()) if t.reference1 == name), None)

    def is_over(self, trade: Trade) -> bool:
        """Whether it can no longer be paid."""
        return trade.state in ("cancelled", "invalid") or self._world.clock.now() >= trade.expires_at

    def pay(self, trade: Trade, amount: Money) -> Movement:
        """Money moves."""
        payer = PAYERS[len(self._world.movements) % len(PAYERS)]
        digits = f"{self._world.random.randrange(10**8):08d}"
        now = self._world.clock.now()
        moved = Movement(
            trade.number,
            trade.number,
            trade.reference1,
            amount,
            now,
            {
                "kind": trade.kind.value,
                "from_account": payer,
                "sending_bank": "014",
                "trans_ref": f"{now.astimezone(BANGKOK):%Y%m%d}{digits}",
                "reference2": trade.reference2,
            },
        )
        trade.movement, trade.state = moved, "paid"
        self._world.movements.append(moved)
        return moved
