"""How many may call a provider at once, and what the circuit makes of how they fare."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.connectors.breaker import TROUBLES_MAX
from quickkub.connectors.contract import NoAnswer
from quickkub.connectors.gate import Gate, TimedOut
from tests.support.hand_clock import HandClock


async def test_whoever_waits_too_long_for_a_turn_goes_back_unsent() -> None:
    gate = Gate(HandClock(), at_once_max=2, turn_seconds=0.05)
    go, inside = asyncio.Event(), 0

    async def call() -> str:
        nonlocal inside
        async with gate.passing(asks_only=False):
            inside += 1
            await go.wait()
        return "called"

    async def late() -> bool:
        with pytest.raises(NoAnswer) as lost:
            await call()
        return lost.value.sent

    early = [asyncio.create_task(call()) for _ in range(2)]
    while inside < 2:
        await asyncio.sleep(0)
    assert [await late(), await late()] == [False, False]
    go.set()
    assert await asyncio.gather(*early) == ["called", "called"]
    assert await call() == "called", "turns are given back"


@pytest.mark.parametrize(
    ("trouble", "opens"),
    [
        (TimedOut("late", sent=True), True),
        (NoAnswer("refused", sent=False), True),
        (NoAnswer("reset", sent=True), False),
        (asyncio.CancelledError(), True),
        (ValueError("a mistake of ours"), False),
    ],
)
async def test_the_circuit_counts_what_was_not_sent_or_took_too_long(
    trouble: BaseException, opens: bool
) -> None:
    gate = Gate(HandClock())
    for _ in range(TROUBLES_MAX):
        with pytest.raises(type(trouble)):
            async with gate.passing(asks_only=False):
                raise trouble
    assert gate.breaker.is_open is opens


async def test_behind_an_open_circuit_nothing_is_sent() -> None:
    gate = Gate(HandClock())
    for _ in range(TROUBLES_MAX):
        with pytest.raises(TimedOut):
            async with gate.passing(asks_only=False):
                raise TimedOut("late", sent=True)
    with pytest.raises(NoAnswer) as lost:
        async with gate.passing(asks_only=False):
            pytest.fail("it was let through")
    assert not lost.value.sent
