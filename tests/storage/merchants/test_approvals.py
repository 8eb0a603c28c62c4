"""Four eyes: nobody says yes to what they asked for."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.kernel.ids import MerchantId
from quickkub.merchants.approvals import (
    Approval,
    ApprovalNotFound,
    ApprovalOver,
    SecondPersonNeeded,
    approvals,
    ask,
    decide,
    view_of,
)
from quickkub.merchants.states import ApprovalFact, ApprovalState
from quickkub.storage import Connection, Database
from tests.support.people import add_merchant

FIRST, SECOND = "usr_" + "1" * 32, "usr_" + "2" * 32


class Done:
    """An effect that counts."""

    def __init__(self) -> None:
        self.states: list[ApprovalState] = []

    async def __call__(self, tx: Connection, approval: Approval) -> None:
        self.states.append(approval.state)


@pytest.fixture
async def merchant(database: Database) -> MerchantId:
    return await add_merchant(database)


async def asks(database: Database, merchant: MerchantId, by: str = FIRST) -> Approval:
    async with database.transaction() as tx:
        return await ask(tx, merchant, "payout.send", {"payout": "po_1"}, by)


async def says(
    database: Database,
    approval: Approval,
    fact: ApprovalFact,
    by: str,
    done: Done | None = None,
) -> Approval:
    async with database.transaction() as tx:
        effects = {"payout.send": done or Done()}
        return await decide(tx, approval.merchant, approval.id, fact, by, effects)


async def test_a_second_person_approves_and_the_act_is_done(database: Database, merchant: MerchantId) -> None:
    done = Done()
    approval = await says(database, await asks(database, merchant), ApprovalFact.APPROVE, SECOND, done)
    assert (approval.state, approval.decided_by) == (ApprovalState.APPROVED, SECOND)
    assert done.states == [ApprovalState.APPROVED]


@pytest.mark.parametrize("fact", [ApprovalFact.APPROVE, ApprovalFact.REFUSE])
async def test_who_asked_decides_nothing(
    database: Database, merchant: MerchantId, fact: ApprovalFact
) -> None:
    done = Done()
    with pytest.raises(SecondPersonNeeded):
        await says(database, await asks(database, merchant), fact, FIRST, done)
    assert done.states == []


async def test_only_who_asked_takes_it_back(database: Database, merchant: MerchantId) -> None:
    asked = await asks(database, merchant)
    with pytest.raises(SecondPersonNeeded):
        await says(database, asked, ApprovalFact.WITHDRAW, SECOND)
    assert (await says(database, asked, ApprovalFact.WITHDRAW, FIRST)).state is ApprovalState.WITHDRAWN


async def test_a_request_is_decided_once_also_by_two_at_the_same_time(
    database: Database, merchant: MerchantId
) -> None:
    asked, done = await asks(database, merchant), Done()
    ends = await asyncio.gather(
        *(says(database, asked, fact, SECOND, done) for fact in (ApprovalFact.APPROVE, ApprovalFact.REFUSE)),
        return_exceptions=True,
    )
    assert [type(end) for end in ends].count(ApprovalOver) == 1
    assert len(done.states) == 1


async def test_a_request_that_nobody_decided_in_time_is_over(
    database: Database, merchant: MerchantId
) -> None:
    asked = await asks(database, merchant)
    async with database.transaction() as tx:
        await tx.execute("UPDATE approvals SET expires_at = now()")
    with pytest.raises(ApprovalOver):
        await says(database, asked, ApprovalFact.APPROVE, SECOND)
    async with database.read() as reader:
        (shown,) = await approvals(reader, merchant, after=None, limit=10)
    assert view_of(shown)["status"] == "expired"


async def test_requests_of_another_merchant_are_not_there(database: Database, merchant: MerchantId) -> None:
    asked = await asks(database, await add_merchant(database))
    with pytest.raises(ApprovalNotFound):
        async with database.transaction() as tx:
            await decide(tx, merchant, asked.id, ApprovalFact.APPROVE, SECOND, {})
    async with database.read() as reader:
        assert await approvals(reader, merchant, after=None, limit=10) == []


async def test_an_effect_that_fails_leaves_the_request_open(database: Database, merchant: MerchantId) -> None:
    asked = await asks(database, merchant)

    async def fails(tx: Connection, approval: Approval) -> None:
        raise RuntimeError("the bank's file is full")

    with pytest.raises(RuntimeError):
        async with database.transaction() as tx:
            await decide(tx, merchant, asked.id, ApprovalFact.APPROVE, SECOND, {"payout.send": fails})
    async with database.read() as reader:
        (still,) = await approvals(reader, merchant, after=None, limit=10)
    assert still.state is ApprovalState.OPEN
