"""A bucket of requests against a plain one that is filled drop by drop."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.api.limits.memory import Memory
from quickkub.api.limits.policy import SECOND_US, Bucket, Window

BUCKETS = st.builds(Bucket, name=st.just("test"), per_second=st.integers(1, 5_000), burst=st.integers(1, 200))
PAUSES_US = st.lists(
    st.one_of(st.integers(0, 10), st.integers(0, 200_000), st.integers(0, 30 * SECOND_US)), max_size=150
)


@dataclass
class PlainBucket:
    """What it is: some requests in a bucket, a little more with every moment, never more than it holds."""

    bucket: Bucket
    held: Fraction
    seen_us: int = 0

    def takes(self, now_us: int) -> bool:
        grown = Fraction(now_us - self.seen_us, self.bucket.drip_us)
        self.held, self.seen_us = min(Fraction(self.bucket.burst), self.held + grown), now_us
        if self.held < 1:
            return False
        self.held -= 1
        return True


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.us = 10**12

    def __call__(self) -> int:
        return self.us


@given(BUCKETS, PAUSES_US)
def test_a_bucket_allows_what_a_plain_bucket_allows_and_says_what_is_left(
    bucket: Bucket, pauses: list[int]
) -> None:
    clock = Hand()
    memory = Memory(clock_us=clock)
    plain = PlainBucket(bucket, Fraction(bucket.burst), clock.us)
    for pause in pauses:
        clock.us += pause
        (told,) = memory.take([(bucket, "key_1")])
        assert told.allowed is plain.takes(clock.us)
        assert told.remaining == plain.held // 1
        assert told.full_in_us == (bucket.burst - plain.held) * bucket.drip_us


@given(BUCKETS, st.integers(0, 400))
def test_who_comes_back_when_told_is_let_in_and_a_moment_earlier_is_not(bucket: Bucket, asked: int) -> None:
    clock = Hand()
    memory = Memory(clock_us=clock)
    for _ in range(bucket.burst + asked):
        (told,) = memory.take([(bucket, "key_1")])
    if told.allowed:
        return
    clock.us += told.retry_in_us - 1
    assert not memory.take([(bucket, "key_1")])[0].allowed
    clock.us += 1
    assert memory.take([(bucket, "key_1")])[0].allowed


@given(st.integers(1, 5_000), st.integers(1, 100), st.integers(1, 20))
def test_no_second_sees_more_than_burst_and_rate(per_second: int, burst: int, seconds: int) -> None:
    clock = Hand()
    memory, bucket = Memory(clock_us=clock), Bucket("test", per_second, burst)
    allowed, steps = 0, 400
    for _ in range(steps):
        clock.us += seconds * SECOND_US // steps
        allowed += memory.take([(bucket, "key_1")])[0].allowed
    assert allowed <= burst + seconds * SECOND_US // bucket.drip_us


def test_a_list_that_is_refused_takes_nothing_from_the_keys_own_bucket() -> None:
    memory = Memory(clock_us=Hand())
    key, lists = Bucket("live", 50, 100), Bucket("search", 25, 2)
    for left in (99, 98):
        assert memory.take([(key, "key_1"), (lists, "key_1")])[0].remaining == left
    told = memory.take([(key, "key_1"), (lists, "key_1")])
    assert [one.allowed for one in told] == [True, False]
    assert memory.take([(key, "key_1")])[0].remaining == 97


async def test_a_flood_of_addresses_is_forgotten_beyond_the_line_and_never_the_keys() -> None:
    memory = Memory(remembered_max=1_000, clock_us=Hand())
    key, window = Bucket("live", 1, 1), Window("anonymous", 1, 900)
    memory.take([(key, "key_1")])
    for number in range(5_000):
        assert (await memory.hit(window, f"2001:db8:{number:x}::/64")).allowed
    assert memory.remembered() == 1_001
    assert not memory.take([(key, "key_1")])[0].allowed
    assert not (await memory.hit(window, f"2001:db8:{4_999:x}::/64")).allowed


@given(st.integers(1, 50), st.integers(1, 20), st.lists(st.integers(0, 5 * SECOND_US), max_size=120))
async def test_a_window_never_lets_more_through_than_twice_its_quota_and_never_less_when_it_was_quiet(
    quota: int, seconds: int, pauses: list[int]
) -> None:
    clock = Hand()
    memory, window = Memory(clock_us=clock), Window("anonymous", quota, seconds)
    let_in: list[int] = []
    for pause in pauses:
        clock.us += pause
        told = await memory.hit(window, "203.0.113.9")
        recent = [at for at in let_in if at > clock.us - 2 * seconds * SECOND_US]
        if told.allowed:
            let_in.append(clock.us)
        assert told.allowed or len(recent) >= quota
        assert 0 <= told.remaining <= quota
        assert (told.retry_in_us > 0) is not told.allowed
        assert len([at for at in let_in if at > clock.us - seconds * SECOND_US]) <= 2 * quota


@pytest.mark.parametrize(("asked", "allowed"), [(100, True), (101, False)])
async def test_a_hundred_requests_in_a_quarter_of_an_hour_and_not_one_more(asked: int, allowed: bool) -> None:
    clock = Hand()
    clock.us -= clock.us % (900 * SECOND_US)
    memory, window = Memory(clock_us=clock), Window("anonymous", 100, 900)
    for _ in range(asked):
        told = await memory.hit(window, "203.0.113.9")
        clock.us += SECOND_US
    assert told.allowed is allowed
