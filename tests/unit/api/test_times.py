"""Moments that callers name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.api.strictjson import ParameterInvalid
from quickkub.api.times import future, moment

_moments = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2999, 1, 1))  # noqa: DTZ001


@given(_moments, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_moment_in_any_zone(naive: datetime, minutes: int) -> None:
    zoned = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(zoned.isoformat(), "at") == zoned.astimezone(UTC)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_is_refused(text: str) -> None:
    try:
        assert moment(text, "at").tzinfo is UTC
    except ParameterInvalid as refusal:
        assert refusal.param == "at"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T00:00:00+25:00",
        "0001-01-01T00:00:00+14:00",
        "2026-01-01T00:00:00Z\n",
        "2026-W01-1",
    ],
)
def test_other_forms_and_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        moment(text, "at")


def test_what_has_to_lie_ahead_does() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert future("2026-01-01T00:00:01Z", "at", now) > now
    with pytest.raises(ParameterInvalid):
        future("2026-01-01T00:00:00Z", "at", now)
