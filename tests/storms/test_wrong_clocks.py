"""T7: a process whose clock is wrong works all the same, and days end where the bank says (D5, S1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Order, Paid
from quickkub.connectors.simulation.base import Pay
from quickkub.connectors.transport import Line
from quickkub.kernel.money import baht
from tests.support.chaos.plan import Storm
from tests.support.chaos.storm import StormRun
from tests.support.scb import Scb, scb_account

MINUTES_5, DAY = 300, 86_400
SHIFTED = ("-m", "tests.support.chaos.shifted")
SOON_SECONDS = 40


@pytest.fixture(scope="module")
async def run(servers_folder: Path) -> AsyncIterator[StormRun]:
    folder = servers_folder / "wrong-clocks"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        run = StormRun(Storm(seed=7, apis=1, workers=1), folder, stack)
        await run.set_up()
        run.bank.configure("options", {"inquiry_lag_seconds": 0})
        yield run


@pytest.mark.parametrize("seconds", [MINUTES_5, -MINUTES_5, DAY, -DAY])
async def test_money_is_found_and_told_of_by_processes_whose_clock_is_wrong(
    run: StormRun, seconds: int
) -> None:
    await run.restart(*SHIFTED, str(seconds))
    shown = {}
    async with run.merchant.session() as session:
        for name in ("callback-lost", "answer-lost", "callback-sent"):
            if name == "answer-lost":
                run.bank.lose_next_creation()
            status, shown[name] = await run.merchant.asks_once(session, f"{name}-{seconds}", 15_000)
            assert status == 201
    for name, payment in shown.items():
        rows = await run.database.asks("SELECT reference FROM attempts WHERE payment_id = $1", payment["id"])
        if name != "answer-lost":
            run.bank.pay(rows[0]["reference"], Pay(callback="send" if name == "callback-sent" else "drop"))
    await _is(run, shown["callback-lost"], "succeeded")
    await _is(run, shown["callback-sent"], "succeeded")
    await _is(run, shown["answer-lost"], "requires_action")
    async with asyncio.timeout(SOON_SECONDS):
        while await run.database.asks("SELECT 1 FROM webhook_deliveries WHERE state <> 'delivered'"):
            await asyncio.sleep(0.1)


async def _is(run: StormRun, payment: dict[str, Any], state: str) -> None:
    """It comes to this by itself; the inquiry is due now."""
    await run.database.asks(
        "UPDATE attempts SET next_check_at = now() WHERE payment_id = $1 AND state <> 'succeeded'",
        payment["id"],
    )
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            (row,) = await run.database.asks("SELECT state FROM payments WHERE id = $1", payment["id"])
            if row["state"] == state:
                return
            await asyncio.sleep(0.1)


async def test_a_payment_is_not_out_of_time_because_a_process_thinks_it_is_tomorrow(run: StormRun) -> None:
    await run.restart(*SHIFTED, str(DAY))
    async with run.merchant.session() as session:
        status, shown = await run.merchant.asks_once(session, "tomorrow", 15_000)
    assert (status, shown["status"]) == (201, "requires_action")
    (row,) = await run.database.asks(
        "SELECT state, expires_at - now() AS left FROM payments WHERE id = $1", shown["id"]
    )
    assert row["state"] == "requires_action" and timedelta(minutes=14) < row["left"] < timedelta(minutes=16)


@pytest.mark.parametrize(
    ("asked", "paid_at"),
    [
        ("2026-03-09T23:59:50+07:00", "2026-03-10T00:00:05+07:00"),
        ("2028-02-28T23:59:50+07:00", "2028-02-29T00:00:05+07:00"),
        ("2028-02-29T23:59:50+07:00", "2028-03-01T00:00:05+07:00"),
        ("2026-12-31T23:59:50+07:00", "2027-01-01T00:00:05+07:00"),
        ("2026-03-10T00:00:05+07:00", "2026-03-10T00:00:06+07:00"),
    ],
    ids=["a midnight", "into a leap day", "out of a leap day", "a year's end", "just after midnight"],
)
async def test_money_paid_on_the_other_side_of_midnight_is_found(
    scb_simulator: Scb, asked: str, paid_at: str
) -> None:
    account = scb_account(scb_simulator.base_url)
    line = Line(registry.connector)
    connector = registry.connector("scb")
    try:
        await scb_simulator.time_is(asked)
        then = datetime.fromisoformat(asked)
        order = Order("MIDNIGHT1", baht(150), "promptpay", then, then + timedelta(minutes=15), then)
        await line.run(account, connector.create(account, order))
        await scb_simulator.time_is(paid_at)
        await scb_simulator.pay("MIDNIGHT1")
        now = datetime.fromisoformat(paid_at) + timedelta(seconds=20)
        told = await line.run(account, connector.inquire(account, replace(order, now=now)))
    finally:
        await line.close()
    assert isinstance(told.outcome, Paid)
    assert told.outcome.receipts[0].paid_at == datetime.fromisoformat(paid_at)
