"""What the functions of this room work with, handed around as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from quickkub.connectors.contract import Account, Exchange, Outcome
from quickkub.payments.routing import ConnectorFor
from quickkub.storage import Database
from quickkub.storage.vault import Vault


class Told(Protocol):
    """What came of an exchange: the conclusion, and the redacted words on the wire."""

    @property
    def outcome(self) -> Outcome: ...

    @property
    def transcript(self) -> bytes: ...


class ProviderLine(Protocol):
    """The one line out to providers (connectors.transport.Line)."""

    async def run(self, account: Account, exchange: Exchange) -> Told:
        """Drive an exchange to its outcome. Never raises for a provider's troubles."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """Database, vault, line, connectors, and the address the gateway is reached at from outside."""

    db: Database
    vault: Vault
    line: ProviderLine
    connector: ConnectorFor
    public_url: str
