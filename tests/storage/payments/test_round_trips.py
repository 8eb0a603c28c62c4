"""How often each operation goes to PostgreSQL. A round trip more is a decision, not an accident.

Whoever changes a number here says in the commit why it is worth its time: on the payment path a round trip
costs as much as the statement itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from quickkub.kernel.money import baht
from quickkub.payments.inbox_store import Kept
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE, for_merchant, house
from tests.support.shop import MadeUpBank, Shop, open_shop
from tests.support.statements import Sent, Statements

PRICE = baht(150)
Work = Callable[[], Awaitable[Any]]


@pytest.fixture
async def shop(database_dsn: str) -> AsyncIterator[Shop]:
    """A shop whose bank signs its callbacks, on a pool of one session: nothing is done behind our back."""
    database = await open_database(database_dsn, size_max=1, scope=HOUSE)
    yield await open_shop(database, MadeUpBank(trusted=True))
    await database.close()


async def create(shop: Shop) -> Work:
    return lambda: shop.charges(PRICE)


async def keep(shop: Shop) -> Work:
    reference = await _reference(shop, await shop.charges(PRICE))
    return lambda: shop.is_told({"id": reference, "ref": reference, "amount": "150"})


async def claim(shop: Shop) -> Work:
    await (await keep(shop))()
    return lambda: shop.payments.claim_callbacks(10)


async def succeed(shop: Shop) -> Work:
    claimed: list[Kept] = await (await claim(shop))()
    (kept,) = claimed
    return lambda: shop.payments.work_callback(kept)


async def capture(shop: Shop) -> Work:
    payment = await shop.charges(PRICE, method="linepay", capture_later=True)
    return lambda: shop.captures(payment["id"])


async def void(shop: Shop) -> Work:
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    return lambda: shop.voids(payment["id"])


async def refund(shop: Shop) -> Work:
    payment = await shop.charges(PRICE, method="linepay", capture_later=True)
    await shop.captures(payment["id"])
    return lambda: shop.refunds_of(payment["id"])


async def refund_by_transfer(shop: Shop) -> Work:
    payment = await shop.charges(PRICE, method="linepay", capture_later=True)
    await shop.captures(payment["id"])
    return lambda: shop.refunds_of(payment["id"], baht(40))


async def cancel(shop: Shop) -> Work:
    payment = await shop.charges(PRICE)
    return lambda: shop.cancels(payment["id"])


async def _reference(shop: Shop, payment: dict[str, Any]) -> str:
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    return str(attempt["reference"])


@dataclass(frozen=True, slots=True)
class Cost:
    """`round_trips` count BEGIN and COMMIT, `statements` do not.

    `again` are tables that are asked the same thing twice, knowingly: what they say has changed in between.
    """

    opening: Callable[[Shop], Awaitable[Work]]
    statements: int
    round_trips: int
    again: tuple[str, ...] = ()
    for_the_house: bool = False


COSTS: Final = {
    "create a payment": Cost(create, 3, 3),
    "keep a callback": Cost(keep, 2, 2),
    "claim callbacks": Cost(claim, 1, 1, for_the_house=True),
    "work a callback to succeeded": Cost(succeed, 10, 14),
    "capture": Cost(capture, 18, 22, ("attempts",)),
    "void": Cost(void, 16, 20, ("attempts",)),
    "refund through the provider": Cost(refund, 23, 27),
    "refund by a person's transfer": Cost(refund_by_transfer, 10, 12),
    "cancel": Cost(cancel, 7, 9),
}


@pytest.mark.parametrize("name", COSTS)
async def test_an_operation_costs_what_the_table_says_and_asks_nothing_twice(name: str, shop: Shop) -> None:
    cost = COSTS[name]
    listening = Statements(shop.db)
    # A session that goes on working for whom it worked last: what is claimed is claimed for the house.
    with house() if cost.for_the_house else for_merchant(shop.merchant):
        await (await cost.opening(shop))()  # the first time statements are prepared and types looked up
        work = await cost.opening(shop)
        await shop.counts("payments")
        sent = await listening.during(work)
    statements = [one for one in sent if not one.is_around]
    words = "\n".join(one.sql[:150] for one in sent)
    assert (len(statements), len(sent)) == (cost.statements, cost.round_trips), words
    twice = [one for one, times in Counter(statements).items() if times > 1]
    assert sorted(_table(one) for one in twice) == sorted(cost.again), twice


def _table(read: Sent) -> str:
    return read.sql.split(" FROM ", 1)[-1].split(" ", 1)[0]


async def test_whose_rows_are_seen_costs_a_round_trip_only_where_a_single_statement_sees_others_than_before(
    shop: Shop,
) -> None:
    listening, neighbour = Statements(shop.db), await open_shop(shop.db)
    with for_merchant(shop.merchant):
        await shop.charges(PRICE)

    async def charges_after_the_neighbour() -> None:
        with for_merchant(shop.merchant):
            await shop.cancels((await shop.charges(PRICE))["id"])

    with for_merchant(neighbour.merchant):
        await neighbour.counts("payments")
    sent = await listening.during(charges_after_the_neighbour)
    assert [one.sql for one in sent if one.sql.startswith("SET")] == [
        f"SET quickkub.scope = '{shop.merchant}'"
    ]
    begins = {one.sql for one in sent if one.sql.startswith("BEGIN")}
    assert begins == {f"BEGIN; SET LOCAL quickkub.scope = '{shop.merchant}'"}


async def test_a_refusal_costs_one_look(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    sent = await Statements(shop.db).during(lambda: _refused(shop, payment["id"]))
    assert [_table(one) for one in sent if not one.is_around] == ["payments"]


async def _refused(shop: Shop, payment: str) -> None:
    with pytest.raises(Exception, match="no such payment"):
        await shop.cancels(payment[:-1] + ("0" if payment[-1] != "0" else "1"))
