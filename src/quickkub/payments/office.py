"""What the functions of this room work with, handed around as one value."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from quickkub.connectors.contract import Account, Declined, DisputeNews, Done, Effect, NotSent, Unknown
from quickkub.fraud.screen import Screen
from quickkub.payments.gate import Gate
from quickkub.payments.routing import CircuitOpen, ConnectorFor
from quickkub.storage import Database
from quickkub.storage.vault import Vault

if TYPE_CHECKING:
    from quickkub.payments.desk import Desk
    from quickkub.payments.instructions.model import Told as Instructed
    from quickkub.payments.model import Attempt

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Told(Protocol[T_co]):
    """What came of an exchange: the conclusion, and the redacted words on the wire."""

    @property
    def outcome(self) -> T_co: ...

    @property
    def transcript(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """A call that was still under way when nobody could be kept waiting any longer."""

    outcome: Unknown
    transcript: bytes = b"[]"


class ProviderLine(Protocol):
    """The one line out to providers (connectors.transport.Line)."""

    async def run(
        self, account: Account, exchange: Generator[Effect, Any, T]
    ) -> Told[T | Declined | NotSent | Unknown]:
        """Drive an exchange to its outcome. Never raises for a provider's troubles."""
        ...


class RefundEffects(Protocol):
    """What a refund that was made or refused means; told by the room of refunds, above this one."""

    async def done(self, desk: Desk, told: Instructed, done: Done) -> None:
        """The money went back: counters, books, the refund's state and event."""
        ...

    async def refused(self, desk: Desk, told: Instructed, declined: Declined) -> None:
        """It certainly did not: what was counted is free again, or a person makes a transfer."""
        ...


class DisputeEffects(Protocol):
    """What news of a dispute means; told by the room of disputes, above this one."""

    async def heard(
        self, office: Office, account: Account, attempt: Attempt, news: DisputeNews, transcript: bytes
    ) -> bool:
        """Take in how a dispute stands, as the provider tells it. False: nobody vouches for it yet."""
        ...


def _closed(_: Account) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Office:
    """Database, vault, line, connectors, and the address the gateway is reached at from outside.

    `circuit_open` tells whether the line holds charges to an account back for now. Without a `screen`, no
    payment
    is looked at for fraud.
    """

    db: Database
    vault: Vault
    line: ProviderLine
    connector: ConnectorFor
    public_url: str
    on_refund: RefundEffects
    on_dispute: DisputeEffects
    gate: Gate = field(default_factory=Gate)
    circuit_open: CircuitOpen = _closed
    screen: Screen | None = None
