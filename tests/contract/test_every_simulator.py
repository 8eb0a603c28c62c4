"""What every provider's simulator gives to those who start it with nothing configured, and that no fault
between it and the connector makes the connector lie."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Authorized, Declined, Paid, Unknown, Waiting
from quickkub.connectors.simulation.run import served
from quickkub.house.simulators_alone import particulars
from tests.support.asking_simulators import LOST, asking, offers, one_of_each, spoilt
from tests.support.ports import free_port
from tests.support.telling import told

OFFERS = offers()
ONE_OF_EACH = one_of_each()
DISTORTED = ("wrong_amount", "wrong_currency")


@pytest.mark.parametrize(("provider", "method"), OFFERS)
async def test_an_order_is_made_paid_and_found_paid(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order = asked.order()
        made = await asked.create(order)
        assert isinstance(made, Waiting | Paid | Authorized), told(made)
        await asked.pays(made)
        found = await asked.inquire(order, made)
        called = await asked.called_back()
        assert asked.refused == []
        if isinstance(found, Waiting) and asked.lives_by_callbacks:
            receipts = called
        else:
            assert isinstance(found, Paid), told(found)
            receipts = list(found.receipts)
        (receipt,) = receipts
        assert receipt.amount == order.amount
        # One movement has one id, whoever tells of it.
        assert {one.transaction_id for one in called} <= {receipt.transaction_id}
        (moved,) = (await asked.truth())["movements"]
        assert (moved["satang"], moved["currency"]) == (order.amount.minor, "THB")


@pytest.mark.parametrize(("provider", "method"), OFFERS)
async def test_an_order_that_is_not_paid_waits(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order = asked.order()
        made = await asked.create(order)
        found = await asked.inquire(order, made)
        assert isinstance(found, Waiting) or (await asked.truth())["count"] == 1, told(found)


@pytest.mark.parametrize(("provider", "method"), ONE_OF_EACH)
async def test_a_creation_whose_answer_is_lost_is_unknown(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        for number, kind in enumerate((*LOST, "limit")):
            outcome = await spoilt(asked, kind, asked.create(asked.order(f"QKSIM{number:05d}")))
            assert outcome is None or isinstance(outcome, Unknown), (kind, told(outcome))
        for number, kind in enumerate(DISTORTED, start=len(LOST) + 1):
            order = asked.order(f"QKSIM{number:05d}")
            outcome = await spoilt(asked, kind, asked.create(order))
            assert not isinstance(outcome, Declined), (kind, told(outcome))
            assert not _proves(outcome, order), (kind, told(outcome))


@pytest.mark.parametrize(("provider", "method"), ONE_OF_EACH)
async def test_an_inquiry_whose_answer_is_lost_or_distorted_proves_nothing(
    provider: str, method: str
) -> None:
    async with asking(provider, method) as asked:
        order = asked.order()
        made = await asked.create(order)
        await asked.pays(made)
        for kind in (*LOST, "limit"):
            outcome = await spoilt(asked, kind, asked.inquire(order, made))
            assert outcome is None or isinstance(outcome, Unknown), (kind, told(outcome))
        for kind in DISTORTED:
            outcome = await spoilt(asked, kind, asked.inquire(order, made))
            assert not isinstance(outcome, Declined), (kind, told(outcome))
            assert outcome is None or not _proves(outcome, order), (kind, told(outcome))
        found = await asked.inquire(order, made)
        assert asked.lives_by_callbacks or _proves(found, order), "when all is well again, it is found"


def _proves(outcome: Any, order: Any) -> bool:
    """Whether it says that exactly this order's money moved."""
    return isinstance(outcome, Paid) and any(r.amount == order.amount for r in outcome.receipts)


@pytest.mark.parametrize("provider", registry.names())
async def test_every_simulator_says_where_its_api_is_and_with_what_it_is_used(provider: str) -> None:
    simulator = registry.simulator(provider)({"callback_url": "http://127.0.0.1:9/heard"})
    async with (
        served(simulator, "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
        session.get(url + "/_sim/truth") as came,
    ):
        assert came.status == 200
        said = particulars(registry.providers()[provider], url)
    assert said["base_url"].removeprefix(url) in simulator.base_paths()
    assert len(said) > 2, "it works with credentials, which are to be told"
