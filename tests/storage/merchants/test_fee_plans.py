"""Fee plans: exact, one at a time, and never changed backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import Money, baht
from quickkub.merchants.fees import FeePlan, FeePlanInvalid, FeePlanOverlaps, add, plan_for, plans
from quickkub.storage import Database
from tests.support.people import add_merchant

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
async def merchant(database: Database) -> MerchantId:
    return await add_merchant(database)


async def adds(
    database: Database,
    merchant: MerchantId,
    percent: str,
    fixed: int = 0,
    method: str = "",
    begins: datetime | None = None,
) -> FeePlan:
    async with database.transaction() as tx:
        return await add(
            tx, merchant, method, percent=percent, fixed_satang=fixed, begins=begins, by="usr_someone"
        )


async def costs(database: Database, merchant: MerchantId, method: str, at: datetime) -> Money | None:
    async with database.read() as reader:
        plan = await plan_for(reader, merchant, method, at)
    return None if plan is None else plan.fee_of(baht("150.00"))


async def test_a_method_has_its_own_plan_or_that_of_all_methods(
    database: Database, merchant: MerchantId
) -> None:
    await adds(database, merchant, "1.5")
    await adds(database, merchant, "2.65", 300, "card")
    now = datetime.now(UTC)
    assert await costs(database, merchant, "promptpay", now) == baht("2.25")
    assert await costs(database, merchant, "card", now) == baht("6.98")


async def test_a_new_plan_ends_the_one_before_it_to_the_second(
    database: Database, merchant: MerchantId
) -> None:
    await adds(database, merchant, "2")
    await adds(database, merchant, "1", begins=TOMORROW)
    assert await costs(database, merchant, "card", TOMORROW - timedelta(microseconds=1)) == baht("3.00")
    assert await costs(database, merchant, "card", TOMORROW) == baht("1.50")


async def test_before_the_first_plan_there_is_none(database: Database, merchant: MerchantId) -> None:
    await adds(database, merchant, "2")
    assert await costs(database, merchant, "card", TOMORROW - timedelta(days=30)) is None


async def test_the_past_is_not_priced_again(database: Database, merchant: MerchantId) -> None:
    with pytest.raises(FeePlanInvalid):
        await adds(database, merchant, "2", begins=TOMORROW - timedelta(days=2))


async def test_a_plan_does_not_slip_under_a_later_one(database: Database, merchant: MerchantId) -> None:
    await adds(database, merchant, "2", begins=TOMORROW)
    with pytest.raises(FeePlanOverlaps):
        await adds(database, merchant, "1")
    with pytest.raises(FeePlanOverlaps):
        await adds(database, merchant, "1", begins=TOMORROW)


async def test_the_database_itself_refuses_two_plans_at_once(
    database: Database, merchant: MerchantId
) -> None:
    await adds(database, merchant, "2")
    with pytest.raises(asyncpg.ExclusionViolationError):
        async with database.transaction() as tx:
            await tx.execute(
                """
                INSERT INTO fee_plans (merchant_id, id, method, percent, fixed_satang, valid, created_by)
                VALUES ($1, $2, '', 1, 0, tstzrange(now(), NULL), 'x')
                """,
                merchant,
                new_id("fee"),
            )


async def test_plans_of_merchants_and_methods_do_not_mind_each_other(
    database: Database, merchant: MerchantId
) -> None:
    other = await add_merchant(database)
    for whose in (merchant, other):
        for method in ("", "card"):
            await adds(database, whose, "2", method=method)
    async with database.read() as reader:
        assert [plan.method for plan in await plans(reader, merchant)] == ["", "card"]
