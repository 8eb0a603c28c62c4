"""T6: a commit whose answer was lost is resolved by reading the key again, never by doing it again (D2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from quickkub.invariants.run import check_invariants
from quickkub.kernel.errors import Refusal
from quickkub.storage import DatabaseAway, open_database
from quickkub.storage.idempotency import KeyBusy
from quickkub.storage.scope import HOUSE
from tests.support.chaos.madeup import RememberingBank, satang, told_of
from tests.support.chaos.proxy import Proxy, proxied
from tests.support.ports import free_port
from tests.support.shop import MANIFEST, Shop, open_shop

PRICE = satang(10_000)
PART = satang(6_000)
MINUTE = timedelta(minutes=1)

Doing = Callable[[Shop, str], Awaitable[Any]]


@pytest.fixture
async def line(database_dsn: str) -> AsyncIterator[Proxy]:
    async with proxied(database_dsn, free_port()) as proxy:
        yield proxy


@pytest.fixture
async def shop(line: Proxy) -> AsyncIterator[Shop]:
    database = await open_database(line.dsn, size_max=4, scope=HOUSE)
    # A bank that takes the same instruction twice as one; at others, what nobody heard of is refused.
    yield await open_shop(database, RememberingBank(manifest=replace(MANIFEST, instruct_is_repeatable=True)))
    await database.close()


def bank_of(shop: Shop) -> RememberingBank:
    assert isinstance(shop.bank, RememberingBank)
    return shop.bank


async def until_answered(shop: Shop, act: Callable[[], Awaitable[Any]]) -> Any:
    """As a merchant does: the same request again, and time passes in between."""
    for _ in range(6):
        try:
            return await act()
        except (DatabaseAway, KeyBusy):
            await shop.time_passes(MINUTE)
            await shop.works()
    return await act()


async def all_is_well(shop: Shop) -> None:
    await shop.time_passes(MINUTE)
    await shop.works()
    (row,) = await shop.rows(
        "SELECT coalesce(sum(amount), 0)::bigint AS n FROM entries WHERE account LIKE 'provider:%'"
    )
    assert row["n"] == bank_of(shop).total
    assert (await check_invariants(shop.db)).violations == []


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_payment_is_made_once_although_a_commit_of_it_was_not_answered(
    shop: Shop, line: Proxy, nth: int
) -> None:
    line.will_cut(nth)
    with pytest.raises(DatabaseAway):
        await shop.charges(PRICE, "K1")
    shown = await until_answered(shop, lambda: shop.charges(PRICE, "K1"))
    assert line.cut == 1 and shown["status"] == "requires_action"
    assert await shop.counts("payments") == 1 and len(bank_of(shop).sales) == 1
    assert (await shop.charges(PRICE, "K1"))["id"] == shown["id"]


@pytest.mark.parametrize("nth", [1, 2])
async def test_held_money_is_captured_once_although_a_commit_was_not_answered(
    shop: Shop, line: Proxy, nth: int
) -> None:
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    line.will_cut(nth)
    shown = await until_answered(shop, lambda: shop.captures(payment["id"], PART, "K1", final=False))
    assert line.cut == 1 and shown["captured_amount"] == PART.minor
    assert bank_of(shop).total == PART.minor
    await all_is_well(shop)


@pytest.mark.parametrize("nth", [1, 2])
async def test_money_is_given_back_once_although_a_commit_was_not_answered(
    shop: Shop, line: Proxy, nth: int
) -> None:
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    await shop.captures(payment["id"])
    line.will_cut(nth)
    await until_answered(shop, lambda: shop.refunds_of(payment["id"], PART, "K1"))
    await all_is_well(shop)
    assert (await shop.refunds_of(payment["id"], PART, "K1"))["status"] == "succeeded"
    assert line.cut == 1 and bank_of(shop).given_back == PART.minor
    assert (await shop.sees(payment["id"]))["refunded_amount"] == PART.minor


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_a_callback_is_applied_once_wherever_a_commit_was_not_answered(
    shop: Shop, line: Proxy, nth: int
) -> None:
    payment = await shop.charges(PRICE)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    transaction = bank_of(shop).pays(attempt["reference"], PRICE)
    line.will_cut(nth)
    for _ in range(4):
        try:
            await shop.is_told(told_of(attempt["reference"], transaction, PRICE))
            await shop.works()
        except Refusal:
            await shop.time_passes(MINUTE)
    await all_is_well(shop)
    assert line.cut == 1
    assert (await shop.sees(payment["id"]))["status"] == "succeeded" and await shop.counts("receipts") == 1


async def test_a_cancelled_payment_is_cancelled_although_nobody_was_told(shop: Shop, line: Proxy) -> None:
    payment = await shop.charges(PRICE)
    line.will_cut(1)
    with pytest.raises(DatabaseAway):
        await shop.cancels(payment["id"], "K1")
    assert (await shop.cancels(payment["id"], "K1"))["status"] == "cancelled"
