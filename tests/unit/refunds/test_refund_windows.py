"""How long a provider gives money back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from quickkub.refunds.rules import window_is_over

NOON = datetime.fromisoformat("2026-11-25T12:00:00+07:00")


@pytest.mark.parametrize(
    ("now", "is_over"),
    [
        ("2026-11-25T12:00:00+07:00", False),
        ("2026-11-25T12:00:01+07:00", False),
        ("2026-11-25T16:59:59+00:00", False),
        ("2026-11-25T17:00:00+00:00", True),
    ],
)
def test_what_is_refunded_on_its_day_only_is_refunded_until_midnight_in_bangkok(
    now: str, is_over: bool
) -> None:
    assert window_is_over(NOON, datetime.fromisoformat(now), 0) is is_over


@pytest.mark.parametrize("days", [1, 60, 365])
def test_days_are_counted_from_the_moment_of_the_payment(days: int) -> None:
    end = NOON + timedelta(days=days)
    assert not window_is_over(NOON, end, days)
    assert window_is_over(NOON, end + timedelta(seconds=1), days)
