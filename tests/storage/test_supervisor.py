"""Children under a supervisor: they come back when they fall, and none outlives it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quickkub.cli.supervisor import ChildSpec, ChildWillNotStart, Pace, State, Supervisor, python

ROOT = Path(__file__).parents[2]
QUICK = Pace(first_pause=0.01, longest_pause=0.04, grace=10)


def child(behaviour: str, name: str = "child") -> ChildSpec:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return ChildSpec(name, python("-m", "tests.support.dummy_child", behaviour), {"PYTHONPATH": paths})


class Told:
    """Remembers what the supervisor reported, and waits for it."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, State, str]] = []
        self._news = asyncio.Event()

    def __call__(self, name: str, state: State, detail: str) -> None:
        self.changes.append((name, state, detail))
        self._news.set()

    def times(self, state: State) -> int:
        return sum(1 for _, seen, _ in self.changes if seen is state)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not true():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(
    told: Told, folder: Path, *specs: ChildSpec, pace: Pace = QUICK
) -> AsyncIterator[Supervisor]:
    """A supervisor that is stopped at the end of the block."""
    stop = asyncio.Event()
    supervisor = Supervisor(specs, log_dir=folder, report=told, pace=pace)
    run = asyncio.create_task(supervisor.run(stop, lambda: None))
    try:
        yield supervisor
    finally:
        stop.set()
        await run


async def run_to_the_end(told: Told, folder: Path, *specs: ChildSpec, pace: Pace = QUICK) -> None:
    supervisor = Supervisor(specs, log_dir=folder, report=told, pace=pace)
    await supervisor.run(asyncio.Event(), lambda: None)


def processes_of(folder: Path) -> list[int]:
    """Living processes that write to a log in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("fd", "1").resolve().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_a_child_killed_by_9_comes_back(tmp_path: Path) -> None:
    told = Told()
    async with running(told, tmp_path, child("worker")):
        await told.until(lambda: told.times(State.READY) == 1)
        [first] = processes_of(tmp_path)
        os.kill(first, signal.SIGKILL)
        await told.until(lambda: told.times(State.READY) == 2)
        assert processes_of(tmp_path) != [first]
    assert any("was ended by SIGKILL, next try in 0.01 s" in detail for _, _, detail in told.changes)


async def test_everyone_is_ready_once_and_no_one_is_left_at_the_end(tmp_path: Path) -> None:
    told, stop = Told(), asyncio.Event()
    specs = [child("worker", "one"), child("simulators", "two")]
    await Supervisor(specs, log_dir=tmp_path, report=told, pace=QUICK).run(stop, stop.set)
    assert told.times(State.READY) == told.times(State.STOPPED) == 2
    assert processes_of(tmp_path) == []


async def test_a_child_that_fails_five_times_before_it_was_ready_fails_the_start(tmp_path: Path) -> None:
    told = Told()
    with pytest.raises(ChildWillNotStart, match=r"(?s)ended with exit status 1 5 times.*the reason is here"):
        await run_to_the_end(told, tmp_path, child("worker", "good"), child("crashes", "bad"))
    assert processes_of(tmp_path) == []


async def test_the_pause_between_tries_doubles_up_to_its_longest(tmp_path: Path) -> None:
    told = Told()
    with pytest.raises(ChildWillNotStart):
        await run_to_the_end(told, tmp_path, child("crashes"))
    pauses = [
        re.findall(r"next try in (\S+) s", detail)
        for _, state, detail in told.changes
        if state is State.CRASHED
    ]
    assert pauses == [["0.01"], ["0.02"], ["0.04"], ["0.04"]]


async def test_a_child_that_was_ready_once_is_tried_for_ever(tmp_path: Path) -> None:
    told = Told()
    async with running(told, tmp_path, child("crashes-when-ready")):
        await told.until(lambda: told.times(State.CRASHED) > QUICK.failures_max)
    assert told.times(State.STOPPED) == 1


async def test_after_a_healthy_time_the_pause_is_short_again(tmp_path: Path) -> None:
    told = Told()
    pace = Pace(first_pause=0.01, healthy_after=0)
    async with running(told, tmp_path, child("crashes-when-ready"), pace=pace):
        await told.until(lambda: told.times(State.CRASHED) == 3)
    assert all("next try in 0.01 s" in detail for _, state, detail in told.changes if state is State.CRASHED)


async def test_a_child_that_calls_its_configuration_wrong_is_not_tried_again(tmp_path: Path) -> None:
    told = Told()
    with pytest.raises(
        ChildWillNotStart, match=r"(?s)exit status 78 while starting.*JWT_SECRET is too short"
    ):
        await run_to_the_end(told, tmp_path, child("misconfigured"))
    assert told.times(State.STARTING) == 1


async def test_a_child_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    pace = Pace(first_pause=0.01, start_max=0.05, failures_max=2)
    with pytest.raises(ChildWillNotStart, match=r"was not ready within 0.05 s 2 times"):
        await run_to_the_end(Told(), tmp_path, child("never-ready"), pace=pace)
    assert processes_of(tmp_path) == []


async def test_a_child_that_ignores_the_request_to_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    told = Told()
    async with running(told, tmp_path, child("stubborn"), pace=Pace(grace=0.1)):
        await told.until(lambda: told.times(State.READY) == 1)
    assert processes_of(tmp_path) == []


async def test_in_a_hurry_nobody_waits_for_the_grace(tmp_path: Path) -> None:
    told = Told()
    async with running(told, tmp_path, child("stubborn"), pace=Pace(grace=3600)) as supervisor:
        await told.until(lambda: told.times(State.READY) == 1)
        supervisor.hurry()
    assert processes_of(tmp_path) == []


async def test_each_child_writes_to_a_log_of_its_own(tmp_path: Path) -> None:
    told, stop = Told(), asyncio.Event()
    specs = [child("worker", "one"), child("simulators", "two")]
    await Supervisor(specs, log_dir=tmp_path, report=told, pace=QUICK).run(stop, stop.set)
    assert (tmp_path / "one.log").read_text() == "worker begins\n"
    assert (tmp_path / "two.log").read_text() == "simulators begins\n"
