"""A merchant with fraud rules of its own, over real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.fraud import store
from quickkub.fraud.decide import looked_at
from quickkub.fraud.facts import FactBook
from quickkub.fraud.model import RuleSet
from quickkub.fraud.reading import read_rule_set
from quickkub.fraud.screen import Screen, Screened
from quickkub.fraud.store import Decision
from quickkub.fraud.subject import Hasher, Hints, Subject
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import THB, Money
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database

NOON = datetime(2026, 11, 25, 5, 0, 30, tzinfo=UTC)
"""12:00:30 in Bangkok, on a Wednesday."""

HASHER = Hasher(Secret("a pepper for tests, long enough to be one"))


@dataclass
class Guarded:
    """A merchant, its screen, and a clock that only moves when it is told to."""

    db: Database
    merchant: MerchantId
    screen: Screen = field(default_factory=lambda: Screen(HASHER, FactBook(kept_seconds=0)))
    at: datetime = NOON
    version: int = 0

    async def rules(self, *rules: dict[str, Any], **more: Any) -> RuleSet:
        """These rules count from now on."""
        self.version += 1
        wanted = read_rule_set({"rules": [*rules], **more}, self.version)
        async with self.db.transaction() as tx:
            await store.add(tx, self.merchant, "test", wanted, "key_1")
        return wanted

    def subject(self, satang: int = 15_000, **said: Any) -> Subject:
        hints = Hints(**{name: said.pop(name) for name in list(said) if name in Hints.__slots__})
        return Subject(
            self.merchant,
            "test",
            said.pop("payment", None) or new_id("pay"),
            Money(satang, THB),
            said.pop("method", "card"),
            said.pop("at", self.at),
            hints=hints,
            **said,
        )

    async def pays(self, satang: int = 15_000, **said: Any) -> Screened:
        """One payment is looked at."""
        async with self.db.transaction() as tx:
            return await self.screen.before(tx, self.subject(satang, **said), self.version)

    async def decision(self, screened: Screened) -> Decision:
        async with self.db.read() as reader:
            found = await store.find_decision(reader, screened.decision)
        assert found is not None
        return found[1]

    async def inputs(self, screened: Screened) -> dict[str, Any]:
        """What the decision looked at, by field."""
        return dict(looked_at((await self.decision(screened)).inputs).inputs())

    def passes(self, **span: int) -> None:
        self.at += timedelta(**span)

    async def row(self, sql: str) -> Any:
        """One row of what is written."""
        async with self.db.read() as reader:
            return await reader.fetchrow(sql)

    async def does(self, sql: str, *values: Any) -> None:
        async with self.db.transaction() as tx:
            await tx.execute(sql, *values)


def rule(
    when: Any, *, name: str = "r", action: str = "block", mode: str = "live", **more: Any
) -> dict[str, Any]:
    """A rule of which only the condition matters."""
    return {
        "id": name,
        "owner": "tests",
        "reason": {"en": "for a test", "th": "สำหรับทดสอบ"},
        "action": action,
        "mode": mode,
        "when": when,
        **more,
    }


def at_least(field: str, value: int) -> dict[str, Any]:
    return {"field": field, "operator": "at_least", "value": value}


@pytest.fixture
async def guarded(database: Database) -> Guarded:
    merchant = MerchantId(new_id("mer"))
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO merchants (id, name, created_at) VALUES ($1, 'Som Tam Shop', $2)",
            merchant,
            NOON - timedelta(days=400),
        )
    return Guarded(database, merchant)
