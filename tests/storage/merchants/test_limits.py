"""Limits: checked where a payment is asked for, in the statement that is sent anyway."""

from __future__ import annotations

from datetime import timedelta

import pytest

from quickkub.kernel.money import Money, baht
from quickkub.merchants.limits import Limit, LimitExceeded, replace_limits
from quickkub.storage import Database
from tests.support.shop import Shop, open_shop


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def limits(shop: Shop, *wanted: Limit) -> None:
    async with shop.db.transaction() as tx:
        await replace_limits(tx, shop.merchant, wanted)


async def is_refused(shop: Shop, amount: Money, **more: str) -> bool:
    try:
        await shop.charges(amount, **more)
    except LimitExceeded:
        return True
    return False


async def test_one_payment_is_no_larger_than_allowed(shop: Shop) -> None:
    await limits(shop, Limit("", per_payment=15_000))
    assert not await is_refused(shop, baht(150))
    assert await is_refused(shop, baht("150.01"))


async def test_a_day_holds_what_was_asked_for_and_not_lost_again(shop: Shop) -> None:
    await limits(shop, Limit("", per_day=30_000))
    lost = await shop.charges(baht(150))
    await shop.charges(baht(150))
    assert await is_refused(shop, baht("0.01"))
    await shop.cancels(lost["id"])
    assert not await is_refused(shop, baht(150))


async def test_a_month_goes_on_when_a_day_has_ended(shop: Shop) -> None:
    await limits(shop, Limit("", per_month=20_000))
    await shop.charges(baht(150))
    assert await is_refused(shop, baht("50.01"))
    assert not await is_refused(shop, baht(50))


async def test_a_method_has_limits_of_its_own_beside_those_of_all(shop: Shop) -> None:
    await limits(shop, Limit("", per_day=40_000), Limit("promptpay", per_day=15_000))
    await shop.charges(baht(150))
    assert await is_refused(shop, baht(1))
    assert not await is_refused(shop, baht(250), method="linepay")
    assert await is_refused(shop, baht(1), method="linepay")


async def test_yesterday_does_not_count(shop: Shop) -> None:
    await limits(shop, Limit("", per_day=15_000))
    payment = await shop.charges(baht(150))
    assert await is_refused(shop, baht(1))
    # The day is read from the id, which is a part of every key and cannot be changed: ask from tomorrow.
    async with shop.db.read() as reader:
        tomorrow = await reader.fetchval(
            "SELECT asked_since($1, 'test', '', now() + $2::interval)", shop.merchant, timedelta(days=1)
        )
        today = await reader.fetchval(
            "SELECT asked_since($1, 'test', '', now() - $2::interval)", shop.merchant, timedelta(minutes=5)
        )
    assert (tomorrow, today) == (0, payment["amount"])


async def test_neighbours_and_the_other_mode_are_not_counted(shop: Shop, database: Database) -> None:
    await limits(shop, Limit("", per_day=15_000))
    neighbour = await open_shop(database)
    await neighbour.charges(baht(150))
    async with shop.db.read() as reader:
        live = await reader.fetchval(
            "SELECT asked_since($1, 'live', '', now() - interval '1 day')", neighbour.merchant
        )
    assert live == 0
    assert not await is_refused(shop, baht(150))


async def test_a_repeat_is_answered_as_before_whatever_the_limits_are_now(shop: Shop) -> None:
    first = await shop.charges(baht(150), key="order-1")
    await limits(shop, Limit("", per_payment=1))
    assert await shop.charges(baht(150), key="order-1") == first
    assert await is_refused(shop, baht(150))


async def test_limits_that_are_not_named_again_are_gone(shop: Shop) -> None:
    await limits(shop, Limit("", per_payment=1))
    await limits(shop)
    assert not await is_refused(shop, baht(150))
