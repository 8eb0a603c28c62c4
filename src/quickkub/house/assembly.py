"""From settings to objects: the rooms, built once for each process and closed in the opposite order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from quickkub.connectors import registry
from quickkub.connectors.transport import Line
from quickkub.disputes.service import Disputes
from quickkub.disputes.settle import ProviderDisputes
from quickkub.fraud.service import Fraud
from quickkub.fraud.subject import Hasher
from quickkub.house.sealing import open_vault
from quickkub.kernel.clock import SystemClock
from quickkub.merchants.keys import Keys
from quickkub.payments.office import Office
from quickkub.payments.service import Payments
from quickkub.refunds.effects import ProviderRefunds
from quickkub.refunds.service import Refunds
from quickkub.settings import Settings
from quickkub.storage import Database, open_database
from quickkub.storage.scope import NOBODY, Scope
from quickkub.storage.vault import Vault
from quickkub.webhooks.guard import Guard, SystemResolver


@dataclass(frozen=True, slots=True)
class House:
    """Everything a process may need, put together."""

    settings: Settings
    clock: SystemClock
    db: Database
    vault: Vault
    keys: Keys
    guard: Guard
    line: Line
    payments: Payments
    refunds: Refunds
    disputes: Disputes
    fraud: Fraud


@asynccontextmanager
async def open_house(
    settings: Settings, dsn: str, *, connections: int = 20, scope: Scope = NOBODY
) -> AsyncIterator[House]:
    """Build the rooms over the database at `dsn`; `scope` is what tasks see that say nothing.

    Raises DatabaseAway, DatabaseRoleMissing, WeakKey, WeakPepper.
    """
    clock = SystemClock()
    vault = open_vault(settings)
    db = await open_database(dsn, size_max=connections, scope=scope)
    line = Line(registry.connector, clock=clock)
    fraud = Fraud(db, Hasher(settings.key_pepper))
    office = Office(
        db,
        vault,
        line,
        registry.connector,
        settings.public_url,
        ProviderRefunds(),
        ProviderDisputes(),
        circuit_open=line.circuit_open,
        screen=fraud.screen,
    )
    try:
        yield House(
            settings=settings,
            clock=clock,
            db=db,
            vault=vault,
            keys=Keys(db, settings.key_pepper, clock),
            guard=Guard(SystemResolver(), loopback_in_test_mode=settings.allow_local_webhooks),
            line=line,
            payments=Payments(office),
            refunds=Refunds(office),
            disputes=Disputes(office),
            fraud=fraud,
        )
    finally:
        await line.close()
        await db.close()
