"""Refusals have stable codes; time is aware, UTC and passed in."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from quickkub.kernel.clock import BANGKOK, SystemClock, rfc3339
from quickkub.kernel.errors import Kind, Refusal, all_refusals
from quickkub.kernel.money import BadAmount


class OutOfStock(Refusal):
    """There is none left."""

    code, kind = "out_of_stock", Kind.CONFLICT


class LastOneReserved(OutOfStock):
    """There is one and it is promised."""

    code = "last_one_reserved"


def test_a_refusal_carries_its_words_the_field_and_when_to_come_back() -> None:
    refusal = OutOfStock("no cups left", param="items.cup", retry_after=5)
    assert str(refusal) == refusal.detail == "no cups left"
    assert (refusal.param, refusal.retry_after, refusal.kind.value) == ("items.cup", 5, 409)


def test_all_refusals_are_found_however_deep_and_sorted_by_code() -> None:
    found = all_refusals()
    assert {OutOfStock, LastOneReserved, BadAmount} <= set(found)
    assert [one.code for one in found] == sorted(one.code for one in found)
    assert len(found) == len(set(found))


def test_kinds_do_not_share_a_status() -> None:
    assert len({kind.value for kind in Kind}) == len(Kind.__members__)


def test_time_is_shown_in_utc_to_the_second() -> None:
    bangkok = datetime(2026, 1, 15, 10, 33, 12, 999_999, tzinfo=BANGKOK)
    assert rfc3339(bangkok) == "2026-01-15T03:33:12Z"
    assert rfc3339(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=14)))) == "2025-12-31T10:00:00Z"


def test_a_time_without_a_zone_is_nobody_s_time() -> None:
    with pytest.raises(ValueError, match="time zone"):
        rfc3339(datetime(2026, 1, 15, 10, 33, 12))  # noqa: DTZ001


def test_the_machine_s_clock_is_aware_and_its_durations_never_go_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
