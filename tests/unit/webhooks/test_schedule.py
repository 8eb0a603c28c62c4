"""When a webhook is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.webhooks.schedule import DELAYS, RETRY_AFTER_MAX, read_retry_after, seconds_until_next

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MIDDLE = 0.5


def test_the_waits_are_those_of_the_specification() -> None:
    minute, hour = 60, 3600
    start = (5, 30, 2 * minute, 10 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour)
    assert (*start, 12 * hour, 12 * hour, 12 * hour, 12 * hour) == DELAYS


def test_the_last_try_is_within_72_hours_and_one_more_would_not_be() -> None:
    assert sum(DELAYS) <= 72 * 3600 < sum(DELAYS) + DELAYS[-1]


def test_after_thirteen_tries_there_is_none() -> None:
    waits = [seconds_until_next(tries, MIDDLE) for tries in range(1, 15)]
    assert waits == [*map(float, DELAYS), None, None]
    assert [*accumulate(DELAYS)][-1] == 65 * 3600 + 42 * 60 + 35


@given(st.integers(1, len(DELAYS)), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_spread_by_a_fifth_and_no_more(tries: int, chance: float) -> None:
    wait = seconds_until_next(tries, chance)
    assert wait is not None
    assert 0.8 * DELAYS[tries - 1] <= wait <= 1.2 * DELAYS[tries - 1]


@given(st.integers(1, len(DELAYS)), st.integers(0, 10**9))
def test_the_receiver_may_ask_for_more_peace_but_not_for_ever_and_not_for_less(
    tries: int, asked: int
) -> None:
    wait = seconds_until_next(tries, MIDDLE, asked)
    assert wait == max(DELAYS[tries - 1], min(asked, RETRY_AFTER_MAX))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("9" * 30, RETRY_AFTER_MAX),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        ("Mon, 23 Nov 2026 12:10:00 +0700", 600),
        ("Mon, 23 Nov 2026 05:10:00", 600),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("๑๒", None),
        ("Mon, 99 Nov 2026 05:10:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: int | None) -> None:
    assert read_retry_after(header, NOW) == seconds


@given(st.text(max_size=60))
def test_no_header_makes_the_reading_fail(header: str) -> None:
    seconds = read_retry_after(header, NOW)
    assert seconds is None or seconds >= 0
