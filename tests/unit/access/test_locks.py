"""How long a lock lasts, and what counts as one network."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.access.lockout import LOCK_SECONDS_MAX, account_of, lock_seconds, network_of


def test_four_wrong_tries_are_free_and_then_each_costs_twice_as_much() -> None:
    assert [lock_seconds(n) for n in range(1, 14)] == [
        *(0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920),
        *(3600, 3600),
    ]


def test_a_lock_never_shrinks_and_never_lasts_longer_than_an_hour() -> None:
    locks = [lock_seconds(n) for n in range(1, 500)]
    assert all(earlier <= later for earlier, later in pairwise(locks))
    assert max(locks) == LOCK_SECONDS_MAX


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("a proxy's joke", "unknown"),
        ("203.0.113.07", "unknown"),
    ],
)
def test_a_network_is_what_one_subscriber_can_change_at_will(address: str | None, network: str) -> None:
    assert network_of(address) == network


@given(st.ip_addresses())
def test_every_address_is_in_its_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = network_of(str(address))
    mapped = getattr(address, "ipv4_mapped", None)
    assert (mapped or address) in ipaddress.ip_network(found)


def test_an_account_is_counted_under_a_name_that_does_not_tell_it() -> None:
    assert len(account_of("somchai@example.com")) == 32
    assert b"somchai" not in account_of("somchai@example.com")
    assert account_of("somchai@example.com") != account_of("suda@example.com")
