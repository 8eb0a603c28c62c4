"""T3, T4, T5 at once: processes killed, sessions cut, PostgreSQL crashed, a bank that loses its answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.support.chaos.plan import Storm
from tests.support.chaos.storm import Weathered, weather
from tests.support.chaos.told import told

SEEDS: Final = tuple(int(seed) for seed in os.environ.get("STORM_SEEDS", "1,2,3").split(","))
SECONDS: Final = int(os.environ.get("STORM_SECONDS", "60"))


@pytest.fixture(scope="module")
async def storms(servers_folder: Path) -> AsyncIterator[Mapping[int, asyncio.Task[Weathered]]]:
    """One storm rages at a time; while the next one does, the last one heals."""
    turn = asyncio.Lock()
    raging = {
        seed: asyncio.create_task(weather(Storm(seed, SECONDS), servers_folder / f"storm-{seed}", turn))
        for seed in SEEDS
    }
    yield raging
    for storm in raging.values():
        storm.cancel()
    await asyncio.gather(*raging.values(), return_exceptions=True)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_minute_after_a_storm_the_books_say_what_the_bank_says(
    seed: int, storms: Mapping[int, asyncio.Task[Weathered]], capsys: pytest.CaptureFixture[str]
) -> None:
    result = await storms[seed]
    with capsys.disabled():
        print("\n" + told(result))
    assert result.wrong == {}
