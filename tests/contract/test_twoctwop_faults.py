"""Whatever goes wrong between 2C2P and us, nobody is called paid, failed or refunded who is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Account, Doing, Effect, Instruction, NoAnswer, Order
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.twoctwop.connector import CONNECTOR
from quickkub.connectors.providers.twoctwop.manifest import MANIFEST
from quickkub.connectors.providers.twoctwop.simulator import TwoCTwoPSimulator
from quickkub.connectors.simulation.faults import HEADER, FaultKind
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.kernel.money import Money
from tests.support.ports import free_port

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
ORDER = Order("QKFAULT1", Money(10_000), "card", NOON, NOON + timedelta(minutes=15), NOON)
NEXT_DAY = NOON + timedelta(days=1)
REFUND = Instruction(
    Doing.REFUND, "QKREF1", Money(4_000), NEXT_DAY, NEXT_DAY, captured=Money(10_000), refunded=Money(0)
)


@asynccontextmanager
async def at_simulator() -> AsyncIterator[tuple[Any, Account, Any]]:
    """A line, an account, and a hand in the simulator."""
    line = Line(registry.connector)
    async with (
        served(TwoCTwoPSimulator({}), "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
    ):

        async def sim(path: str, body: Any) -> Any:
            async with session.post(f"{url}/_sim/{path}", json=body) as came:
                assert came.status < 300, await came.text()
                return await came.json()

        await sim("clock", {"at": NOON.isoformat()})
        yield line, loose_account(MANIFEST, simulator_particulars(MANIFEST, url)), sim
        await line.close()


def fault(kind: FaultKind, operation: str) -> dict[str, Any]:
    return {"faults": [{"kind": kind.value, "operation": operation, "seconds": 0}]}


def spoiled_second(exchange: Any, kind: FaultKind, *, before: bool) -> Generator[Effect, Any, Any]:
    """The exchange, with a fault on its second request."""
    header, number = kind.value + (";before" if before else ""), 1
    try:
        request = next(exchange)
        while True:
            if number == 2:
                request = replace(request, headers={**request.headers, HEADER: header})
            number += 1
            try:
                answer = yield request
            except NoAnswer as lost:
                request = exchange.throw(lost)
            else:
                request = exchange.send(answer)
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("kind", FaultKind)
async def test_a_spoiled_inquiry_is_paid_in_full_or_unknown(kind: FaultKind) -> None:
    async with at_simulator() as (line, account, sim):
        await line.run(account, CONNECTOR.create(account, ORDER))
        await sim("payments/QKFAULT1/pay", {})
        await sim("faults", fault(kind, "paymentInquiry"))
        spoiled = (await line.run(account, CONNECTOR.inquire(account, ORDER))).outcome
        assert type(spoiled).__name__ == ("Paid" if kind is FaultKind.SLOW else "Unknown"), spoiled
        clear = (await line.run(account, CONNECTOR.inquire(account, ORDER))).outcome
        assert type(clear).__name__ == "Paid", clear


@pytest.mark.parametrize("kind", FaultKind)
@pytest.mark.parametrize("operation", ["paymentToken", "payment"])
async def test_a_spoiled_creation_is_asked_for_again_without_harm(kind: FaultKind, operation: str) -> None:
    order = Order("QKFAULT2", Money(10_000), "promptpay", NOON, NOON + timedelta(minutes=15), NOON)
    harmless = {FaultKind.SLOW, FaultKind.WRONG_CURRENCY}  # no answer to a creation names a currency
    if operation == "paymentToken":
        harmless.add(FaultKind.WRONG_AMOUNT)
    async with at_simulator() as (line, account, sim):
        await sim("faults", fault(kind, operation))
        spoiled = (await line.run(account, CONNECTOR.create(account, order))).outcome
        assert type(spoiled).__name__ == ("Waiting" if kind in harmless else "Unknown"), spoiled
        again = (await line.run(account, CONNECTOR.create(account, order))).outcome
        assert type(again).__name__ == "Waiting" and again.action is not None, again


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_ANSWER, FaultKind.RESET, FaultKind.HALF_BODY, FaultKind.ERROR_500]
)
async def test_a_refund_whose_answer_is_lost_is_made_once(kind: FaultKind, before: bool) -> None:
    async with at_simulator() as (line, account, sim):
        await line.run(account, CONNECTOR.create(account, ORDER))
        await sim("payments/QKFAULT1/pay", {})
        await sim("clock", {"at": NEXT_DAY.isoformat()})
        # The question about the state passes; the refund after it is what goes wrong.
        spoiling = spoiled_second(CONNECTOR.instruct(account, ORDER, REFUND), kind, before=before)
        outcome = (await line.run(account, spoiling)).outcome
        assert type(outcome).__name__ == "Unknown", outcome
        asked = (await line.run(account, CONNECTOR.inquire_instruction(account, ORDER, REFUND))).outcome
        again = (await line.run(account, CONNECTOR.instruct(account, ORDER, REFUND))).outcome
        assert type(again).__name__ == "Done", again
        assert type(asked).__name__ == ("Unknown" if before else "Done"), asked
        final = (await line.run(account, CONNECTOR.inquire_instruction(account, ORDER, REFUND))).outcome
        assert final.transaction_id == again.transaction_id
