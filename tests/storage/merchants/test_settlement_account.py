"""Where the money goes: two people, and three days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from quickkub.merchants.approvals import Approval, SecondPersonNeeded, decide
from quickkub.merchants.settlement_account import EFFECTS, NoSettlementAccount, current, number_of, propose
from quickkub.merchants.states import ApprovalFact
from quickkub.storage import Database
from tests.support.people import Person, add_member, add_merchant
from tests.support.shop import VAULT

OLD, NEW = "1234567890", "9876543210"


@pytest.fixture
async def owner(database: Database) -> Person:
    return await add_member(database, await add_merchant(database), "owner")


@pytest.fixture
async def admin(database: Database, owner: Person) -> Person:
    return await add_member(database, owner.caller.merchant, "admin")


async def proposes(database: Database, who: Person, number: str) -> Approval:
    async with database.transaction() as tx:
        return await propose(tx, VAULT, who.caller, bank="004", number=number, holder="บริษัท ส้มตำ จำกัด")


async def says(database: Database, approval: Approval, who: Person, fact: ApprovalFact) -> None:
    async with database.transaction() as tx:
        await decide(tx, approval.merchant, approval.id, fact, who.id, EFFECTS)


async def pays_to(database: Database, who: Person) -> str:
    async with database.read() as reader:
        return (await number_of(reader, VAULT, who.caller.merchant)).reveal()


async def test_an_account_counts_when_another_person_has_said_yes(
    database: Database, owner: Person, admin: Person
) -> None:
    proposed = await proposes(database, owner, OLD)
    with pytest.raises(NoSettlementAccount):
        await pays_to(database, owner)
    with pytest.raises(SecondPersonNeeded):
        await says(database, proposed, owner, ApprovalFact.APPROVE)
    await says(database, proposed, admin, ApprovalFact.APPROVE)
    assert await pays_to(database, owner) == OLD


async def test_a_change_stops_payouts_for_72_hours(database: Database, owner: Person, admin: Person) -> None:
    await says(database, await proposes(database, owner, OLD), admin, ApprovalFact.APPROVE)
    await says(database, await proposes(database, owner, NEW), admin, ApprovalFact.APPROVE)
    assert await pays_to(database, owner) == NEW
    async with database.read() as reader:
        held: datetime = await reader.fetchval(
            "SELECT payouts_held_until FROM merchants WHERE id = $1", owner.caller.merchant
        )
        states = await reader.fetch("SELECT state FROM settlement_accounts ORDER BY id")
    assert timedelta(hours=71) < held - datetime.now(UTC) <= timedelta(hours=72)
    assert [row["state"] for row in states] == ["replaced", "active"]


@pytest.mark.parametrize("fact", [ApprovalFact.REFUSE, ApprovalFact.WITHDRAW])
async def test_a_no_leaves_everything_as_it_was(
    database: Database, owner: Person, admin: Person, fact: ApprovalFact
) -> None:
    await says(database, await proposes(database, owner, OLD), admin, ApprovalFact.APPROVE)
    who = owner if fact is ApprovalFact.WITHDRAW else admin
    await says(database, await proposes(database, owner, NEW), who, fact)
    assert await pays_to(database, owner) == OLD


async def test_the_number_is_stored_sealed_and_shown_by_its_last_four(
    database: Database, owner: Person, admin: Person
) -> None:
    await says(database, await proposes(database, owner, OLD), admin, ApprovalFact.APPROVE)
    async with database.read() as reader:
        shown = await current(reader, owner.caller.merchant)
        for table in ("settlement_accounts", "approvals", "audit_logs"):
            assert OLD not in str(await reader.fetch(f"SELECT {table}::text FROM {table}"))
    assert shown["last_four"] == OLD[-4:]
    assert OLD not in str(shown)
