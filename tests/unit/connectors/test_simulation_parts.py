"""The parts all simulators share: clock, schedule, faults, weather."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.simulation.clock import Schedule, SimClock
from quickkub.connectors.simulation.faults import BadFault, Fault, FaultKind, Faults, read_header
from quickkub.connectors.simulation.weather import BadWeather, Weather, read_weather

DAY = datetime(2026, 1, 15, 3, 30, tzinfo=UTC)


def test_a_clock_that_stands_still_moves_by_hand_only() -> None:
    clock = SimClock()
    clock.set(DAY, freeze=True)
    clock.advance(timedelta(hours=1))
    assert clock.now() == DAY + timedelta(hours=1) and clock.stands_still


def test_a_clock_that_runs_goes_on_from_where_it_was_set() -> None:
    clock = SimClock()
    clock.set(DAY, freeze=False)
    first = clock.now()
    assert DAY <= first <= clock.now() and not clock.stands_still
    clock.follow_real_time()
    assert clock.now() > DAY


async def test_work_is_done_in_the_order_in_which_it_falls_due() -> None:
    clock = SimClock()
    clock.set(DAY, freeze=True)
    schedule, done = Schedule(clock), list[str]()

    def later(seconds: int, name: str) -> None:
        async def job() -> None:
            done.append(name)
            if name == "b":
                later(0, "b's own")

        schedule.after(timedelta(seconds=seconds), job)

    later(3, "c")
    later(2, "b")
    later(1, "a")
    await schedule.settle()
    assert done == [] and schedule.waiting() == 3
    clock.advance(timedelta(seconds=2))
    await schedule.settle()
    assert done == ["a", "b", "b's own"]
    await schedule.close()
    assert schedule.waiting() == 0


async def test_work_that_fails_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    clock = SimClock()
    clock.set(DAY, freeze=True)
    schedule, done = Schedule(clock), list[str]()

    async def fails() -> None:
        raise ValueError("broken")

    async def works() -> None:
        done.append("worked")

    schedule.after(timedelta(), fails)
    schedule.after(timedelta(), works)
    await schedule.settle()
    assert done == ["worked"] and "broken" in caplog.text


def test_a_fault_header_is_read() -> None:
    assert read_header("timeout;before;seconds=3") == Fault(FaultKind.TIMEOUT, before=True, seconds=3)
    assert read_header("reset").kind is FaultKind.RESET
    for text in ("", "unheard of", "timeout;seconds=soon"):
        with pytest.raises(BadFault):
            read_header(text)


def test_a_fault_for_any_operation_spares_the_token() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.RESET))
    assert faults.take("token", "", None) is None
    assert faults.take("qr_create", "", None) is not None
    assert faults.take("qr_create", "", None) is None


def test_a_fault_about_one_reference_waits_for_it() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.RESET, "inquiry", reference="QK2"))
    assert faults.take("inquiry", "/x?reference1=QK1", None) is None
    assert faults.take("inquiry", "/x?reference1=QK2", None) is not None
    assert faults.done == {"reset": 1}


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_fate_of_the_nth_confirmation_depends_on_seed_and_number_only(seed: int, number: int) -> None:
    weather = Weather(seed, 30, 30, 4, 60_000, 20, 5, 10, 30, 5)
    fate = weather.fate(number)
    assert fate == weather.fate(number)
    assert len(fate.delays_ms) <= 5 and all(0 <= delay <= 95_000 for delay in fate.delays_ms)


def test_shares_of_the_weather_are_about_what_they_say() -> None:
    fates = [Weather(seed=7, drop_percent=10, forge_percent=50).fate(number) for number in range(2000)]
    assert 140 <= sum(not fate.delays_ms for fate in fates) <= 260
    assert 900 <= sum(fate.forged for fate in fates) <= 1100


def test_fine_weather_is_one_confirmation_at_once() -> None:
    assert Weather().fate(1).delays_ms == (0,)


def test_weather_nobody_knows_is_refused() -> None:
    for said in ({"rain_percent": 1}, {"drop_percent": -1}, {"drop_percent": "5"}, {"drop_percent": True}):
        with pytest.raises(BadWeather):
            read_weather(said)
